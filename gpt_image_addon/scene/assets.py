"""Data-blocks as assets: catalog, tags, description and preview. Main thread only."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import bpy

from ..core.common.asset_catalogs import catalog_path, usable_tags
from ..core.common.files import append_synced, read_file, storage_errors
from ..core.errors import SceneError
from ..core.results.store import Facts, ImageFile
from ..core.text.message import message
from .images import KIND, read_image

CATALOG_FILE = "blender_assets.cats.txt"
CATALOG_HEADER = """\
# This is an Asset Catalog Definition file for Blender.
# Empty lines and lines starting with `#` are ignored; the others are "UUID:catalog/path:simple name".

VERSION 1

"""
CATALOGS_NAMESPACE = uuid.UUID("6f0e3a5e-6a0f-5b0e-9d3c-2f6a4f1f7d10")
"""So that the same path is the same catalog in every library."""
PREVIEW_EDGE = 256  # pixels
LIT_WITH = ("base_color", "normal", "roughness", "metallic")
TAG = "GPT Image"


def mark(
    block: bpy.types.ID,
    image_file: ImageFile,
    facts: Facts,
    *,
    catalog: str = "",
    tags: Sequence[str] = (),
) -> None:
    """Make a material or an object an asset.

    :param image_file: shown as its preview.
    :param facts: the prompt becomes the description.
    :param catalog: id of a catalog, see `add_catalog`; empty for none.
    """
    block.asset_mark()
    data = block.asset_data
    data.description = str(facts.get("prompt", ""))
    for tag in usable_tags((TAG, *tags)):
        data.tags.new(tag, skip_if_exists=True)
    if catalog:
        data.catalog_id = catalog
    if not (isinstance(block, bpy.types.Material) and show_lit(block)):
        set_preview(block, image_file.data)


def set_preview(block: bpy.types.ID, encoded: bytes) -> None:
    """Show an image where the data-block is browsed; at once, so that a file that is written now has it."""
    from ..core.imaging.formats import thumbnail

    _show(block, thumbnail(encoded, PREVIEW_EDGE))


def show_lit(material: bpy.types.Material) -> bool:
    """Show a ball lit from the side where a material of ours is browsed.

    :returns: False where it has no normal map, or its maps have no pixels or other sizes.
    """
    import numpy as np

    from ..core.raster.lit_ball import Maps, lit_ball

    nodes = material.node_tree.nodes if material.node_tree else ()
    images = {node[KIND]: node.image for node in nodes if KIND in node and getattr(node, "image", None)}
    if not {"base_color", "normal"} <= images.keys():
        return False
    try:
        maps = {kind: read_image(images[kind]) for kind in LIT_WITH if kind in images}
    except SceneError:  # its file is gone
        return False
    if len({pixels.shape[:2] for pixels in maps.values()}) > 1:
        return False
    color, normal = (maps.pop(kind)[..., :3] for kind in ("base_color", "normal"))
    flat = {kind: pixels[..., 0] for kind, pixels in maps.items()}
    _show(material, lit_ball(Maps(color, normal, **flat), PREVIEW_EDGE) / np.float32(255))
    return True


def _show(block: bpy.types.ID, pixels: Any) -> None:
    pixels = pixels[::-1]
    preview = block.preview_ensure()
    preview.image_size = (pixels.shape[1], pixels.shape[0])
    preview.image_pixels_float.foreach_set(pixels.ravel())


def add_catalog(folder: Path, path: str) -> str:
    """The id of a catalog such as ``Wood/Planks``, which is added to the library's file where it is new.

    :param folder: where the library lies.
    :raises InvalidRequestError: a path that no catalog can have.
    :raises StorageError: the file can't be written.
    """
    clean = catalog_path(path)
    file = folder / CATALOG_FILE
    with storage_errors(message("{path} could not be written", path=file)):
        # The user's own lines may be in any encoding, and stay as they are.
        text = read_file(file).decode("utf-8", "surrogateescape") if file.exists() else ""
        for line in text.splitlines():
            id, _, rest = line.partition(":")
            if not line.startswith("#") and rest.split(":")[0] == clean:
                return id
        found = str(uuid.uuid5(CATALOGS_NAMESPACE, clean))
        name = clean.replace("/", "-")
        before = CATALOG_HEADER if not text.strip() else "" if text.endswith("\n") else "\n"
        append_synced(file, f"{before}{found}:{clean}:{name}\n".encode())
    return found
