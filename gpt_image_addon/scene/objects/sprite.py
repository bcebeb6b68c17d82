"""The `sprite` target: frames on one sheet, shown one after another on a plane. Main thread only."""

from __future__ import annotations

from typing import Any

import bpy

from ...core.animation.frames import find_starts
from ...core.animation.sheet import GAP
from ...core.animation.writer import FIRST_FILE, SHEET_KIND
from ...core.errors import SceneError
from ...core.request.request import Application
from ...core.results.store import ImageFile, PreparedResult
from ...core.text.message import message
from ...core.text.names import safe_name
from .. import compat
from ..context import find_scene, view_layer_of
from ..images import add_image, set_facts
from ..shading.nodes import COLUMN
from ..targets import texture
from ..targets.base import Applied, Target
from ..targets.plane import activate, add_plane, collection_for, place_in_row, why_unseen
from ..transaction import Transaction

PLACE = "Location"


def _apply(prepared: PreparedResult, application: Application, changes: Transaction) -> Applied:
    sheet = prepared.packed.get(SHEET_KIND)
    if sheet is None:
        raise SceneError("The result has no frames that could be shown.")
    scene = find_scene(application)
    assert scene is not None  # or it would have been deferred
    name = safe_name(application.name or sheet.name.removesuffix(f" {SHEET_KIND}"))
    is_sequence = FIRST_FILE in sheet.facts
    image = changes.made(_load_sequence(sheet, prepared) if is_sequence else add_image(sheet, prepared.facts))
    material = texture.new_material(name, sheet, changes)
    node, _ = texture.wire(material, image, changes)
    if sheet.has_alpha:
        texture.wire_alpha(material, node, changes)
    (_play if is_sequence else _animate)(material, node, sheet, scene, changes)
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
    _hold(tree, changes)


def _hold(tree: bpy.types.ShaderNodeTree, changes: Transaction) -> None:
    """Let each key hold until the next, and all of them repeat."""
    animation = tree.animation_data
    changes.made(animation.action)
    for curve in compat.curves_of(animation):
        for key in curve.keyframe_points:
            key.interpolation = "CONSTANT"
        curve.modifiers.new("CYCLES")


def _load_sequence(sheet: ImageFile, prepared: PreparedResult) -> bpy.types.Image:
    """The files of the frames as one image."""
    file = str(sheet.facts[FIRST_FILE])
    try:
        image = bpy.data.images.load(file)
    except RuntimeError as error:
        raise SceneError(message("The frames {file} can't be read.", file=file)) from error
    image.name = safe_name(sheet.name)
    image.source = "SEQUENCE"
    set_facts(image, sheet, prepared.facts)
    return image


def _play(
    material: bpy.types.Material, node: Any, sheet: ImageFile, scene: bpy.types.Scene, changes: Transaction
) -> None:
    """Show one file of a sequence after another: of a sequence of one file, keyframes say which that is."""
    user, durations = node.image_user, _durations(sheet)
    user.frame_start, user.frame_duration, user.use_auto_refresh = scene.frame_start, 1, True
    for number, start in enumerate(find_starts(durations, _rate(scene))):
        user.frame_offset = number % len(durations)
        user.keyframe_insert("frame_offset", frame=scene.frame_start + start)
    _hold(material.node_tree, changes)


def _images(prepared: PreparedResult) -> list[tuple[ImageFile, bool]]:
    return [(sheet, False) for kind, sheet in prepared.packed.items() if kind == SHEET_KIND]


TARGET = Target(_apply, images=_images)
