"""Batches in Blender. Main thread only."""
