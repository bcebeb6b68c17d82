"""Shader nodes, UV maps and material slots."""
