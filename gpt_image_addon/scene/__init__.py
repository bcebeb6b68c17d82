"""Turning results into Blender data, and Blender data into references. Main thread only."""
