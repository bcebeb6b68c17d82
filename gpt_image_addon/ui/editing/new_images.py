"""The operators that extend the shown image and cut its subject out; the price stands in their dialogs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import bpy

from ... import api
from ...app.editing import new_images
from ...core.errors import GptImageError, InvalidRequestError
from ...core.text.message import message
from ..common import state
from ..common.operator import CANCELLED, FINISHED, Returned, reporting
from ..common.translate import translate
from ..common.widgets import draw_sentence
from ..request import confirm, generate, quote, to_parameters

if TYPE_CHECKING:
    from ...app.submission import PreparedRequest

WIDTH = 400  # pixels of the dialogs at scale 1
LINE = 62  # characters that fit them
REQUEST = ("provider", "model", "quality")
"""What of the panel's request holds for these requests, too."""
SIDES = ("left", "right", "top", "bottom")
MOST = 16384  # pixels added at a side


class _FromShownImage:
    """What both operators share."""

    def invoke(self: Any, context: bpy.types.Context, event: bpy.types.Event) -> Returned:
        space = context.space_data
        shown = getattr(space, "image", None) if space and space.type == "IMAGE_EDITOR" else None
        if shown is None or not all(shown.size):
            self.report({"WARNING"}, translate("Show the image in an Image Editor first."))
            return CANCELLED
        self.image = shown.name
        self.check(context)
        found: Returned = context.window_manager.invoke_props_dialog(
            self, width=WIDTH, confirm_text=translate("Send")
        )
        return found

    def check(self: Any, context: bpy.types.Context) -> bool:
        """Plan it anew after a change in the dialog; drawing shows what was found."""
        image = bpy.data.images.get(self.image)
        try:
            self._told, self._problem = self.price(tuple(image.size)), ""
        except GptImageError as error:
            self._told, self._problem = "", error.text
        return True

    @reporting
    def execute(self: Any, context: bpy.types.Context) -> Returned | None:
        image = bpy.data.images.get(self.image)
        if image is None:
            raise InvalidRequestError(
                message("There is no image '{image}'.", image=self.image), param="image"
            )
        if getattr(self, "_problem", ""):  # the dialog showed it in place of a price
            raise InvalidRequestError(self._problem)
        self.start(image)
        return FINISHED

    def draw(self: Any, context: bpy.types.Context) -> None:
        layout = self.layout
        layout.use_property_split = True
        for names in self.shown:
            column = layout.column(align=True)
            for name in names:
                column.prop(self, name)
        told, icon = (self._problem, "ERROR") if self._problem else (self._told, "NONE")
        draw_sentence(layout, translate(told), icon, LINE, dim=False)


def _request() -> dict[str, Any]:
    """Provider, model and quality as the panel has them."""
    values = to_parameters.plain(bpy.context.scene.gpt_image)
    return {name: values[name] for name in REQUEST if values.get(name)}


class GPT_IMAGE_OT_extend(_FromShownImage, bpy.types.Operator):
    """Let the model paint what lies beyond the borders of the shown image; the image itself stays as it is"""

    bl_idname = "gpt_image.extend"
    bl_label = "Extend Image"
    # No UNDO: Adjust Last Operation would run it, and bill it, again.
    bl_options = {"REGISTER"}  # noqa: RUF012
    shown = (SIDES, ("prompt",))

    image: bpy.props.StringProperty(name="Image", description="Name of the image", options={"SKIP_SAVE"})
    left: bpy.props.IntProperty(name="Left", description="Pixels to add", min=0, max=MOST, subtype="PIXEL")
    right: bpy.props.IntProperty(
        name="Right",
        description="Pixels to add",
        min=0,
        max=MOST,
        subtype="PIXEL",
        default=256,
    )
    top: bpy.props.IntProperty(name="Top", description="Pixels to add", min=0, max=MOST, subtype="PIXEL")
    bottom: bpy.props.IntProperty(
        name="Bottom", description="Pixels to add", min=0, max=MOST, subtype="PIXEL"
    )
    prompt: bpy.props.StringProperty(name="Prompt", description="What the new part shows; may be empty")

    def parameters(self) -> dict[str, Any]:
        sides = {name: getattr(self, name) for name in SIDES}
        return {**sides, "prompt": self.prompt, **_request()}

    def price(self, size: tuple[int, int]) -> str:
        plan = api.plan_extension(size, **self.parameters())
        return message(
            "{width}x{height} pixels. Requests: {count}, about {likely}, at most {high}.",
            width=plan.width,
            height=plan.height,
            count=len(plan.sizes),
            likely=quote.usd(plan.estimate.likely_usd),
            high=quote.usd(plan.estimate.high_usd),
        )

    def start(self, image: bpy.types.Image) -> None:
        new_images.extend_image(image, ask_first, **self.parameters())


class GPT_IMAGE_OT_cut_out(_FromShownImage, bpy.types.Operator):
    """Let the model find the subject of the shown image and cut it out, in its own pixels"""

    bl_idname = "gpt_image.cut_out"
    bl_label = "Cut Out Subject"
    bl_options = {"REGISTER"}  # noqa: RUF012
    shown = (("subject",),)

    image: bpy.props.StringProperty(name="Image", description="Name of the image", options={"SKIP_SAVE"})
    subject: bpy.props.StringProperty(name="Subject", description="What is to be cut out; may be empty")

    def parameters(self) -> dict[str, Any]:
        return {"subject": self.subject, **_request()}

    def price(self, size: tuple[int, int]) -> str:
        plan = api.plan_cut_out(size, **self.parameters())
        return message(
            "One request of {size}: about {likely}, at most {high}.",
            size=plan.size,
            likely=quote.usd(plan.estimate.likely_usd),
            high=quote.usd(plan.estimate.high_usd),
        )

    def start(self, image: bpy.types.Image) -> None:
        new_images.cut_out_image(image, ask_first, **self.parameters())


@dataclass
class _Wanted:
    """The request that is asked about next."""

    asked_about: PreparedRequest | None = None


def ask_first(prepared: PreparedRequest) -> bool:
    """Ask where the same request was made before; returns whether it did. Its price was shown already."""
    earlier = prepared.find_earlier() if prepared.checked.price.high_usd > 0 else None
    if earlier is None:
        return False
    state.part(_Wanted).asked_about = prepared
    with bpy.context.temp_override(window=bpy.context.window_manager.windows[0]):
        bpy.ops.gpt_image.ask_about_edit("INVOKE_DEFAULT")
    return True


class GPT_IMAGE_OT_ask_about_edit(generate.Sending, bpy.types.Operator):
    """Use what the same request brought before, or send it again"""

    bl_idname = "gpt_image.ask_about_edit"
    bl_label = "The Same Request"
    bl_options = {"INTERNAL"}  # noqa: RUF012

    @reporting
    def _consider(self, context: bpy.types.Context) -> Returned | None:
        wanted = state.part(_Wanted)
        prepared, wanted.asked_about = wanted.asked_about, None
        return CANCELLED if prepared is None else self.ask_or_send(context, prepared, None, {})

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> Returned:
        return self._consider(context)

    def draw(self, context: bpy.types.Context) -> None:
        self.draw_question(self.layout)

    def execute(self, context: bpy.types.Context) -> Returned:
        question: confirm.Question | None = getattr(self, "_question", None)
        return CANCELLED if question is None else self.send(confirm.collect_answers(question, "send"))


CLASSES = (GPT_IMAGE_OT_extend, GPT_IMAGE_OT_cut_out, GPT_IMAGE_OT_ask_about_edit)
