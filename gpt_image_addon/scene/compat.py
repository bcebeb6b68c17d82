"""Where Blender 4.2 to 5.2 differ: one function a difference, told apart by feature."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import bpy

from .changes import Changes


def node_tree(material: bpy.types.Material, changes: Changes) -> bpy.types.ShaderNodeTree:
    """The material's nodes. Before 5.0 they may be off or missing; since then the switch is deprecated."""
    switch = bpy.types.Material.bl_rna.properties.get("use_nodes")
    if switch and not getattr(switch, "is_deprecated", False) and not material.use_nodes:
        changes.set(material, "use_nodes", True)
    return material.node_tree


def eevee() -> str:
    """Identifier of the EEVEE engine: it was ``BLENDER_EEVEE_NEXT`` before 5.0."""
    engines = bpy.types.RenderSettings.bl_rna.properties["engine"].enum_items
    return "BLENDER_EEVEE_NEXT" if "BLENDER_EEVEE_NEXT" in engines else "BLENDER_EEVEE"


PNG = {"media_type": "IMAGE", "file_format": "PNG", "color_mode": "RGBA", "color_depth": "8"}
"""Settings of an 8-bit PNG, in the order that they depend on each other; the first is new in 5.0."""


def write_png(settings: bpy.types.ImageFormatSettings) -> None:
    """Write 8-bit PNG files."""
    for name, value in PNG.items():
        if hasattr(settings, name):
            setattr(settings, name, value)


@contextmanager
def png_for_now(settings: bpy.types.ImageFormatSettings) -> Iterator[None]:
    """Write 8-bit PNG files inside the block."""
    before = {name: getattr(settings, name) for name in PNG if hasattr(settings, name)}
    write_png(settings)
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(settings, name, value)


def output_target(engine: str) -> str:
    """For which engine a Material Output may be meant, as its ``target`` says it."""
    if engine == "CYCLES":
        return "CYCLES"
    return "EEVEE" if engine.startswith("BLENDER_EEVEE") else "ALL"
