"""What joins Blender's own menus, its status bar and its shortcuts: Ctrl Enter over the panel generates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import bpy

from .common import state
from .decals import baking as decals
from .editing.export_material import GPT_IMAGE_OT_export_material
from .editing.export_object import GPT_IMAGE_OT_export_object
from .editing.new_images import GPT_IMAGE_OT_cut_out, GPT_IMAGE_OT_extend
from .editing.photo_material import GPT_IMAGE_OT_material_from_photo
from .editing.upscaling import GPT_IMAGE_OT_upscale
from .importing.curves import GPT_IMAGE_OT_import_curves
from .importing.sprites import GPT_IMAGE_OT_import_sprite
from .references.operators import GPT_IMAGE_OT_add_reference
from .request.generate import GPT_IMAGE_OT_generate, GPT_IMAGE_OT_generate_from_panel
from .results import outcomes
from .results.operators_results import GPT_IMAGE_OT_edit_region, GPT_IMAGE_OT_strip

KEYMAP = "User Interface"
"""The one that every sidebar listens to."""
Draw = Callable[[Any, bpy.types.Context], None]


@dataclass
class Shortcuts:
    """Those that are in the key configuration of add-ons."""

    items: list[tuple[Any, Any]] = field(default_factory=list)


def _draw_generate(target: str) -> Draw:
    """An entry that makes this target."""

    def draw(self: Any, context: bpy.types.Context) -> None:
        layout = self.layout
        layout.operator_context = "INVOKE_DEFAULT"
        button = layout.operator(
            GPT_IMAGE_OT_generate.bl_idname, text="From GPT Image Prompt...", icon="SHADERFX"
        )
        button.target, button.ask = target, True

    return draw


_draw_plane, _draw_texture, _draw_generate_image = map(_draw_generate, ("plane", "texture", "image"))


def _draw_node(self: Any, context: bpy.types.Context) -> None:
    if getattr(context.space_data, "tree_type", "") == "ShaderNodeTree":
        _draw_texture(self, context)


def _draw_image(self: Any, context: bpy.types.Context) -> None:
    self.layout.separator()
    _draw_generate_image(self, context)
    shown = context.space_data.image
    if shown is not None:
        button = self.layout.operator(
            GPT_IMAGE_OT_add_reference.bl_idname, text="Use as GPT Image Reference", icon="IMAGE_REFERENCE"
        )
        button.kind, button.image = "image", shown.name
        inpaint = self.layout.operator(
            GPT_IMAGE_OT_edit_region.bl_idname, text="Inpaint with GPT Image", icon="BRUSH_DATA"
        )
        inpaint.image = shown.name
        self.layout.operator(
            GPT_IMAGE_OT_material_from_photo.bl_idname,
            text="Material from Photo with GPT Image",
            icon="MATERIAL",
        )
        self.layout.operator(
            GPT_IMAGE_OT_extend.bl_idname, text="Extend with GPT Image...", icon="SELECT_EXTEND"
        )
        self.layout.operator(
            GPT_IMAGE_OT_cut_out.bl_idname, text="Cut Out with GPT Image...", icon="IMAGE_ALPHA"
        )
        self.layout.operator_menu_enum(
            GPT_IMAGE_OT_upscale.bl_idname, "scale", text="Upscale with GPT Image", icon="FULLSCREEN_ENTER"
        )


def _draw_clean_up(self: Any, context: bpy.types.Context) -> None:
    self.layout.separator()
    self.layout.operator_context = "INVOKE_DEFAULT"  # it asks
    self.layout.operator(GPT_IMAGE_OT_strip.bl_idname, text="Remove GPT Image Metadata...")


def _draw_import(self: Any, context: bpy.types.Context) -> None:
    self.layout.operator_context = "INVOKE_DEFAULT"
    self.layout.operator(GPT_IMAGE_OT_import_curves.bl_idname, text="SVG as Solid Curves (GPT Image)")
    self.layout.operator(GPT_IMAGE_OT_import_sprite.bl_idname, text="Images or GIF as Sprite (GPT Image)")


def _draw_export(self: Any, context: bpy.types.Context) -> None:
    self.layout.operator_context = "INVOKE_DEFAULT"
    self.layout.operator(GPT_IMAGE_OT_export_material.bl_idname, text="Material for Game Engines (GPT Image)")
    self.layout.operator(GPT_IMAGE_OT_export_object.bl_idname, text="Baked Objects (GPT Image)")


MENUS: tuple[tuple[str, Draw], ...] = (
    ("VIEW3D_MT_image_add", _draw_plane),
    ("VIEW3D_MT_object_context_menu", decals.draw_menu),
    ("NODE_MT_add", _draw_node),
    ("IMAGE_MT_image", _draw_image),
    ("STATUSBAR_HT_header", outcomes.draw_status),
    ("TOPBAR_MT_file_cleanup", _draw_clean_up),
    ("TOPBAR_MT_file_export", _draw_export),
    ("TOPBAR_MT_file_import", _draw_import),
)


def append() -> None:
    """Add the entries and, where there is a window, the shortcut."""
    for name, draw in MENUS:
        getattr(bpy.types, name).append(draw)
    config = bpy.context.window_manager.keyconfigs.addon
    if config is None:  # without a window
        return
    keymap = config.keymaps.new(name=KEYMAP)
    item = keymap.keymap_items.new(GPT_IMAGE_OT_generate_from_panel.bl_idname, "RET", "PRESS", ctrl=True)
    state.part(Shortcuts).items.append((keymap, item))


def remove() -> None:
    """The mirror image of `append`."""
    for keymap, item in state.part(Shortcuts).items:
        keymap.keymap_items.remove(item)
    state.part(Shortcuts).items.clear()
    for name, draw in MENUS:
        getattr(bpy.types, name).remove(draw)
