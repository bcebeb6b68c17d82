"""What the scene modules do with a window: shown results, the captured view, and a render that defers.

``.ci/blender-in-chroot.sh --window sid --factory-startup --python tests/gui/check_scene.py``
"""

from __future__ import annotations

import sys
import tempfile
from itertools import combinations
from pathlib import Path
from typing import Any

import bmesh
import bpy
import numpy as np

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[2])]

from harness import Steps, run, screenshot, until, window  # noqa: E402 - found through the path set above

from gpt_image_addon.core.errors import SceneError  # noqa: E402
from gpt_image_addon.core.jobs.job import Task  # noqa: E402
from gpt_image_addon.core.request.map_kinds import MAP_KINDS  # noqa: E402
from gpt_image_addon.core.request.request import Application  # noqa: E402
from gpt_image_addon.core.results.store import ImageFile, PreparedResult  # noqa: E402
from gpt_image_addon.scene.capture.camera import capture_viewport  # noqa: E402
from gpt_image_addon.scene.targets.receiver import why_deferred  # noqa: E402
from gpt_image_addon.scene.targets.registry import apply  # noqa: E402
from gpt_image_addon.ui.common import sidebar, state  # noqa: E402
from gpt_image_addon.ui.results import outcomes  # noqa: E402

OUT = Path("build/gui")


def result(name: str, color: tuple[float, float, float]) -> PreparedResult:
    """A PNG of one colour, encoded by Blender: a full Blender has no Pillow."""
    image = bpy.data.images.new("source", 32, 16)
    image.pixels = [*color, 1.0] * (32 * 16)
    image.file_format = "PNG"
    path = Path(tempfile.mkdtemp()) / "source.png"
    image.filepath_raw = str(path)
    image.save()
    bpy.data.images.remove(image)
    return PreparedResult("job", (ImageFile(name, path.read_bytes(), str(path), "png", 32, 16),))


def area_of(kind: str) -> bpy.types.Area:
    return next(area for area in window().screen.areas if area.type == kind)


def red_mask(path: Path, width: int, height: int) -> Any:
    """Booleans (height, width), True where the image is red."""
    image = bpy.data.images.load(str(path))
    assert tuple(image.size) == (width, height), tuple(image.size)
    pixels = np.array(image.pixels[:]).reshape(height, width, 4)
    bpy.data.images.remove(image)
    assert pixels[..., 3].min() == 1
    return (pixels[..., 0] > 2 * pixels[..., 1]) & (pixels[..., 0] > 2 * pixels[..., 2])


def capture(width: int, height: int) -> Any:
    path = OUT / f"view_{width}x{height}.png"
    return red_mask(capture_viewport(bpy.context, path, width=width, height=height), width, height)


def check_edit_mode() -> Steps:
    """A result goes onto the selected faces, and undo takes it off them, all within the mode."""
    cube = bpy.data.objects["Cube"]
    bpy.context.view_layer.objects.active = cube
    with bpy.context.temp_override(window=window(), area=area_of("VIEW_3D")):
        bpy.ops.object.mode_set(mode="EDIT")
        bpy.ops.mesh.select_mode(type="FACE")
        bpy.ops.mesh.select_all(action="DESELECT")
        edited = bmesh.from_edit_mesh(cube.data)
        edited.faces.ensure_lookup_table()
        for number in (3, 4):
            edited.faces[number].select_set(True)
        bmesh.update_edit_mesh(cube.data)
        bpy.ops.ed.undo_push(message="Select")
    yield
    before = len(cube.material_slots)
    applied = apply(result("Face", (0.1, 0.8, 0.1)), Application(target="texture", object_name="Cube"))
    bpy.ops.ed.undo_push(message="GPT Image")
    yield
    assert cube.mode == "EDIT" and applied.material == cube.material_slots[before].name
    assert faces_of(cube, before) == [3, 4]
    screenshot(OUT / "check_edit_mode.png")
    with bpy.context.temp_override(window=window(), area=area_of("VIEW_3D")):
        bpy.ops.ed.undo()
    yield
    cube = bpy.data.objects["Cube"]
    assert cube.mode == "EDIT" and faces_of(cube, before) == []
    with bpy.context.temp_override(window=window(), area=area_of("VIEW_3D")):
        bpy.ops.object.mode_set(mode="OBJECT")
    yield


