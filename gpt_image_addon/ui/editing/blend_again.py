"""A stored answer painted again with other settings; nothing is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy
from bpy.props import BoolProperty, BoolVectorProperty, FloatProperty, IntProperty, StringProperty

from ... import api
from ...app.painting import stored
from ...core.errors import GptImageError, InvalidRequestError
from ...core.references.views import MOST_VIEWS
from ..common.operator import CANCELLED, FINISHED, Returned, finish_in_background, reporting
from ..common.translate import translate
from ..painting import view_labels
from ..request.properties import make_property

if TYPE_CHECKING:
    from ...app.painting.stored import StoredViews

HIDDEN = {"SKIP_SAVE"}
NUMBERS = ("feather", "erosion", "exponent", "steepest")
SWITCHES = ("match_colors", "fill_gaps", "replace_all", "surface_maps")
WIDTH = 360  # units of the dialog: the names of views and what is said of them


class GPT_IMAGE_OT_blend_again(bpy.types.Operator):
    """Paint this answer again with other settings, over what was there before; nothing is sent"""

    bl_idname = "gpt_image.blend_again"
    bl_label = "Blend Again"
    bl_options = {"REGISTER"}  # noqa: RUF012

    job: StringProperty(name="Job", description="Id of the job", options={"SKIP_SAVE", "HIDDEN"})
    feather: make_property("feather", options=HIDDEN)
    erosion: FloatProperty(
        name="Edge Margin",
        description="Pixels of the answer beside edges that are not used",
        default=2.0,
        min=0.0,
        max=64.0,
        options=HIDDEN,
    )
    exponent: FloatProperty(
        name="View Weight",
        description="How much more a view counts that looks straight at a place: exponent of the cosine",
        default=4.0,
        min=0.0,
        max=32.0,
        options=HIDDEN,
    )
    steepest: FloatProperty(
        name="Steepest",
        description="Degrees between surface and view from which on nothing is painted",
        default=75.0,
        min=1.0,
        max=89.0,
        options=HIDDEN,
    )
    image_size: make_property("image_size", options=HIDDEN)
    match_colors: BoolProperty(
        name="Match Colors",
        description="Make views agree in color where they show the same place",
        options=HIDDEN,
    )
    fill_gaps: BoolProperty(
        name="Fill Gaps",
        description="Paint what no view shows like what lies near it",
        options=HIDDEN,
    )
    replace_all: BoolProperty(
        name="Replace All",
        description="Let nothing shine through that was there before",
        options=HIDDEN,
    )
    surface_maps: make_property("surface_maps", options=HIDDEN)
    accept: BoolProperty(
        name="Accept All",
        description="Use views whose outlines do not match, too",
        options=HIDDEN,
    )
    variation: IntProperty(
        name="Variation",
        description="Which of the images that came is painted",
        default=1,
        min=1,
        max=10,
        options=HIDDEN,
    )
    used_views: BoolVectorProperty(
        name="Views",
        description="Which views are used",
        size=MOST_VIEWS,
        default=(True,) * MOST_VIEWS,
        options=HIDDEN,
    )

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> Returned:
        try:
            found = stored.read_stored(self.job)
        except GptImageError as error:
            self.report({"ERROR"}, translate(error.text))
            return CANCELLED
        projection = found.projection
        for name in (*NUMBERS, *SWITCHES):
            setattr(self, name, getattr(projection, name))
        self.image_size = projection.texture_size
        self.accept = found.last.accept
        self.variation, self._variations = found.last.variation, found.variations
        chosen = [
            not projection.used_views or view.name in projection.used_views for view in projection.views
        ]
        self.used_views = [*chosen, *[True] * (MOST_VIEWS - len(chosen))]
        self._labels = view_labels.describe_views(found)
        return context.window_manager.invoke_props_dialog(self, width=WIDTH, confirm_text="Apply")

    def draw(self, context: bpy.types.Context) -> None:
        column = self.layout.column()
        column.use_property_split = True
        for name in (*NUMBERS, "image_size"):
            column.prop(self, name)
        if self._variations > 1:
            column.prop(self, "variation")
        grid = self.layout.grid_flow(row_major=True, columns=2, even_columns=True)
        for name in (*SWITCHES, "accept"):
            grid.prop(self, name)
        if len(self._labels) > 1:
            views = self.layout.column(align=True)
            views.label(text="Views")
            for number, label in enumerate(self._labels):
                views.prop(self, "used_views", index=number, text=label, translate=False)

    @reporting
    def execute(self, context: bpy.types.Context) -> Returned | None:
        names = (*NUMBERS, *SWITCHES)
        changed: dict[str, Any] = {name: getattr(self, name) for name in names if self._is_given(name)}
        if self._is_given("image_size"):
            changed["texture_size"] = self.image_size
        for name in ("variation", "accept"):
            if self._is_given(name):
                changed[name] = getattr(self, name)
        if self._is_given("used_views"):
            changed["used_views"] = self._choose_views(stored.read_stored(self.job))
        job = api.texture_again(self.job, **changed)
        self.report({"INFO"}, translate("The answer is painted again; nothing is sent."))
        finish_in_background(job)
        return FINISHED

    def _is_given(self, name: str) -> bool:
        return bool(self.properties.is_property_set(name))

    def _choose_views(self, found: StoredViews) -> tuple[str, ...]:
        """Names of those that are used; none where all are.

        :raises InvalidRequestError: no view is chosen.
        """
        views = found.projection.views
        chosen = tuple(view.name for view, used in zip(views, self.used_views, strict=False) if used)
        if not chosen:
            raise InvalidRequestError("No view is chosen.", param="used_views")
        return chosen if len(chosen) < len(views) else ()


CLASSES = (GPT_IMAGE_OT_blend_again,)
