"""The folded parts of the main panel."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import bpy

from ...app import inpainting
from ...app import references as app_references
from ...app.worlds import relighting
from ...core.references.views import count_views, is_all_around
from ...core.request.parameters import PIXEL_FORMATS
from ...core.request.providers import find_provider
from ...core.request.sizes import is_like, is_open
from ...core.request.targets import find_target
from ...core.text.message import message
from ..common import enum_items, thumbnails
from ..common.translate import translate
from ..common.widgets import draw_choice, draw_sentence
from ..decals import baking as decals
from ..painting import mask_operators, sides_overlay
from ..points import marked_thumbnail
from ..points import operators as point_operators
from ..references import kinds
from ..references import operators as references
from ..references.mask_rectangle import GPT_IMAGE_OT_draw_rectangle
from ..workflows import section
from . import model_notice, to_parameters
from .maps import draw_surface
from .sections import Draw, draw_section

if TYPE_CHECKING:
    from .quote import Quote

INPAINT = "gpt_image.edit_region"
STYLES_MENU = "GPT_IMAGE_MT_styles"
THUMBNAIL_SCALE = 5.0  # of an icon
Title = Callable[[Any, "Quote"], str]
"""Says something of the panel's values and their quote, translated."""


class GPT_IMAGE_UL_references(bpy.types.UIList):
    """References in the order in which they are sent"""

    def draw_item(
        self, context: Any, layout: Any, data: Any, item: Any, icon: int, active_data: Any, name: str
    ) -> None:
        kind = layout.enum_item_icon(item, "kind", item.kind)
        row = layout.split(factor=0.2, align=True)
        number = next(n for n, other in enumerate(data.references, 1) if other == item)
        row.label(text=str(number), icon_value=kind, translate=False)
        title = item.image.name if item.kind == "image" and item.image else ""
        said = row.row(align=True)
        said.active = item.use_words
        said.prop(
            item,
            "label",
            text="",
            emboss=False,
            placeholder=title or layout.enum_item_name(item, "kind", item.kind),
        )
        said.prop(item, "reference_kind", text="", icon_only=True, emboss=False)


def _draw_references(layout: Any, values: Any, found: Quote) -> None:
    layout.menu(references.GPT_IMAGE_MT_add_reference.bl_idname, icon="ADD")
    if len(values.references):
        _draw_list(layout, values, found)
    point_operators.draw(layout, values)


def _draw_list(layout: Any, values: Any, found: Quote) -> None:
    row = layout.row()
    row.template_list(
        GPT_IMAGE_UL_references.__name__, "", values, "references", values, "reference_index", rows=3
    )
    side = row.column(align=True)
    side.operator(references.GPT_IMAGE_OT_remove_reference.bl_idname, text="", icon="REMOVE")
    side.separator()
    for icon, step in (("TRIA_UP", -1), ("TRIA_DOWN", 1)):
        side.operator(references.GPT_IMAGE_OT_move_reference.bl_idname, text="", icon=icon).step = step
    if 0 <= values.reference_index < len(values.references):
        _draw_reference(layout, values, values.reference_index)
        _draw_words(layout, values, values.reference_index)
    if found.model is None or found.model.markup or values.use_markup:
        layout.prop(values, "use_markup")


def _draw_reference(layout: Any, values: Any, number: int) -> None:
    item = values.references[number]
    icon = thumbnails.of_reference(item) if number else marked_thumbnail.icon(values)
    if icon:
        layout.template_icon(icon_value=icon, scale=THUMBNAIL_SCALE)
    if item.kind == "image":
        layout.template_ID(item, "image", open="image.open")
        _draw_notice(layout, item.image)
    elif item.kind == "file":
        layout.prop(item, "file")
    else:
        row = layout.row(align=True)
        row.prop(item, "live")
        row.operator(references.GPT_IMAGE_OT_capture_reference.bl_idname, text="", icon="FILE_REFRESH")


def _draw_words(layout: Any, values: Any, number: int) -> None:
    """What the prompt says of a reference, as it is sent."""
    item = values.references[number]
    layout.prop(item, "use_words")
    if item.use_words:
        layout.prop(item, "reference_kind")
        layout.prop(item, "label", placeholder=kinds.description_of(values, number))
        line = kinds.line_of(values, number)
        if line:
            draw_sentence(layout, line, "TEXT")


def _draw_notice(layout: Any, image: bpy.types.Image | None) -> None:
    """What is not sent of an image."""
    notice = app_references.notice(image) if image else None
    if notice:
        draw_sentence(layout, translate(notice), "INFO")


