"""Where Blender 4.2 to 5.2 differ: one function a difference, told apart by feature."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import bpy

from .transaction import Transaction


def node_tree(material: bpy.types.Material, changes: Transaction) -> bpy.types.ShaderNodeTree:
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
EXR = {"media_type": "IMAGE", "file_format": "OPEN_EXR", "color_mode": "RGB", "color_depth": "32"}
"""Settings of a file with the renderer's own values, which no view transform has changed."""


def write_as(settings: bpy.types.ImageFormatSettings, form: Mapping[str, str]) -> None:
    """Write files in a format of the table above."""
    for name, value in form.items():
        if hasattr(settings, name):
            setattr(settings, name, value)


def choose(owner: Any, name: str, *values: str) -> bool:
    """Set an enumeration to the first of the values that the colour configuration offers; else it stays.

    :returns: whether there was one.
    """
    for value in values:
        with suppress(TypeError):
            setattr(owner, name, value)
            return True
    return False


def turn_off(owner: Any, *names: str) -> None:
    """Turn switches off, those that this Blender has."""
    for name in names:
        if hasattr(owner, name):
            setattr(owner, name, False)


@contextmanager
def png_for_now(settings: bpy.types.ImageFormatSettings) -> Iterator[None]:
    """Write 8-bit PNG files inside the block."""
    before = {name: getattr(settings, name) for name in PNG if hasattr(settings, name)}
    write_as(settings, PNG)
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


def curves_of(animation: bpy.types.AnimData) -> list[bpy.types.FCurve]:
    """The curves of what animates a data-block. Since 5.0 they lie in the layers of its action."""
    action = animation.action
    if hasattr(action, "fcurves"):
        return list(action.fcurves)
    bags = (bag for layer in action.layers for strip in layer.strips for bag in strip.channelbags)
    return [curve for bag in bags if bag.slot_handle == animation.action_slot_handle for curve in bag.fcurves]
