"""Entries in Blender's own menus."""

from __future__ import annotations

import bpy

from . import operators


def _draw_add_image(self: bpy.types.Menu, context: bpy.types.Context) -> None:
    self.layout.operator(
        operators.GPT_IMAGE_OT_generate.bl_idname, text="From GPT Image Prompt", icon="SHADERFX"
    )


MENUS = (("VIEW3D_MT_image_add", _draw_add_image),)


def append() -> None:
    """Add the entries."""
    for name, draw in MENUS:
        getattr(bpy.types, name).append(draw)


def remove() -> None:
    """The mirror image of `append`."""
    for name, draw in MENUS:
        getattr(bpy.types, name).remove(draw)
