"""The operator behind the button: asks where something speaks against a request, and sends it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import bpy
from bpy.props import BoolProperty, EnumProperty, IntProperty, StringProperty

from ... import api
from ...app import results, settings, submission
from ...app.editing import versions
from ...app.painting import prepared as painting
from ...core.request.parameters import PARAMETERS, SNAPPED
from ...core.request.providers import find_provider
from ...core.request.targets import find_target
from ..common import enum_items, state
from ..common.operator import CANCELLED, FINISHED, Returned, reporting, waiting
from ..common.sidebar import CATEGORY
from ..common.translate import translate
from ..painting import mask_painting, sides_overlay
from ..points import values as points
from ..references import images, inpaint
from . import confirm, quote, to_parameters

if TYPE_CHECKING:
    from ...app.painting.prepared import AnyPrepared
    from ...core.request.request import Application, GenerationRequest

REQUEST_POINTER = "gpt_image_request"
"""Set in the layout around a button that is about the panel's request."""
GIVEN = ("prompt", "provider", "target", "model", "size", "quality", "background", "n", "edit_of")


@dataclass
class Asked:
    """The request whose question is open: what was shown is what is sent."""

    prepared: AnyPrepared | None = None
    question: confirm.Question | None = None
    apply: Any = None
    """See `Job.apply`."""

    def keep(self, prepared: AnyPrepared, question: confirm.Question, apply: Any) -> None:
        """Until it is answered."""
        self.prepared, self.question, self.apply = prepared, question, apply

    def take(self) -> tuple[AnyPrepared | None, confirm.Question | None, Any]:
        """All of it, once."""
        taken = self.prepared, self.question, self.apply
        self.prepared = self.question = self.apply = None
        return taken


def prepare_request(
    context: bpy.types.Context, given: dict[str, Any], *, at_once: bool = False
) -> AnyPrepared:
    """The panel's request, ready to be sent, as far as the model takes it.

    :param given: parameters that override the panel's, and are sent or refused as they are.
    :param at_once: see `Submitter.prepare`. Only the active object gets the result then.
    :raises GptImageError: it can't be sent.
    """
    request, application = split_request(context, given, at_once=at_once)
    if given.get("edit_of"):
        request = versions.with_edited_image(request, application)
    snap = SNAPPED - given.keys()
    submitter = submission.Submitter(settings.load())
    with waiting(context):
        return painting.prepare_painting(submitter, request, application, snap=snap, at_once=at_once)


def split_request(
    context: bpy.types.Context, given: dict[str, Any], *, at_once: bool = False
) -> tuple[GenerationRequest, Application]:
    """The panel's request and what becomes of its result, as they are asked for; see `prepare_request`.

    :raises GptImageError: an image of it can't be had.
    """
    values = context.scene.gpt_image
    image_files = images.parameters(values) | points.parameters(values)
    wanted = to_parameters.plain(values) | to_parameters.change_target(
        values, given.get("target", values.target)
    )
    place = to_parameters.place(context, selection=not at_once)
    return api.split(**{**wanted, **place, **image_files, **given})


def _leave_planning(prepared: AnyPrepared) -> None:
    """What showed where a model would be painted has said its part."""
    if find_target(prepared.application.target).is_projected:
        sides_overlay.hide()
        mask_painting.finish()


class Sending:
    """For operators with a window: asks where something speaks against a request, else sends it."""

    def ask_or_send(
        self,
        context: bpy.types.Context,
        prepared: AnyPrepared,
        apply: Any,
        said: dict[str, bool],
        shown_usd: float | None = None,
    ) -> Returned:
        """
        :param apply: see `Job.apply`.
        :param said: answers that are given already.
        :param shown_usd: see `confirm.question`.
        :raises GptImageError: it can't be sent.
        """
        self._prepared, self._apply, self._said = prepared, apply, said
        self._question = confirm.question(prepared, said, shown_usd)
        if self._question is None:
            return self.send({})
        if self._question.is_double_click:
            self.report({"INFO"}, translate(confirm.JUST_SENT))  # type: ignore[attr-defined]
            return CANCELLED
        if self._question.has_answer:
            state.part(Asked).keep(prepared, self._question, apply)
            return context.window_manager.invoke_popup(self, width=confirm.WIDTH)
        return context.window_manager.invoke_props_dialog(
            self, width=confirm.WIDTH, confirm_text=self._question.confirm_text
        )

    def draw_question(self, layout: Any) -> None:
        """What is asked."""
        assert self._question is not None
        confirm.draw(layout, self._question, quote.price_of(self._prepared.checked.price))

    @reporting
    def send(self, answers: dict[str, bool]) -> Returned | None:
        """Submit, and come back at once."""
        said: dict[str, Any] = {**self._said, **answers}
        job = self._prepared.submit(**said, apply=self._apply)
        _leave_planning(self._prepared)
        self.tell(job.warnings)
        return FINISHED

    def tell(self, warnings: tuple[str, ...]) -> None:
        """Report what the user should know."""
        for warning in warnings:
            self.report({"WARNING"}, translate(warning))  # type: ignore[attr-defined]


