"""What is known of the workflow in the panel; a thread asks for it once after each change.

Drawing asks many times a second, and is answered from memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import bpy

from ... import api
from ...app import settings
from ...core.errors import GptImageError
from ...core.workflows.description import Description, Field
from ...core.workflows.places import GUIDES, MASK, NUMBERS, TEXTS
from ...core.workflows.values import join_values, split_values
from ..common import state
from ..common.translate import translate
from .rows import find_rows

MOST_REFERENCES = 16


@dataclass
class Known:
    """Of the workflow that was asked about last."""

    key: Any = None
    found: Description | None = None
    """None before it is known, and where it can't be."""
    problem: str = ""
    """One sentence, translated; empty where it can be sent."""
    asked: Any = None
    """The key of what a thread asks about."""


def look(values: Any) -> Known:
    """What is known of the panel's workflow. After a change a thread asks; until then the old one holds."""
    known = state.part(Known)
    places = split_values(values.workflow_places)
    key = (values.workflow, places, settings.fingerprint())
    if key not in (known.key, known.asked):
        known.asked = key
        _ask(values, places, lambda found, error: _keep(key, found, error))
    return known


def ask_again() -> None:
    """Ask anew: the file or the server may have changed."""
    known = state.part(Known)
    known.key = known.asked = None


def _ask(
    values: Any, places: tuple[str, ...], done: Callable[[Description | None, GptImageError | None], None]
) -> None:
    try:
        work = api.prepare_description(values.workflow, places)
    except GptImageError as error:
        api.errand(lambda: None, lambda *_, why=error: done(None, why))
        return
    api.errand(work, done)


def _keep(key: Any, found: Description | None, error: GptImageError | None) -> None:
    known = state.part(Known)
    if key != known.asked:  # changed meanwhile
        return
    known.key, known.found = key, found
    known.problem = translate(error.text if error is not None else found.problem if found else "")
    _fill(found)


def _fill(found: Description | None) -> None:
    """One item for each row that is drawn: what is edited there goes to the scene."""
    rows = find_rows()
    rows.inputs.clear()
    rows.places.clear()
    if found is not None:
        for field in found.own:
            rows.inputs.add().name = field.key
        for role in list_roles(found):
            rows.places.add().name = role


def list_roles(found: Description) -> Iterator[str]:
    """What of a request could go somewhere in a workflow."""
    taken = dict(found.places)
    images = sum(row.is_image for row in found.fields)
    references = [f"reference {number}" for number in range(1, MOST_REFERENCES + 1)]
    shown = [role for number, role in enumerate(references, 1) if role in taken or number <= images]
    for role in (*TEXTS, *NUMBERS, *shown, MASK, *GUIDES):
        if role in taken or any(row.can_be(role) for row in found.fields):
            yield role


def find_field(key: str) -> Field | None:
    """What is known of an input."""
    found = state.part(Known).found
    return next((row for row in found.fields if row.key == key), None) if found is not None else None


def find_place(role: str) -> str:
    """The key of the input that a role has; empty for none."""
    found = state.part(Known).found
    return dict(found.places).get(role, "") if found is not None else ""


def list_candidates(role: str) -> list[str]:
    """Keys of the inputs that could have a role."""
    found = state.part(Known).found
    return [row.key for row in found.fields if row.can_be(role)] if found is not None else []


def read_value(key: str) -> str:
    """What an input gets: what the panel sets, else what the file has."""
    set_values = _read(bpy.context.scene.gpt_image.workflow_values)
    field = find_field(key)
    return set_values.get(key, str(field.value) if field is not None else "")


def set_value(key: str, text: str) -> None:
    """Set an input; what the file has need not be set."""
    values, field = bpy.context.scene.gpt_image, find_field(key)
    rows = _read(values.workflow_values)
    rows.pop(key, None)
    if field is None or text != str(field.value):
        rows[key] = text
    values.workflow_values = join_values(f"{name}={value}" for name, value in rows.items())


def set_place(role: str, key: str) -> None:
    """Send what a role stands for to another input; to none where the key is empty."""
    values = bpy.context.scene.gpt_image
    rows = {**_read(values.workflow_places), role: key}
    values.workflow_places = join_values(f"{name}={value}" for name, value in rows.items())


def _read(text: str) -> dict[str, str]:
    """Names and what is set for them."""
    return {name.strip(): value for name, _, value in (row.partition("=") for row in split_values(text))}
