"""Seamless tiles and material maps from images."""
