"""Values that were written earlier, perhaps by somebody else: JSON of the journal's columns and of answers.

Nothing in here trusts their types or their size. What is wrong is left out where a job can do without it, and
raises ValueError where it can't.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import types
import typing
from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar

from ..common.paths import split_version
from ..errors import GptImageError
from ..request.request import NO_FILES, Application, GenerationRequest
from ..text.json_reader import load_json
from ..text.names import safe_name

UNIONS = (typing.Union, types.UnionType)
MAX_JOB_USD = 1000.0  # more than any request can cost
MAX_TOKENS = 10**9
CREDITS = "credits"
"""Of a usage: the only number that is no count."""
ID_LIMIT = 200  # characters of an id that somebody else gave
MAX_TEXT = 2000  # characters of a text for people
_ERROR_FLAGS = ("code", "param", "request_id")

_Values = TypeVar("_Values", GenerationRequest, Application)


def load_object(text: object) -> dict[str, Any] | None:
    """A JSON object in a column that may be empty; None for everything else."""
    if not isinstance(text, str):
        return None
    try:
        found = load_json(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def clean_text(value: object, limit: int = MAX_TEXT) -> str | None:
    """A text that every disk and terminal takes; None for what is no text."""
    if not isinstance(value, str):
        return None
    whole = value[:limit].encode("utf-8", "replace").decode()
    return "".join(letter for letter in whole if letter.isprintable() or letter in "\n\t")


def clean_usd(value: object) -> float | None:
    """An amount; None for what can be none: below zero, no finite number, more than a request can cost."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if 0 <= value <= MAX_JOB_USD else None  # NaN is neither


def clean_usage(value: object) -> dict[str, Any] | None:
    """Numbers of tokens by name, one level of details below; None where there are none."""
    if not isinstance(value, dict):
        return None
    found: dict[str, Any] = {}
    for name, count in value.items():
        if type(count) is int and 0 <= count <= MAX_TOKENS:
            found[name] = count
        elif isinstance(count, dict):
            details = {key: one for key, one in count.items() if type(one) is int and 0 <= one <= MAX_TOKENS}
            found |= {name: details} if details else {}
        elif name == CREDITS and type(count) is float and 0 < count <= MAX_TOKENS:
            found[name] = count
    return found or None


def clean_error(value: object) -> dict[str, Any] | None:
    """An error as `GptImageError.to_dict` gives it; None where it says nothing."""
    if not isinstance(value, dict):
        return None
    message = clean_text(value.get("message")) or ""
    found = GptImageError(message, billed=clean_billed(value.get("billed"))).to_dict()
    for name in _ERROR_FLAGS:
        found[name] = clean_text(value.get(name), 200)
    found["retryable"] = value.get("retryable") is True
    return {**found, "type": clean_text(value.get("type"), 100) or found["type"]}


def clean_billed(value: object) -> Any:
    """One of `errors.Billed`."""
    return value if value in ("no", "maybe", "yes") else "no"


def clean_moment(value: object) -> float:
    """Seconds since 1970, not in the future.

    :raises ValueError: it is no moment that a calendar has.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError("no moment")
    now = datetime.now().timestamp()
    return min(max(float(value), 0.0), now)


def read_values(kind: type[_Values], values: Mapping[str, Any]) -> _Values:
    """Stored values, without those that this version of the add-on does not know.

    :raises ValueError: one has the wrong type.
    """
    if not isinstance(values, Mapping):
        raise ValueError(f"no {kind.__name__}")
    known: dict[str, Any] = {}
    types_of = _types(kind.__name__)
    for name, value in values.items():
        if name not in types_of:
            continue
        value = _frozen(value)
        if not any(_fits(value, expected) for expected in types_of[name]):
            raise ValueError(f"{name} has the wrong type")
        known[name] = value
    return kind(**known)


def _frozen(value: Any) -> Any:
    """Lists as tuples, and so what is in them, which is at most a list itself."""
    if not isinstance(value, list):
        return value
    return tuple(tuple(item) if isinstance(item, list) else item for item in value)


def sanitize_request(values: Any) -> GenerationRequest:
    """A request that was made on another machine.

    :raises ValueError: it is none.
    """
    request = read_values(GenerationRequest, values)
    changes = {
        field.name: _whole(getattr(request, field.name)) for field in dataclasses.fields(GenerationRequest)
    }
    return dataclasses.replace(request, **changes)


def sanitize_application(values: Any) -> Application:
    """What was to become of a result on another machine, without the places and data-blocks of that one.

    :raises ValueError: it is none.
    """
    found = read_values(Application, values)
    return dataclasses.replace(
        found,
        name=safe_name(found.name) if found.name else None,
        object_name=_whole(found.object_name),
        edit_of=found.edit_of if split_version(found.edit_of) else None,
        **NO_FILES,
        object_uid=None,
        object_uids=(),
        scene_uid=None,
    )


def _whole(value: Any) -> Any:
    """Without halves of characters, which no file takes."""
    if isinstance(value, tuple):
        return tuple(map(_whole, value))
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


@functools.cache
def _types(name: str) -> dict[str, tuple[Any, ...]]:
    """The types that each field of one of the two classes takes."""
    kind: type = {one.__name__: one for one in (GenerationRequest, Application)}[name]
    return {
        field: typing.get_args(hint) if typing.get_origin(hint) in UNIONS else (hint,)
        for field, hint in typing.get_type_hints(kind).items()
    }


def _fits(value: Any, expected: Any) -> bool:
    if typing.get_origin(expected) is tuple:
        inner = typing.get_args(expected)
        if not isinstance(value, tuple):
            return False
        if inner[1:] != (...,):
            return len(value) == len(inner) and all(map(_fits, value, inner))
        return all(_fits(one, inner[0]) for one in value)
    if expected is float:
        return type(value) in (int, float) and math.isfinite(value) and abs(value) < 2**63
    if expected is int:
        return type(value) is int and abs(value) < 2**63
    return type(value) is expected
