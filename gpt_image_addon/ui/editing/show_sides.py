"""From which sides a model would be painted, and from which views it was, in the 3D views."""

from __future__ import annotations

from contextlib import suppress

import bpy
from bpy.props import StringProperty

from ...app import settings, submission
from ...app.painting import coverage, stored
from ...core.errors import InvalidRequestError
from ...core.text.message import message
from ..common.operator import Returned, reporting, waiting
from ..common.translate import translate
from ..painting import sides_overlay, view_labels
from ..request import generate


class GPT_IMAGE_OT_show_sides(bpy.types.Operator):
    """Show from where the model is painted, and how much of it is seen from there; nothing is sent"""

    bl_idname = "gpt_image.show_sides"
    bl_label = "Show Sides"
    bl_options = {"INTERNAL"}  # noqa: RUF012

    @reporting
    def execute(self, context: bpy.types.Context) -> Returned | None:
        if sides_overlay.find_shown() is not None:
            sides_overlay.hide()
            return None
        with waiting(context):
            request, application = generate.split_request(context, {})
            projection = submission.Submitter(settings.load(with_key=False)).plan_views(request, application)
        sides_overlay.show(projection)
        share = f"{projection.shown_share or 0:.0%}"
        told = message("The view shows {share} of the surface.", share=share)
        if projection.is_alone:
            count = len(projection.views)
            told = message("{count} sides show {share} of the surface.", count=count, share=share)
        self.report({"INFO"}, translate(told))
        return None


class GPT_IMAGE_OT_show_painted_views(bpy.types.Operator):
    """Show from which views this was painted, how each lay on its guide, and what they painted of it"""

    bl_idname = "gpt_image.show_painted_views"
    bl_label = "Show Views"
    bl_options = {"INTERNAL"}  # noqa: RUF012

    job: StringProperty(name="Job", description="Id of the job", options={"SKIP_SAVE", "HIDDEN"})

    @reporting
    def execute(self, context: bpy.types.Context) -> Returned | None:
        if sides_overlay.shows_job(self.job):
            sides_overlay.hide()
            return None
        found = stored.read_stored(self.job)
        views = found.projection.views
        labels = dict(zip((view.name for view in views), view_labels.describe_views(found), strict=True))
        left_out = [name for name, report in found.reports.items() if not report.used]
        marks = None
        with waiting(context), suppress(InvalidRequestError):  # objects that are gone or hidden show nothing
            marks = coverage.mark_coverage(found, context.scene)
        sides_overlay.show(found.projection, self.job, labels, left_out, marks)
        told = message(
            "{used} of {count} views were used.", used=len(views) - len(left_out), count=len(views)
        )
        legend = message("Green is painted, red is not.")
        if found.projection.fill_gaps:
            legend = message("Green is painted, blue was filled from what lies near it.")
        self.report({"INFO"}, translate(told) if marks is None else f"{translate(told)} {translate(legend)}")
        return None


CLASSES = (GPT_IMAGE_OT_show_sides, GPT_IMAGE_OT_show_painted_views)
