"""Suzanne painted as the view shows her, all around, and on the faces that are selected; undo and back."""

from __future__ import annotations

import sys
from pathlib import Path

import bmesh
import bpy
import numpy as np
from mathutils import Euler

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import screen_reader
from bl_ext.user_default.gpt_image_addon import api
from bl_ext.user_default.gpt_image_addon.ui.painting import sides_overlay
from harness import Steps, click, press, run, until
from user import Sidebar, click_text, open_sidebar, over, shot, wait_for

MODEL = 4  # its icon below the prompt
BESIDE = 20  # pixels from one icon to the next
SHOW, BACK = "gpt_image.show_sides", "gpt_image.revert"


def values() -> bpy.types.PropertyGroup:
    """Looked up afresh: undo replaces it."""
    return bpy.context.scene.gpt_image


def suzanne() -> bpy.types.Object:
    return bpy.data.objects["Suzanne"]


def painted() -> np.ndarray | None:
    """The pixels of the image that Suzanne shows, (height, width, 4); None where she shows none."""
    material = suzanne().active_material
    nodes = material.node_tree.nodes if material else ()
    found = [node.image for node in nodes if node.bl_idname == "ShaderNodeTexImage" and node.image]
    if not found:
        return None
    width, height = found[0].size
    flat = np.empty(width * height * 4, np.float32)
    found[0].pixels.foreach_get(flat)
    return flat.reshape(height, width, 4)


def set_scene(sidebar: Sidebar) -> Steps:
    bpy.data.objects.remove(bpy.data.objects["Cube"])
    with bpy.context.temp_override(window=bpy.context.window_manager.windows[0], area=sidebar.area):
        bpy.ops.mesh.primitive_monkey_add(size=4)
        bpy.ops.object.shade_smooth()
    suzanne().modifiers.new("Subdivision", "SUBSURF").levels = 2
    sidebar.area.spaces.active.shading.color_type = "TEXTURE"
    view = sidebar.area.spaces.active.region_3d
    view.view_distance = 9
    yield
    yield from sidebar.describe("glazed pottery")
    yield from sidebar.choose_provider("OpenAI")
    yield from sidebar.choose_target(MODEL)
    yield from until(lambda: values().target == "model", "the target to be the model", 10)
    yield from sidebar.unfold("Texture")
    values().image_size = 1024


def generate(sidebar: Sidebar, count: int) -> Steps:
    yield from sidebar.generate()
    yield from until(lambda: len(api.jobs()) == count, f"job {count}")
    job = api.jobs()[-1]
    yield from until(lambda: job.done, "the answer to be painted", 120)
    assert job.state.name == "APPLIED", job.message


def show_sides(sidebar: Sidebar) -> Steps:
    label = yield from sidebar.bring("View")
    eye = yield from sidebar.icon(SHOW, label)
    yield from click(eye)
    yield from until(lambda: sides_overlay.find_shown() is not None, "the views to be shown", 30)


def view_alone(sidebar: Sidebar) -> Steps:
    rest = over(sidebar.area)
    assert values().views == "view"
    yield from show_sides(sidebar)
    yield from shot("1-one-view", rest)
    yield from generate(sidebar, 1)
    image = painted()
    assert image is not None
    yield from shot("2-view-painted", rest)
    yield from press("Z", rest, ctrl=True)
    yield from until(lambda: painted() is None, "undo", 20)
    yield from press("Z", rest, ctrl=True, shift=True)
    yield from until(lambda: painted() is not None, "redo", 20)


def all_around(sidebar: Sidebar) -> Steps:
    rest = over(sidebar.area)
    before = painted()
    texture = yield from sidebar.unfold("Texture")
    field = yield from sidebar.field("View")
    yield from click(field)
    yield from click_text("All Around", near=field)
    yield from until(lambda: values().views == "auto", "the views to be all around", 10)
    yield from show_sides(sidebar)
    yield from shot("3-sides", rest)
    yield from generate(sidebar, 2)
    after = painted()
    assert before is not None and after is not None
    assert (np.abs(after - before).max(axis=-1) > 0.02).mean() > 0.3
    yield from shot("4-all-around", rest)
    sidebar.area.spaces.active.region_3d.view_rotation.rotate(Euler((0, 0, 2.6)))
    yield from shot("5-from-behind", rest)
    assert texture


def open_menu(sidebar: Sidebar) -> Steps:
    """Of the card, beside the star in its title."""
    yield from sidebar.to_top()
    title = min(screen_reader.find("glazed pottery", sidebar.box), key=lambda box: box.bottom)
    x, y = yield from sidebar.icon("gpt_image.favourite", title)
    yield from click((x + BESIDE, y))


def blended_again(sidebar: Sidebar) -> Steps:
    """Without what no side shows; and the views with how they lay on their guides."""
    rest = over(sidebar.area)
    before, job, count = painted(), api.jobs()[-1].id, len(api.jobs())
    yield from open_menu(sidebar)
    yield from wait_for("Blend Again")
    yield from click_text("Show Views")
    yield from until(lambda: sides_overlay.shows_job(job), "the views to be shown", 20)
    yield from shot("5-views-shown", rest)
    yield from open_menu(sidebar)
    yield from wait_for("Blend Again")
    yield from click_text("Blend Again")
    yield from wait_for("Fill Gaps")
    yield from shot("5-blend-again", rest)
    yield from click_text("Fill Gaps")
    yield from click_text("Replace All")
    yield from click_text("Apply")
    yield from until(lambda: len(api.jobs()) > count and api.jobs()[-1].done, "it to be painted again", 120)
    after = painted()
    assert after is not None and (np.abs(after - before).max(axis=-1) > 0.02).mean() > 0.005
    yield from press("Z", rest, ctrl=True)
    yield from until(lambda: np.array_equal(painted(), before), "undo", 20)
    yield from press("Z", rest, ctrl=True, shift=True)
    yield from until(lambda: np.array_equal(painted(), after), "redo", 20)
    sides_overlay.hide()


def selected_faces(sidebar: Sidebar) -> Steps:
    rest = over(sidebar.area)
    before = painted()
    yield from press("TAB", rest)
    yield from until(lambda: suzanne().mode == "EDIT", "Edit Mode", 10)
    mesh = bmesh.from_edit_mesh(suzanne().data)
    for face in mesh.faces:
        face.select_set(False)
    for face in mesh.faces:
        face.select_set(face.select or (face.calc_center_median().x > 0.7 and face.normal.z > 0))
    mesh.select_flush_mode()
    bmesh.update_edit_mesh(suzanne().data)
    yield
    yield from sidebar.unfold("Texture")
    yield from sidebar.choose("Faces", "Selected")
    yield from until(lambda: values().faces == "selected", "the faces to be those selected", 10)
    yield from shot("6-faces", rest)
    yield from generate(sidebar, 4)
    after = painted()
    assert before is not None and after is not None
    share = (np.abs(after - before).max(axis=-1) > 0.004).mean()
    assert 0.005 < share < 0.5, share
    yield from shot("7-faces-painted", rest)
    bpy.ops.gpt_image.revert(job=api.jobs()[-1].id)
    yield
    assert np.array_equal(painted(), before)
    yield from shot("8-reverted", rest)


def script() -> Steps:
    sidebar = yield from open_sidebar()
    yield from set_scene(sidebar)
    yield from view_alone(sidebar)
    yield from all_around(sidebar)
    yield from blended_again(sidebar)
    yield from selected_faces(sidebar)


run(script(), patience=400)
