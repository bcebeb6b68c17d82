"""What people see in Blender: preferences, properties, operators and panels."""

from __future__ import annotations

PACKAGE = __package__.rpartition(".")[0]
"""The name under which Blender knows the add-on."""
