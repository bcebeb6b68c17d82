"""The add-on's preferences. The key is not one of them: preferences lie in a file that everyone may read."""

from __future__ import annotations

import bpy
from bpy.props import FloatProperty, IntProperty, StringProperty

from .. import health, settings
from . import operators

_PLAIN = ("base_url", "organization", "project", "monthly_budget_usd", "max_cost_usd", "concurrency")
"""Preferences that are shown as they are."""


class GPT_IMAGE_AP_preferences(bpy.types.AddonPreferences):
    """Who makes the pictures, and what that may cost."""

    bl_idname = settings.PACKAGE

    base_url: StringProperty(
        name="Base URL",
        description="Address of the API; OPENAI_BASE_URL goes first",
        default=settings.DEFAULT_BASE_URL,
    )
    organization: StringProperty(
        name="Organization", description="Sent with each request; OPENAI_ORG_ID goes first"
    )
    project: StringProperty(
        name="Project", description="Sent with each request; OPENAI_PROJECT_ID goes first"
    )
    monthly_budget_usd: FloatProperty(
        name="Monthly Budget (USD)",
        description="Nothing is sent that could exceed this in a month; 0 means no limit",
        min=0.0,
        precision=2,
    )
    max_cost_usd: FloatProperty(
        name="Limit for a Request (USD)",
        description="Nothing is sent that could cost more; 0 means no limit, and in background "
        f"{settings.UNATTENDED_MAX_COST_USD:.2f}",
        min=0.0,
        precision=2,
    )
    concurrency: IntProperty(
        name="Requests at Once",
        description="How many requests run at the same time",
        default=settings.DEFAULT_CONCURRENCY,
        min=1,
        max=16,
    )

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        missing = health.missing_modules()
        if missing:
            layout.label(text=missing, icon="ERROR")
        _draw_key(layout)
        _draw_online_access(layout)
        for name in _PLAIN:
            layout.prop(self, name)


def _draw_key(layout: bpy.types.UILayout) -> None:
    text = {
        "environment": "The key comes from OPENAI_API_KEY.",
        "file": "A key is stored in a file that only you can read.",
        "": "There is no key yet: offline drafts only.",
    }[settings.key_source()]
    layout.label(text=text, icon="KEYINGSET" if settings.has_key() else "INFO")
    row = layout.row()
    row.operator(operators.GPT_IMAGE_OT_paste_key.bl_idname, icon="PASTEDOWN")
    if settings.key_source() == "file":
        row.operator(operators.GPT_IMAGE_OT_forget_key.bl_idname, icon="TRASH")


def _draw_online_access(layout: bpy.types.UILayout) -> None:
    if bpy.app.online_access:
        return
    layout.label(text="Blender's online access is off, so nothing can be sent.", icon="INTERNET_OFFLINE")
    layout.prop(bpy.context.preferences.system, "use_online_access")