class GPT_IMAGE_OT_generate(Sending, bpy.types.Operator):
    """Make an image from the prompt; Blender stays usable meanwhile"""

    bl_idname = "gpt_image.generate"
    bl_label = "Generate from Prompt"
    # No UNDO: Adjust Last Operation would run it, and bill it, again.
    bl_options = {"REGISTER"}  # noqa: RUF012

    prompt: StringProperty(
        name="Prompt", description="What to make; the panel's prompt when empty", options={"SKIP_SAVE"}
    )
    provider: StringProperty(name="Provider", description="openai or offline", options={"SKIP_SAVE"})
    target: StringProperty(
        name="Target", description="image, texture, plane or material", options={"SKIP_SAVE"}
    )
    model: StringProperty(
        name="Model", description="Model; the default one when empty", options={"SKIP_SAVE"}
    )
    size: StringProperty(
        name="Size",
        description="WIDTHxHEIGHT, like for the shape of the first reference, or auto",
        options={"SKIP_SAVE"},
    )
    quality: StringProperty(
        name="Quality",
        description="A quality that the model takes, such as medium, or auto",
        options={"SKIP_SAVE"},
    )
    background: EnumProperty(
        name="Background",
        description="Behind the subject",
        items=PARAMETERS["background"].choices,
        options={"SKIP_SAVE"},
    )
    n: IntProperty(
        name="Variations", description="How many images", default=1, min=1, max=10, options={"SKIP_SAVE"}
    )
    edit_of: StringProperty(
        name="Edit of",
        description="Job whose image is edited, with /N for the N-th of its images",
        options={"SKIP_SAVE"},
    )
    reuse: BoolProperty(
        name="Use the Stored Result",
        description="Take what the same request made before, without paying again",
        options={"SKIP_SAVE"},
    )
    retry_unknown: BoolProperty(
        name="Send Again",
        description="Send it even though the same request got no answer; it may be paid twice",
        options={"SKIP_SAVE"},
    )
    again: EnumProperty(
        name="Again",
        description="What to do, now that there is a result of the same request",
        items=enum_items.ANSWERED_BEFORE,
        options={"SKIP_SAVE", "HIDDEN"},
    )

    ask: BoolProperty(
        name="Ask",
        description="Show prompt and price before anything is sent",
        options={"SKIP_SAVE", "HIDDEN"},
    )

    @classmethod
    def description(cls, context: bpy.types.Context, properties: Any) -> str:
        """What the tooltip says: also what it may cost."""
        worst_case = quote.current(context.scene).worst_case
        key = translate("Ctrl Enter over the panel does the same; in the prompt it ends the typing")
        sentences = (translate(str(cls.__doc__)), translate(worst_case), key)
        return ".\n".join(sentence.rstrip(".") for sentence in sentences if sentence)

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if context.scene is None:
            cls.poll_message_set("There is no scene.")
            return False
        if getattr(context, REQUEST_POINTER, None) is not None:
            problem = quote.current(context.scene).problem
            target = context.scene.gpt_image.target
            problem = problem or results.why_not_onto(
                context.active_object, target, to_parameters.receivers(context)
            )
            if problem:
                cls.poll_message_set(translate(problem))
                return False
        return True

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> Returned:
        self._question: confirm.Question | None = None
        prompt = to_parameters.read_prompt(context.scene.gpt_image)
        if self.ask or not (self.prompt or prompt):
            self.prompt = self.prompt or prompt
            self._quote = quote.price_now(context.scene, self._collect_given(GIVEN))
            return context.window_manager.invoke_props_dialog(self, width=confirm.WIDTH)
        return self._consider(context)

    def check(self, context: bpy.types.Context) -> bool:
        """Blender calls it when something in the dialog has changed: so has the price."""
        if self._question is None:
            self._quote = quote.price_now(context.scene, self._collect_given(GIVEN))
        return True

    @reporting
    def _consider(self, context: bpy.types.Context) -> Returned | None:
        """Ask where something speaks against it, else submit."""
        given = self._collect_given(GIVEN)
        prepared = prepare_request(context, given)
        shown = quote.price_now(context.scene, given).high_usd if prepared.checked.crops else None
        said = self._collect_given(confirm.ALREADY_SAID)
        return self.ask_or_send(context, prepared, self._find_way_back(context), said, shown)

    def draw(self, context: bpy.types.Context) -> None:
        if self._question is not None:
            self.draw_question(self.layout)
            return
        self.layout.prop(self, "prompt")
        if self.target:
            info = find_target(self.target)
            self.layout.label(text=info.label, icon=info.icon)
        else:
            self.layout.prop(context.scene.gpt_image, "target")
        found = self._quote
        if found.error is not None:
            self.layout.label(text=translate(found.error.text), icon="ERROR", translate=False)
            return
        where = translate(find_provider(found.provider).label)
        self.layout.label(text=f"{where}  ·  {found.price}", icon="INFO", translate=False)

    def execute(self, context: bpy.types.Context) -> Returned:
        """From a script, or after the OK of a dialog."""
        if not hasattr(self, "_question"):
            return self._finish(context)
        asked: confirm.Question | None = self._question
        if asked is None:  # the prompt's dialog closes: what is to be asked next needs one of its own
            found = self._quote
            if not found.price:
                why = found.error.text if found.error is not None else "The price is not known."
                self.report({"WARNING"}, translate(why))
                return CANCELLED
            names = (*GIVEN, *confirm.ALREADY_SAID)
            return bpy.ops.gpt_image.generate("INVOKE_DEFAULT", **self._collect_given(names))
        return self.send(confirm.collect_answers(asked, self.again))

    @reporting
    def _finish(self, context: bpy.types.Context) -> Returned | None:
        """For scripts: come back with the result."""
        prepared = prepare_request(context, self._collect_given(GIVEN), at_once=True)
        _leave_planning(prepared)
        job = prepared.submit(**self._collect_given(confirm.ALREADY_SAID), apply=self._find_way_back(context))
        job.finish_waiting()
        if isinstance(job, api.Job):
            job.result()
            self.tell(job.all_warnings)
        else:
            self.tell(api.texture_of(job).warnings)
        return FINISHED

    def _find_way_back(self, context: bpy.types.Context) -> Any:
        """What puts the result in place of the image that the panel inpaints."""
        return None if self.target else inpaint.way_back(context.scene.gpt_image)

    def _collect_given(self, names: tuple[str, ...]) -> dict[str, Any]:
        """Properties of the operator, those that were set."""
        return {name: getattr(self, name) for name in names if self.properties.is_property_set(name)}


