"""A decal by clicks: its place chosen on the cube, drafted, moved by *Place Decal*, and taken back; then
two at once.

``.ci/blender-in-chroot.sh --window sid --enable-event-simulate --python tests/gui/click_decal.py``,
where the extension is installed. Look at out/gui/decal-*.png.
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
from bl_ext.user_default.gpt_image_addon.core.request.targets import list_targets
from bpy_extras import view3d_utils
from harness import Steps, click, event, find_icon, press, run, until
from screen_reader import Box
from user import Sidebar, click_text, open_sidebar, over, shot

DECAL = [name for name, info in list_targets() if not info.parent].index("decal")
FIRST, SECOND, THIRD = (0.2, -1.0, 0.3), (1.0, 0.1, -0.2), (-0.5, -1.0, -0.4)
NEAR = 0.1  # metres that a click may be off
LINE = 4  # pixels above and below a text that belong to its row


def on_screen(sidebar: Sidebar, place: tuple[float, float, float]) -> tuple[int, int]:
    """Where a place of the scene is in the window."""
    region = next(region for region in sidebar.area.regions if region.type == "WINDOW")
    x, y = view3d_utils.location_3d_to_region_2d(region, sidebar.area.spaces.active.region_3d, place)
    return region.x + round(x), region.y + round(y)


def is_near(found: object, place: tuple[float, float, float]) -> bool:
    return max(abs(a - b) for a, b in zip(found, place, strict=True)) < NEAR


def decals() -> list[bpy.types.Object]:
    return [obj for obj in bpy.context.scene.objects if "decal_size" in obj]


def wear_image() -> None:
    """The cube shows an image, into which a decal can be baked."""
    tree = bpy.data.objects["Cube"].active_material.node_tree
    node = tree.nodes.new("ShaderNodeTexImage")
    node.image = bpy.data.images.new("Wall", 256, 256)
    node.image.pixels.foreach_set([0.5] * (256 * 256 * 4))
    node.image.pack()
    shader = next(one for one in tree.nodes if one.bl_idname == "ShaderNodeBsdfPrincipled")
    tree.links.new(node.outputs["Color"], shader.inputs["Base Color"])


def image_below() -> bytes:
    """The file of the image that the cube shows."""
    tree = bpy.data.objects["Cube"].active_material.node_tree
    image = next(node.image for node in tree.nodes if node.bl_idname == "ShaderNodeTexImage")
    return bytes(image.packed_file.data)


def press_place(sidebar: Sidebar, line: str) -> Steps:
    found = yield from sidebar.bring(line)
    beside = Box(found.right, found.bottom - LINE, sidebar.box.right, found.top + LINE)
    yield from click((yield from find_icon(sidebar.area, sidebar.region, "gpt_image.place_decal", beside)))


def place(sidebar: Sidebar, line: str, at: tuple[float, float, float]) -> Steps:
    yield from press_place(sidebar, line)
    yield from click(on_screen(sidebar, at))


def shift_click(at: tuple[int, int]) -> Steps:
    for kind, value in (("MOUSEMOVE", "NOTHING"), ("LEFTMOUSE", "PRESS"), ("LEFTMOUSE", "RELEASE")):
        event(kind, value, at, shift=True)
        yield


def two_at_once(sidebar: Sidebar) -> Steps:
    """Their places with Shift, an image and a relief for each."""
    values, rest = bpy.context.scene.gpt_image, over(sidebar.area)
    bpy.context.view_layer.objects.active = bpy.data.objects["Cube"]
    values.n, values.decal_size = 2, 0.6
    yield from sidebar.unfold("Surface")
    yield from sidebar.click("With Relief")
    yield from until(lambda: values.decal_relief, "a relief", 10)
    yield from shot("decal-5-relief", rest)
    yield from sidebar.to_top()
    yield from press_place(sidebar, "On Cube, at the 3D cursor")
    for at in (THIRD, SECOND):
        yield from shift_click(on_screen(sidebar, at))
    yield from until(lambda: len(values.decal_places) == 2, "two places", 20)
    yield from shot("decal-6-two-places", rest)
    yield from press("RET", rest)
    yield from sidebar.bring("On Cube, at 2 places")
    yield from sidebar.generate()
    yield from until(lambda: len(decals()) == 3, "two more decals", 60)
    yield
    new = decals()[-2:]
    assert all(is_near(made.location, at) for made, at in zip(new, (THIRD, SECOND), strict=True))
    assert new[0].active_material != new[1].active_material
    for made in new:
        nodes = made.active_material.node_tree.nodes
        shader = next(node for node in nodes if node.bl_idname == "ShaderNodeBsdfPrincipled")
        assert shader.inputs["Normal"].is_linked
    yield from shot("decal-7-two-made", rest)
    yield from press("Z", rest, ctrl=True)
    yield from until(lambda: len(decals()) == 1, "one undo for both", 20)


def script() -> Steps:
    scene = bpy.context.scene
    scene.gpt_image.provider = "offline"
    wear_image()
    sidebar = yield from open_sidebar()
    rest = over(sidebar.area)
    yield from sidebar.choose_target(DECAL)
    assert scene.gpt_image.target == "decal", scene.gpt_image.target
    yield from sidebar.describe("a red star sticker")
    scene.gpt_image.decal_size = 1.0
    yield from shot("decal-1-panel", rest)
    yield from place(sidebar, "On Cube, at the 3D cursor", FIRST)
    yield from until(lambda: is_near(scene.cursor.location, FIRST), "the cursor", 20)
    yield from sidebar.generate()
    yield from until(lambda: len(api.jobs()) == 1 and api.jobs()[0].done, "the decal", 60)
    yield
    (made,) = decals()
    assert is_near(made.location, FIRST) and made.parent.name == "Cube", tuple(made.location)
    sidebar.area.spaces.active.shading.type = "MATERIAL"
    yield from shot("decal-2-made", rest)

    bpy.context.view_layer.objects.active = made
    with bpy.context.temp_override(area=sidebar.area, region=sidebar.region):
        bpy.ops.gpt_image.place_decal("INVOKE_DEFAULT")  # its line names the decal, shortened
    yield
    yield from click(on_screen(sidebar, SECOND))
    yield from until(lambda: is_near(decals()[0].location, SECOND), "the decal on another face", 20)
    yield from shot("decal-3-moved", rest)
    yield from press("Z", rest, ctrl=True)
    yield from until(lambda: is_near(decals()[0].location, FIRST), "the place before", 20)

    before = image_below()
    bpy.context.view_layer.objects.active = decals()[0]
    yield from press("RIGHTMOUSE", rest)
    yield from click_text("Bake into Texture")
    yield from until(lambda: decals()[0].hide_get(), "the decal in the texture", 60)
    assert image_below() != before
    yield from shot("decal-4-baked", rest)
    yield from press("Z", rest, ctrl=True)
    yield from until(lambda: not decals()[0].hide_get(), "the decal on its own again", 20)
    assert image_below() == before
    yield from two_at_once(sidebar)


run(script(), patience=560, shows_first=True)
