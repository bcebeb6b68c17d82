"""The `world` target: a panorama as the world of the scene, with a lamp as its sun. Main thread only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from math import cos, radians, sin
from typing import Any

import bpy
from mathutils import Vector

from ...core.errors import SceneError
from ...core.request.request import Application
from ...core.results.store import ENVIRONMENT, ImageFile, PreparedResult
from .. import compat
from ..context import find_scene
from ..images import PROPERTY_PREFIX, add_image
from ..targets.base import Applied, Target, engine_of, keep_images, name_of
from ..transaction import Transaction

JOB = PROPERTY_PREFIX + "job"
"""Custom property of a world, and of its sun: the job whose result it is."""
SUN = "sun_of_world"
"""Custom property of a world: the lamp that is its sun. No prefix: it stays when facts are taken out."""
SETTINGS = PROPERTY_PREFIX + "settings"
"""Custom property of a world: parameters of its application."""
KEPT = ("sun", "sky", "world_strength", "world_rotation", "backdrop")
USUAL = {name: getattr(Application(), name) for name in KEPT}
FACTS = {name: f"{PROPERTY_PREFIX}sun_{name}" for name in ("confidence", "azimuth", "elevation")}
"""What a world knows of its sun, see `api.Result.world`, and as which custom property."""
SUN_ANGLE = 0.53  # degrees
TURN = -90.0  # degrees from Blender's first direction of a panorama, +X, to +Y
LAMP, DISC = "lamp", "disc"
LOST_IN_EEVEE = "EEVEE loses a third of the light of a sun in the world; with Sun Lamp it keeps all of it."
SPREAD = 220  # between nodes


def _list_images(prepared: PreparedResult) -> Iterable[tuple[ImageFile, bool]]:
    return ((_find_environment(prepared), False),)


def _find_environment(prepared: PreparedResult) -> ImageFile:
    """What lights; the panorama itself where no light could be made of it."""
    return prepared.maps.get(ENVIRONMENT) or prepared.images[0]


def _apply(prepared: PreparedResult, application: Application, changes: Transaction) -> Applied:
    scene = find_scene(application)
    if scene is None:
        raise SceneError("The scene that this was made for is not open.")
    sun = prepared.report.get("sun", {})
    before = scene.world
    world = changes.made(bpy.data.worlds.new(name_of(prepared, application)))
    image = changes.made(add_image(_find_environment(prepared), prepared.facts))
    _wire(world, image, application, changes)
    world[JOB] = prepared.job
    world[SETTINGS] = {name: getattr(application, name) for name in KEPT}
    for name, key in FACTS.items():
        if sun.get(name) is not None:
            world[key] = sun[name]
    changes.set(scene, "world", world)
    _remove_sun(before, changes)
    if before is not None and before.get(JOB) == prepared.job:
        _take_name(world, before, changes)
    lamp = None
    if sun.get("energy") and application.sun == LAMP and not application.backdrop:
        lamp = _add_sun(world.name, scene, sun, application, changes)
        world[SUN] = lamp
    others = keep_images(prepared.images[1:], prepared.facts, changes)
    is_lost = application.sun == DISC and engine_of(application) == compat.eevee()
    told = (LOST_IN_EEVEE,) if is_lost and sun.get("energy") else ()
    return Applied((image.name, *others), object=lamp.name if lamp is not None else None, messages=told)


def read_world(scene: bpy.types.Scene) -> dict[str, Any] | None:
    """Of a scene's world that was made here its ``job``, ``settings`` and sun; else None."""
    world = scene.world
    if world is None or not isinstance(world.get(JOB), str):
        return None
    stored = world.get(SETTINGS)
    settings = stored.to_dict() if hasattr(stored, "to_dict") else {}
    facts = {name: world.get(key) for name, key in FACTS.items()}
    return {
        "job": world[JOB],
        "settings": {name: settings[name] for name in KEPT if _is_like(settings.get(name), USUAL[name])},
        "confidence": str(facts["confidence"] or ""),
        **{name: _read_number(facts[name]) for name in ("azimuth", "elevation")},
    }


