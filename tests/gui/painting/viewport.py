"""The clay render that would be sent shows objects where the 3D view shows them, to a pixel.

In perspective and parallel, wide and tall, through a camera with shifted lens, and in a narrow view.
Nothing is sent.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from mathutils import Euler
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import screen_reader
from bl_ext.user_default.gpt_image_addon import api
from harness import Steps, run
from user import over, shot

DRAWN = 30  # ticks until the view is drawn
BORDER = 16  # pixels, where Blender shows the arrows of regions that are hidden


def find_area() -> bpy.types.Area:
    areas = bpy.context.window_manager.windows[0].screen.areas
    return max((area for area in areas if area.type == "VIEW_3D"), key=lambda area: area.width * area.height)


def set_scene() -> None:
    bpy.data.objects.remove(bpy.data.objects["Cube"])
    bpy.context.preferences.system.use_region_overlap = False
    area = find_area()
    with bpy.context.temp_override(window=bpy.context.window_manager.windows[0], area=area):
        bpy.ops.mesh.primitive_monkey_add(size=3, rotation=(0.3, 0.2, 0.5))
    bpy.context.object.select_set(False)
    space = area.spaces.active
    space.show_region_ui = space.show_region_toolbar = space.show_gizmo = False
    space.overlay.show_overlays = False
    space.shading.light, space.shading.color_type = "FLAT", "SINGLE"
    space.shading.single_color, space.shading.background_type = (1, 1, 1), "VIEWPORT"
    space.shading.background_color = (0, 0, 0)
    space.shading.show_object_outline = False


def region() -> bpy.types.Region:
    return next(region for region in find_area().regions if region.type == "WINDOW")


def grow(mask: Any) -> Any:
    """By a pixel to all sides."""
    out = np.pad(mask, 1)
    rows = out[:-2] | out[1:-1] | out[2:]
    return rows[:, :-2] | rows[:, 1:-1] | rows[:, 2:]


def seen_mask() -> Any:
    """(height, width) of the region: what is drawn of the object, the top row first."""
    box = screen_reader.box_of(region())
    return screen_reader.look()[box.bottom : box.top, box.left : box.right][::-1] > 127


def sent_mask(size: str) -> Any:
    """The same of the clay render that would be sent, brought to the height of the region."""
    prepared = api.prepare_model_texture("Suzanne", "clay", views="view", size=size)
    guide = Image.open(prepared._prepared.checked.wanted.references[0]).convert("RGB")
    height = region().height
    guide = guide.resize((round(guide.width * height / guide.height), height), Image.Resampling.BICUBIC)
    levels = np.asarray(guide).astype(int)
    return np.abs(levels - levels[0, 0]).max(axis=-1) > 40


def compare(name: str, size: str) -> Steps:
    for _ in range(DRAWN):
        yield
    yield from shot(f"viewport-{name}", over(find_area()))
    seen, sent = seen_mask(), sent_mask(size)
    width = min(seen.shape[1], sent.shape[1])
    seen, sent = (mask[:, (mask.shape[1] - width) // 2 :][:, :width] for mask in (seen, sent))
    inner = slice(BORDER, -BORDER)
    stray = (seen & ~grow(sent)) | (sent & ~grow(seen))
    count = int(stray[inner, inner].sum())
    print(f"{name}: {int(seen.sum())} pixels, {count} off by more than one", flush=True)
    assert seen.sum() > 5_000 and count <= 2e-4 * seen.sum(), name


def script() -> Steps:
    set_scene()
    view = find_area().spaces.active.region_3d
    view.view_distance = 8
    yield from compare("perspective", "1152x864")
    view.view_perspective = "ORTHO"
    yield from compare("parallel", "1152x864")
    view.view_perspective = "PERSP"
    yield from compare("wide", "2304x768")
    yield from compare("tall", "640x1280")
    camera = bpy.context.scene.camera
    camera.location, camera.rotation_euler = (1, -9, 1), Euler((1.46, 0, 0.1))
    camera.data.shift_x, camera.data.shift_y = 0.2, -0.1
    camera.data.passepartout_alpha = 0
    view.view_perspective = "CAMERA"
    yield from compare("shifted", "1152x864")
    with bpy.context.temp_override(
        window=bpy.context.window_manager.windows[0], area=find_area(), region=region()
    ):
        bpy.ops.screen.area_split(direction="VERTICAL", factor=0.3)
    view = find_area().spaces.active.region_3d
    view.view_perspective = "PERSP"
    yield from compare("split", "640x1280")


run(script(), patience=300)
