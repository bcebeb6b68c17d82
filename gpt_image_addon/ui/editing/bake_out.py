"""What a result painted, written as image files."""

from __future__ import annotations

import bpy
from bpy.props import BoolProperty, EnumProperty, StringProperty

from ... import api
from ...app import results
from ...core.errors import GptImageError
from ...core.request.targets import find_target
from ..common.operator import FINISHED, Returned, finish_in_background, reporting
from ..common.translate import translate

SIZES = (
    ("0", "As It Is", "The size of the images that are there"),
    *((str(size), f"{size} × {size}", "Pixels of the longer side") for size in (1024, 2048, 4096, 8192)),
)
FORMATS = (
    ("png 8", "PNG, 8 Bit", "Small files"),
    ("png 16", "PNG, 16 Bit", "No steps in slopes; large files"),
    ("exr 16", "OpenEXR", "Linear colors, as half floats"),
)


class GPT_IMAGE_OT_bake_out(bpy.types.Operator):
    """Write what the painted objects show as images of any size: base color and maps"""

    bl_idname = "gpt_image.bake_out"
    bl_label = "Bake Out"
    bl_options = {"REGISTER"}  # noqa: RUF012

    job: StringProperty(name="Job", description="Id of the job", options={"SKIP_SAVE", "HIDDEN"})
    directory: StringProperty(
        name="Folder", description="Folder of the files", subtype="DIR_PATH", options={"SKIP_SAVE", "HIDDEN"}
    )
    filter_folder: BoolProperty(
        name="Filter", description="Folders to show", default=True, options={"SKIP_SAVE", "HIDDEN"}
    )
    size: EnumProperty(name="Size", description="Pixels of the longer side", items=SIZES)
    form: EnumProperty(name="Format", description="Kind of the files", items=FORMATS)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> Returned:
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def draw(self, context: bpy.types.Context) -> None:
        self.layout.prop(self, "size")
        self.layout.prop(self, "form")

    @reporting
    def execute(self, context: bpy.types.Context) -> Returned | None:
        form, bits = self.form.split()
        job = api.submit_bake_out(
            results.entry(self.job).application.objects,
            self.directory,
            size=int(self.size) or None,
            bits=int(bits),
            format=form,
        )
        self.report({"INFO"}, translate("The files are being written."))
        finish_in_background(job)
        return FINISHED


def can_bake_out(job: str) -> bool:
    """Whether a result was painted onto objects."""
    try:
        return find_target(results.entry(job).application.target).is_projected
    except GptImageError:
        return False


CLASSES = (GPT_IMAGE_OT_bake_out,)
