"""Renders the images of docs/painting.md: what is sent, what a stand-in answers, and what comes of it.

No model is asked: the server of the tests answers, with drafts of the offline provider laid over the shapes
that came. So the images show where an answer goes, and not what a model would paint. Names of images as
arguments render those alone.
"""

from __future__ import annotations

import io
import math
import os
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from mathutils import Vector
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import gpt_image_addon
from gpt_image_addon import api
from gpt_image_addon.core.painting.guides import make_view
from gpt_image_addon.core.painting.projection import ProjectedView
from gpt_image_addon.core.projection.depth import draw_depth
from gpt_image_addon.scene.projection.canvases import plan_canvases
from gpt_image_addon.scene.projection.meshes import collect_faces

ApiServer: Any = import_module("tests.api_server").ApiServer  # what is typed less strictly stays outside
IMAGES = Path(__file__).resolve().parents[1] / "docs" / "painting"
HIGH = 300  # pixels of each image
QUALITY = 82
SAMPLES = 24

Array = Any
Dress = Callable[[Array, Array], Array]
"""The colors (N, 3) of places (N, 3) in the world and their normals (N, 3)."""


def main() -> None:
    """Leave `view.jpg`, `around.jpg` and `faces.jpg`."""
    IMAGES.mkdir(exist_ok=True)
    gpt_image_addon.register()
    with tempfile.TemporaryDirectory() as state, ApiServer() as server:
        os.environ["GPT_IMAGE_DATA_DIR"] = state
        os.environ["OPENAI_BASE_URL"], os.environ["OPENAI_API_KEY"] = server.base_url, server.api_key
        for name, make in (("view", paint_suzanne), ("around", paint_table), ("faces", paint_room)):
            if sys.argv[1:] and name not in sys.argv[1:]:
                continue
            bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
            shown = make(server)
            images = [image.resize((image.width * HIGH // image.height, HIGH)) for image in shown]
            sheet = Image.new("RGB", (sum(image.width + 6 for image in images) - 6, HIGH), "white")
            left = 0
            for image in images:
                sheet.paste(image, (left, 0))
                left += image.width + 6
            sheet.save(IMAGES / f"{name}.jpg", quality=QUALITY, optimize=True)
        api.close()
    gpt_image_addon.unregister()


def paint_suzanne(server: Any) -> list[Image.Image]:
    """A single view: what the camera sees."""
    bpy.ops.mesh.primitive_monkey_add()
    obj = bpy.context.object
    obj.modifiers.new("Subdivision", "SUBSURF").levels = 2
    bpy.ops.object.shade_smooth()
    add_camera((1.2, -3.8, 0.5), (0, 0, 0), (900, 900))
    copper, green = load_draft("copper sheet"), load_draft("verdigris")

    def dress(places: Array, normals: Array) -> Array:
        share = np.clip(places[:, 2:] * 1.2 + 0.4, 0, 1)
        return lay(copper, places, normals, 0.6) * share + lay(green, places, normals, 0.6) * (1 - share)

    guide, answer = paint(server, [obj], "copper with verdigris", dress, views="camera")
    add_camera((2.4, -3.1, 0.9), (0, 0, 0), (900, 900))
    return [guide, answer, render(), render_from((-3.4, -1.9, 0.8))]


def paint_table(server: Any) -> list[Image.Image]:
    """All around: six sides in one sheet."""
    parts = []
    for size, place in (
        ((1.6, 1.0, 0.08), (0, 0, 0.8)),
        *(((0.12, 0.12, 0.76), (x, y, 0.38)) for x in (-0.7, 0.7) for y in (-0.4, 0.4)),
        ((0.5, 0.3, 0.05), (0.2, 0.05, 0.87)),
    ):
        bpy.ops.mesh.primitive_cube_add(size=1, location=place, scale=size)
        parts.append(bpy.context.object)
        parts[-1].modifiers.new("Bevel", "BEVEL").width = 0.01
    wood, leather = load_draft("old oak planks"), load_draft("red leather")

    def dress(places: Array, normals: Array) -> Array:
        is_book = places[:, 2:] > 0.842
        return np.where(is_book, lay(leather, places, normals, 3), lay(wood, places, normals, 0.8))

    guide, answer = paint(server, parts, "an oak table with a book", dress, views="auto", size="1728x1152")
    add_camera((2.2, -2.8, 2.2), (0, 0, 0.45), (900, 750))
    return [guide, answer, render()]


def paint_room(server: Any) -> list[Image.Image]:
    """Selected faces of a room, seen from inside."""
    bpy.ops.mesh.primitive_cube_add(size=1, scale=(6, 5, 3), location=(0, 0, 1.5))
    room = bpy.context.object
    room.data.flip_normals()
    for face in room.data.polygons:
        face.select = abs(face.normal.y + 1) < 0.1
    bpy.ops.mesh.primitive_cube_add(size=1, scale=(1.2, 0.5, 0.9), location=(-1.2, 1.4, 0.45))
    bpy.context.object.name = "Chest"
    add_camera((1.2, -2.2, 1.6), (-0.3, 2.5, 1.3), (1200, 900), lens=22)
    bricks = load_draft("old red brick wall")
    guide, answer = paint(
        server,
        [room],
        "an old brick wall",
        lambda places, normals: lay(bricks, places, normals, 0.5),
        views="camera",
        faces="selected",
    )
    add_camera((2.2, -2.0, 1.8), (-0.6, 2.5, 1.2), (1200, 900), lens=20)
    return [guide, answer, render(energy=60, lamp=(0.5, -0.5, 2.6))]


def paint(
    server: Any, objects: Sequence[Any], prompt: str, dress: Dress, **parameters: Any
) -> tuple[Image.Image, Image.Image]:
    """Paint objects; what was sent, and what came."""
    found: list[Image.Image] = []
    names = [obj.name for obj in objects]
    asked = {"provider": "openai", "quality": "low", "texture_size": 1024, **parameters}
    plan = api.plan_model_texture(names, prompt, **asked)

    def edit(first: bytes, mask: bytes | None) -> Image.Image:
        guide = Image.open(io.BytesIO(first)).convert("RGB")
        answer = stand_in(np.array(guide), plan.views, objects, dress, is_alone=parameters["views"] == "auto")
        found.extend((guide, answer))
        return answer

    server.options.edits = edit
    made = api.texture_model(names, prompt, **asked)
    print(f"{prompt}: {made.coverage:.0%} painted, {made.cost_usd} USD", flush=True)
    return found[0], found[1]


def stand_in(
    guide: Array, views: Sequence[Mapping[str, Any]], objects: Sequence[Any], dress: Dress, *, is_alone: bool
) -> Image.Image:
    """The guide with colors on its shapes, in the light that they have there."""
    canvases = plan_canvases(objects, name="x", new_image=True, texture_size=64, engine="CYCLES")
    faces = collect_faces(bpy.context.view_layer, canvases.painted, is_alone=is_alone)
    out = guide.astype(np.float64)
    for one in views:
        left, top, wide, high = one["rectangle"]
        view = make_view(ProjectedView(**{key: one[key] for key in ProjectedView.__dataclass_fields__}))
        depth = draw_depth(faces.corners, view)
        tile = out[top : top + high, left : left + wide]
        row, column = np.nonzero(depth.is_filled & faces.shown[np.maximum(depth.triangle, 0)])
        near = depth.nearness[row, column].astype(np.float64)
        clip = np.stack((2 * (column + 0.5) / wide - 1, 1 - 2 * (row + 0.5) / high))
        if view.is_orthographic:
            rows, known = view.to_clip[[0, 1, 2]], np.stack((*clip, -near))
        else:
            rows, known = view.to_clip[[0, 1, 3]], np.stack((*clip / near, 1 / near))
        places = np.linalg.solve(rows[:, :3], known - rows[:, 3:]).T
        colors = dress(places, faces.normals[depth.triangle[row, column]])
        tile[row, column] = colors * (0.55 + 0.45 * tile[row, column, :1] / 226)
    return Image.fromarray(np.clip(np.rint(out), 0, 255).astype(np.uint8))


def load_draft(prompt: str) -> Array:
    """A tile of the offline provider."""
    made = api.generate(prompt, target="image", provider="offline", size="1024x1024")
    return np.asarray(Image.open(made.images[0].file).convert("RGB"))


def lay(tile: Array, places: Array, normals: Array, repeats: float) -> Array:
    """The colors of a tile laid onto places from three sides.

    :param repeats: of the tile a world unit.
    """
    weights = np.abs(normals) ** 6
    weights /= np.maximum(weights.sum(axis=1, keepdims=True), 1e-9)
    side = len(tile)
    out = np.zeros((len(places), 3))
    for axis, (across, up) in enumerate(((1, 2), (0, 2), (0, 1))):
        column, row = ((places[:, at] * repeats * side).astype(int) % side for at in (across, up))
        out += weights[:, axis : axis + 1] * tile[side - 1 - row, column]
    return out


def add_camera(place: Sequence[float], target: Sequence[float], size: tuple[int, int], **lens: Any) -> Any:
    """The camera of the scene."""
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    scene = bpy.context.scene
    scene.collection.objects.link(camera)
    scene.camera = camera
    camera.location = place
    camera.rotation_euler = (Vector(target) - Vector(place)).to_track_quat("-Z", "Y").to_euler()
    for name, value in lens.items():
        setattr(camera.data, name, value)
    scene.render.resolution_x, scene.render.resolution_y = size
    bpy.context.view_layer.update()
    return camera


def render_from(place: Sequence[float]) -> Image.Image:
    """The same from another place."""
    camera = bpy.context.scene.camera
    camera.location = place
    camera.rotation_euler = (-Vector(place)).to_track_quat("-Z", "Y").to_euler()
    return render()


def render(energy: float = 0.0, lamp: Sequence[float] = (0, 0, 0)) -> Image.Image:
    """What the scene's camera sees, in soft light."""
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.samples, scene.cycles.use_denoising = SAMPLES, True
    scene.view_settings.view_transform = "Standard"
    scene.render.resolution_percentage = 60
    if scene.world is None:
        scene.world = bpy.data.worlds.new("World")
        if scene.world.node_tree is None:
            scene.world.use_nodes = True
        ground = next(node for node in scene.world.node_tree.nodes if node.type == "BACKGROUND")
        ground.inputs["Color"].default_value = (0.32, 0.33, 0.35, 1)
        kind = "POINT" if energy else "SUN"
        light = bpy.data.objects.new("Light", bpy.data.lights.new("Light", kind))
        light.data.energy = energy or 2.6
        light.location, light.rotation_euler = lamp, (math.radians(50), 0, math.radians(-30))
        scene.collection.objects.link(light)
    with tempfile.TemporaryDirectory() as folder:
        scene.render.filepath = str(Path(folder) / "image.png")
        bpy.ops.render.render(write_still=True)
        return Image.open(scene.render.filepath).convert("RGB")


if __name__ == "__main__":
    main()
