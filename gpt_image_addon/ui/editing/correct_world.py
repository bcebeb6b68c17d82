"""The sun of a world that was made here, corrected by hand."""

from __future__ import annotations

from typing import Any

import bpy
from bpy.props import FloatProperty

from ... import api
from ...app.worlds import relighting
from ..common.operator import FINISHED, Returned, finish_in_background, reporting
from ..request.properties import make_property

SUN_FIELDS = ("sun_azimuth", "sun_elevation")
FIELDS = (*SUN_FIELDS, "world_rotation", "world_strength")
NOT_OURS = "The world of this scene was not made of a result."


class OnWorld:
    """What operators share that are about the scene's world."""

    @classmethod
    def poll(cls: Any, context: bpy.types.Context) -> bool:
        if relighting.find_made(context.scene) is None:
            cls.poll_message_set(NOT_OURS)
            return False
        return True

    def find_made(self, context: bpy.types.Context) -> relighting.MadeWorld:
        """Which world it is."""
        made = relighting.find_made(context.scene)
        assert made is not None, "poll has seen it"
        return made


class GPT_IMAGE_OT_correct_world(OnWorld, bpy.types.Operator):
    """Say where the sun of this scene's world is, how bright it is and how it is turned; nothing is sent"""

    bl_idname = "gpt_image.correct_world"
    bl_label = "Correct World"
    bl_options = {"REGISTER"}  # noqa: RUF012

    sun_azimuth: FloatProperty(
        name="Sun Azimuth",
        description="Degrees clockwise from the middle of the image",
        min=-360.0,
        max=360.0,
        options={"SKIP_SAVE"},
    )
    sun_elevation: FloatProperty(
        name="Sun Elevation",
        description="Degrees above the horizon; 0 leaves the sun as it was found",
        min=0.0,
        max=90.0,
        options={"SKIP_SAVE"},
    )
    world_rotation: make_property("world_rotation", options={"SKIP_SAVE"})
    world_strength: make_property("world_strength", options={"SKIP_SAVE"})

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> Returned:
        made = self.find_made(context)
        self.sun_azimuth, self.sun_elevation = made.azimuth or 0.0, made.elevation or 0.0
        for name in ("world_rotation", "world_strength"):
            setattr(self, name, made.settings.get(name, getattr(self, name)))
        return context.window_manager.invoke_props_dialog(self, confirm_text="Apply")

    def draw(self, context: bpy.types.Context) -> None:
        column = self.layout.column()
        column.use_property_split = True
        for name in FIELDS:
            column.prop(self, name)

    @reporting
    def execute(self, context: bpy.types.Context) -> Returned | None:
        made = self.find_made(context)
        given = {name: getattr(self, name) for name in FIELDS if self.properties.is_property_set(name)}
        if not given.get("sun_elevation"):
            given = {name: value for name, value in given.items() if name not in SUN_FIELDS}
        finish_in_background(api.relight(made.job, **{**made.settings, **given}))
        return FINISHED


CLASSES = (GPT_IMAGE_OT_correct_world,)
