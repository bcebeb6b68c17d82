"""Targets whose results are new objects of their own kind."""
