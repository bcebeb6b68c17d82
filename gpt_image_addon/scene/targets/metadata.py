"""The facts that results carry in a file, and taking them out before it is shared. Main thread only."""

from __future__ import annotations

from collections.abc import Collection

import bpy

from .. import assets
from ..images import PROPERTY_PREFIX
from . import asset_libraries

TAGS = (assets.TAG, asset_libraries.TAG)
"""Of the assets that we describe by their prompts."""
PROMPT = f"{PROPERTY_PREFIX}prompt"
PANEL_PROPERTY = "gpt_image"


def strip() -> int:
    """Remove prompts, costs, ids and the panel's own request; images, materials and their names stay.

    :returns: how many values were removed.
    """
    blocks = (*bpy.data.images, *bpy.data.materials, *bpy.data.objects, *bpy.data.worlds)
    prompts = {str(block[PROMPT]) for block in blocks if PROMPT in block}
    number = sum(_strip_asset(block, prompts) for block in blocks)
    for block in blocks:
        names = [name for name in block.keys() if name.startswith(PROPERTY_PREFIX)]  # noqa: SIM118
        for name in names:
            del block[name]
        number += len(names)
    for scene in bpy.data.scenes:
        values = getattr(scene, PANEL_PROPERTY, None)
        if values is not None:
            number += _reset(values)
    return number


def _strip_asset(block: bpy.types.ID, prompts: Collection[str]) -> int:
    """Take the prompt out of an asset's description; returns how many texts were removed."""
    data = block.asset_data
    if data is None or not data.description or block.library is not None:
        return 0
    ours = any(tag in data.tags for tag in TAGS)
    if not ours and not any(prompt in data.description for prompt in prompts if prompt):
        return 0
    data.description = ""
    return 1


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
