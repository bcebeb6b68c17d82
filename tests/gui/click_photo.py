"""A material from a photo: four corners are dragged over it, its width is typed, and one step undoes it.

``.ci/blender-in-chroot.sh --window sid --enable-event-simulate --python tests/gui/click_photo.py``,
where the extension is installed. Look at out/gui/photo-*.png.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from tempfile import mkdtemp

import bpy

sys.path.insert(0, str(Path(__file__).resolve().parent))

os.environ["GPT_IMAGE_DATA_DIR"] = mkdtemp()

from bl_ext.user_default.gpt_image_addon import api
from harness import Point, Search, Steps, event, press, run, until, window, write
from user import click_text, drag, shot, wait_for

CORNERS = ((0.22, 0.25), (0.86, 0.12), (0.93, 0.80), (0.12, 0.94))
"""Of the wall in the photo, from its upper left, as shares."""
START = ((0.2, 0.2), (0.8, 0.2), (0.8, 0.8), (0.2, 0.8))
"""Where the handles are at first."""
OPEN = ((0.3, 0.3), (0.7, 0.3), (0.8, 0.7), (0.2, 0.7))
"""Corners of a rectangle seen from straight above its middle: its aspect depends on the lens."""
SIZE = (1200, 900)
ENTRY = "Material from Photo with GPT Image"


def make_photo(path: Path) -> None:
    """Bricks on a wall that is seen at an angle."""
    import numpy as np
    from bl_ext.user_default.gpt_image_addon.core.editing.homography import square_to
    from PIL import Image

    y, x = np.mgrid[0:800, 0:1000]
    row = y // 80
    is_mortar = (y % 80 < 8) | ((x + row % 2 * 80) % 160 < 8)
    shade = np.random.default_rng(1).normal(0, 12, y.shape) + (
        row * 37 % 30 + (x + row % 2 * 80) // 160 * 53 % 40
    )
    wall = np.where(
        is_mortar[..., None], (200, 195, 185), np.stack((140 + shade, 70 + shade / 2, 50 + shade / 2), 2)
    )
    corners = tuple((u * SIZE[0], v * SIZE[1]) for u, v in CORNERS)
    to_wall = np.diag((1000, 800, 1)) @ np.linalg.inv(square_to(corners))
    to_wall /= to_wall[2, 2]
    tiled = Image.fromarray(np.clip(wall, 0, 255).astype(np.uint8))
    data = tuple(to_wall.ravel()[:8])
    photo = tiled.transform(SIZE, Image.Transform.PERSPECTIVE, data, Image.Resampling.BICUBIC)
    photo.save(path)


def editor() -> tuple[bpy.types.Area, bpy.types.Region]:
    area = next(area for area in window().screen.areas if area.type == "IMAGE_EDITOR")
    return area, next(region for region in area.regions if region.type == "WINDOW")


def place(corner: tuple[float, float]) -> Point:
    """Where in the window a corner is, from its shares."""
    _, region = editor()
    x, y = region.view2d.view_to_region(corner[0], 1 - corner[1], clip=False)
    return region.x + int(x), region.y + int(y)


def show_photo() -> Search[bpy.types.Image]:
    path = Path(mkdtemp()) / "wall.png"
    make_photo(path)
    area = max(window().screen.areas, key=lambda area: area.width * area.height)
    area.type = "IMAGE_EDITOR"
    yield
    yield
    area.spaces.active.image = image = bpy.data.images.load(str(path))
    with bpy.context.temp_override(window=window(), area=area, region=editor()[1]):
        bpy.ops.image.view_all(fit_view=True)
    bpy.ops.ed.undo_push(message="Load")
    area.tag_redraw()
    for _ in range(4):
        yield
    return image


def choose_entry() -> Steps:
    area, _ = editor()
    header = next(region for region in area.regions if region.type == "HEADER")
    at = (header.x + header.width // 2, header.y + header.height // 2)
    event("MOUSEMOVE", "NOTHING", at)
    yield
    with bpy.context.temp_override(window=window(), area=area, region=header):
        bpy.ops.wm.call_menu(name="IMAGE_MT_image")
    yield from click_text(ENTRY)
    for _ in range(3):
        yield


def made_of() -> bpy.types.Material | None:
    return bpy.data.objects["Cube"].active_material


def script() -> Steps:
    yield from show_photo()
    before = made_of().name
    rest = place((0.5, 0.5))
    yield from choose_entry()
    yield from shot("photo-1-handles", rest)
    yield from drag([place(START[0]), place((0.5, 0.5)), place((0.9, 0.7))])
    yield from shot("photo-2-crossed", rest)
    yield from press("RET", rest)
    assert not api.jobs(), "corners that cross make nothing"
    yield from drag([place((0.9, 0.7)), place((0.4, 0.4)), place(CORNERS[0])])
    for start, corner in zip(START[1:], CORNERS[1:], strict=True):
        yield from drag([place(start), place(corner)])
    yield from write("1.5", rest)
    yield from shot("photo-3-marked", rest)
    yield from press("RET", rest)
    yield from until(lambda: len(api.jobs()) == 1 and api.jobs()[0].done, "the material")
    job = api.jobs()[0]
    assert job.error is None, job.error
    made = job.applied
    print(made, flush=True)
    assert made.material == made_of().name != before
    assert made.metres is not None and 0.7 < made.metres < 1.5
    window().screen.areas[0].tag_redraw()
    area, _ = editor()
    area.type = "VIEW_3D"
    for _ in range(10):
        yield
    yield from shot("photo-4-material", rest)
    yield from press("Z", rest, ctrl=True)
    yield from until(lambda: made_of().name == before, "the material before")
    assert not bpy.data.materials.get(made.material), "one step takes all of it"
    yield from shot("photo-5-undone", rest)
    yield from cancel_by_key()
    yield from name_aspect()


def cancel_by_key() -> Steps:
    """Esc and the right button leave nothing."""
    area = max(window().screen.areas, key=lambda area: area.width * area.height)
    area.type = "IMAGE_EDITOR"
    yield
    area.spaces.active.image = next(image for image in bpy.data.images if image.name.startswith("wall"))
    yield
    yield
    for key in ("ESC", "RIGHTMOUSE"):
        yield from choose_entry()
        yield from press(key, place((0.5, 0.5)))
        yield
        assert len(api.jobs()) == 1


def name_aspect() -> Steps:
    """What the corners leave open is asked for, and Enter takes it."""
    yield from choose_entry()
    for start, corner in zip(START, OPEN, strict=True):
        yield from drag([place(start), place(corner)])
    yield from shot("photo-6-open", place((0.5, 0.5)))
    yield from press("RET", place((0.5, 0.5)))
    yield from wait_for("The aspect can't be told from these corners.")
    yield from shot("photo-7-asked", place((0.1, 0.9)))
    yield from click_text("OK")
    yield from until(lambda: len(api.jobs()) == 2 and api.jobs()[1].done, "the material")
    job = api.jobs()[1]
    assert job.error is None and job.applied.aspect == 1.0, job


run(script(), patience=240)
