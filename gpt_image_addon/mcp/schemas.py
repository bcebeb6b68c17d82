"""JSON Schemas of the tools' arguments, from the table of parameters. Knows no Blender."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from ..core.common.arguments import unknown_name
from ..core.errors import InvalidRequestError
from ..core.request.parameters import PARAMETERS, PROMPT_LIMIT, Parameter
from ..core.request.providers import PROVIDERS
from ..core.request.targets import TARGETS
from .protocol import JsonObject

TYPES: dict[type, str] = {int: "integer", float: "number", bool: "boolean"}
"""Of JSON; whatever is not here is a text."""
MOST_TEXT = 4000  # characters of any text but the prompt
MOST_ITEMS = 32
NOT_FOR_AGENTS = frozenset({"workflow", "workflow_values", "workflow_places"})
"""Parameters that let a server of the user's run whatever a file says."""
CHOICES: dict[str, Collection[str]] = {"provider": PROVIDERS, "target": TARGETS}
"""Of parameters whose rows do not tell."""


def object_of(properties: dict[str, JsonObject], required: Collection[str] = ()) -> JsonObject:
    """The schema of a tool's arguments."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


def text(description: str, longest: int = MOST_TEXT) -> JsonObject:
    """The schema of a text."""
    return {"type": "string", "description": description, "maxLength": longest}


def request_properties(left_out: Collection[str] = ()) -> dict[str, JsonObject]:
    """Those of a request and of what becomes of its result, under the names of `api`."""
    hidden = NOT_FOR_AGENTS | frozenset(left_out)
    found = {name: row for name, row in PARAMETERS.items() if row.flag is not None and name not in hidden}
    return {
        "prompt": text("What to make, in words", PROMPT_LIMIT),
        **{name: property_of(row) for name, row in found.items()},
    }


def property_of(row: Parameter) -> JsonObject:
    """The schema of one parameter."""
    schema = _value(row)
    if row.many:
        schema = {"type": "array", "items": schema, "maxItems": MOST_ITEMS}
    if row.flag is not None:
        schema["description"] = row.flag.help
    if row.default not in (None, "", ()):
        schema["default"] = row.default
    return schema


def _value(row: Parameter) -> JsonObject:
    kind = TYPES.get(row.kind, "string")
    schema: JsonObject = {"type": kind}
    words = row.words or tuple(CHOICES.get(row.name, ()))
    if words:
        schema["enum"] = [row.kind(word) for word in words]
    elif kind == "string":
        schema["maxLength"] = MOST_TEXT
    if row.least is not None:
        schema["minimum"] = row.least
    if row.most is not None:
        schema["maximum"] = row.most
    return schema


def check(schema: JsonObject, arguments: JsonObject) -> JsonObject:
    """The arguments that are given, each as its schema wants it; null stands for one that is not.

    :raises InvalidRequestError: a name that there is not, one that is missing, or a value that can't be.
    """
    properties = schema["properties"]
    for name in arguments:
        if name not in properties:
            raise unknown_name(name[:100], properties)
    given = {name: value for name, value in arguments.items() if value is not None}
    for name in schema["required"]:
        if name not in given:
            raise InvalidRequestError(
                f"The argument {name} is missing.", code="missing_parameter", param=name
            )
    for name, value in given.items():
        _check_value(name, value, properties[name])
    return given


def _check_value(name: str, value: Any, schema: JsonObject) -> None:
    kind = schema["type"]
    if not _IS[kind](value):
        raise _wrong(name, f"of the type {kind}")
    if kind == "array":
        if len(value) > schema["maxItems"]:
            raise _wrong(name, f"at most {schema['maxItems']} items")
        for item in value:
            _check_value(name, item, schema["items"])
    elif "enum" in schema and value not in schema["enum"]:
        raise _wrong(name, f"one of {', '.join(map(str, schema['enum']))}")
    elif kind == "string" and len(value) > schema.get("maxLength", MOST_TEXT):
        raise _wrong(name, f"at most {schema['maxLength']} characters")
    elif "minimum" in schema and value < schema["minimum"]:
        raise _wrong(name, f"at least {schema['minimum']}")
    elif "maximum" in schema and value > schema["maximum"]:
        raise _wrong(name, f"at most {schema['maximum']}")


_IS = {
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "array": lambda value: isinstance(value, list),
}


def _wrong(name: str, wanted: str) -> InvalidRequestError:
    return InvalidRequestError(f"{name} must be {wanted}.", code="invalid_value", param=name)