def _draw_mask(layout: Any, values: Any, found: Quote) -> None:
    layout.prop(values, "mask")
    if values.mask == "image":
        layout.template_ID(values, "mask_image", new="image.new", open="image.open")
        _draw_notice(layout, values.mask_image)
    elif values.mask == "file":
        layout.prop(values, "mask_file")
    elif values.mask == "rectangle":
        layout.operator(GPT_IMAGE_OT_draw_rectangle.bl_idname, icon="SELECT_SET")
        left, bottom, right, top = values.mask_rectangle
        extent = f"{left:.0%} – {right:.0%}  ×  {bottom:.0%} – {top:.0%}"  # noqa: RUF001
        layout.label(text=extent, translate=False)
    if values.mask != "none":
        layout.prop(values, "composite")
        row = layout.row()
        row.active = values.composite
        row.prop(values, "whole_image")
        if not len(values.references):
            _draw_missing_reference(layout, values.mask)
    _draw_inpaint(layout)


def _draw_missing_reference(layout: Any, mask: str) -> None:
    """One button that brings the image that a mask changes."""
    add = references.GPT_IMAGE_OT_add_reference.bl_idname
    if mask == "rectangle":
        layout.operator(add, text="Use This View", icon="VIEW3D").kind = "viewport"
    else:
        layout.operator(add, text="Add the Image", icon="IMAGE_DATA").kind = "image"


def _draw_inpaint(layout: Any) -> None:
    """In an Image Editor: the way to a mask over the image that it shows."""
    image = getattr(bpy.context.space_data, "image", None)
    if image is not None and inpainting.masked_image(image) is None:
        layout.operator(INPAINT, icon="BRUSH_DATA").image = image.name


def _draw_output(layout: Any, values: Any, found: Quote) -> None:
    """Name, format of the file, previews, copies."""
    draw_section(layout, values, found, "output", OUTPUT)


def _draw_format(layout: Any, values: Any, found: Quote) -> None:
    if to_parameters.is_drawing(values):  # it can be no other one
        return
    has_all = found.model is not None and found.model.vector
    draw_choice(layout, values, "output_format", None if has_all else PIXEL_FORMATS)


def _draw_compression(layout: Any, values: Any, found: Quote) -> None:
    layout.prop(values, "output_compression", slider=True)


def _draw_effort(layout: Any, values: Any, found: Quote) -> None:
    row = layout.row()
    row.active = bool(values.svg_model)
    row.prop(values, "svg_reasoning_effort")


def _draw_stream(layout: Any, values: Any, found: Quote) -> None:
    if values.n > 1:
        layout.prop(values, "stream")


def _draw_size(layout: Any, values: Any, found: Quote) -> None:
    layout.prop(values, "size")
    if values.size == enum_items.CUSTOM_SIZE:
        sizes = layout.column(align=True)
        sizes.prop(values, "width")
        sizes.prop(values, "height")


def _draw_background(layout: Any, values: Any, found: Quote) -> None:
    if to_parameters.is_drawing(values):
        return
    is_opaque = found.model is not None and found.model.transparent == "no"
    draw_choice(layout, values, "background", ("auto", "opaque") if is_opaque else None)


def _of_copies(name: str) -> Draw:
    """A property that is about the copies alone: there where a folder is chosen for them."""

    def draw(layout: Any, values: Any, found: Quote) -> None:
        if to_parameters.copies_folder(values):
            layout.prop(values, name)

    return draw


OUTPUT: Mapping[str, Draw] = {
    **{name: _of_copies(name) for name in ("bits", "convention", "pack")},
    "size": _draw_size,
    "background": _draw_background,
    "output_format": _draw_format,
    "output_compression": _draw_compression,
    "svg_reasoning_effort": _draw_effort,
    "stream": _draw_stream,
}


def _draw_advanced(layout: Any, values: Any, found: Quote) -> None:
    """Only what the chosen model takes."""
    draw_section(layout, values, found, "advanced", {"style": _draw_style, "model": _draw_model})


def _draw_style(layout: Any, values: Any, found: Quote) -> None:
    row = layout.row(align=True)
    row.prop(values, "style")
    row.menu(STYLES_MENU, text="", icon="DOWNARROW_HLT")


def _draw_model(layout: Any, values: Any, found: Quote) -> None:
    layout.prop(values, "model", placeholder=found.model.id if found.model else "")
    notice = model_notice.notice(values)
    if notice:
        draw_sentence(layout, translate(notice), "INFO")


def _draw_projection(layout: Any, values: Any, found: Quote) -> None:
    own = {"views": _draw_views, "in_sequence": _draw_sequence, "faces": _draw_faces}
    draw_section(layout, values, found, "projection", own)


def _draw_faces(layout: Any, values: Any, found: Quote) -> None:
    mask_operators.draw_faces(layout, values)


def _draw_sequence(layout: Any, values: Any, found: Quote) -> None:
    if to_parameters.can_be_sequence(values):
        layout.prop(values, "in_sequence")


def _draw_views(layout: Any, values: Any, found: Quote) -> None:
    """From where, and what that means: the line below is always there."""
    column = layout.column(align=True)
    line = column.row(align=True)
    line.prop(values, "views")
    shown = sides_overlay.find_shown()
    line.operator("gpt_image.show_sides", text="", icon="HIDE_ON" if shown is None else "HIDE_OFF")
    size = "" if is_open(found.size) else found.size.replace("x", " × ")
    if is_all_around(values.views):
        count = count_views(values.views)
        text = message("Up to {count} sides: {size}", count=count, size=size)
        if to_parameters.count_requests(values, values.target) > 1:
            text = message("Up to {count} requests: {size} each", count=count, size=size)
        elif shown is not None and shown.shown_share is not None:
            share = f"{shown.shown_share:.0%}"
            text = message(
                "{count} sides show {share}: {size}", count=len(shown.views), share=share, size=size
            )
    else:
        text = message("One view: {size}", size=size)
    row = column.row()
    row.active = False
    row.label(text=translate(text) if size else "", translate=False)


