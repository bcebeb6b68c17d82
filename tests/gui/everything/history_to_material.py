"""Second session: the picture is found in the history, its prompt recalled, and made a material."""

from __future__ import annotations

import sys
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import screen_reader
from bl_ext.user_default.gpt_image_addon import api
from bl_ext.user_default.gpt_image_addon.ui.results import history_view
from harness import Point, Search, Steps, click, press, quit_by_key, run, until
from user import Sidebar, click_text, fill, open_sidebar, over, shot, wait_for

PROMPT = "mossy stones"


def search(sidebar: Sidebar) -> Search[str]:
    """Unfold the history and search it; returns the id of the one job that is found."""
    rest = over(sidebar.area)
    yield from sidebar.fold("Jobs")
    yield from sidebar.unfold("History")
    yield from until(lambda: len(history_view.current().rows) == 2, "the history to be read")
    yield from shot("11-history", rest)
    field = yield from sidebar.bring("Search")
    yield from fill(field.middle, PROMPT.split()[0])
    yield from until(lambda: len(history_view.current().rows) == 1, "the search")
    (row,) = history_view.current().rows
    assert row.prompt == PROMPT
    yield from shot("12-searched", rest)
    return row.job


def rows_below(sidebar: Sidebar) -> Search[screen_reader.Box]:
    """Where the found job's buttons are: below the title of the history."""
    title = yield from sidebar.bring("History")
    yield from wait_for(PROMPT, sidebar.box._replace(top=title.bottom))
    return sidebar.box._replace(top=screen_reader.find(PROMPT, sidebar.box._replace(top=title.bottom))[0].top)


def open_menu(sidebar: Sidebar, job: str) -> Search[Point]:
    """The menu is the button after the last that has a command."""
    last = yield from sidebar.icon(f'gpt_image.delete_result(job="{job}"', (yield from rows_below(sidebar)))
    unit = round(20 * bpy.context.preferences.system.ui_scale)
    yield from click((last[0] + unit, last[1]))
    yield from wait_for("Use as Material")
    return last


def script() -> Steps:
    sidebar = yield from open_sidebar()
    values = bpy.context.scene.gpt_image
    job_id = yield from search(sidebar)
    assert values.prompt != PROMPT
    recall = yield from sidebar.icon(f'gpt_image.recall(job="{job_id}"', (yield from rows_below(sidebar)))
    yield from click(recall)
    yield from until(lambda: values.prompt == PROMPT, "the prompt to be recalled", 10)
    assert len(values.references) == 1 and values.partial_images == 2
    yield from shot("13-recalled", over(sidebar.area))

    menu = yield from open_menu(sidebar, job_id)
    yield from shot("14-menu-of-a-result", menu)
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
