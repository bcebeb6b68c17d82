"""Values of a workflow that the user sets by ``Title.input=value``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from ..errors import InvalidRequestError
from ..text.message import message
from .inputs import Place, Setting, find_setting, join_names
from .nodes import CHOICE, VARIANTS

SEPARATOR = ";"
"""Between several values in one text, as the panel has them."""
_NEXT = re.compile(r";\s*(?=[^;=]+=)|;\s*$")
"""A separator: what follows is named, so that a value may hold the sign, too."""
TRUE, FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")
PARAM = "workflow_values"


def split_values(text: str) -> tuple[str, ...]:
    """The values in one text."""
    return tuple(filter(None, map(str.strip, _NEXT.split(text))))


def join_values(values: Iterable[str]) -> str:
    """The inverse of `split_values`."""
    return f"{SEPARATOR} ".join(values)


def split_setting(text: str) -> tuple[str, str]:
    """The name and the value of ``Title.input=value``.

    :raises InvalidRequestError: it is of another form.
    """
    name, sign, value = text.partition("=")
    if not sign or "." not in name:
        raise InvalidRequestError(
            message("'{text}' is not of the form Title.input=value.", text=f"{text:.100}"),
            code="invalid_value",
            param=PARAM,
        )
    return name.strip(), value


def read_settings(texts: Sequence[str], settings: Sequence[Setting]) -> dict[Place, Any]:
    """The values that texts set, by their places.

    :raises InvalidRequestError: a name that is none or means several, or a value that its input refuses.
    """
    found = {}
    for text in texts:
        name, value = split_setting(text)
        row = find_setting(name, settings, PARAM)
        found[row.place] = read_value(row, value)
    return found


def read_value(row: Setting, text: str) -> Any:
    """The value that a text means.

    :raises InvalidRequestError: the input does not take it.
    """
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
    if kind in (CHOICE, VARIANTS) and not row.is_image:
        chosen = next((choice for choice in row.input.choices if str(choice) == text), None)
        if chosen is None:
            raise _refuse(row, text, join_names(map(str, row.input.choices)))
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
        param=PARAM,
    )
