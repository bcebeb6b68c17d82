"""The operator behind the eye beside *All Around*: it shows from which sides a model would be painted."""

from __future__ import annotations

import bpy

from ...app import settings, submission
from ...core.text.message import message
from ..common.operator import Returned, reporting, waiting
from ..common.translate import translate
from ..painting import sides_overlay
from ..request import generate


class GPT_IMAGE_OT_show_sides(bpy.types.Operator):
    """Show from which sides the model is painted, and how much of it they show; nothing is sent"""

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
        told = message(
            "{count} sides show {share} of the surface.",
            count=len(projection.views),
            share=f"{projection.shown_share or 0:.0%}",
        )
        self.report({"INFO"}, translate(told))
        return None
