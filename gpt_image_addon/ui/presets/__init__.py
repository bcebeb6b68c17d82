"""Presets and styles."""