class GPT_IMAGE_OT_generate_from_panel(bpy.types.Operator):
    """Click Generate in the panel under the mouse"""

    bl_idname = "gpt_image.generate_from_panel"
    bl_label = "Generate from Panel"
    bl_options = {"INTERNAL"}  # noqa: RUF012

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        region = context.region
        return region is not None and region.type == "UI" and region.active_panel_category == CATEGORY

    def execute(self, context: bpy.types.Context) -> Returned:
        with context.temp_override(**{REQUEST_POINTER: context.scene.gpt_image}):
            if bpy.ops.gpt_image.generate.poll():
                return bpy.ops.gpt_image.generate("INVOKE_DEFAULT")
        problem = quote.current(context.scene).problem
        self.report({"WARNING"}, translate(problem) if problem else translate("There is nothing to send."))
        return CANCELLED


class GPT_IMAGE_OT_answer_question(bpy.types.Operator):
    """Take the stored result, which costs nothing, or send the same request again for another image"""

    bl_idname = "gpt_image.answer_question"
    bl_label = "Answer"
    bl_options = {"INTERNAL"}  # noqa: RUF012

    reuse: BoolProperty(
        name="Use the Stored Result",
        description="Take what the same request made before, without paying again",
        options={"SKIP_SAVE"},
    )

    @reporting
    def execute(self, context: bpy.types.Context) -> Returned | None:
        prepared, question, apply = state.part(Asked).take()
        if prepared is None or question is None:
            return CANCELLED
        answers: dict[str, Any] = confirm.collect_answers(question, "reuse" if self.reuse else "send")
        job = prepared.submit(**answers, apply=apply)
        for warning in job.warnings:
            self.report({"WARNING"}, translate(warning))
        return FINISHED


CLASSES = (
    GPT_IMAGE_OT_generate,
    GPT_IMAGE_OT_generate_from_panel,
    GPT_IMAGE_OT_answer_question,
)
