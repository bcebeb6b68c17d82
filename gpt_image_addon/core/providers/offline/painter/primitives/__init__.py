"""What every pattern is painted with."""
