"""The main panel: from a prompt to the button. Drawing only reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import bpy

from ..core.request.providers import find_provider
from .common import enum_items
from .common.sidebar import Sidebar, in_every_sidebar
from .common.translate import translate
from .common.widgets import draw_choice, draw_sentence, sidebar_width
from .preferences import keys
from .presets import style_operators
from .request import generate, long_prompt, model_notice, quote, sections, subpanels
from .results import jobs_panel

PLACEHOLDER = "What do you want to make?"
REQUEST_POINTER = generate.REQUEST_POINTER


class GPT_IMAGE_PT_main(Sidebar):
    """From a prompt to the scene"""

    bl_label = "GPT Image"

    def draw(self, context: bpy.types.Context) -> None:
        layout: Any = self.layout  # type: ignore[attr-defined]
        values = context.scene.gpt_image
        found = quote.current(context.scene)
        _draw_prompt(layout, values)
        column = layout.column()
        column.use_property_split = True
        column.use_property_decorate = False
        _draw_request(column, values, found)
        _draw_provider(layout, values, found)
        _draw_button(layout, values, found, sidebar_width(context))
        for idname, title, draw in subpanels.SUB_PANELS:
            header, body = layout.panel(f"GPT_IMAGE_{idname}", default_closed=True)
            header.label(text=title)
            if body:
                body.use_property_split = True
                body.use_property_decorate = False
                draw(body, values, found)

    def draw_header_preset(self, context: bpy.types.Context) -> None:
        layout: Any = self.layout  # type: ignore[attr-defined]
        layout.popover("GPT_IMAGE_PT_presets", text="", icon="PRESET")


PANELS = in_every_sidebar(GPT_IMAGE_PT_main)


def _draw_prompt(layout: Any, values: Any) -> None:
    if values.prompt_text is None and hasattr(layout, "textbox"):  # Blender 5.2
        layout.textbox(values, "prompt", initial_visible_lines=3, placeholder=PLACEHOLDER)
        return
    if values.prompt_text is None:
        layout.prop(values, "prompt", text="", placeholder=PLACEHOLDER)
    row = layout.row(align=True)
    row.prop(values, "prompt_text", text="", icon="TEXT")
    row.operator(long_prompt.GPT_IMAGE_OT_edit_prompt.bl_idname, text="", icon="GREASEPENCIL")


def _draw_style(layout: Any, values: Any, found: quote.Quote) -> None:
    row = layout.row(align=True)
    row.prop(values, "style")
    row.menu(style_operators.GPT_IMAGE_MT_styles.bl_idname, text="", icon="DOWNARROW_HLT")


def _draw_size(layout: Any, values: Any, found: quote.Quote) -> None:
    layout.prop(values, "size")
    if values.size == enum_items.CUSTOM_SIZE:
        sizes = layout.column(align=True)
        sizes.prop(values, "width")
        sizes.prop(values, "height")
    is_usual = values.size == enum_items.USUAL_SIZE
    if is_usual or (found.size and found.size != enum_items.asked_size(values)):
        # Of the usual size there also before it is known: nothing may move under the mouse then.
        layout.label(text=found.size or "…", icon="FORWARD", translate=False)


def _draw_background(layout: Any, values: Any, found: quote.Quote) -> None:
    is_opaque = found.model is not None and found.model.transparent == "no"
    draw_choice(layout, values, "background", ("auto", "opaque") if is_opaque else None)


OWN: Mapping[str, sections.Draw] = {
    "style": _draw_style,
    "size": _draw_size,
    "background": _draw_background,
}


def _draw_request(layout: Any, values: Any, found: quote.Quote) -> None:
    sections.draw_section(layout, values, found, "request", OWN)


def _draw_provider(layout: Any, values: Any, found: quote.Quote) -> None:
    row = layout.row()
    row.use_property_split = True
    row.use_property_decorate = False
    row.prop(values, "provider")
    notice = find_provider(found.provider).notice
    if notice and values.provider == enum_items.AUTOMATIC:
        box = layout.box()
        box.label(text=notice, icon="INTERNET_OFFLINE")
        box.operator(keys.GPT_IMAGE_OT_open_preferences.bl_idname, icon="URL")


def _draw_button(layout: Any, values: Any, found: quote.Quote, width: int) -> None:
    sections.draw_place(layout, bpy.context, values.target)
    row = layout.row(align=True)
    row.scale_y = 1.5
    # A button in the panel is about the panel's request: `poll` finds it by this.
    row.context_pointer_set(REQUEST_POINTER, values)
    label = bpy.app.translations.pgettext_iface("Generate")
    text = f"{label}  ·  {found.price}" if found.price else label
    row.operator(generate.GPT_IMAGE_OT_generate.bl_idname, text=text, icon="SHADERFX", translate=False)
    jobs_panel.draw_newest(layout)
    for text in filter(None, (found.problem, model_notice.notice(values), *found.warnings)):
        draw_sentence(layout, translate(text), "INFO" if text == found.problem else "ERROR", width)
