"""Workflows of ComfyUI as files: what is in them, what goes where, and those that are kept by name."""
