"""Values of a workflow that the user sets by ``Title.input=value``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...errors import InvalidRequestError
from ...text.message import message
from .mapping import MOST_NAMES, Place, Setting
from .nodes import CHOICE

TRUE, FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


def split_setting(text: str) -> tuple[str, str]:
    """The name and the value of ``Title.input=value``.

    :raises InvalidRequestError: it is of another form.
    """
    name, sign, value = text.partition("=")
    if not sign or "." not in name:
        raise InvalidRequestError(
            message("'{text}' is not of the form Title.input=value.", text=f"{text:.100}"),
            code="invalid_value",
            param="workflow_values",
        )
    return name.strip(), value


def read_settings(texts: Sequence[str], settings: Sequence[Setting]) -> dict[Place, Any]:
    """The values that texts set, by their places.

    :raises InvalidRequestError: a name that is none or means several, or a value that its input refuses.
    """
    found = {}
    for text in texts:
        name, value = split_setting(text)
        row = _find(name, settings)
        found[row.place] = _read_value(row, value)
    return found


def _find(name: str, settings: Sequence[Setting]) -> Setting:
    wanted = name.casefold()
    rows = [
        row
        for row in settings
        if wanted in (row.name.casefold(), f"{row.place[0]}.{row.place[1]}".casefold())
    ]
    if len(rows) == 1:
        return rows[0]
    names = (
        ", ".join(f"{row.place[0]}.{row.place[1]}" for row in rows)
        if rows
        else ", ".join(row.name for row in settings[:MOST_NAMES])
    )
    problem = (
        message("The workflow has several inputs '{name}': {names}.", name=name, names=names)
        if rows
        else message("The workflow has no input '{name}'; it has {names}.", name=name, names=names or "-")
    )
    raise InvalidRequestError(problem, code="no_such_input", param="workflow_values")


def _read_value(row: Setting, text: str) -> Any:
    kind, options = row.input.type, row.input.options
    try:
        if kind == "BOOLEAN":
            return _read_switch(text)
        if kind in ("INT", "FLOAT"):
            number = int(text) if kind == "INT" else float(text)
            if not options.get("min", number) <= number <= options.get("max", number):
                raise ValueError
            return number
    except ValueError:
        raise _refuse(row, text, f"{options.get('min', '…')} - {options.get('max', '…')}") from None
    if kind == CHOICE and not options.get("image_upload"):
        chosen = next((choice for choice in row.input.choices if str(choice) == text), None)
        if chosen is None:
            raise _refuse(row, text, ", ".join(map(str, row.input.choices[:MOST_NAMES])))
        return chosen
    return text


def _read_switch(text: str) -> bool:
    word = text.strip().casefold()
    if word not in (*TRUE, *FALSE):
        raise ValueError
    return word in TRUE


def _refuse(row: Setting, value: str, values: str) -> InvalidRequestError:
    return InvalidRequestError(
        message(
            "The workflow's {name} does not take '{value}'; it takes {values}.",
            name=row.name,
            value=f"{value:.100}",
            values=values or "-",
        ),
        code="invalid_value",
        param="workflow_values",
    )
