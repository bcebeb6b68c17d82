"""The Model Context Protocol: what agents are offered. The modules of its core know no Blender."""

ALLOW_FLAG = "--allow-dir"
"""Of the command line: names a folder that agents may use."""
