"""Writing a material for an engine: the folder and the engine are chosen in the file browser."""

from __future__ import annotations

from typing import Any

import bpy
from bpy.props import BoolProperty, EnumProperty, StringProperty

from ... import api
from ...core.engines.table import ENGINES
from ..common.operator import CANCELLED, Returned, finish_in_background, reporting
from ..common.translate import translate


class GPT_IMAGE_OT_export_material(bpy.types.Operator):
    """Write a material as the files that a game engine or a pipeline opens by itself"""

    bl_idname = "gpt_image.export_material"
    bl_label = "Export Material"
    bl_options = {"REGISTER"}  # noqa: RUF012

    job: StringProperty(name="Job", description="Id of the job", options={"SKIP_SAVE", "HIDDEN"})
    material: StringProperty(
        name="Material", description="Name of the material", options={"SKIP_SAVE", "HIDDEN"}
    )
    engine: EnumProperty(name="Engine", description="What opens the files", items=ENGINES)
    directory: StringProperty(name="Folder", description="Where to write", subtype="DIR_PATH")
    filter_folder: BoolProperty(
        name="Filter", description="Folders to show", default=True, options={"HIDDEN"}
    )

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> Returned:
        shown = getattr(context.object, "active_material", None)
        if not self.job and not self.material:
            if shown is None:
                self.report({"WARNING"}, translate("Select an object with a material first."))
                return CANCELLED
            self.material = shown.name
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def draw(self: Any, context: bpy.types.Context) -> None:
        self.layout.column().prop(self, "engine", expand=True)

    @reporting
    def execute(self, context: bpy.types.Context) -> Returned | None:
        chosen = {"job": self.job} if self.job else {"material": self.material}
        finish_in_background(api.submit_export(engine=self.engine, output_dir=self.directory, **chosen))
        return None


CLASSES = (GPT_IMAGE_OT_export_material,)
