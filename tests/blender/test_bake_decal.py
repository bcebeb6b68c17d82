"""Decals painted into the textures below them: where they lie, what stays, the way back, what is refused."""

from __future__ import annotations

from math import tau
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from mathutils import Vector
from numpy.typing import NDArray

from gpt_image_addon import api
from gpt_image_addon.core.errors import GptImageError, InvalidRequestError, SceneError
from gpt_image_addon.core.imaging.pixels import read_pixels
from gpt_image_addon.core.imaging.png_writer import encode_png
from gpt_image_addon.core.request.request import Application
from gpt_image_addon.core.results.store import ImageFile
from gpt_image_addon.scene.images import add_image
from gpt_image_addon.scene.targets.registry import apply
from tests.blender.scene_fixtures import cube, description, node_material, prepared, principled
from tests.blender.test_udim_edits import NUMBERS, pixels_of
from tests.blender.test_udim_painting import tiled_plane

SIDE = 256
SIZE = 1.0  # metres of the decal
QUADRANTS = np.array([[(250, 0, 0), (0, 250, 0)], [(0, 0, 250), (250, 250, 0)]], np.uint8)


def sphere() -> bpy.types.Object:
    bpy.ops.mesh.primitive_uv_sphere_add(segments=64, ring_count=32)
    return bpy.context.active_object


def quadrants(alpha: int = 255, border: int = 8) -> ImageFile:
    """Red, green, blue and yellow from the upper left, in a clear border; 64²."""
    pixels = np.zeros((64, 64, 4), np.uint8)
    pixels[..., :3] = QUADRANTS.repeat(32, axis=0).repeat(32, axis=1)
    pixels[border : 64 - border, border : 64 - border, 3] = alpha
    return ImageFile("Sticker", encode_png(pixels), "", "png", 64, 64, has_alpha=True)


def textured(obj: bpy.types.Object) -> NDArray[np.uint8]:
    """Let noise be the base color of an object; returns it."""
    noise = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), np.uint8)
    wear(obj, add_image(ImageFile("Noise", encode_png(noise), "", "png", SIDE, SIDE), {}))
    return noise


def wear(obj: bpy.types.Object, image: bpy.types.Image) -> None:
    material = node_material("Painted")
    node = material.node_tree.nodes.new("ShaderNodeTexImage")
    node.image = image
    material.node_tree.links.new(node.outputs["Color"], principled(material).inputs["Base Color"])
    obj.data.materials.clear()
    obj.data.materials.append(material)


def put(obj: bpy.types.Object, place: Any, image: ImageFile | None = None, **values: Any) -> str:
    application = Application(target="decal", object_name=obj.name, at=(place,), decal_size=SIZE, **values)
    return apply(prepared(image or quadrants()), application).object or ""


def read(name: str) -> NDArray[Any]:
    return read_pixels(bytes(bpy.data.images[name].packed_file.data), name)


def front_of_cube() -> tuple[NDArray[Any], NDArray[Any]]:
    """x and z of the world at each texel of the face that looks at -y; not a number elsewhere."""
    mesh = bpy.data.objects["Cube"].data
    (face,) = (face for face in mesh.polygons if face.normal.y < -0.9)
    uvs = np.array([mesh.uv_layers[0].uv[loop].vector for loop in face.loop_indices])
    points = np.array([mesh.vertices[vertex].co for vertex in face.vertices])[:, [0, 2]]
    (slopes, *_) = np.linalg.lstsq(np.column_stack((uvs, np.ones(4))), points, rcond=None)
    at = (np.arange(SIDE) + 0.5) / SIDE
    u, v = np.meshgrid(at, 1 - at)
    places = np.stack((u, v, np.ones_like(u)), axis=-1) @ slopes
    inside = (np.abs(places) <= 1).all(axis=-1)
    x, z = np.where(inside[..., None], places, np.nan).transpose(2, 0, 1)
    return x, z


def test_it_lies_where_the_decal_lies_and_all_else_stays() -> None:
    obj = cube()
    noise = textured(obj)
    name = put(obj, (0.1, -1, 0.2))
    made = api.bake_decal(name)
    (image,) = made.images
    after = read(image)
    x, z = front_of_cube()
    u, v = (x - 0.1) / SIZE + 0.5, (z - 0.2) / SIZE + 0.5
    assert image == "Noise" and not made.warnings
    clear = 8 / 64
    texel = 2 / 64  # of the decal: what a texel may take in beside its middle
    outside = ~((np.abs(u - 0.5) < 0.5 - clear + texel) & (np.abs(v - 0.5) < 0.5 - clear + texel))
    assert (after[outside] == noise[outside]).all() and outside.sum() > 0.9 * outside.size
    levels = after.astype(int)
    for row, column in np.ndindex(2, 2):
        inner = (np.abs(u - 0.3 - 0.4 * column) < 0.15) & (np.abs(v - 0.7 + 0.4 * row) < 0.15)
        assert inner.sum() > 50 and np.abs(levels[inner] - QUADRANTS[row, column]).max() <= 1


