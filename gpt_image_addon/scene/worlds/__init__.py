"""Panoramas as worlds, with their suns."""
