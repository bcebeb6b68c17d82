"""Result, edit, edit, one version back, a branch from there, compare: by clicks and keys."""

from __future__ import annotations

import sys
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bl_ext.user_default.gpt_image_addon import api
from bl_ext.user_default.gpt_image_addon.ui.common import state
from bl_ext.user_default.gpt_image_addon.ui.references.compare_overlay import Comparison
from bl_ext.user_default.gpt_image_addon.ui.results import chosen
from harness import (
    OUT,
    Point,
    Search,
    Steps,
    click,
    find_button,
    find_icon,
    find_property,
    press,
    run,
    screenshot,
    until,
    window,
    write,
)
from user import Sidebar, drag, open_sidebar, over, shot

HALF_ROW = 6  # pixels


def values() -> bpy.types.PropertyGroup:
    return bpy.context.scene.gpt_image


def shown() -> str:
    """The job whose image is on the cube."""
    tree = bpy.data.objects["Cube"].active_material.node_tree
    image = next(node.image for node in tree.nodes if node.bl_idname == "ShaderNodeTexImage")
    return str(image["gpt_image_job"])


def finished(number: int) -> Steps:
    yield from until(lambda: len(api.jobs()) == number and api.jobs()[-1].done, f"job {number}")
    assert api.jobs()[-1].state.name == "APPLIED", api.jobs()[-1].message
    yield


def make_it(sidebar: Sidebar, text: str, number: int) -> Steps:
    """Type into the field of the card and click its button."""
    field = yield from find_property(sidebar.area, sidebar.region, "gpt_image.instruction", 0.3)
    yield from click(field)
    yield from write(text, field)
    yield from press("RET", field)
    yield from shot(f"versions-typed-{number}", over(sidebar.area))
    yield from click((yield from find_button(sidebar.area, sidebar.region, "gpt_image.make_it", 0.8)))
    yield from finished(number)


def icon(sidebar: Sidebar, command: str, name: str) -> Search[Point]:
    """Where a button of the row of versions is."""
    _, height = yield from find_button(sidebar.area, sidebar.region, "gpt_image.make_it", 0.8)
    row = sidebar.box._replace(bottom=height + 10, top=height + 40)
    return (yield from find_icon(sidebar.area, sidebar.region, command, row))


def step_back(sidebar: Sidebar, job: str) -> Steps:
    yield from click((yield from icon(sidebar, f'gpt_image.show_version(job="{job}"', "back")))
    yield from until(lambda: shown() == job, "the version before")


def image_editor() -> bpy.types.Area:
    return next(area for area in window().screen.areas if area.type == "IMAGE_EDITOR")


def place(u: float, v: float) -> Point:
    """Where in the window a point of the image is that the Image Editor shows."""
    region = next(region for region in image_editor().regions if region.type == "WINDOW")
    x, y = region.view2d.view_to_region(u, v, clip=False)
    return region.x + x, region.y + y


def compare(sidebar: Sidebar) -> Steps:
    yield from click((yield from icon(sidebar, "gpt_image.compare_versions(", "compare")))
    found = state.part(Comparison)
    yield from until(lambda: found.handler is not None, "the comparison")
    for _ in range(8):
        yield
    screenshot(OUT / "versions-compare-half.png")
    yield from drag([place(0.5, 0.5), place(0.4, 0.5), place(0.25, 0.5)])
    yield from until(lambda: abs(found.split - 0.25) < 0.03, "the line")
    for _ in range(4):
        yield
    screenshot(OUT / "versions-compare-quarter.png")
    yield from press("ESC", place(0.5, 0.5))
    yield from until(lambda: found.handler is None, "the end of the comparison")
    for _ in range(4):
        yield
    screenshot(OUT / "versions-compared.png")


def script() -> Steps:
    sidebar = yield from open_sidebar()
    values().provider, values().quality, values().target = "openai", "low", "texture"
    yield from sidebar.describe("an old brick wall")
    yield from sidebar.generate()
    yield from finished(1)
    yield from shot("versions-first", over(sidebar.area))
    yield from make_it(sidebar, "darker", 2)
    yield from make_it(sidebar, "with moss", 3)
    second, third = (job.id for job in api.jobs()[1:])
    assert shown() == third, "the newest is on the cube"
    yield from shot("versions-third", over(sidebar.area))
    yield from step_back(sidebar, second)
    yield from shot("versions-back", over(sidebar.area))
    assert chosen.current().place == 1
    yield from press("Z", over(sidebar.area), ctrl=True)
    yield from until(lambda: shown() == third, "the undo")
    yield from press("Z", over(sidebar.area), ctrl=True, shift=True)
    yield from until(lambda: shown() == second, "the redo")
    yield from make_it(sidebar, "painted white", 4)
    fourth = api.jobs()[-1].id
    assert shown() == fourth and api.jobs()[-1].application.edit_of == f"{second}/1"
    assert [job for job, _ in chosen.current().branches] == [third, fourth]
    yield from shot("versions-branch", over(sidebar.area))
    yield from compare(sidebar)
    print("1 passed, 0 failed", flush=True)


run(script(), patience=600)
