"""Draws the workflow of the request: which one, what goes where in it, and what else it has."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from typing import Any

from ...core.references.kinds import CAPTURES
from ...core.text.message import Message, message
from ..common.translate import translate
from ..common.widgets import draw_sentence
from . import known
from .operators import (
    GPT_IMAGE_MT_workflows,
    GPT_IMAGE_OT_ask_workflow,
    GPT_IMAGE_OT_reset_workflow,
)
from .rows import find_rows

MOST_ROWS = 60  # of inputs; the others can be set as text
ADD_REFERENCE = "gpt_image.add_reference"
ROLES: Mapping[str, str] = {
    "prompt": Message("Prompt"),
    "negative": Message("Negative"),
    "width": Message("Width"),
    "height": Message("Height"),
    "seed": Message("Seed"),
    "mask": Message("Mask"),
    "depth": Message("Depth"),
    "normal": Message("Normals"),
    "lines": Message("Lines"),
    "clay": Message("Clay"),
    "viewport": Message("Viewport"),
    "camera": Message("Camera"),
}
KINDS: Mapping[str, str] = {"INT": "integer", "FLOAT": "number", "BOOLEAN": "switch"}
"""Which property of a row edits an input of a type; text for all others."""
INT_LIMIT = 2**31


def draw(layout: Any, values: Any) -> None:
    """All of it; what is not known yet is said."""
    row = layout.row(align=True)
    row.prop(values, "workflow")
    row.menu(GPT_IMAGE_MT_workflows.bl_idname, text="", icon="DOWNARROW_HLT")
    if not values.workflow:
        return
    found = known.look(values)
    if found.problem:
        draw_sentence(layout, found.problem, "ERROR")
    if found.found is None:
        if not found.problem:
            draw_sentence(layout, translate("Asking the server"), "TIME")
        return
    rows = find_rows()
    _draw_places(layout, values, rows)
    _draw_inputs(layout, values, rows, found.found.own)
    side = layout.row(align=True)
    side.operator(GPT_IMAGE_OT_ask_workflow.bl_idname, icon="FILE_REFRESH")
    side.operator(GPT_IMAGE_OT_reset_workflow.bl_idname, icon="LOOP_BACK")


def _draw_places(layout: Any, values: Any, rows: Any) -> None:
    """What goes where, each as a field."""
    header, body = layout.panel("GPT_IMAGE_workflow_places", default_closed=False)
    header.label(text="What Goes Where")
    if body is None:
        return
    column = body.column(align=True)
    shown = {item.kind for item in values.references} | {item.reference_kind for item in values.references}
    for item in rows.places:
        if item.name in CAPTURES and not item.input and item.name not in shown:
            continue
        row = column.row(align=True)
        row.prop(item, "input", text=name_role(item.name), translate=False)
        if item.name in CAPTURES and item.input and item.name not in shown:
            row.operator(ADD_REFERENCE, text="", icon="ADD").kind = item.name


def name_role(role: str) -> str:
    """A role for people."""
    if role in ROLES:
        return translate(ROLES[role])
    return translate(message("Reference {number}", number=role.rpartition(" ")[2]))


def _draw_inputs(layout: Any, values: Any, rows: Any, fields: Any) -> None:
    """What the workflow has beyond a request, by its nodes."""
    header, body = layout.panel("GPT_IMAGE_workflow_inputs", default_closed=True)
    header.label(text="Inputs of the Workflow")
    if body is None:
        return
    for title, of_node in groupby(fields[:MOST_ROWS], key=lambda field: field.title):
        column = body.column(align=True)
        head = column.row()
        head.active = False
        head.label(text=title, translate=False)
        for field in of_node:
            item = rows.inputs.get(field.key)
            if item is not None:
                column.prop(item, _find_property(field), text=field.name, translate=False)
    if len(fields) > MOST_ROWS:
        body.prop(values, "workflow_values")


def _find_property(field: Any) -> str:
    """The property of a row that edits an input; numbers that Blender can't hold are edited as text."""
    if field.choices:
        return "choice"
    if field.kind == "INT" and abs(int(field.value)) >= INT_LIMIT:
        return "text"
    return KINDS.get(field.kind, "text")
