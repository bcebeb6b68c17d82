"""Presets of the panel's settings, through Blender's own preset system."""

from __future__ import annotations

import functools

import bpy
from bl_operators.presets import AddPresetBase
from bl_ui.utils import PresetPanel

from ...core.common.package import FOLDER as FOLDER_OF_ADDON
from ...core.request.parameters import PARAMETERS
from ..request import model_notice

FOLDER = "gpt_image"
SHIPPED = (
    ("tileable_material", "Tileable Material"),
    ("decal", "Decal"),
    ("concept_from_view", "Concept from View"),
    ("poster", "Poster"),
    ("game_prop", "Game Prop"),
)
"""The presets that come with the add-on: the names of their files, and what the panel calls them."""
KEPT = (
    *(row.name for row in PARAMETERS.values() if row.panel is not None and row.panel.in_preset),
    "width",
    "height",
)
"""Properties of the panel that a preset holds."""


class _MovesOn:
    """What Blender calls after it has applied a preset."""

    @staticmethod
    def post_cb(context: bpy.types.Context, filepath: str) -> None:
        """A preset may be older than the end of its model."""
        model_notice.migrate_model(context.scene.gpt_image)


class GPT_IMAGE_MT_presets(_MovesOn, bpy.types.Menu):
    """Presets of the panel's settings"""

    bl_label = "GPT Image Presets"
    preset_subdir = FOLDER
    preset_operator = "script.execute_preset"
    draw = bpy.types.Menu.draw_preset


class GPT_IMAGE_OT_add_preset(AddPresetBase, bpy.types.Operator):
    """Keep the panel's settings under a name, or delete a preset; the prompt is not part of it"""

    bl_idname = "gpt_image.add_preset"
    bl_label = "Add GPT Image Preset"
    preset_menu = "GPT_IMAGE_MT_presets"
    preset_subdir = FOLDER
    preset_defines = ("values = bpy.context.scene.gpt_image",)
    preset_values = tuple(f"values.{name}" for name in KEPT)


class GPT_IMAGE_PT_presets(_MovesOn, PresetPanel, bpy.types.Panel):
    """Presets of the panel's settings"""

    bl_label = "GPT Image Presets"
    bl_space_type = "VIEW_3D"
    preset_subdir = FOLDER
    preset_operator = "script.execute_preset"
    preset_add_operator = GPT_IMAGE_OT_add_preset.bl_idname


@functools.cache
def shipped_file(name: str) -> str:
    """The file of a preset of `SHIPPED`."""
    return str(FOLDER_OF_ADDON / "presets" / FOLDER / f"{name}.py")


def attach() -> None:
    """Let Blender find the presets that come with the add-on, beside the user's own."""
    bpy.utils.register_preset_path(str(FOLDER_OF_ADDON))


def detach() -> None:
    """Undo `attach`."""
    bpy.utils.unregister_preset_path(str(FOLDER_OF_ADDON))


CLASSES = (GPT_IMAGE_MT_presets, GPT_IMAGE_OT_add_preset, GPT_IMAGE_PT_presets)