def _is_like(value: Any, usual: Any) -> bool:
    """Whether a value has the type of the usual one; a .blend of others may hold anything there."""
    return isinstance(value, int | float) if isinstance(usual, int | float) else isinstance(value, str)


def _read_number(value: Any) -> float | None:
    """Likewise."""
    return float(value) if isinstance(value, int | float) else None


def _wire(
    world: bpy.types.World, image: bpy.types.Image, application: Application, changes: Transaction
) -> None:
    """The nodes of a new world."""
    tree = compat.node_tree(world, changes)
    tree.nodes.clear()
    output = tree.nodes.new("ShaderNodeOutputWorld")
    background = tree.nodes.new("ShaderNodeBackground")
    environment = tree.nodes.new("ShaderNodeTexEnvironment")
    mapping = tree.nodes.new("ShaderNodeMapping")
    coordinates = tree.nodes.new("ShaderNodeTexCoord")
    environment.image = image
    background.inputs["Strength"].default_value = application.world_strength
    mapping.inputs["Rotation"].default_value[2] = radians(TURN + application.world_rotation)
    chain = [coordinates, mapping, environment, background]
    tree.links.new(coordinates.outputs["Generated"], mapping.inputs["Vector"])
    tree.links.new(mapping.outputs["Vector"], environment.inputs["Vector"])
    tree.links.new(environment.outputs["Color"], background.inputs["Color"])
    if application.backdrop:
        chain.append(_show_to_camera(tree, background))
    tree.links.new(chain[-1].outputs[0], output.inputs["Surface"])
    for number, node in enumerate([*chain, output]):
        node.location = (number * SPREAD, 0)


def _show_to_camera(tree: bpy.types.NodeTree, background: bpy.types.Node) -> bpy.types.Node:
    """Let only the camera see a background; all else sees black."""
    mix = tree.nodes.new("ShaderNodeMixShader")
    path = tree.nodes.new("ShaderNodeLightPath")
    dark = tree.nodes.new("ShaderNodeBackground")
    dark.inputs["Strength"].default_value = 0.0
    tree.links.new(path.outputs["Is Camera Ray"], mix.inputs[0])
    tree.links.new(dark.outputs[0], mix.inputs[1])
    tree.links.new(background.outputs[0], mix.inputs[2])
    path.location, dark.location = (3 * SPREAD, 400), (3 * SPREAD, -200)
    return mix


def _add_sun(
    name: str, scene: bpy.types.Scene, sun: Mapping[str, Any], application: Application, changes: Transaction
) -> bpy.types.Object:
    light = changes.made(bpy.data.lights.new(f"{name} Sun", "SUN"))
    light.energy = sun["energy"] * application.world_strength
    light.color = sun["color"]
    light.angle = radians(SUN_ANGLE)
    lamp = changes.made(bpy.data.objects.new(f"{name} Sun", light))
    azimuth, elevation = radians(sun["azimuth"] + application.world_rotation), radians(sun["elevation"])
    toward = Vector((sin(azimuth) * cos(elevation), cos(azimuth) * cos(elevation), sin(elevation)))
    lamp.rotation_euler = toward.to_track_quat("Z", "Y").to_euler()
    scene.collection.objects.link(lamp)
    return lamp


def _take_name(world: bpy.types.World, before: bpy.types.World, changes: Transaction) -> None:
    """The same world made once more is called as it was."""
    name = before.name
    for block, new in ((before, f"{name} before"), (world, name)):
        changes.set(block, "name", new)
    lamp = before.get(SUN)
    if isinstance(lamp, bpy.types.Object):
        changes.set(lamp, "name", f"{lamp.name} before")


def _remove_sun(world: bpy.types.World | None, changes: Transaction) -> None:
    """A world made here goes with its sun: two of them would light twice."""
    lamp = world.get(SUN) if world is not None else None
    if not isinstance(lamp, bpy.types.Object) or lamp.type != "LIGHT":  # a file may name anything
        return
    for collection in lamp.users_collection:
        collection.objects.unlink(lamp)
        changes.on_failure(partial(collection.objects.link, lamp))


TARGET = Target(_apply, images=_list_images)
