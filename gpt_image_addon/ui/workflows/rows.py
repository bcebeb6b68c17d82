"""Where the rows of the panel are kept while Blender runs: one for each value that can be edited."""

from __future__ import annotations

from typing import Any

import bpy

PROPERTY = "gpt_image_workflow"
"""Of the window manager, see `properties`."""


def find_rows() -> Any:
    """The rows: a `properties.GPT_IMAGE_PG_workflow`."""
    return getattr(bpy.context.window_manager, PROPERTY)
