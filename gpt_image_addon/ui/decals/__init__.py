"""Decals where they are edited: their place, and as paint."""
