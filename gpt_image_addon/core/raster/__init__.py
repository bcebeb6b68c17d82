"""Arrays in, arrays out: blocks, alignment, filling, drawing and blending."""
