"""What a server says of its nodes, and how the inputs of one are filled from it.

Nodes change with every version, so their inputs are read at run time; nothing is assumed but their names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..errors import InvalidRequestError
from ..text.message import message

CHOICE = "COMBO"
VARIANTS = "COMFY_DYNAMICCOMBO_V3"
GROWING = "COMFY_AUTOGROW_V3"
WIDGETS = frozenset({CHOICE, VARIANTS, "STRING", "INT", "FLOAT", "BOOLEAN"})
"""Types of inputs that hold a value; all others are linked."""


@dataclass(frozen=True)
class Input:
    """One input of a class of nodes."""

    name: str
    type: str
    options: Mapping[str, Any]
    choices: tuple[Any, ...] = ()
    """Of a `CHOICE`."""
    required: bool = True

    @property
    def default(self) -> Any:
        """What it has where nothing is chosen; None where there is no default."""
        found = self.options.get("default")
        return self.choices[0] if found is None and self.choices else found


def list_inputs(groups: object) -> Iterator[Input]:
    """The inputs of a class, or of a variant in it, as ``/object_info`` has them; odd ones are left out."""
    for group in ("required", "optional"):
        found = groups.get(group) if isinstance(groups, dict) else None
        for name, row in found.items() if isinstance(found, dict) else ():
            if not isinstance(row, list) or not row:
                continue
            options = row[1] if len(row) > 1 and isinstance(row[1], dict) else {}
            kind, choices = row[0], options.get("options")
            if isinstance(kind, list):  # as older nodes say it
                kind, choices = CHOICE, kind
            if isinstance(kind, str):
                listed = tuple(choices) if kind == CHOICE and isinstance(choices, list) else ()
                yield Input(name, kind, options, listed, group == "required")


def list_variants(row: Input) -> dict[str, Any]:
    """The inputs of each variant of an input that has some, by its key."""
    options = row.options.get("options")
    found = options if isinstance(options, list) else []
    return {
        option["key"]: option.get("inputs")
        for option in found
        if isinstance(option, dict) and isinstance(option.get("key"), str)
    }


@dataclass
class Filling:
    """The inputs of one node."""

    values: Mapping[str, Any]
    """What is wanted, by the names of inputs."""
    links: Mapping[str, Sequence[list[Any]]] = field(default_factory=dict)
    """What is linked to inputs that hold no value: a list for those that grow, else one."""
    inputs: dict[str, Any] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    """Names of what found a place."""

    def fill(self, groups: object, prefix: str = "") -> None:
        """Fill all inputs of a class, or of a variant in it.

        :param prefix: the names of the inputs that the variant is in.
        :raises InvalidRequestError: an input takes another value, or it must be linked to what nobody has.
        """
        for row in list_inputs(groups):
            if row.type == VARIANTS:
                self._choose(row, prefix)
            elif row.type == GROWING:
                self._grow(row, prefix)
            elif row.type in WIDGETS:
                self._set(row, prefix)
            elif links := self.links.get(row.name):
                self.inputs[prefix + row.name] = links[0]
                self.used.add(row.name)
            elif row.required:
                raise InvalidRequestError(
                    message("The node of this ComfyUI needs '{name}', which nobody gives it.", name=row.name),
                    next_step="Update this add-on, or use another provider.",
                )

    def _choose(self, row: Input, prefix: str) -> None:
        variants = list_variants(row)
        wanted = self.values.get(row.name)
        if wanted not in variants:
            raise refuse_value(row.name, wanted, tuple(variants))
        self.inputs[prefix + row.name] = wanted
        self.used.add(row.name)
        self.fill(variants[wanted], f"{prefix}{row.name}.")

    def _grow(self, row: Input, prefix: str) -> None:
        template = row.options.get("template")
        names = template.get("names") if isinstance(template, dict) else None
        links = self.links.get(row.name, ())
        slots = names if isinstance(names, list) else []
        if len(links) > len(slots):
            raise InvalidRequestError(
                message(
                    "The node of this ComfyUI takes {limit} references, not {count}.",
                    limit=len(slots),
                    count=len(links),
                ),
                param="references",
            )
        for name, link in zip(slots, links, strict=False):
            self.inputs[f"{prefix}{row.name}.{name}"] = link
        self.used.add(row.name)

    def _set(self, row: Input, prefix: str) -> None:
        wanted = self.values.get(row.name)
        if wanted is None:
            wanted = row.default
        elif row.type == CHOICE and wanted not in row.choices:
            raise refuse_value(row.name, wanted, row.choices)
        else:
            self.used.add(row.name)
        if wanted is not None:
            self.inputs[prefix + row.name] = wanted


def refuse_value(name: str, value: object, choices: Sequence[object]) -> InvalidRequestError:
    """The error of a value that an input does not take."""
    return InvalidRequestError(
        message(
            "The node of this ComfyUI does not take {param} '{value}'; it takes {values}.",
            param=name,
            value=value,
            values=", ".join(map(str, choices)) or "-",
        ),
        code="invalid_value",
        param=name,
    )
