"""Decals: cut out of what they lie on, and painted into it."""
