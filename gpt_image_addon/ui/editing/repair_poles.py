"""The operator that lets a model repaint the poles of a world: it shows the price and asks."""

from __future__ import annotations

import bpy

from ... import api
from ...app.worlds import pole_repair
from ...core.errors import GptImageError
from ...core.text.message import message
from ..common.operator import CANCELLED, FINISHED, Returned, finish_in_background, reporting
from ..common.translate import translate
from ..common.widgets import draw_sentence
from ..request import quote
from .correct_world import OnWorld

WIDTH = 360  # pixels of the dialog at scale 1
LINE = 50  # characters that fit it
REPAINTED = "Both poles were repainted before; the world takes them, and nothing is sent."
LOST = "An earlier request for a pole brought no result and may have been billed; it is sent again."


class GPT_IMAGE_OT_repair_poles(OnWorld, bpy.types.Operator):
    """Let the model repaint what this scene's world shows straight up and straight down"""

    bl_idname = "gpt_image.repair_poles"
    bl_label = "Repair Poles"
    # No UNDO: Adjust Last Operation would run it, and bill it, again.
    bl_options = {"REGISTER"}  # noqa: RUF012

    retry_unknown: bpy.props.BoolProperty(
        name="Send Again",
        description="Send what may have been billed without an answer before",
        options={"SKIP_SAVE"},
    )

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> Returned:
        try:
            made = self.find_made(context)
            plan = pole_repair.plan_repair(made.job, **made.settings)
        except GptImageError as error:
            self.report({"ERROR"}, translate(error.text))
            return CANCELLED
        self.retry_unknown = plan.lost is not None
        price = message(
            "Requests: {count}, up to {usd} together",
            count=len(plan.poles),
            usd=quote.usd(plan.price.high_usd),
        )
        self._told = (price if plan.poles else REPAINTED, *((LOST,) if plan.lost is not None else ()))
        asked: Returned = context.window_manager.invoke_props_dialog(
            self, width=WIDTH, title=translate(self.bl_label), confirm_text=translate("Repair")
        )
        return asked

    def draw(self, context: bpy.types.Context) -> None:
        for told in self._told:
            draw_sentence(self.layout, translate(told), "NONE", LINE, dim=False)

    @reporting
    def execute(self, context: bpy.types.Context) -> Returned | None:
        made = self.find_made(context)
        finish_in_background(api.repair_poles(made.job, retry_unknown=self.retry_unknown, **made.settings))
        return FINISHED


CLASSES = (GPT_IMAGE_OT_repair_poles,)