def test_on_a_round_object_it_lies_as_the_decal_does() -> None:
    obj = sphere()
    noise = textured(obj)
    made = api.bake_decal(put(obj, (0, -1, 0), normal=((0, -1, 0),)))
    after = read(made.images[0])
    loops = obj.data.loops
    points = [obj.data.vertices[loop.vertex_index].co for loop in loops]
    front = min(range(len(loops)), key=lambda loop: (points[loop] - Vector((0, -1, 0))).length)
    at = (np.arange(SIDE) + 0.5) / SIDE
    turn, height = np.meshgrid(tau * (at - obj.data.uv_layers[0].uv[front].vector[0]), tau / 2 * (0.5 - at))
    x, y, z = np.sin(turn) * np.cos(height), -np.cos(turn) * np.cos(height), np.sin(height)
    u, v, shown = x / SIZE + 0.5, z / SIZE + 0.5, y < 0
    outside = ~(shown & (np.abs(u - 0.5) < 0.42) & (np.abs(v - 0.5) < 0.42))
    assert (after[outside] == noise[outside]).all()
    for row, column in np.ndindex(2, 2):
        inner = shown & (np.abs(u - 0.3 - 0.4 * column) < 0.15) & (np.abs(v - 0.7 + 0.4 * row) < 0.15)
        assert inner.sum() > 50 and np.abs(after[inner].astype(int) - QUADRANTS[row, column]).max() <= 1


def test_only_the_faces_of_the_decal_are_painted() -> None:
    obj = cube()
    obj.scale = (1, 0.0005, 1)  # a sheet of 1 mm
    bpy.context.view_layer.update()
    noise = textured(obj)
    after = read(api.bake_decal(put(obj, (0, -0.0005, 0))).images[0])
    x, _ = front_of_cube()
    changed = (after != noise).any(axis=-1)
    assert changed.any() and not changed[np.isnan(x)].any()


def test_half_of_its_alpha_lets_half_through() -> None:
    obj = cube()
    noise = textured(obj)
    after = read(api.bake_decal(put(obj, (0, -1, 0), quadrants(128))).images[0])
    x, z = front_of_cube()
    red = (np.abs(x + 0.2) < 0.1) & (np.abs(z - 0.2) < 0.1)
    expected = noise[red] + 128 / 255 * (QUADRANTS[0, 0] - noise[red].astype(float))
    assert np.abs(after[red] - expected).max() <= 1


def test_it_is_taken_out_again_and_baked_again() -> None:
    obj = cube()
    noise = textured(obj)
    name = put(obj, (0, -1, 0))
    decal = bpy.data.objects[name]
    first = bpy.data.images["Noise"]
    api.bake_decal(name)
    assert decal.hide_render and decal.hide_get() and bpy.data.images["Noise"] != first
    for refused in (lambda: api.bake_decal(name), lambda: api.move_decal(name, (0, -1, 0.2))):
        with pytest.raises(InvalidRequestError, match="already"):
            refused()
    assert api.take_out_decal(name).images == ("Noise",)
    assert bpy.data.images["Noise"] == first and (read("Noise") == noise).all()
    assert not decal.hide_render and not decal.hide_get()
    with pytest.raises(InvalidRequestError, match="no texture"):
        api.take_out_decal(name)
    api.bake_decal(name)
    assert (read("Noise") != noise).any()


def test_two_decals_in_one_image_go_back_in_their_order() -> None:
    obj = cube()
    noise = textured(obj)
    first, second = put(obj, (0, -1, 0)), put(obj, (0, 1, 0))
    api.bake_decal(first)
    between = read("Noise")
    api.bake_decal(second)
    both = read("Noise")
    assert (both != between).any() and ((both != noise) | (between == noise)).all()
    with pytest.raises(SceneError, match="changed again"):
        api.take_out_decal(first)
    assert (read("Noise") == both).all() and bpy.data.objects[first].hide_render
    api.take_out_decal(second)
    assert (read("Noise") == between).all()
    api.take_out_decal(first)
    assert (read("Noise") == noise).all()


def test_a_decal_that_was_moved_by_hand_is_baked_where_it_is() -> None:
    obj = cube()
    noise = textured(obj)
    name = put(obj, (0, -1, 0))
    bpy.data.objects[name].location.x = 0.4
    bpy.data.objects[name].scale = (0.5, 0.5, 0.5)
    after = read(api.bake_decal(name).images[0])
    x, z = front_of_cube()
    changed = (after != noise).any(axis=-1)
    assert np.nanmin(x[changed]) > 0.4 - 0.25 and np.nanmax(x[changed]) < 0.4 + 0.25
    assert np.ptp(x[changed]) > 0.3 and np.ptp(z[changed]) > 0.3


