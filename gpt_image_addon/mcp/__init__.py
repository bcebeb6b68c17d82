"""The Model Context Protocol: what agents are offered. The modules of its core know no Blender."""
