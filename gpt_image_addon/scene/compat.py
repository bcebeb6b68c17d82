"""Where Blender 4.2 to 5.2 differ: one function a difference, told apart by feature."""

from __future__ import annotations

import bpy

from .changes import Changes


def node_tree(material: bpy.types.Material, changes: Changes) -> bpy.types.NodeTree:
    """The material's nodes. Before 5.0 they may be off or missing; since then the switch is deprecated."""
    switch = bpy.types.Material.bl_rna.properties.get("use_nodes")
    if switch and not getattr(switch, "is_deprecated", False) and not material.use_nodes:
        changes.set(material, "use_nodes", True)
    return material.node_tree


def eevee() -> str:
    """Identifier of the EEVEE engine: it was ``BLENDER_EEVEE_NEXT`` before 5.0."""
    engines = bpy.types.RenderSettings.bl_rna.properties["engine"].enum_items
    return "BLENDER_EEVEE_NEXT" if "BLENDER_EEVEE_NEXT" in engines else "BLENDER_EEVEE"


def write_png(settings: bpy.types.ImageFormatSettings) -> None:
    """Write 8-bit PNG files. From 5.0 on the kind of medium comes first."""
    if hasattr(settings, "media_type"):
        settings.media_type = "IMAGE"
    settings.file_format = "PNG"
    settings.color_depth = "8"
    settings.color_mode = "RGBA"
