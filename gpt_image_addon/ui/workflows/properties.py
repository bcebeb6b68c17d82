"""Rows of the panel: each edits one value of the workflow in the scene, within what the server allows."""

from __future__ import annotations

import contextlib
from typing import Any

import bpy
from bpy.props import (
    BoolProperty,
    CollectionProperty,
    FloatProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)

from . import known
from .rows import PROPERTY

INT_LIMIT = 2**31 - 1  # of a property of Blender
SWITCH = {True: "true", False: "false"}


def _limit(row: Any, value: float) -> float:
    field = known.find_field(row.name)
    if field is None:
        return value
    least = value if field.least is None else max(value, field.least)
    return least if field.most is None else min(least, field.most)


def _text(row: Any) -> str:
    return known.read_value(row.name)


def _set_text(row: Any, text: str) -> None:
    field = known.find_field(row.name)
    if field is None or not field.choices or text in field.choices:
        known.set_value(row.name, text)


def _choices(row: Any, context: bpy.types.Context, text: str) -> list[str]:
    field = known.find_field(row.name)
    return [name for name in field.choices if text.lower() in name.lower()] if field is not None else []


def _number(row: Any) -> float:
    with contextlib.suppress(ValueError):
        return float(known.read_value(row.name))
    return 0.0


def _integer(row: Any) -> int:
    return int(max(-INT_LIMIT, min(INT_LIMIT, _number(row))))


def _set_number(row: Any, value: float) -> None:
    known.set_value(row.name, f"{_limit(row, value):.6g}")


def _set_integer(row: Any, value: int) -> None:
    known.set_value(row.name, str(int(_limit(row, value))))


def _switch(row: Any) -> bool:
    return known.read_value(row.name).casefold() in ("true", "yes", "on", "1")


def _set_switch(row: Any, value: bool) -> None:
    known.set_value(row.name, SWITCH[value])


def _place(row: Any) -> str:
    return known.find_place(row.name)


def _set_place(row: Any, key: str) -> None:
    if not key or key in known.list_candidates(row.name):
        known.set_place(row.name, key)


def _candidates(row: Any, context: bpy.types.Context, text: str) -> list[str]:
    return [key for key in known.list_candidates(row.name) if text.lower() in key.lower()]


class GPT_IMAGE_PG_workflow_input(bpy.types.PropertyGroup):
    """An input of the workflow, named by its key."""

    text: StringProperty(
        name="Text", description="What the input gets", get=_text, set=_set_text, options={"SKIP_SAVE"}
    )
    choice: StringProperty(
        name="Choice",
        description="One of those that the server offers",
        get=_text,
        set=_set_text,
        search=_choices,
        search_options=set(),
        options={"SKIP_SAVE"},
    )
    number: FloatProperty(
        name="Number", description="What the input gets", get=_number, set=_set_number, options={"SKIP_SAVE"}
    )
    integer: IntProperty(
        name="Number",
        description="What the input gets",
        get=_integer,
        set=_set_integer,
        options={"SKIP_SAVE"},
    )
    switch: BoolProperty(
        name="Switch", description="What the input gets", get=_switch, set=_set_switch, options={"SKIP_SAVE"}
    )


class GPT_IMAGE_PG_workflow_place(bpy.types.PropertyGroup):
    """What of a request goes somewhere, named by its role."""

    input: StringProperty(
        name="Input",
        description="The input of the workflow that gets it; empty for none",
        get=_place,
        set=_set_place,
        search=_candidates,
        search_options=set(),
        options={"SKIP_SAVE"},
    )


class GPT_IMAGE_PG_workflow(bpy.types.PropertyGroup):
    """The rows of the panel, made when the workflow is known."""

    inputs: CollectionProperty(
        name="Inputs", description="What the workflow has", type=GPT_IMAGE_PG_workflow_input
    )
    places: CollectionProperty(name="Places", description="What goes where", type=GPT_IMAGE_PG_workflow_place)


CLASSES = (GPT_IMAGE_PG_workflow_input, GPT_IMAGE_PG_workflow_place, GPT_IMAGE_PG_workflow)


def attach() -> None:
    """Give the session its rows."""
    setattr(bpy.types.WindowManager, PROPERTY, PointerProperty(type=GPT_IMAGE_PG_workflow))


def detach() -> None:
    """The mirror image of `attach`."""
    delattr(bpy.types.WindowManager, PROPERTY)
