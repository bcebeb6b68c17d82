"""Materials and objects are exported from a result's menu and from File > Export, in the file browser.

``.ci/blender-in-chroot.sh --window sid --enable-event-simulate --python tests/gui/click_export.py``,
where the extension is installed. Look at out/gui/export-*.png.
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
from harness import Steps, run, until, window
from saving import choose_folder, open_menu
from user import Sidebar, click_text, open_sidebar, over, shot, wait_for

STATE = Path(os.environ["GPT_IMAGE_DATA_DIR"])
ENTRY = "Material for Game Engines (GPT Image)"
OBJECTS = "Baked Objects (GPT Image)"
BUTTON = "Export Material"


def from_the_result(sidebar: Sidebar, folder: Path) -> Steps:
    values = bpy.context.scene.gpt_image
    values.provider, values.target = "offline", "material"
    yield from sidebar.describe("old oak planks")
    yield from sidebar.generate()
    yield from until(lambda: len(api.jobs()) == 1 and api.jobs()[0].done, "the material", 60)
    yield from open_menu(sidebar)
    yield from shot("export-1-menu", over(sidebar.area))
    yield from click_text(f"{BUTTON}...")
    yield from choose_folder(folder, "export-2-browser", engine="godot")
    yield from until(lambda: (folder / "gpt-image-export.json").is_file(), "the files", 60)
    assert (folder / "old oak planks" / "old oak planks.tres").is_file()


def from_the_file_menu(sidebar: Sidebar, folder: Path) -> Steps:
    bar = window().screen.areas[0]
    with bpy.context.temp_override(window=window(), area=sidebar.area, region=sidebar.region):
        bpy.ops.wm.call_menu(name="TOPBAR_MT_file_export")
    yield from wait_for(ENTRY)
    yield from shot("export-3-file-menu", (bar.x + 4, bar.y + 4))
    yield from click_text(ENTRY)
    yield from choose_folder(folder, "export-4-browser", engine="unity")
    yield from until(lambda: (folder / "gpt-image-export.json").is_file(), "the files", 60)
    made = sorted(path.suffix for path in folder.rglob("*.mat"))
    assert made == [".mat", ".mat"], made


def objects_from_the_file_menu(sidebar: Sidebar, folder: Path) -> Steps:
    names = {obj.name for obj in bpy.context.selected_objects}
    blocks = [*bpy.data.objects, *bpy.data.meshes, *bpy.data.materials, *bpy.data.images, *bpy.data.scenes]
    before = sorted(block.name for block in blocks)
    with bpy.context.temp_override(window=window(), area=sidebar.area, region=sidebar.region):
        bpy.ops.wm.call_menu(name="TOPBAR_MT_file_export")
    yield from wait_for(OBJECTS)
    yield from click_text(OBJECTS)
    yield from choose_folder(folder, "export-5-objects", engine="gltf")
    yield from until(lambda: (folder / "gpt-image-export.json").is_file(), "the files", 60)
    assert names and {path.stem for path in folder.rglob("*.glb")} == names
    blocks = [*bpy.data.objects, *bpy.data.meshes, *bpy.data.materials, *bpy.data.images, *bpy.data.scenes]
    assert sorted(block.name for block in blocks) == before


def script() -> Steps:
    sidebar = yield from open_sidebar()
    yield from from_the_result(sidebar, STATE / "godot")
    yield from from_the_file_menu(sidebar, STATE / "unity")
    yield from until(lambda: all(job.done for job in api.jobs()), "the end of the jobs", 20)
    yield from objects_from_the_file_menu(sidebar, STATE / "objects")
    yield from shot("export-6-done", over(sidebar.area))


run(script(), patience=240)
