"""The `curves` target: a drawing as curve objects, one for each color and layer. Main thread only."""

from __future__ import annotations

from typing import TypeAlias

import bpy
import mathutils

from ...core.errors import SceneError
from ...core.request.parameters import DRAWING
from ...core.request.request import Application
from ...core.results.store import PreparedResult
from ...core.text.message import message
from ...core.text.names import safe_name
from ...core.vector.drawing import LONGER_SIDE, Paint, read_paints
from ...core.vector.elements import UnusableDrawingError
from ...core.vector.styles import Color
from .. import compat
from ..context import find_scene, view_layer_of
from ..images import PROPERTY_PREFIX
from ..shading.nodes import add_principled
from ..shading.shaders import PRINCIPLED
from ..targets.base import Applied, Target
from ..targets.plane import activate, collection_for, place_in_row, why_unseen
from ..transaction import Transaction
from .svg_importer import Spline, add_spline, bounds_of, import_paths

LIFT = 1e-3
"""Between two layers, of the longer side: enough for every renderer to tell them apart."""
ROUGHNESS = 0.5
ROUNDING = 4  # segments of a rounded edge
EMPTY_SIZE = 0.1  # of the longer side
TINY = 1e-9
Look: TypeAlias = "tuple[Color, float]"
"""What a material shows: color and opacity."""


def _apply(prepared: PreparedResult, application: Application, changes: Transaction) -> Applied:
    drawing = next((file for file in prepared.images if file.format == DRAWING), None)
    if drawing is None:
        raise SceneError(
            "The result is an image; only a drawing (SVG) can become curves.",
            next_step="Ask for the output format svg.",
        )
    scene = find_scene(application)
    assert scene is not None  # or it would have been deferred
    try:
        paints = read_paints(drawing.data)
    except UnusableDrawingError as error:
        raise SceneError(message("The drawing {problem}.", problem=error.problem)) from error
    paths = import_paths(drawing.data)
    if len(paths) != len(paints) or not any(paths):
        raise SceneError("Blender's SVG importer could not read the drawing.")
    groups: dict[Paint, list[Spline]] = {}
    for paint, splines in zip(paints, paths, strict=True):
        groups.setdefault(paint, []).extend(splines)
    name = safe_name(application.name or drawing.name)
    low, high = bounds_of([spline for splines in groups.values() for spline in splines])
    extent = high - low
    scale = application.drawing_size / max(float(extent.max()), TINY)
    collection = collection_for(scene)
    head = changes.made(bpy.data.objects.new(name, None))
    head.empty_display_size = EMPTY_SIZE * application.drawing_size
    collection.objects.link(head)
    made = [head]
    materials: dict[Look, bpy.types.Material] = {}
    for paint in sorted(groups, key=lambda one: one.level):
        curve = _make_curve(name, paint, application, changes)
        for spline in groups[paint]:
            add_spline(curve, spline, scale, (low + high) / 2)
        look = paint.color, paint.opacity
        if look not in materials:
            materials[look] = _make_material(curve.name, paint, changes)
        curve.materials.append(materials[look])
        obj = changes.made(bpy.data.objects.new(curve.name, curve))
        obj.parent = head
        depth = curve.bevel_depth if paint.stroke_width else application.extrude / 2
        obj.location.z = paint.level * LIFT * application.drawing_size + application.extrude - depth
        collection.objects.link(obj)
        made.append(obj)
    for key, value in prepared.facts.items():
        head[PROPERTY_PREFIX + key] = value
    place_in_row([head], scene, application, widths=[float(extent[0]) * scale])
    if not bpy.app.background:
        activate(made, view_layer_of(scene))
    told = why_unseen(head, view_layer_of(scene))
    names = tuple(obj.name for obj in made)
    material = made[1].active_material.name
    return Applied((), material, names[0], (told,) if told else (), objects=names)


def _make_curve(name: str, paint: Paint, application: Application, changes: Transaction) -> bpy.types.Curve:
    """A curve without splines, as thick and round as the application has it.

    A line becomes a band as wide as it was drawn: its points are turned into the plane of the drawing, and
    what the curve is extruded by is its width.
    """
    curve = changes.made(bpy.data.curves.new("{} #{:02x}{:02x}{:02x}".format(name, *paint.color), "CURVE"))
    thickness, bevel = application.extrude, application.bevel
    curve.bevel_resolution = ROUNDING
    if not paint.stroke_width:
        curve.dimensions, curve.fill_mode = "2D", "BOTH"
        curve.extrude, curve.bevel_depth, curve.offset = thickness / 2 - bevel, bevel, -bevel
        return curve
    width = paint.stroke_width / LONGER_SIDE * application.drawing_size
    curve.dimensions, curve.twist_mode = "3D", "Z_UP"
    curve.bevel_depth = min(thickness, width) / 2
    curve.extrude = width / 2 - curve.bevel_depth
    curve.use_fill_caps = True
    return curve


def _make_material(name: str, paint: Paint, changes: Transaction) -> bpy.types.Material:
    material = changes.made(bpy.data.materials.new(name))
    color = mathutils.Color([value / 255 for value in paint.color]).from_srgb_to_scene_linear()
    material.diffuse_color = (*color, paint.opacity)
    tree = compat.node_tree(material, changes)
    shader = next((node for node in tree.nodes if node.bl_idname == PRINCIPLED), None)
    shader = shader or add_principled(tree, changes)
    shader.inputs["Base Color"].default_value = (*color, 1.0)
    shader.inputs["Alpha"].default_value = paint.opacity
    shader.inputs["Roughness"].default_value = ROUGHNESS
    return material


TARGET = Target(_apply, images=lambda prepared: ())
