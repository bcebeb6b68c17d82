"""Presets of the panel's settings, through Blender's own preset system."""

from __future__ import annotations

import bpy
from bl_operators.presets import AddPresetBase
from bl_ui.utils import PresetPanel

FOLDER = "gpt_image"


class GPT_IMAGE_MT_presets(bpy.types.Menu):
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
    preset_values = (
        "values.style",
        "values.provider",
        "values.target",
        "values.size",
        "values.width",
        "values.height",
        "values.quality",
        "values.background",
        "values.n",
        "values.seamless",
        "values.repair_seams",
        "values.maps",
        "values.output_format",
        "values.output_compression",
        "values.partial_images",
        "values.model",
        "values.moderation",
        "values.complexity",
        "values.input_fidelity",
    )


class GPT_IMAGE_PT_presets(PresetPanel, bpy.types.Panel):
    """Presets of the panel's settings"""

    bl_label = "GPT Image Presets"
    bl_space_type = "VIEW_3D"
    preset_subdir = FOLDER
    preset_operator = "script.execute_preset"
    preset_add_operator = GPT_IMAGE_OT_add_preset.bl_idname


CLASSES = (GPT_IMAGE_MT_presets, GPT_IMAGE_OT_add_preset, GPT_IMAGE_PT_presets)
