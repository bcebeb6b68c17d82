"""Materials as assets: marked in this file, or written into an asset library. Main thread only."""

from __future__ import annotations

import uuid
from pathlib import Path

import bpy

from ...core.common.asset_catalogs import usable_tags
from ...core.errors import SceneError, StorageError
from ...core.results.output_files import Outputs
from ...core.text.message import message
from ...core.text.names import safe_name
from ..assets import CATALOGS_NAMESPACE, add_catalog, set_preview, show_lit
from ..blend_files import written
from ..images import PROPERTY_PREFIX, encode_image
from ..shading.nodes import image_nodes
from .material import JOB

CATALOG = "GPT Image"
CATALOG_ID = str(uuid.uuid5(CATALOGS_NAMESPACE, CATALOG))
"""The same in every library, so that what is written at different times lies together."""
TAG = "gpt-image"
PROMPT, IMAGE_JOB = f"{PROPERTY_PREFIX}prompt", f"{PROPERTY_PREFIX}job"


def mark(material: bpy.types.Material, library: str, outputs: Outputs) -> Path | None:
    """Make a material an asset with preview, catalog, tags and description.

    :param library: name of an asset library to write it into; empty for this file alone.
    :returns: the file in the library, which has a name of its own there.
    :raises SceneError: there is no such library, or it can't be written.
    """
    folder = _folder_of(library) if library else None
    material.asset_mark()
    data = material.asset_data
    data.catalog_id = CATALOG_ID
    data.description = _prompt_of(material)
    for tag in usable_tags((TAG, *material.name.split("_")[0].lower().split()[:5])):
        data.tags.new(tag, skip_if_exists=True)
    image = _image_of(material)
    if not show_lit(material):
        if image is not None:
            set_preview(material, encode_image(image))
        else:  # Blender renders it meanwhile
            material.asset_generate_preview()
    if folder is None:
        if bpy.data.filepath:
            add_catalog(Path(bpy.data.filepath).parent, CATALOG)
        return None
    path = folder / f"{safe_name(material.name)}.blend"

    def write(part: Path) -> None:
        bpy.data.libraries.write(
            str(part), {material}, path_remap="RELATIVE_ALL", fake_user=True, compress=True
        )

    try:
        with written(path, write) as part:
            # Of a material that no result was made into nothing says that it is the same one.
            found = outputs.place(part, path, str(material.get(JOB, "")) or part.name, renames=True)
        add_catalog(folder, CATALOG)
    except StorageError as error:
        raise SceneError(
            message("The asset could not be written to {path}: {problem}", path=path, problem=error.message)
        ) from error
    return found


def _folder_of(library: str) -> Path:
    found = bpy.context.preferences.filepaths.asset_libraries.get(library)
    if found is None or not Path(found.path).is_dir():
        raise SceneError(
            message("There is no asset library '{library}'.", library=library),
            next_step="Choose one in the add-on's preferences; Blender's own list is under File Paths.",
        )
    return Path(found.path)


def _prompt_of(material: bpy.types.Material) -> str:
    image = _image_of(material)
    return str(image[PROMPT]) if image is not None else ""


def _image_of(material: bpy.types.Material) -> bpy.types.Image | None:
    """The image of a result that a material shows; of several maps the base color."""
    nodes = image_nodes(material.node_tree) if material.node_tree else ()
    ours = [node for node in nodes if node.image is not None and PROMPT in node.image]
    ours.sort(key=lambda node: node.image.colorspace_settings.is_data)
    return ours[0].image if ours else None


def find_material(job: str) -> bpy.types.Material | None:
    """The material of this file that shows the result of a job; None where there is none."""
    for material in bpy.data.materials:
        image = _image_of(material)
        if job in (material.get(JOB), image.get(IMAGE_JOB) if image is not None else None):
            return material
    return None
