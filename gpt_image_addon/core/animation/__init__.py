"""Frames of an animation: read, laid over each other, and put into one sheet."""
