"""Every job and every cent, in one sqlite file that several Blenders share."""