def faces_of(obj: bpy.types.Object, slot: int) -> list[int]:
    """Which faces are in a slot, in Edit Mode."""
    return [face.index for face in bmesh.from_edit_mesh(obj.data).faces if face.material_index == slot]


def script() -> Steps:
    space = area_of("VIEW_3D").spaces.active
    assert space.shading.type == "SOLID"
    apply(result("Red", (0.8, 0.05, 0.05)), Application(target="texture", object_name="Cube"))
    assert space.shading.type == "SOLID"  # as the user has it
    apply(
        result("Once more", (0.8, 0.05, 0.05)),
        Application(target="texture", object_name="Cube"),
        show_first=True,
    )
    assert space.shading.type == "SOLID"  # an image is shown already
    apply(
        result("Red again", (0.8, 0.05, 0.05)),
        Application(target="texture", object_name="Cube"),
        turn_views=True,
    )
    assert space.shading.type == "MATERIAL"
    assert bpy.data.materials["Material"].node_tree.nodes.active.image.name == "Red again"
    yield

    overlays = space.overlay.show_overlays, space.overlay.show_floor
    square, wide, tall = capture(256, 256), capture(512, 256), capture(128, 256)
    assert (space.overlay.show_overlays, space.overlay.show_floor) == overlays == (True, True)
    for other in (wide, tall):  # the same height and the same pixels: nothing is stretched
        assert np.abs(other.any(axis=1).sum() - square.any(axis=1).sum()) <= 2
        assert np.abs(other.any(axis=0).sum() - square.any(axis=0).sum()) <= 2
    assert square.sum() > 500
    yield

    space.shading.type = "WIREFRAME"
    apply(
        result("Again", (0.8, 0.05, 0.05)),
        Application(target="texture", object_name="Cube"),
        turn_views=True,
    )
    assert space.shading.type == "WIREFRAME"  # only solid views are turned
    space.shading.type = "MATERIAL"

    area_of("DOPESHEET_EDITOR").type = "IMAGE_EDITOR"
    yield
    apply(result("Shown", (0.1, 0.1, 0.9)), Application(target="image"))
    editor = area_of("IMAGE_EDITOR").spaces.active
    assert editor.image.name == "Shown"
    editor.use_image_pin = True
    apply(result("Hidden", (0.1, 0.9, 0.1)), Application(target="image"))
    assert editor.image.name == "Shown"
    yield

    view = area_of("VIEW_3D").spaces.active.region_3d.view_matrix.inverted()
    rows = tuple(value for row in view for value in row)
    bpy.context.scene.cursor.location = (2, -2, 1)
    applied = apply(result("Plane", (0.1, 0.1, 0.9)), Application(target="plane", view_matrix=rows))
    active = bpy.context.view_layer.objects.active
    assert active and active.name == applied.object, f"{applied} but {active} is active"
    assert [obj.name for obj in bpy.context.selected_objects] == ["Plane"]
    yield
    yield
    screenshot(OUT / "check_scene.png")

    yield from check_edit_mode()
    yield from check_several()
    yield from check_nodes()
    scene = bpy.context.scene
    bpy.context.preferences.view.render_display_type = "NONE"
    scene.render.engine, scene.cycles.samples = "CYCLES", 200
    scene.render.resolution_x = scene.render.resolution_y = 64
    bpy.ops.render.render("INVOKE_DEFAULT")
    assert "render is running" in (why_deferred(Application()) or "")
    yield from until(lambda: not bpy.app.is_job_running("RENDER"), "the render to end")
    assert why_deferred(Application()) is None
    yield from check_popup()