@pytest.mark.parametrize("is_sheared", [False, True])
def test_it_lies_right_on_what_is_scaled_unevenly_or_sheared(is_sheared: bool) -> None:
    obj = cube()
    noise = textured(obj)
    if is_sheared:
        stretched = bpy.data.objects.new("Stretched", None)
        bpy.context.scene.collection.objects.link(stretched)
        obj.parent, stretched.scale, obj.rotation_euler = stretched, (2.0, 1.0, 0.7), (0.0, 0.5, 0.0)
    else:
        obj.scale = (2.0, 1.0, -0.7)
    bpy.context.view_layer.update()
    after = read(api.bake_decal(put(obj, (0.1, -1, 0.05))).images[0])
    x, z = front_of_cube()
    matrix = np.array(obj.matrix_world)
    right, up = (matrix[axis, 0] * x - matrix[axis, 1] + matrix[axis, 2] * z for axis in (0, 2))
    u, v = (right - 0.1) / SIZE + 0.5, (up - 0.05) / SIZE + 0.5
    outside = ~((np.abs(u - 0.5) < 0.45) & (np.abs(v - 0.5) < 0.45))
    assert (after[outside] == noise[outside]).all()
    for row, column in np.ndindex(2, 2):
        inner = (np.abs(u - 0.3 - 0.4 * column) < 0.12) & (np.abs(v - 0.7 + 0.4 * row) < 0.12)
        assert inner.sum() > 10 and np.abs(after[inner].astype(int) - QUADRANTS[row, column]).max() <= 1


@pytest.mark.parametrize("packed", [False, True])
def test_it_lies_across_udim_tiles_and_is_taken_out_again(tmp_path: Path, packed: bool) -> None:
    obj, image = tiled_plane(tmp_path, packed=packed)
    before = pixels_of(image, tmp_path)
    name = put(obj, (-1, 0, 0))  # where the strips of the first two tiles meet
    made = api.bake_decal(name)
    assert made.images == ("rock",)
    after = pixels_of(bpy.data.images["rock"], tmp_path)
    changed = {number: (after[number] != before[number]).any(axis=-1) for number in NUMBERS}
    first, second, third = (changed[number] for number in NUMBERS)
    half = first.shape[1] // 2
    assert first[:, half:].any() and not first[:, : half - 1].any(), "the decal is half a strip wide on each"
    assert second[:, : second.shape[1] // 2].any() and not second[:, second.shape[1] // 2 + 1 :].any()
    assert not third.any()
    rows, columns = first.shape[0], first.shape[1]
    upper = after[NUMBERS[0]][round(0.4 * rows), round(0.8 * columns), :3].astype(int)
    lower = after[NUMBERS[0]][round(0.6 * rows), round(0.8 * columns), :3].astype(int)
    assert np.abs(upper - QUADRANTS[0, 0]).max() <= 2 and np.abs(lower - QUADRANTS[1, 0]).max() <= 2
    api.take_out_decal(name)
    restored = pixels_of(bpy.data.images["rock"], tmp_path)
    assert all((restored[number] == before[number]).all() for number in NUMBERS)


def test_texels_that_other_faces_have_too_are_told() -> None:
    obj = cube()
    textured(obj)
    for number, corner in enumerate(obj.data.uv_layers[0].uv):  # every face has the whole image
        corner.vector = ((0, 0), (1, 0), (1, 1), (0, 1))[number % 4]
    made = api.bake_decal(put(obj, (0, -1, 0)))
    assert any("same texels" in warning for warning in made.warnings), made.warnings


def no_uvs(obj: bpy.types.Object) -> None:
    textured(obj)
    obj.data.uv_layers.remove(obj.data.uv_layers[0])


def no_image(obj: bpy.types.Object) -> None:
    obj.data.materials.append(node_material("Plain"))


def floats(obj: bpy.types.Object) -> None:
    wear(obj, bpy.data.images.new("Light", 8, 8, float_buffer=True))


@pytest.mark.parametrize(
    ("prepare", "why"), [(no_uvs, "no UV map"), (no_image, "no image there"), (floats, "floating-point")]
)
def test_what_can_take_no_paint_is_refused_and_stays(prepare: Any, why: str) -> None:
    obj = cube()
    prepare(obj)
    name = put(obj, (0, -1, 0))
    before = description()
    with pytest.raises(GptImageError, match=why):
        api.bake_decal(name)
    for unknown in ("Cube", "None"):
        with pytest.raises(InvalidRequestError):
            api.bake_decal(unknown)
    assert description() == before


def test_slots_that_it_does_not_lie_on_need_no_image() -> None:
    obj = cube()
    noise = textured(obj)
    obj.data.materials.append(node_material("Plain"))
    for face in obj.data.polygons:
        face.material_index = int(face.normal.y > -0.9)
    after = read(api.bake_decal(put(obj, (0, -1, 0))).images[0])
    assert (after != noise).any()
