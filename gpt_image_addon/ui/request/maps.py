"""Operators on the maps of materials that are there."""

from __future__ import annotations

from typing import Any

import bpy

from ... import api
from ..common.operator import FINISHED, Returned, reporting
from . import to_parameters


def active_material(context: bpy.types.Context) -> Any:
    """The material of the active object; None where there is none."""
    active = context.active_object
    return active.active_material if active is not None else None


class GPT_IMAGE_OT_remake_material(bpy.types.Operator):
    """Make the maps of the active material anew with these strengths; nothing is sent and nothing paid"""

    bl_idname = "gpt_image.remake_material"
    bl_label = "Apply Strengths to Material"
    bl_options = {"REGISTER"}  # noqa: RUF012

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        material = active_material(context)
        if material is None:
            cls.poll_message_set("The active object has no material.")
            return False
        if not api.can_remake(material.name):
            cls.poll_message_set("The active material was not made from a result with maps.")
            return False
        return True

    @reporting
    def execute(self, context: bpy.types.Context) -> Returned | None:
        job = api.submit_remake(
            active_material(context).name, **to_parameters.strengths(context.scene.gpt_image)
        )
        if bpy.app.background:
            job.wait()
        return FINISHED


CLASSES = (GPT_IMAGE_OT_remake_material,)
