"""The nodes of a material lie apart, and links run over no node but their own, whichever maps there are."""

from __future__ import annotations

from itertools import chain, combinations
from typing import Any, NamedTuple

import bpy
import pytest

from gpt_image_addon.core.request.map_kinds import MAP_KINDS
from gpt_image_addon.scene.shading.uv import UV, Coordinates
from gpt_image_addon.scene.targets.material import Look, build_material
from gpt_image_addon.scene.transaction import Transaction
from tests.blender.scene_fixtures import map_set

HEIGHTS = {
    "ShaderNodeAttribute": 165,
    "ShaderNodeBsdfPrincipled": 369,
    "ShaderNodeBump": 187,
    "ShaderNodeDisplacement": 165,
    "ShaderNodeMapping": 350,
    "ShaderNodeMath": 148,
    "ShaderNodeMix": 220,
    "ShaderNodeNormalMap": 196,
    "ShaderNodeOutputMaterial": 143,
    "ShaderNodeTexCoord": 242,
    "ShaderNodeTexImage": 297,
    "ShaderNodeUVMap": 110,
    "ShaderNodeValue": 50,
    "ShaderNodeVectorMath": 210,
}
"""As a window of Blender 5.2 draws them at most, at scale 1."""
FIRST_OUTPUT = 34  # from the top of a node to its first socket
MAPS = map_set()
OTHERS = [kind.name for kind in MAP_KINDS if kind.name != "base_color"]
SETS = list(chain.from_iterable(combinations(OTHERS, number) for number in range(len(OTHERS) + 1)))
BOX = Coordinates("Object", "BOX", scale=(0.5,) * 3, axes=(2.0, 1.0, 1.0))
LAYS = {
    "uv": UV,
    "other uv": Coordinates(uv_map="Other"),
    "box": Coordinates("Object", "BOX"),
    "scaled box": BOX,
    "shared box": Coordinates("Object", "BOX", by_object_scale=True),
}


@pytest.fixture(autouse=True, scope="module")
def fresh() -> None:
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)


class Rectangle(NamedTuple):
    node: Any
    left: float
    right: float
    bottom: float
    top: float

    def overlaps(self, other: Rectangle) -> bool:
        beside = self.right <= other.left or other.right <= self.left
        return not (beside or self.top <= other.bottom or other.top <= self.bottom)

    def holds(self, x: float, y: float) -> bool:
        return self.left < x < self.right and self.bottom < y < self.top


def rectangle(node: Any) -> Rectangle:
    x, y = node.location
    return Rectangle(node, x, x + node.width, y - HEIGHTS[node.bl_idname], y)


def ends(link: Any) -> tuple[tuple[float, float], tuple[float, float]]:
    """Where a link begins and ends, about."""
    start, end = rectangle(link.from_node), rectangle(link.to_node)
    outputs = [socket for socket in link.from_node.outputs if socket.enabled and not socket.hide]
    down = FIRST_OUTPUT + 22 * outputs.index(link.from_socket)
    inputs = [socket for socket in link.to_node.inputs if socket.enabled and not socket.hide]
    share = (inputs.index(link.to_socket) + 1) / (len(inputs) + 1)
    if link.to_node.bl_idname == "ShaderNodeBsdfPrincipled":
        return (start.right, start.top - down), (end.left, end.top - 60 - 20 * inputs.index(link.to_socket))
    middle = end.bottom + (end.top - end.bottom) * (1 - share) * 0.6
    return (start.right, start.top - down), (end.left, middle)


def crossed(link: Any, rectangles: list[Rectangle]) -> list[str]:
    """The nodes that a link runs behind."""
    (x, y), (to_x, to_y) = ends(link)
    found = []
    for step in range(1, 40):
        share = step / 40
        rise = share * share * (3 - 2 * share)
        point = x + (to_x - x) * share, y + (to_y - y) * rise
        found += [
            one.node.label or one.node.name
            for one in rectangles
            if one.node not in (link.from_node, link.to_node) and one.holds(*point)
        ]
    return sorted(set(found))


def layout(kinds: tuple[str, ...], look: Look) -> tuple[list[str], list[str]]:
    """Nodes that overlap, and links that run behind a node."""
    images = {name: MAPS[name] for name in ("base_color", *kinds)}
    with Transaction() as changes:
        material, _ = build_material("M", images, {}, changes, look=look)
        tree = material.node_tree
        rectangles = [rectangle(node) for node in tree.nodes]
        overlaps = [
            f"{one.node.label or one.node.name} / {other.node.label or other.node.name}"
            for one, other in combinations(rectangles, 2)
            if one.overlaps(other)
        ]
        behind = [
            f"{link.from_node.label} → {link.to_node.name}: {names}"
            for link in tree.links
            if (names := crossed(link, rectangles))
        ]
    bpy.data.materials.remove(material)
    return overlaps, behind


@pytest.mark.parametrize("lay", LAYS)
@pytest.mark.parametrize("displacement", ["none", "bump", "true"])
def test_every_set_of_maps_lies_apart(lay: str, displacement: str) -> None:
    look = Look(LAYS[lay], 2.0, 1.0, displacement)
    for kinds in SETS:
        assert layout(kinds, look) == ([], []), kinds
    bpy.data.batch_remove(list(bpy.data.images))


def test_widths_are_those_that_the_layout_was_made_for() -> None:
    with Transaction() as changes:
        material, _ = build_material("M", map_set(), {}, changes, look=Look(BOX))
    for node in material.node_tree.nodes:
        assert node.width <= (
            240 if node.bl_idname in ("ShaderNodeTexImage", "ShaderNodeBsdfPrincipled") else 160
        )
