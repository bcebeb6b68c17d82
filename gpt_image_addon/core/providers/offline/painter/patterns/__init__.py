"""The painters: each module a group of families, each function one family, Canvas and Palette in, Surface
out."""
