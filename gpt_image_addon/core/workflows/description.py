"""What a workflow takes, as plain values: what of a request goes where, and what it has beyond that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ..text.plain_text import clean
from .file import Workflow
from .inputs import Classes, Setting
from .mapping import Mapper
from .nodes import CHOICE, VARIANTS
from .places import GUIDES, MASK, NUMBERS, PROMPT, REFERENCE, fits

MAX_CHOICES = 2000  # of one input
SHOWN_LENGTH = 200  # characters of a choice


@dataclass(frozen=True)
class Field:
    """One input that holds a value."""

    key: str
    """As ``--set`` and ``--place`` want it."""
    title: str
    """Of its node."""
    name: str
    kind: str
    """``STRING``, ``INT``, ``FLOAT``, ``BOOLEAN`` or ``COMBO``."""
    value: Any
    """What the file has."""
    choices: tuple[str, ...] = ()
    """What the server offers; empty where any value is taken, or nobody knows."""
    least: float | None = None
    most: float | None = None
    is_image: bool = False
    role: str = ""
    """What of a request goes there; empty for what only the workflow has."""
    takes: tuple[str, ...] = ()
    """Of prompt, seed and reference 1, what could go there: others of their kind could, too."""

    def to_dict(self) -> dict[str, Any]:
        """Its JSON object."""
        found = {name: value for name, value in asdict(self).items() if name != "takes"}
        return {**found, "choices": list(self.choices)}

    def can_be(self, role: str) -> bool:
        """Whether what a role stands for could go there."""
        alike = PROMPT
        if role in NUMBERS:
            alike = "seed"
        elif role == MASK or role in GUIDES or REFERENCE.fullmatch(role):
            alike = "reference 1"
        return alike in self.takes


@dataclass(frozen=True)
class Description:
    """What a workflow takes."""

    places: tuple[tuple[str, str], ...]
    """Roles, and the keys of their inputs."""
    fields: tuple[Field, ...]
    problem: str = ""
    """Why it can't be sent as it is; empty where it can."""
    is_asked: bool = True
    """A server has said what its nodes take; else ranges and choices are not known."""

    def to_dict(self) -> dict[str, Any]:
        """Its JSON object."""
        return {
            "places": dict(self.places),
            "inputs": [row.to_dict() for row in self.fields],
            "problem": self.problem,
            "is_asked": self.is_asked,
        }

    @property
    def own(self) -> tuple[Field, ...]:
        """What the workflow has beyond a request."""
        return tuple(row for row in self.fields if not row.role and not row.is_image)


def describe(
    workflow: Workflow, classes: Classes, wanted: Sequence[str] = (), *, is_asked: bool = True
) -> Description:
    """What a workflow takes.

    :param classes: what a server says of the classes of its nodes; empty where nobody asked.
    :param wanted: where the user wants roles, see `places.split_place`.
    :raises InvalidRequestError: an input that is wanted is not there.
    """
    found = Mapper(workflow, classes, wanted).find()
    roles = {place: role for role, at in found.places.items() for place in at}
    roles |= {place: f"reference {number}" for number, place in found.references.items()}
    keys = {row.place: row.key for row in found.settings}
    places = tuple((role, keys[place]) for role, place in found.describe() if place in keys)
    fields = tuple(_describe(row, roles.get(row.place, "")) for row in found.settings)
    problem = found.problems[0].text if found.problems else ""
    return Description(places, fields, problem, is_asked)


def _describe(row: Setting, role: str) -> Field:
    options = row.input.options
    choices = row.input.choices if row.input.type in (CHOICE, VARIANTS) and not row.is_image else ()
    return Field(
        key=row.key,
        title=row.title,
        name=row.input.name,
        kind=row.input.type,
        value=row.value,
        choices=tuple(clean(str(choice))[:SHOWN_LENGTH] for choice in choices[:MAX_CHOICES]),
        least=_read_number(options.get("min")),
        most=_read_number(options.get("max")),
        is_image=row.is_image,
        role=role,
        takes=tuple(kind for kind in ("prompt", "seed", "reference 1") if fits(kind, row)),
    )


def _read_number(found: object) -> float | None:
    return found if isinstance(found, int | float) and not isinstance(found, bool) else None
