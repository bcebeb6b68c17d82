"""What the panel says of its references: their kinds and labels, and the lines that join the prompt."""

from __future__ import annotations

from typing import Any

from ...app import references
from ...core.references.kinds import AUTO, BY_NAME, MATERIAL, NONE, PREVIOUS, SUBJECT, deciding_reference
from ...core.request.targets import find_target


def kind_of(values: Any, number: int) -> str:
    """The kind of a reference: the chosen one, else by where the image comes from and what is made of it.

    :param number: its place in the list, from 0.
    :returns: never `AUTO`; `NONE` where nothing but a label is said. Quick enough for drawing.
    """
    item = values.references[number]
    if not item.use_words:
        return NONE
    if item.reference_kind != AUTO:
        return str(item.reference_kind)
    if item.kind in BY_NAME:
        return str(item.kind)
    if number == 0 and values.mask != "none":
        return PREVIOUS
    if item.kind == "image" and item.image is not None and references.is_result(item.image):
        return PREVIOUS
    return MATERIAL if find_target(values.target).is_surface else SUBJECT


def line_of(values: Any, number: int) -> str:
    """The line of the prompt about a reference; empty where nothing is said of it.

    :param number: its place in the list, from 0.
    """
    from ...core.request.prompt import describe_reference

    return describe_reference(number + 1, kind_of(values, number), _label_of(values.references[number]))


def description_of(values: Any, number: int) -> str:
    """What a label takes the place of; empty where the kind says nothing by itself."""
    row = BY_NAME.get(kind_of(values, number))
    return row.description if row is not None else ""


def parameters(values: Any) -> dict[str, Any]:
    """Kinds and labels as parameters of `api.submit`."""
    found = {"reference_kinds": tuple(kind_of(values, number) for number in range(len(values.references)))}
    labels = tuple(map(_label_of, values.references))
    return {**found, "reference_labels": labels} if any(labels) else found


def deciding(values: Any) -> int | None:
    """Number of the reference whose shape the answer takes, from 0. Quick enough for drawing."""
    count = len(values.references)
    found = [kind_of(values, number) for number in range(count)]
    return deciding_reference(found, count, is_masked=values.mask != "none")


def recall(item: Any, kind: str, label: str) -> None:
    """Let a reference of the panel say what one of a job said.

    :param kind: as the request has it.
    """
    item.use_words = kind not in (AUTO, NONE) or bool(label)
    item.reference_kind, item.label = NONE if kind == AUTO and label else kind, label


def _label_of(item: Any) -> str:
    return str(item.label.strip()) if item.use_words else ""
