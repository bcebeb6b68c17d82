"""Materials made of arithmetic, whose true maps are known."""
