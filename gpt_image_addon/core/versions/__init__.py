"""Versions of an image: which result was edited into which."""
