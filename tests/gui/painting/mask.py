"""A mask painted on a cube with the mouse, what comes painted there alone, its variations, the way back."""

from __future__ import annotations

import sys
from pathlib import Path

import bpy
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bl_ext.user_default.gpt_image_addon import api
from harness import Steps, click, find_button, press, run, until
from user import Sidebar, drag, open_sidebar, over, shot

MODEL = 4  # its icon below the prompt
USE, BACK = "gpt_image.use_variation", "gpt_image.revert"
CELLS = {0: 0.1, 2: 0.42}  # of the width of the sidebar: the way back, and the second variation
SIDE = 256
STROKES = 8  # more steps of undo than there are


def values() -> bpy.types.PropertyGroup:
    """Looked up afresh: undo replaces it."""
    return bpy.context.scene.gpt_image


def cube() -> bpy.types.Object:
    return bpy.data.objects["Cube"]


def pixels(image: bpy.types.Image) -> np.ndarray:
    """(height, width, 3), from 0 to 255."""
    flat = np.empty(image.size[0] * image.size[1] * 4, np.float32)
    image.pixels.foreach_get(flat)
    return np.rint(flat.reshape(image.size[1], image.size[0], 4)[..., :3] * 255).astype(int)


def painted() -> np.ndarray:
    nodes = cube().active_material.node_tree.nodes
    return pixels(next(node.image for node in nodes if node.bl_idname == "ShaderNodeTexImage"))


def settings() -> tuple[object, ...]:
    """What is the user's own."""
    paint = bpy.context.scene.tool_settings.image_paint
    return cube().mode, paint.mode, paint.canvas, cube().data.uv_layers.active.name


def set_scene(sidebar: Sidebar) -> Steps:
    material = cube().active_material
    node = material.node_tree.nodes.new("ShaderNodeTexImage")
    node.image = bpy.data.images.new("Paint", SIDE, SIDE)
    node.image.generated_color = (0.2, 0.25, 0.3, 1)
    shader = material.node_tree.nodes["Principled BSDF"]
    material.node_tree.links.new(node.outputs["Color"], shader.inputs["Base Color"])
    sidebar.area.spaces.active.shading.color_type = "TEXTURE"
    sidebar.area.spaces.active.region_3d.view_distance = 7
    yield
    yield from sidebar.describe("moss")
    yield from sidebar.choose_provider("OpenAI")
    yield from sidebar.choose_target(MODEL)
    yield from until(lambda: values().target == "model", "the target to be the model", 10)
    yield from sidebar.unfold("Texture")
    values().size, values().width, values().height = "custom", 816, 816
    values().quality, values().n = "low", 2
    yield from sidebar.choose("Faces", "Painted Mask")
    yield from until(lambda: values().faces == "painted", "the faces to be those masked", 10)


def paint_mask(sidebar: Sidebar) -> Steps:
    yield from sidebar.click("Paint Mask")
    yield from until(lambda: cube().mode == "TEXTURE_PAINT", "Texture Paint", 10)
    for _ in range(5):
        yield
    face = over(sidebar.area, 0.45, 0.5)
    yield from drag([(face[0] + step * 4, face[1] + step) for step in range(10)])
    mask = cube()["gpt_image_painted_mask"]
    yield from until(lambda: pixels(mask).max() > 200, "something on the mask", 10)
    share = (pixels(mask) > 0).any(axis=-1).mean()
    assert 0.002 < share < 0.5, share
    yield from shot("mask-1-painted", over(sidebar.area))
    sidebar.area.spaces.active.shading.type = "MATERIAL"
    yield from shot("mask-2-material", over(sidebar.area))
    sidebar.area.spaces.active.shading.type = "SOLID"


def generate(sidebar: Sidebar, before: np.ndarray, own: tuple[object, ...]) -> Steps:
    rest = over(sidebar.area)
    yield from sidebar.generate()
    yield from until(lambda: api.jobs() and api.jobs()[-1].done, "the answer to be painted", 240)
    job = api.jobs()[-1]
    assert job.state.name == "APPLIED", job.message
    assert settings() == own, settings()
    mask = pixels(cube()["gpt_image_painted_mask"]).any(axis=-1)
    changed = (painted() != before).any(axis=-1)
    assert changed.any() and changed[mask].mean() > 0.5
    beside = np.zeros_like(mask)  # margins around faces, in which no face lies
    for down in range(-6, 7):
        for across in range(-6, 7):
            beside |= np.roll(mask, (down, across), (0, 1))
    assert not changed[~beside].any()
    yield from shot("mask-3-generated", rest)


def step_through(sidebar: Sidebar, before: np.ndarray) -> Steps:
    rest = over(sidebar.area)
    first, count = painted(), len(api.jobs())
    yield from sidebar.to_top()
    yield from click((yield from find_button(sidebar.area, sidebar.region, USE, CELLS[2])))
    yield from until(lambda: len(api.jobs()) > count and api.jobs()[-1].done, "the second one", 100)
    second = painted()
    assert np.abs(second - first).max() > 8
    yield from shot("mask-4-second-variation", rest)
    yield from press("Z", rest, ctrl=True)
    yield from until(lambda: np.array_equal(painted(), first), "undo", 20)
    yield from press("Z", rest, ctrl=True, shift=True)
    yield from until(lambda: np.array_equal(painted(), second), "redo", 20)
    yield from click((yield from find_button(sidebar.area, sidebar.region, BACK, CELLS[0])))
    yield from until(lambda: np.array_equal(painted(), before), "the way back", 20)
    yield from shot("mask-5-reverted", rest)
    for _ in range(STROKES):
        yield from press("Z", rest, ctrl=True)
        yield
    assert np.array_equal(painted(), before)


def script() -> Steps:
    sidebar = yield from open_sidebar()
    yield from set_scene(sidebar)
    before, own = painted(), settings()
    yield from paint_mask(sidebar)
    yield from generate(sidebar, before, own)
    yield from step_through(sidebar, before)


run(script(), patience=400)
