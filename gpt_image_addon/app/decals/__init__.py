"""Decals that lie on objects."""
