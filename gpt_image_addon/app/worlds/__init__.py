"""Worlds of scenes that were made of results."""
