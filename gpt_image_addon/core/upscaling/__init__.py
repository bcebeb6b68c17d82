"""Upscaling through edits: what is sent of an image, tile by tile, and how the answers are put together."""
