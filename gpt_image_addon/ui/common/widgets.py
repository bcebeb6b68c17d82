"""Parts that several panels draw: a choice as short as the model makes it, and sentences."""

from __future__ import annotations

import functools
import textwrap
from collections.abc import Collection, Sequence
from typing import Any

import blf
import bpy

from .translate import translate

SENTENCE = 38  # characters that fit a sidebar of the usual width
USUAL_UNITS = 296.0  # width of such a sidebar
TEXT_POINTS = 11.0  # of the default theme
FIELD = 0.6  # of a panel's width is right of the labels
MARGIN = 54.0  # units of a sidebar beside that, with the tabs
PADDING = 9.0  # units of a button beside its text


def draw_choice(layout: Any, values: Any, name: str, taken: Collection[str] | None) -> None:
    """An enum property: the list where the model takes all of it, else buttons for what it takes.

    What is chosen is always among them, so that a choice of another model is seen and can be changed.

    :param taken: identifiers of items; None for all.
    """
    chosen = getattr(values, name)
    items = values.bl_rna.properties[name].enum_items
    offered = [key for key in items.keys() if taken is None or key in taken or key == chosen]  # noqa: SIM118
    if len(offered) == len(items):
        layout.prop(values, name)
        return
    split = layout.split(factor=0.4)
    label = split.row()
    label.alignment = "RIGHT"
    label.label(text=values.bl_rna.properties[name].name)
    texts = [translate(items[key].name) for key in offered]
    grid = split.grid_flow(row_major=True, columns=_columns_for(texts), align=True)
    grid.use_property_split = False
    for key in offered:
        grid.prop_enum(values, name, key)


def _columns_for(texts: Sequence[str]) -> int:
    """How many buttons with these texts stand side by side in a field, so that none is cut."""
    widest = max(map(text_units, texts))
    room = FIELD * (region_units(bpy.context) - MARGIN)
    wanted = 3 if len(texts) % 3 == 0 else 2
    return next(count for count in range(wanted, 0, -1) if count == 1 or widest <= room / count - PADDING)


def text_units(text: str) -> float:
    """Width of a text as the interface draws it, in units."""
    blf.size(0, TEXT_POINTS)
    return float(blf.dimensions(0, text)[0])


def draw_sentence(
    layout: Any, text: str, icon: str = "NONE", width: int = SENTENCE, *, dim: bool = True
) -> None:
    """A sentence that is translated already, in lines of so many characters."""
    column = layout.column(align=True)
    column.active = not dim
    for number, line in enumerate(textwrap.wrap(text, width)):
        first = icon if number == 0 or icon == "NONE" else "BLANK1"
        column.label(text=line, icon=first, translate=False)


@functools.cache  # among a thousand icons it is not found in no time
def blank_icon() -> int:
    """Number of the icon that takes room and shows nothing."""
    icons = bpy.types.UILayout.bl_rna.functions["label"].parameters["icon"].enum_items
    return int(icons["BLANK1"].value)


def region_units(context: bpy.types.Context) -> float:
    """Width of the region that is drawn, in units: pixels at an interface scale of 1."""
    region = context.region
    if region is None or region.width < 2:
        return USUAL_UNITS
    return float(region.width / context.preferences.system.ui_scale)


def sidebar_width(context: bpy.types.Context) -> int:
    """Characters that fit a line of the region that is drawn, beside an icon."""
    return max(20, int((region_units(context) - 60) / 6.2))
