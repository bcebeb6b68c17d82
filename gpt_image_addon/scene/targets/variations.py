"""Exchanging which of several pictures a material shows. Main thread only."""

from __future__ import annotations

import bpy

from ...core.errors import SceneError
from ..shading.nodes import image_nodes
from .registry import Applied


def swap(applied: Applied, number: int) -> None:
    """Let the material show another picture of the same result; all of them stay in the file.

    :param number: 0 for the first.
    :raises SceneError: picture or material are gone.
    """
    images = [bpy.data.images.get(name) for name in applied.images]
    chosen = images[number] if 0 <= number < len(images) else None
    material = bpy.data.materials.get(applied.material) if applied.material else None
    if chosen is None or material is None or material.node_tree is None:
        raise SceneError("The picture or the material is no longer in this file.")
    for node in image_nodes(material.node_tree):
        if node.image in images:
            node.image.use_fake_user = True
            node.image = chosen
