"""The facts that results carry in a file, and taking them out before it is shared. Main thread only."""

from __future__ import annotations

import bpy

from .images import PROPERTY_PREFIX

PANEL_PROPERTY = "gpt_image"


def strip() -> int:
    """Remove prompts, costs, ids and the panel's own request; pictures, materials and their names stay.

    :returns: how many values were removed.
    """
    number = 0
    for block in (*bpy.data.images, *bpy.data.materials, *bpy.data.objects):
        names = [name for name in block.keys() if name.startswith(PROPERTY_PREFIX)]  # noqa: SIM118
        for name in names:
            del block[name]
        number += len(names)
    for scene in bpy.data.scenes:
        values = getattr(scene, PANEL_PROPERTY, None)
        if values is not None:
            number += _reset(values)
    return number


def _reset(values: bpy.types.PropertyGroup) -> int:
    """Back to the defaults; returns how many values were not."""
    changed = [
        name
        for name in values.bl_rna.properties.keys()  # noqa: SIM118
        if name not in ("rna_type", "name") and values.is_property_set(name)
    ]
    for name in changed:
        values.property_unset(name)
    values.references.clear()
    return len(changed)
