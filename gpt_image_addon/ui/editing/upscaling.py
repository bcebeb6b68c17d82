"""The operator that upscales the image shown in the Image Editor: it shows the price and asks."""

from __future__ import annotations

from typing import Any

import bpy

from ... import api
from ...core.errors import GptImageError
from ...core.text.message import message
from ..common.operator import CANCELLED, FINISHED, Returned, finish_in_background, reporting
from ..common.translate import translate
from ..common.widgets import draw_sentence
from ..request import quote, to_parameters

WIDTH = 360  # pixels of the dialog at scale 1
LINE = 50  # characters that fit it
REQUEST = ("provider", "model", "quality")
"""What of the panel's request holds for these requests, too."""


class GPT_IMAGE_OT_upscale(bpy.types.Operator):
    """Make a larger copy of the shown image; a model paints its fine detail in parts"""

    bl_idname = "gpt_image.upscale"
    bl_label = "Upscale with GPT Image"
    # No UNDO: Adjust Last Operation would run it, and bill it, again.
    bl_options = {"REGISTER"}  # noqa: RUF012

    image: bpy.props.StringProperty(name="Image", description="Name of the image", options={"SKIP_SAVE"})
    scale: bpy.props.EnumProperty(
        name="Scale",
        description="Times its size",
        items=(("2", "2x", ""), ("4", "4x", ""), ("8", "8x", "")),
        options={"SKIP_SAVE"},
    )
    local: bpy.props.BoolProperty(
        name="Only Resample",
        description="Enlarge it without a request: no cost, and no new detail",
        options={"SKIP_SAVE"},
    )

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> Returned:
        space = context.space_data
        shown = getattr(space, "image", None) if space and space.type == "IMAGE_EDITOR" else None
        self.image = self.image or (shown.name if shown is not None else "")
        if not self.image:
            self.report({"WARNING"}, translate("Show the image in an Image Editor first."))
            return CANCELLED
        self._told: tuple[str, ...] = ()
        self._problem = ""
        try:
            found = api.estimate_upscale(self._source(), scale=int(self.scale), **self._request(context))
        except GptImageError as error:
            if error.code != "unsupported":
                self.report({"ERROR"}, translate(error.text))
                return CANCELLED
            self._problem, self.local = error.message, True
        else:
            self._told = (
                message("{width} x {height} pixels", width=found.width, height=found.height),
                message(
                    "Requests: {count}, up to {usd} together",
                    count=sum(found.requests),
                    usd=quote.usd(found.price.high_usd),
                ),
                *found.warnings,
            )
        asked: Returned = context.window_manager.invoke_props_dialog(
            self, width=WIDTH, title=translate(self.bl_label), confirm_text=translate("Upscale")
        )
        return asked

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        if self._problem:
            draw_sentence(layout, translate(self._problem), "INFO", LINE, dim=False)
        request = layout.column()
        request.active = not self.local  # the rows stay: what is below must not move under the mouse
        for told in self._told:
            draw_sentence(request, translate(told), "NONE", LINE, dim=False)
        row = layout.row()
        row.enabled = not self._problem
        row.prop(self, "local")

    @reporting
    def execute(self, context: bpy.types.Context) -> Returned | None:
        wanted: dict[str, Any] = {} if self.local else self._request(context)
        task = api.submit_upscale(self._source(), scale=int(self.scale), local=self.local, **wanted)
        finish_in_background(task)
        return FINISHED

    def _source(self) -> Any:
        image = bpy.data.images.get(self.image)
        return image if image is not None else self.image

    def _request(self, context: bpy.types.Context) -> dict[str, Any]:
        values = to_parameters.plain(context.scene.gpt_image)
        return {name: values[name] for name in REQUEST if values.get(name)}


CLASSES = (GPT_IMAGE_OT_upscale,)
