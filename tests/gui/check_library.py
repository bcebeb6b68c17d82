"""The library of the first steps in the asset browser: twenty materials in five catalogs, with previews.

``.ci/blender-in-chroot.sh --window sid --factory-startup --python tests/gui/check_library.py``, after
``tests/extension/follow_pages.py``. Its image, out/gui/library.png, is the one in docs/first-steps.md.
"""

from __future__ import annotations

import sys
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).resolve().parent))

from harness import OUT, Steps, run, screenshot, until, window

LIBRARY = Path("build/first-steps/library").absolute()
CATALOGS = {"Brick", "Fabric", "Metal", "Stone", "Wood"}


def script() -> Steps:
    with bpy.data.libraries.load(str(LIBRARY / "materials.blend"), assets_only=True) as (found, wanted):
        assert len(found.materials) == 20, found.materials
        wanted.materials = found.materials
    assert all(material.preview and material.preview.image_size[0] for material in wanted.materials)
    lines = (LIBRARY / "blender_assets.cats.txt").read_text("utf-8").splitlines()
    names = dict(line.split(":")[:2] for line in lines if line.count(":") == 2 and not line.startswith("#"))
    used = {names[material.asset_data.catalog_id] for material in wanted.materials}
    assert used == CATALOGS, used
    for material in wanted.materials:
        bpy.data.materials.remove(material)

    bpy.ops.preferences.asset_library_add(directory=str(LIBRARY))
    library = bpy.context.preferences.filepaths.asset_libraries[-1]
    area = next(area for area in window().screen.areas if area.type == "VIEW_3D")
    area.ui_type = "ASSETS"
    space = area.spaces.active
    yield from until(lambda: space.params is not None, "the asset browser")
    space.params.asset_library_reference = library.name
    for _ in range(20):  # previews are read one by one
        area.tag_redraw()
        yield
    screenshot(OUT / "library.png")


run(script())
