"""Images or a GIF as a sprite: the files are chosen in the file browser."""

from __future__ import annotations

from pathlib import Path

import bpy
from bpy.props import CollectionProperty, StringProperty

from ... import api
from ...core.request.parameters import PARAMETERS, SEQUENCE
from ..common.operator import Returned, finish_in_background, reporting
from ..request import to_parameters

SETTINGS = tuple(name for name, row in PARAMETERS.items() if row.of_sprite)
PLACE = ("view_matrix", "scene_uid")


class GPT_IMAGE_OT_import_sprite(bpy.types.Operator):
    """Make an animated plane of several images, in the order of their names, or of one GIF"""

    bl_idname = "gpt_image.import_sprite"
    bl_label = "Import Sprite"
    bl_options = {"REGISTER"}  # noqa: RUF012

    directory: StringProperty(name="Folder", description="Where the images are", subtype="DIR_PATH")
    files: CollectionProperty(
        name="Files",
        description="Images to show as frames",
        type=bpy.types.OperatorFileListElement,
        options={"SKIP_SAVE"},
    )
    filter_glob: StringProperty(
        name="Filter",
        description="Files to show",
        default="*.gif;*.png;*.webp;*.jpg;*.jpeg;*.tif;*.tiff",
        options={"HIDDEN"},
    )

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> Returned:
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    @reporting
    def execute(self, context: bpy.types.Context) -> Returned | None:
        values = context.scene.gpt_image
        given = {name: getattr(values, name) for name in SETTINGS}
        where = to_parameters.place(context)
        found = {name: where[name] for name in PLACE}
        paths = sorted(Path(self.directory, file.name) for file in self.files if file.name)
        folder = self.directory if values.sprite_as == SEQUENCE else None
        finish_in_background(api.submit_sprite(paths, output_dir=folder, **given, **found))
        return None


CLASSES = (GPT_IMAGE_OT_import_sprite,)
