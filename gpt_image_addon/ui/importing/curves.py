"""An SVG file as curves: the file is chosen in the file browser."""

from __future__ import annotations

import bpy
from bpy.props import StringProperty

from ... import api
from ...core.request.parameters import PARAMETERS
from ..common.operator import Returned, finish_in_background, reporting
from ..request import to_parameters

SETTINGS = tuple(name for name, row in PARAMETERS.items() if row.of_drawing)
PLACE = ("view_matrix", "scene_uid")


class GPT_IMAGE_OT_import_curves(bpy.types.Operator):
    """Make filled curves of an SVG file, as large and thick as the panel says"""

    bl_idname = "gpt_image.import_curves"
    bl_label = "Import SVG as Curves"
    bl_options = {"REGISTER"}  # noqa: RUF012

    filepath: StringProperty(name="File", description="A drawing", subtype="FILE_PATH")
    filter_glob: StringProperty(
        name="Filter", description="Files to show", default="*.svg", options={"HIDDEN"}
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
        finish_in_background(api.submit_curves(self.filepath, **given, **found))
        return None


CLASSES = (GPT_IMAGE_OT_import_curves,)
