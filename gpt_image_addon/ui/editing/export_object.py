"""Writing objects as files of other programs: the folder and the format are chosen in the file browser."""

from __future__ import annotations

from typing import Any

import bpy
from bpy.props import BoolProperty, EnumProperty, IntProperty, StringProperty

from ... import api
from ...app.exporting import objects
from ...core.engines.table import OBJECT_FORMATS
from ..common.operator import CANCELLED, Returned, reporting, waiting
from ..common.translate import translate
from ..common.widgets import draw_sentence

BROWSER_LINE = 32  # characters beside the files


class GPT_IMAGE_OT_export_object(bpy.types.Operator):
    """Write the selected objects as files of other programs; what nodes make is baked into copies first"""

    bl_idname = "gpt_image.export_object"
    bl_label = "Export Objects"
    bl_options = {"REGISTER"}  # noqa: RUF012

    engine: EnumProperty(name="Format", description="What is written", items=OBJECT_FORMATS)
    size: IntProperty(
        name="Image Size",
        description="Pixels a side of what is baked",
        default=2048,
        min=64,
        max=8192,
        subtype="PIXEL",
    )
    directory: StringProperty(name="Folder", description="Where to write", subtype="DIR_PATH")
    filter_folder: BoolProperty(
        name="Filter", description="Folders to show", default=True, options={"HIDDEN"}
    )

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> Returned:
        if not context.selected_objects:
            self.report({"WARNING"}, translate("Select objects first."))
            return CANCELLED
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def draw(self: Any, context: bpy.types.Context) -> None:
        column = self.layout.column()
        column.prop(self, "engine", expand=True)
        column.prop(self, "size")
        carried = next(tip for name, _, tip in OBJECT_FORMATS if name == self.engine)
        sentence = translate(objects.why_not_written(self.engine) or carried)
        draw_sentence(column, sentence, width=BROWSER_LINE)

    @reporting
    def execute(self, context: bpy.types.Context) -> Returned | None:
        names = [obj.name for obj in context.selected_objects]
        with waiting(context):
            made = api.export_objects(names, engine=self.engine, output_dir=self.directory, size=self.size)
        for warning in made.warnings:
            self.report({"WARNING"}, translate(warning))
        return None


CLASSES = (GPT_IMAGE_OT_export_object,)
