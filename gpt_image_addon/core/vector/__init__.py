"""Drawings (SVG): what of them is let in, and the plain filled and stroked paths that they consist of."""
