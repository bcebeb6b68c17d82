"""Arrays in, arrays out: blocks of rows, filling, alpha and drawing."""