def check_several() -> Steps:
    """Cubes of two sizes get one material, and planes stand beside the one that the 3D cursor is in."""
    cube = bpy.data.objects["Cube"]
    with bpy.context.temp_override(window=window(), area=area_of("VIEW_3D")):
        bpy.ops.mesh.primitive_cube_add(size=1, location=(0, 4, 0))
    other = bpy.context.view_layer.objects.active
    other.scale = (2, 2, 3)
    uids = (cube.session_uid, other.session_uid)
    made = apply(
        result("Both", (0.7, 0.3, 0.1)),
        Application(target="material", object_uid=uids[0], object_uids=uids, texture_size=0.5),
    )
    assert made.objects == ("Cube", other.name) and cube.active_material == other.active_material
    assert any("does not suit all 2" in told for told in made.messages), made.messages
    bpy.context.view_layer.objects.active = cube
    bpy.context.scene.cursor.location = (0, 0, 0)
    view = area_of("VIEW_3D").spaces.active.region_3d.view_matrix.inverted()
    rows = tuple(value for row in view for value in row)
    beside = Application(target="plane", view_matrix=rows, keeps_clear=True)
    plane = bpy.data.objects[apply(result("Beside", (0.1, 0.9, 0.1)), beside).object]
    yield
    yield
    screenshot(OUT / "check_several.png")
    middle = plane.matrix_world.translation
    assert max(abs(value) for value in middle) > 1.0, middle  # the cube is of 2 m
    other.data.materials.clear()


def check_nodes() -> Steps:
    """The nodes of a material with all maps, as large as this Blender draws them, lie apart."""
    cube = bpy.data.objects["Cube"]
    base = result("Maps", (0.5, 0.5, 0.5)).images[0]
    maps = {kind.name: base for kind in MAP_KINDS}
    apply(PreparedResult("job", (base,), maps), Application(target="material", object_name="Cube"))
    bpy.context.view_layer.objects.active = cube
    area = area_of("VIEW_3D")
    area.ui_type = "ShaderNodeTree"
    tree = cube.active_material.node_tree
    yield from until(lambda: all(node.dimensions.x for node in tree.nodes), "the nodes to be drawn")
    scale = bpy.context.preferences.system.ui_scale
    corners = [(node, *node.location, *(node.dimensions / scale)) for node in tree.nodes]
    for (one, x, y, width, height), (other, to_x, to_y, to_width, to_height) in combinations(corners, 2):
        beside = x + width <= to_x or to_x + to_width <= x
        assert beside or y - height >= to_y or to_y - to_height >= y, (one.label, other.label)
    screenshot(OUT / "check_nodes.png")
    area.ui_type = "VIEW_3D"
    yield


def check_popup() -> Steps:
    """A failure that no panel shows opens a popup: the middle of the window looks different afterwards."""
    state.make()
    with bpy.context.temp_override(window=window(), area=area_of("VIEW_3D")):
        area_of("VIEW_3D").spaces.active.show_region_ui = False
    yield
    assert not sidebar.is_visible()
    screenshot(OUT / "before_popup.png")
    task = Task(title="an oak table")
    task.fail(SceneError("The quota of the account is used up."))
    outcomes.tell([task])
    outcomes.tell([task])  # once is enough
    told = state.part(outcomes.Outcomes)
    yield from until(lambda: told.popped_up > 0, "the popup", seconds=10)
    yield
    yield
    screenshot(OUT / "popup.png")
    assert pixels_of("popup.png").sum() != pixels_of("before_popup.png").sum()
    state.drop()


def pixels_of(name: str) -> Any:
    image = bpy.data.images.load(str((OUT / name).resolve()))
    pixels = np.array(image.pixels[:])
    bpy.data.images.remove(image)
    return pixels


run(script(), patience=240.0)
