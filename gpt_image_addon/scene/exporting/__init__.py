"""Objects as files of other programs, by Blender's own exporters. Main thread only."""
