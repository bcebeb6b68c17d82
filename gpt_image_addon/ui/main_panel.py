"""The main panel: from a prompt to the result. Drawing only reads.

Its rows stand at the same height in every state, down to the end of the card: nothing moves under the mouse.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import bpy

from ..core.request.parameters import PARAMETERS
from ..core.request.providers import find_provider
from ..core.request.targets import list_family, list_targets
from .common import enum_items, thumbnails
from .common.sidebar import Sidebar, in_every_sidebar
from .common.translate import translate
from .common.widgets import blank_icon, region_units, sidebar_width
from .points import marked_thumbnail
from .preferences import keys
from .presets import style_operators
from .references import operators as references
from .request import generate, long_prompt, place, quote, subpanels, to_parameters
from .results import card, failures, operators_results

if TYPE_CHECKING:
    from ..core.request.models import Model
    from .results.failures import Button, Failure

PLACEHOLDER = "What do you want to make?"
REQUEST_POINTER = generate.REQUEST_POINTER
STRIP_SCALE = 2.0  # of an icon
STRIP_LENGTH = 2  # thumbnails of what is sent
BUTTON_MARGIN = 5  # characters that an icon and the edges of a button take
NARROW = 250  # units of a region; below it there is one


class GPT_IMAGE_PT_main(Sidebar):
    """From a prompt to the scene"""

    bl_label = "GPT Image"

    def draw(self, context: bpy.types.Context) -> None:
        layout: Any = self.layout  # type: ignore[attr-defined]
        values = context.scene.gpt_image
        found = quote.current(context.scene)
        _draw_prompt(layout, values)
        _draw_targets(layout, values)
        place.draw(layout, context)
        _draw_shown(layout, values, context)
        _draw_request(layout, values, found)
        _draw_button(layout, values, found, sidebar_width(context))
        card.draw(layout, context)
        subpanels.draw(layout, values, found)

    def draw_header_preset(self, context: bpy.types.Context) -> None:
        layout: Any = self.layout  # type: ignore[attr-defined]
        is_paid = find_provider(to_parameters.provider_of(context.scene.gpt_image)).is_paid
        icon = "INTERNET" if is_paid else "INTERNET_OFFLINE"
        layout.popover(GPT_IMAGE_PT_provider.__name__, text="", icon=icon)
        layout.popover("GPT_IMAGE_PT_presets", text="", icon="PRESET")


PANELS = in_every_sidebar(GPT_IMAGE_PT_main)


class GPT_IMAGE_PT_provider(bpy.types.Panel):
    """Who makes the images"""

    bl_label = "Provider"
    bl_space_type = "VIEW_3D"
    bl_region_type = "HEADER"
    bl_options = {"INSTANCED"}  # noqa: RUF012

    def draw(self, context: bpy.types.Context) -> None:
        layout: Any = self.layout
        values = context.scene.gpt_image
        layout.label(text="Provider")
        layout.column(align=True).prop(values, "provider", expand=True)
        notice = find_provider(to_parameters.provider_of(values)).notice
        if notice and values.provider == enum_items.AUTOMATIC:
            layout.label(text=notice, icon="INTERNET_OFFLINE")
        layout.operator(keys.GPT_IMAGE_OT_open_preferences.bl_idname, icon="URL")


def _draw_prompt(layout: Any, values: Any) -> None:
    row = layout.row()
    field = row.column()
    if values.prompt_text is not None:
        field.prop(values, "prompt_text", text="", icon="TEXT")
        body = field.column()
        body.active = False
        body.label(text=values.prompt_text.lines[0].body, translate=False)
    elif hasattr(layout, "textbox"):  # Blender 5.2
        field.textbox(values, "prompt", initial_visible_lines=3, placeholder=PLACEHOLDER)
    else:
        field.prop(values, "prompt", text="", placeholder=PLACEHOLDER)
    side = row.column(align=True) if hasattr(layout, "textbox") else row.row(align=True)
    side.menu(style_operators.GPT_IMAGE_MT_styles.bl_idname, text="", icon="BRUSHES_ALL")
    side.operator(long_prompt.GPT_IMAGE_OT_edit_prompt.bl_idname, text="", icon="TEXT")


def _draw_targets(layout: Any, values: Any) -> None:
    """An icon for each place; targets that share one show theirs there while they are chosen."""
    heads = [name for name, info in list_targets() if not info.parent]
    grid = layout.grid_flow(row_major=True, columns=len(heads), even_columns=True, align=True)
    grid.scale_y = 1.2
    for name in heads:
        chosen = values.target if values.target in list_family(name) else name
        grid.prop_enum(values, "target", chosen, text="")


def _draw_shown(layout: Any, values: Any, context: bpy.types.Context) -> None:
    """What the model is shown: this view with one click, and thumbnails of all that is sent."""
    is_narrow = region_units(context) < NARROW
    row = layout.split(factor=0.52)
    in_images = getattr(context.space_data, "type", "") == "IMAGE_EDITOR"
    kind = "image" if in_images else "viewport"
    view = row.row()
    view.scale_y = STRIP_SCALE
    view.operator(
        references.GPT_IMAGE_OT_use_view.bl_idname,
        text="Use This Image" if in_images else "Use This View",
        icon="NONE" if is_narrow else "IMAGE_DATA" if in_images else "VIEW3D",
        depress=references.find_view(values, kind, context) is not None,
    ).kind = kind
    strip = row.row()
    _draw_thumbnails(strip, values, 1 if is_narrow else STRIP_LENGTH)
    side = strip.column(align=True)
    side.menu(references.GPT_IMAGE_MT_add_reference.bl_idname, text="", icon="ADD")
    clear = side.row(align=True)
    clear.enabled = bool(len(values.references)) or values.mask != "none" or values.use_markup
    clear.operator(references.GPT_IMAGE_OT_clear_references.bl_idname, text="", icon="X")


def _draw_thumbnails(layout: Any, values: Any, room: int) -> None:
    """The first of what is sent; the last place counts those that find none."""
    icons = [thumbnails.of_reference(item) for item in values.references]
    if icons:
        icons[0] = marked_thumbnail.icon(values)
    if values.mask != "none":
        icons.append(thumbnails.of_image(values.mask_image) if values.mask == "image" else 0)
    for number in range(room):
        cell = layout.column()
        cell.ui_units_x = STRIP_SCALE
        hidden = len(icons) - room
        if hidden > 0 and number == room - 1:
            cell.scale_y = STRIP_SCALE
            cell.label(text=f"+{hidden + 1}", translate=False)
        else:
            icon = icons[number] if number < len(icons) else 0
            cell.template_icon(icon_value=icon or blank_icon(), scale=STRIP_SCALE)


def _draw_request(layout: Any, values: Any, found: quote.Quote) -> None:
    column = layout.column()
    column.use_property_split = True
    column.use_property_decorate = False
    column.prop(values, "n")
    row = column.split(factor=0.4)
    label = row.row()
    label.alignment = "RIGHT"
    label.label(text=values.bl_rna.properties["quality"].name)
    menu = row.row()
    menu.active = find_provider(found.provider).has_qualities
    menu.alert = found.model is not None and values.quality not in _qualities(found.model)
    name = translate(values.bl_rna.properties["quality"].enum_items[values.quality].name)
    menu.menu(GPT_IMAGE_MT_quality.__name__, text=name, translate=False)


def _qualities(model: Model) -> tuple[str, ...]:
    return PARAMETERS["quality"].taken_by(model)


class GPT_IMAGE_MT_quality(bpy.types.Menu):
    """How much work the model puts in; offline drafts have one quality"""

    bl_label = "Quality"

    def draw(self, context: bpy.types.Context) -> None:
        model = quote.current(context.scene).model
        for name, *_ in PARAMETERS["quality"].choices:
            row = self.layout.row()
            row.enabled = model is None or name in _qualities(model)
            row.prop_enum(context.scene.gpt_image, "quality", name)


def _draw_button(layout: Any, values: Any, found: quote.Quote, width: int) -> None:
    row = layout.row(align=True)
    row.scale_y = 1.6
    # A button in the panel is about the panel's request: `poll` finds it by this.
    row.context_pointer_set(REQUEST_POINTER, values)
    label = bpy.app.translations.pgettext_iface("Generate")
    text = f"{label}  ·  {found.price}" if found.price else label
    row.operator(generate.GPT_IMAGE_OT_generate.bl_idname, text=text, icon="SHADERFX", translate=False)
    _draw_caption(layout.row(), values, found, width)


def _draw_caption(row: Any, values: Any, found: quote.Quote, width: int) -> None:
    """One line below the button; what does not fit it, or stands behind it, is told by a click."""
    told = [translate(text) for text in quote.messages(values, found)]
    text = told[0] if told else _recipient(values, found)
    icon = "NONE" if not told or found.problem == quote.NO_PROMPT else "ERROR" if found.problem else "INFO"
    failure = failures.problem_of(found)
    if failure is not None and failure.button is not None:
        _draw_mended(row, failure, failure.button, width)
        return
    row.alignment = "CENTER"
    row.active, row.alert = icon != "NONE", icon == "ERROR"
    shortened = textwrap.shorten(text, width, placeholder="…")
    row.label(text=shortened, icon=icon, translate=False)
    if len(told) > 1 or shortened != text:
        row.operator(operators_results.GPT_IMAGE_OT_show_messages.bl_idname, text="", icon="DOWNARROW_HLT")


def _draw_mended(row: Any, failure: Failure, button: Button, width: int) -> None:
    """What keeps the button grey, and beside it what mends that: the row is as high as any other."""
    parts = row.split(factor=1 - (len(button.word) + BUTTON_MARGIN) / width)
    sentence = parts.row()
    sentence.alert = True
    room = width - len(button.word) - BUTTON_MARGIN
    shortened = textwrap.shorten(failure.sentence, room, placeholder="…")
    sentence.label(text=shortened, icon=failure.icon, translate=False)
    failures.draw_button(parts, button, button.word)


def _recipient(values: Any, found: quote.Quote) -> str:
    """What is sent, and to whom."""
    parts = [translate("prompt")]
    guides = quote.list_guides(values, values.target)
    count = len(values.references) + len(guides)
    if count:
        is_view = values.views == "view" if guides else values.references[0].kind == "viewport"
        parts.append(
            translate("this view" if is_view else "1 image")
            if count == 1
            else bpy.app.translations.pgettext_iface("{:d} images").format(count)
        )
    if values.mask != "none":
        parts.append(translate("mask"))
    provider = find_provider(found.provider)
    if not provider.is_paid:
        return translate("Drawn on this computer")
    return bpy.app.translations.pgettext_iface("To {:s}: {:s}").format(provider.label, ", ".join(parts))
