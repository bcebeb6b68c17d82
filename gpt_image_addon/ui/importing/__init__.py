"""Operators that put files into the scene; they send nothing."""
