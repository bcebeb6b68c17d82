"""Results that are edited further: which was made from which, and going back and forth between them."""
