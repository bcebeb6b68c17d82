"""Renders the contact sheet of `materials.md`: what is made of one image, beside the truth.

The project carries no photographs, so the offline provider paints the materials: their height is known. Each
image is a part of a draft that does not tile, under light that falls off to one side, as in a photograph.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from PIL import Image, ImageDraw, ImageFont

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from gpt_image_addon.core.providers.offline.painter import RELIEF, paint
from gpt_image_addon.core.results.store import ImageFile
from gpt_image_addon.core.textures.writer import MapOptions, tile_of, write_maps
from gpt_image_addon.scene.targets.material import build_material
from gpt_image_addon.scene.transaction import Transaction

MATERIALS = (
    "mossy cobblestone",
    "old red brick wall",
    "weathered oak planks",
    "white marble",
    "rusty iron",
    "brown leather",
)
PAINTED, SHOWN = 1024, 512  # pixels a side of the draft, and of the part that is the image
CORNER = (150, 205)  # of that part, row and column
FALL_OFF = 0.65  # light on the far side, as a share of that on the near side
CELL, GAP, HEADER = 148, 4, 18  # pixels
COLUMNS = ("image", "tile 2 x 2", "base color", "normal", "height", "roughness", "ao", "rendered", "truth")
SAMPLES = 48


@dataclass(frozen=True)
class Row:
    """One material."""

    prompt: str
    cells: tuple[Image.Image, ...]
    """One for each column."""


def main() -> int:
    """Write the sheet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=Path(__file__).parents[1] / "docs" / "materials.png")
    output = parser.parse_args().output
    with tempfile.TemporaryDirectory(prefix="gpt-image-sheet-") as folder:
        rows = [make_row(prompt, Path(folder)) for prompt in MATERIALS]
    sheet = laid_out(rows)
    sheet.quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.FLOYDSTEINBERG).save(
        output, optimize=True
    )
    print(f"Done: {output}")
    return 0


def make_row(prompt: str, folder: Path) -> Row:
    """Everything that is shown of one material."""
    print(prompt, flush=True)
    draft = paint(prompt, PAINTED, PAINTED)
    part = tuple(slice(start, start + SHOWN) for start in CORNER)
    even, height = draft.color[part][..., :3], draft.height[part]
    light = np.linspace(1.0, FALL_OFF, SHOWN)[None, :, None]
    image = np.ascontiguousarray((even * light).astype(np.uint8))
    tile = tile_of(image, None).pixels
    options = MapOptions(description=prompt)
    guessed = write_maps(image, folder, f"{prompt} guessed", options, wraps=False).maps
    true = write_maps(
        np.ascontiguousarray(even),
        folder,
        f"{prompt} true",
        options,
        height=height,
        depth=RELIEF * PAINTED,
        wraps=True,
    ).maps
    shown = [image, np.tile(tile, (2, 2, 1))]
    shown += [pixels(guessed[kind]) for kind in ("base_color", "normal", "height", "roughness", "ao")]
    shown += [rendered(maps, folder / "render.png") for maps in (guessed, true)]
    return Row(prompt, tuple(Image.fromarray(cell).convert("RGB").resize((CELL, CELL)) for cell in shown))


def pixels(image_file: ImageFile) -> Any:
    """The pixels of a map."""
    with Image.open(image_file.file) as image:
        return np.asarray(image)


def rendered(maps: dict[str, ImageFile], path: Path) -> Any:
    """A plane with that material under a low lamp from the upper left."""
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    scene = bpy.context.scene
    bpy.ops.mesh.primitive_plane_add(size=1)
    with Transaction() as changes:
        material, _ = build_material("Shown", maps, {}, changes)
    bpy.context.active_object.data.materials.append(material)
    camera = bpy.data.cameras.new("Camera")
    camera.type, camera.ortho_scale = "ORTHO", 1
    sun = bpy.data.lights.new("Sun", "SUN")
    sun.energy, sun.angle = 3.2, 0.05
    for data, location, rotation in ((camera, (0, 0, 2), (0, 0, 0)), (sun, (0, 0, 2), (-0.7, -0.75, 0))):
        obj = bpy.data.objects.new(data.name, data)
        obj.location, obj.rotation_euler = location, rotation
        scene.collection.objects.link(obj)
    scene.camera = bpy.data.objects["Camera"]
    scene.world = bpy.data.worlds.new("World")
    scene.world.color = (0.25, 0.25, 0.25)
    scene.render.engine = "CYCLES"
    scene.cycles.samples, scene.cycles.use_denoising = SAMPLES, False
    scene.view_settings.view_transform = "Standard"
    scene.render.resolution_x = scene.render.resolution_y = 2 * CELL
    scene.render.filepath = str(path)
    bpy.ops.render.render(write_still=True)
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def laid_out(rows: list[Row]) -> Image.Image:
    """All rows below a line of titles."""
    step = CELL + GAP
    sheet = Image.new("RGB", (len(COLUMNS) * step - GAP, HEADER + len(rows) * (step + HEADER)), "white")
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(12)
    for column, title in enumerate(COLUMNS):
        draw.text((column * step + 2, 1), title, "black", font)
    for number, row in enumerate(rows):
        top = HEADER + number * (step + HEADER)
        draw.text((2, top + 1), row.prompt, "black", font)
        for column, cell in enumerate(row.cells):
            sheet.paste(cell, (column * step, top + HEADER))
    return sheet


if __name__ == "__main__":
    sys.exit(main())
