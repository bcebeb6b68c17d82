"""How deep the relief of a material is in millimetres, at the real size of its image. Main thread only.

Materials that were made here say it by Value nodes: how strong the normal map is, how many metres the height
stands for, and how many the image spans.
"""

from __future__ import annotations

import math
from typing import Any

import bpy

from ..images import PROPERTY_PREFIX
from ..transaction import Transaction
from .nodes import TEXTURE_SIZE

NORMAL_STRENGTH, HEIGHT = "Normal Strength", "Height (m)"
"""Names of the Value nodes of a normal map, and of a bump or displacement."""
SHARE = PROPERTY_PREFIX + "relief_share"
"""Custom property of a material: the relief that its normal map holds, as a share of the image's width."""
MILLIMETRES = 1000.0  # in a metre
SAME = 1e-3  # relative difference of two reliefs that nobody sees


def read_relief(material: bpy.types.Material) -> float | None:
    """Millimetres from the deepest to the highest, as they are rendered; None where nothing says it."""
    strength, size, height = (_find(material, name) for name in (NORMAL_STRENGTH, TEXTURE_SIZE, HEIGHT))
    share = _find_share(material)
    has_normals = strength is not None and size is not None and share is not None
    if has_normals and (height is None or _shows_normals(strength)):
        return float(strength.default_value * share * size.default_value) * MILLIMETRES
    return float(height.default_value) * MILLIMETRES if height is not None else None


def show_relief(material: bpy.types.Material, millimetres: float, changes: Transaction | None = None) -> None:
    """Let the nodes show a relief at the size that they say; the maps stay."""
    changes = changes or Transaction()
    strength, size, height = (_find(material, name) for name in (NORMAL_STRENGTH, TEXTURE_SIZE, HEIGHT))
    metres = millimetres / MILLIMETRES
    if height is not None:
        changes.set(height, "default_value", metres)
    share = _find_share(material)
    if strength is not None and size is not None and share is not None and size.default_value > 0:
        changes.set(strength, "default_value", metres / size.default_value / share)


def read_size(material: bpy.types.Material) -> float | None:
    """Metres that the image spans; None where nothing says it."""
    size = _find(material, TEXTURE_SIZE)
    return float(size.default_value) if size is not None else None


def sets_size(material: bpy.types.Material) -> bool:
    """Whether the size that a material says is also how it lays its image."""
    size = _find(material, TEXTURE_SIZE)
    return size is not None and size.is_linked


def show_size(material: bpy.types.Material, metres: float, changes: Transaction | None = None) -> None:
    """Let the image span so many metres, and its relief be as deep as it was."""
    changes = changes or Transaction()
    millimetres, size = read_relief(material), _find(material, TEXTURE_SIZE)
    if size is None:
        return
    changes.set(size, "default_value", metres)
    if millimetres is not None:
        show_relief(material, millimetres, changes)


def keep_share(material: bpy.types.Material, share: float, changes: Transaction) -> bool:
    """Note the relief of a new normal map, as a share of the image's width; returns whether it is another."""
    before = _find_share(material)
    changes.drop(material, SHARE)
    material[SHARE] = share
    return before is None or not math.isclose(before, share, rel_tol=SAME)


def _find_share(material: bpy.types.Material) -> float | None:
    """What `SHARE` says; a .blend of others may hold anything there."""
    found = material.get(SHARE)
    return float(found) if isinstance(found, int | float) and 0 < found < math.inf else None


def _find(material: bpy.types.Material, name: str) -> Any:
    """The output of a Value node."""
    tree = material.node_tree
    node = tree.nodes.get(name) if tree is not None else None
    return node.outputs[0] if node is not None and node.bl_idname == "ShaderNodeValue" else None


def _shows_normals(strength: Any) -> bool:
    """Whether the normal map of that strength reaches the shader; beside a height it may lie unlinked."""
    return any(output.is_linked for link in strength.links for output in link.to_node.outputs)
