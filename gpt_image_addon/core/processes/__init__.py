"""A process of our own for heavy work, beside the one that draws the window."""
