"""Where this package is, and what it is called in the Blender that it runs in."""

from __future__ import annotations

from pathlib import Path

PACKAGE = __name__.partition(".core.")[0]
"""The name under which Blender knows the add-on."""
FOLDER = Path(__file__).parents[2]