def _draw_decal(layout: Any, values: Any, found: Quote) -> None:
    draw_section(layout, values, found, "decal")
    decals.draw(layout, bpy.context)


def _draw_world(layout: Any, values: Any, found: Quote) -> None:
    draw_section(layout, values, found, "world")
    made = relighting.find_made(bpy.context.scene)
    if made is None:
        return
    if made.azimuth is not None and made.elevation is not None:
        place = {"azimuth": f"{made.azimuth:.0f}", "elevation": f"{made.elevation:.0f}"}
        text = message("Sun: {azimuth}°, {elevation}° high", **place)
        if made.confidence == relighting.UNSURE:
            text = message("Sun not sure: {azimuth}°, {elevation}° high", **place)
        layout.label(text=translate(text), icon="LIGHT_SUN", translate=False)
    layout.operator("gpt_image.correct_world", text="Correct World...", icon="FILE_REFRESH")
    layout.operator("gpt_image.repair_poles", text="Repair Poles...", icon="SPHERE")


def _name_views(values: Any, found: Quote) -> str:
    return translate(next(item[1] for item in enum_items.VIEWS if item[0] == values.views))


def _count_references(values: Any, found: Quote) -> str:
    count = len(values.references)
    return f"{translate('References')} ({count})" if count else translate("References")


def _name_mask(values: Any, found: Quote) -> str:
    if values.mask == "none":
        return translate("Mask")
    chosen = next(item[1] for item in enum_items.MASKS if item[0] == values.mask)
    return f"{translate('Mask')}: {translate(chosen)}"


class SubPanel(NamedTuple):
    """A folded part."""

    idname: str
    title: Title
    draw: Draw
    aside: Title | None = None
    """What the header says at its right, dim."""
    is_shown: Callable[[Any], bool] = lambda values: True
    """Whether it is there at all."""
    unfolded: str = ""
    """Property of the window manager that says whether it is open, where more than a click opens it."""


SUB_PANELS = (
    SubPanel("references", _count_references, _draw_references),
    SubPanel("mask", _name_mask, _draw_mask, unfolded="show_mask"),
    SubPanel("surface", lambda values, found: translate("Surface"), draw_surface),
    SubPanel(
        "projection",
        lambda values, found: translate("Texture"),
        _draw_projection,
        _name_views,
        is_shown=lambda values: find_target(values.target).is_projected,
    ),
    SubPanel(
        "drawing",
        lambda values, found: translate("Curves"),
        lambda layout, values, found: draw_section(layout, values, found, "drawing"),
        is_shown=lambda values: find_target(values.target).is_drawing,
    ),
    SubPanel(
        "sprite",
        lambda values, found: translate("Sprite"),
        lambda layout, values, found: draw_section(layout, values, found, "sprite"),
        is_shown=lambda values: find_target(values.target).is_animated,
    ),
    SubPanel(
        "world",
        lambda values, found: translate("World"),
        _draw_world,
        is_shown=lambda values: find_target(values.target).is_panorama,
    ),
    SubPanel(
        "decal",
        lambda values, found: translate("Decal"),
        _draw_decal,
        is_shown=lambda values: find_target(values.target).is_decal,
    ),
    SubPanel(
        "output",
        lambda values, found: translate("Output"),
        _draw_output,
        lambda values, found: "" if is_like(found.size) else found.size.replace("x", " × "),
    ),
    SubPanel(
        "workflow",
        lambda values, found: translate("Workflow"),
        lambda layout, values, found: section.draw(layout, values),
        lambda values, found: Path(values.workflow).stem,
        is_shown=lambda values: bool(find_provider(to_parameters.provider_of(values)).workflow_model),
    ),
    SubPanel("advanced", lambda values, found: translate("Advanced"), _draw_advanced),
)


def draw(layout: Any, values: Any, found: Quote) -> None:
    """All parts; the headers say what will be sent even when they are folded."""
    for part in SUB_PANELS:
        if not part.is_shown(values):
            continue
        if part.unfolded:
            header, body = layout.panel_prop(bpy.context.window_manager.gpt_image, part.unfolded)
        else:
            header, body = layout.panel(f"GPT_IMAGE_{part.idname}", default_closed=True)
        header.label(text=part.title(values, found), translate=False)
        if part.aside is not None:
            aside = header.row()
            aside.active, aside.alignment = False, "RIGHT"
            aside.label(text=part.aside(values, found), translate=False)
        if body:
            body.use_property_split = True
            body.use_property_decorate = False
            part.draw(body, values, found)
