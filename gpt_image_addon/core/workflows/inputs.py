"""The inputs of a workflow that hold a value, and how people name them."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import InvalidRequestError
from ..text.message import message
from .file import Workflow
from .nodes import VARIANTS, WIDGETS, Input, list_inputs, list_variants

MOST_NAMES = 12  # that a sentence lists
Place = tuple[str, str]
"""Id of a node, and name of its input."""
Classes = Mapping[str, Mapping[str, Any]]
"""What a server says of classes of nodes, by their names; nothing of those that nobody asked about."""


@dataclass(frozen=True)
class Setting:
    """One input that holds a value, which may be set."""

    title: str
    input: Input
    place: Place
    value: Any
    is_alone: bool = True
    """No other input has its name."""

    @property
    def name(self) -> str:
        """``Title.input``, which several may share."""
        return f"{self.title}.{self.input.name}"

    @property
    def key(self) -> str:
        """A name that no other has: that with the title, or with the node's number."""
        return self.name if self.is_alone else ".".join(self.place)

    @property
    def is_image(self) -> bool:
        """It names an image that the server has."""
        return bool(self.input.options.get("image_upload"))

    @property
    def is_text(self) -> bool:
        """It takes a text of several lines."""
        return self.input.type == "STRING" and bool(self.input.options.get("multiline"))


def list_settings(workflow: Workflow, classes: Classes) -> list[Setting]:
    """The inputs that hold a value, in the order of the file."""
    found = list(_list_settings(workflow, classes))
    counts = Counter(row.name.casefold() for row in found)
    return [dataclasses.replace(row, is_alone=counts[row.name.casefold()] == 1) for row in found]


def _list_settings(workflow: Workflow, classes: Classes) -> Iterator[Setting]:
    for node in workflow.nodes.values():
        known = dict(_list_known(classes.get(node.type, {}).get("input"), node.inputs))
        for name, value in node.inputs.items():
            row = known.get(name) or _guess(name, value, is_known=bool(known))
            if row is not None and row.type in WIDGETS and not is_link(value):
                yield Setting(node.title, row, (node.id, name), value)


def _list_known(groups: object, given: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Input]]:
    """What the server says of the inputs of a class, with those of the variants that a node has chosen.

    :param given: the node's inputs.
    :param prefix: the names of the inputs that a variant is in.
    """
    for row in list_inputs(groups):
        name = prefix + row.name
        variants = list_variants(row) if row.type == VARIANTS else {}
        yield name, dataclasses.replace(row, name=name, choices=tuple(variants) or row.choices)
        chosen = given.get(name)
        if isinstance(chosen, str) and chosen in variants:
            yield from _list_known(variants[chosen], given, f"{name}.")


def _guess(name: str, value: object, *, is_known: bool) -> Input | None:
    """An input of which the server says nothing: of a variant, or all of them where nobody asked it."""
    kinds = {bool: "BOOLEAN", int: "INT", float: "FLOAT", str: "STRING"}
    kind = kinds.get(type(value))
    return Input(name, kind, {}) if kind is not None and ("." in name or not is_known) else None


def is_link(value: Any) -> bool:
    """Whether an input is linked to the output of another node."""
    return isinstance(value, list) and len(value) == 2 and isinstance(value[0], str)


def find_setting(name: str, settings: Sequence[Setting], param: str) -> Setting:
    """The input that a name means: ``Title.input`` in any case, or with the node's number for the title.

    :param param: the parameter that has the name.
    :raises InvalidRequestError: there is none, or there are several.
    """
    wanted = name.casefold()
    rows = [row for row in settings if wanted in (row.name.casefold(), ".".join(row.place).casefold())]
    if len(rows) == 1:
        return rows[0]
    names = join_names(".".join(row.place) for row in rows) or join_names(row.key for row in settings)
    problem = (
        message("The workflow has several inputs '{name}': {names}.", name=name, names=names)
        if rows
        else message("The workflow has no input '{name}'; it has {names}.", name=name, names=names or "-")
    )
    raise InvalidRequestError(problem, code="no_such_input", param=param)


def join_names(names: Iterable[str]) -> str:
    """Names as a sentence lists them: not too many."""
    found = list(names)
    return ", ".join(found[:MOST_NAMES]) + (" …" if len(found) > MOST_NAMES else "")
