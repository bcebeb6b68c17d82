"""Edits of an image: what is sent of it, how the answer lies on it, its colors, and where it is pasted."""
