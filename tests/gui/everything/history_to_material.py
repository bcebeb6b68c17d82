"""Second session: the image is found in the history, its prompt recalled, and made a material."""

from __future__ import annotations

import sys
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bl_ext.user_default.gpt_image_addon import api
from bl_ext.user_default.gpt_image_addon.ui.results import chosen, history_view
from harness import Point, Search, Steps, click, find_button, press, quit_by_key, run, until
from user import Sidebar, click_text, fill, open_sidebar, over, shot, wait_for

PROMPT = "mossy stones"
FIRST, STAR = 0.2, 0.74  # of the width of the sidebar: the first result of the grid, the card's star


def search(sidebar: Sidebar) -> Search[str]:
    """Search the results and choose the one that is found; returns its id."""
    rest = over(sidebar.area)
    yield from until(lambda: len(history_view.current().rows) == 2, "the history to be read")
    yield from shot("11-newest-result", rest)
    field = yield from sidebar.bring("Search")
    yield from fill(field.middle, PROMPT.split()[0])
    yield from until(lambda: len(history_view.current().rows) == 1, "the search")
    (row,) = history_view.current().rows
    assert row.prompt == PROMPT
    yield from click((yield from find_button(sidebar.area, sidebar.region, "gpt_image.show_result", FIRST)))
    yield from until(lambda: chosen.current().job == row.job, "the result to be shown")
    yield from shot("12-searched", rest)
    return str(row.job)


def open_menu(sidebar: Sidebar) -> Search[Point]:
    """The card's menu: right of the star."""
    yield from sidebar.to_top()
    star = yield from find_button(sidebar.area, sidebar.region, "gpt_image.favourite", STAR)
    unit = round(20 * bpy.context.preferences.system.ui_scale)
    yield from click((star[0] + unit, star[1]))
    yield from wait_for("Use as Material")
    return star


def script() -> Steps:
    sidebar = yield from open_sidebar()
    values = bpy.context.scene.gpt_image
    yield from search(sidebar)
    assert values.prompt != PROMPT
    menu = yield from open_menu(sidebar)
    yield from shot("13-menu-of-a-result", menu)
    yield from click_text("Load Settings", near=menu)
    yield from until(lambda: values.prompt == PROMPT, "the prompt to be recalled", 10)
    assert len(values.references) == 1 and values.partial_images == 2
    yield from shot("14-recalled", over(sidebar.area))

    menu = yield from open_menu(sidebar)
    yield from click_text("Use as Material", near=menu)
    yield from until(lambda: bool(api.jobs()), "the result to be applied", 10)
    (job,) = api.jobs()
    yield from until(lambda: job.done, "the material", 60)
    assert job.state.name == "APPLIED", job.message
    material = bpy.data.objects["Cube"].active_material
    shader = next(node for node in material.node_tree.nodes if node.type == "BSDF_PRINCIPLED")
    assert shader.inputs["Normal"].is_linked, "no material, but perhaps a texture"
    view = over(sidebar.area)
    yield from shot("15-material", view)
    yield from press("S", view, ctrl=True)
    yield from until(lambda: not bpy.data.is_dirty, "the file to be saved")
    yield from quit_by_key(view)


run(script(), patience=300)
