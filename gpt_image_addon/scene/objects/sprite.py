"""The `sprite` target: frames on one sheet, shown one after another on a plane. Main thread only."""

from __future__ import annotations

from typing import Any

import bpy

from ...core.animation.frames import find_starts
from ...core.animation.sheet import GAP
from ...core.animation.writer import SHEET
from ...core.errors import SceneError
from ...core.request.request import Application
from ...core.results.store import ImageFile, PreparedResult
from ...core.text.names import safe_name
from .. import compat
from ..context import find_scene, view_layer_of
from ..images import add_image
from ..shading.nodes import COLUMN
from ..targets import texture
from ..targets.base import Applied, Target
from ..targets.plane import activate, add_plane, collection_for, place_in_row, why_unseen
from ..transaction import Transaction

PLACE = "Location"


def _apply(prepared: PreparedResult, application: Application, changes: Transaction) -> Applied:
    sheet = prepared.packed.get(SHEET)
    if sheet is None:
        raise SceneError("The result has no frames that could be shown.")
    scene = find_scene(application)
    assert scene is not None  # or it would have been deferred
    name = safe_name(application.name or sheet.name.removesuffix(f" {SHEET}"))
    image = changes.made(add_image(sheet, prepared.facts))
    material = texture.new_material(name, sheet, changes)
    node, _ = texture.wire(material, image, changes)
    if sheet.has_alpha:
        texture.wire_alpha(material, node, changes)
    _animate(material, node, sheet, scene, changes)
    width, height = _frame_size(sheet)
    plane = add_plane(name, width / height, collection_for(scene), changes)
    plane.data.materials.append(material)
    place_in_row([plane], scene, application)
    if not bpy.app.background:
        activate([plane], view_layer_of(scene))
    told = why_unseen(plane, view_layer_of(scene))
    return Applied(
        (),
        material.name,
        plane.name,
        (told,) if told else (),
        map_images=(image.name,),
        objects=(plane.name,),
    )


def _frame_size(sheet: ImageFile) -> tuple[int, int]:
    return int(sheet.facts["sheet_frame_width"]), int(sheet.facts["sheet_frame_height"])


def _durations(sheet: ImageFile) -> list[int]:
    return [int(text) for text in str(sheet.facts["sheet_durations_ms"]).split()]


def _rate(scene: bpy.types.Scene) -> float:
    return float(scene.render.fps / scene.render.fps_base)


def _animate(
    material: bpy.types.Material, node: Any, sheet: ImageFile, scene: bpy.types.Scene, changes: Transaction
) -> None:
    """Show one frame of the sheet after another, by keyframes that hold; nothing in it is a driver."""
    tree = material.node_tree
    mapping = changes.node(tree, "ShaderNodeMapping")
    mapping.location = (node.location[0] - COLUMN, node.location[1])
    coordinates = changes.node(tree, "ShaderNodeTexCoord")
    coordinates.location = (node.location[0] - 2 * COLUMN, node.location[1])
    changes.link(tree, coordinates.outputs["UV"], mapping.inputs["Vector"])
    changes.link(tree, mapping.outputs["Vector"], node.inputs["Vector"])
    node.extension = "EXTEND"
    width, height = _frame_size(sheet)
    columns = int(sheet.facts["sheet_columns"])
    mapping.inputs["Scale"].default_value = (width / sheet.width, height / sheet.height, 1.0)
    durations = _durations(sheet)
    starts = find_starts(durations, _rate(scene))
    place = mapping.inputs[PLACE]
    for number, start in enumerate(starts):
        row, column = divmod(number % len(durations), columns)
        left, top = column * (width + 2 * GAP) + GAP, row * (height + 2 * GAP) + GAP
        place.default_value = (left / sheet.width, 1 - (top + height) / sheet.height, 0.0)
        for axis in (0, 1):
            place.keyframe_insert("default_value", index=axis, frame=scene.frame_start + start)
    animation = tree.animation_data
    changes.made(animation.action)
    for curve in compat.curves_of(animation):
        for key in curve.keyframe_points:
            key.interpolation = "CONSTANT"
        curve.modifiers.new("CYCLES")


def _images(prepared: PreparedResult) -> list[tuple[ImageFile, bool]]:
    return [(sheet, False) for kind, sheet in prepared.packed.items() if kind == SHEET]


TARGET = Target(_apply, images=_images)
