"""Renders the contact sheet of `materials.md`: what is made of one image, beside the truth.

The project carries no photographs; tools/procedural_materials.py makes the materials: their maps are known.
Each image is such a material under a lamp and the sky. The material of the maps made of that image, and that
of the true ones, are then rendered under the same two lamps, from the left and from the right.
"""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from gpt_image_addon.core.request.map_kinds import BY_NAME
from gpt_image_addon.core.results.store import ImageFile
from gpt_image_addon.core.textures.writer import MapOptions, write_maps
from gpt_image_addon.scene.targets.material import build_material
from gpt_image_addon.scene.transaction import Transaction
from tools.material_sets import Lamp, lit, unit_normals
from tools.procedural.recipes import RECIPES
from tools.procedural_materials import Made, make_material

MATERIALS = (
    "red brick wall",
    "cobblestone",
    "weathered planks",
    "rough stucco",
    "rusty metal",
    "fallen leaves",
)
SEED = 77  # not the one that the network learned from
SIDE = 512  # pixels of an image
LAMPS = (0.7, 2.4, 4.0, 5.5, 1.6, 3.1)  # radians around each image's material, 0 to the right
CELL, GAP, HEADER = 148, 4, 18  # pixels
SUNS = {"left": (0.0, -0.95, 0.0), "right": (0.0, 0.95, 0.0)}  # rotations
COLUMNS = (
    *("image", "base color", "normal", "roughness", "ao"),
    *("made, lamp left", "true, lamp left", "made, lamp right", "true, lamp right"),
)
SAMPLES = 8


@dataclass(frozen=True)
class Row:
    """One material."""

    words: str
    cells: tuple[Image.Image, ...]
    """One for each column."""


def main() -> int:
    """Write the sheet."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--output", type=Path, default=Path(__file__).parents[1] / "docs" / "materials.png")
    output = parser.parse_args().output
    with tempfile.TemporaryDirectory(prefix="gpt-image-sheet-") as folder:
        rows = [make_row(*pair, Path(folder)) for pair in zip(MATERIALS, LAMPS, strict=True)]
    sheet = laid_out(rows)
    sheet.quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.FLOYDSTEINBERG).save(
        output, optimize=True
    )
    print(f"Done: {output}")
    return 0


def make_row(words: str, azimuth: float, folder: Path) -> Row:
    """Everything that is shown of one material."""
    print(words, flush=True)
    truth = make_material([recipe.words for recipe in RECIPES].index(words), SEED, SIDE)
    lamp = Lamp(azimuth, 0.95, 0.55)
    image = as_bytes(lit(truth.color, unit_normals(truth.normal), truth.occlusion, lamp))
    made = write_maps(image, folder, words, MapOptions(description=words), wraps=True).maps
    known = true_maps(truth)
    shown = [image] + [pixels(made[kind]) for kind in ("base_color", "normal", "roughness", "ao")]
    for sun in SUNS.values():
        shown += [rendered(maps, sun, folder / "render.png") for maps in (made, known)]
    return Row(words, tuple(Image.fromarray(cell).convert("RGB").resize((CELL, CELL)) for cell in shown))


def true_maps(truth: Made) -> dict[str, ImageFile]:
    """The maps of a material as files in memory."""
    metallic = np.full_like(truth.height, truth.metallic)
    planes = {"base_color": truth.color, "normal": truth.normal, "height": truth.height}
    planes |= {"roughness": truth.roughness, "ao": truth.occlusion, "metallic": metallic}
    return {kind: image_file(kind, as_bytes(plane)) for kind, plane in planes.items() if kind in BY_NAME}


def image_file(name: str, values: NDArray[np.uint8]) -> ImageFile:
    """A PNG in memory."""
    stream = io.BytesIO()
    Image.fromarray(values).save(stream, "PNG")
    return ImageFile(name, stream.getvalue(), "", "png", values.shape[1], values.shape[0])


def as_bytes(plane: NDArray[np.float32]) -> NDArray[np.uint8]:
    """0..255 of 0..1."""
    return np.asarray(np.rint(np.clip(plane, 0, 1) * 255), np.uint8)


def pixels(image: ImageFile) -> Any:
    """The pixels of a map."""
    with Image.open(io.BytesIO(image.data)) as opened:
        return np.asarray(opened)


def rendered(maps: dict[str, ImageFile], sun_rotation: tuple[float, float, float], path: Path) -> Any:
    """A plane with that material under a low lamp."""
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
    for data, rotation in ((camera, (0.0, 0.0, 0.0)), (sun, sun_rotation)):
        obj = bpy.data.objects.new(data.name, data)
        obj.location, obj.rotation_euler = (0, 0, 2), rotation
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
        draw.text((2, top + 1), row.words, "black", font)
        for column, cell in enumerate(row.cells):
            sheet.paste(cell, (column * step, top + HEADER))
    return sheet


if __name__ == "__main__":
    sys.exit(main())
