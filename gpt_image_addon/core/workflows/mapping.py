"""What of a request goes where in a workflow: by the titles of its nodes, else by the roles of their inputs.

Titles, in any case: ``prompt``, ``negative``, ``width``, ``height``, ``seed``, ``mask``, ``output``,
``reference 1`` to ``reference 16``, and the kinds of guides such as ``depth``. Roles are what the server says
of the inputs: nothing depends on names of classes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..errors import InvalidRequestError
from ..text.message import message
from .file import Workflow, WorkflowNode
from .inputs import Classes, Place, Setting, is_link, join_names, list_settings
from .nodes import CHOICE, Input, list_inputs
from .places import (
    HEIGHT,
    MASK,
    NEGATIVE,
    NUMBERS,
    PROMPT,
    REFERENCE,
    SEED,
    TEXTS,
    WIDTH,
    fits,
    is_role,
    read_places,
)

OUTPUT = "output"
SYNONYMS = {"positive": PROMPT, "reference": "reference 1", "image": "reference 1", "noise_seed": SEED}


@dataclass
class Places:
    """Where everything goes in one workflow."""

    places: dict[str, list[Place]] = field(default_factory=dict)
    """By role: those of the titles, without the numbers of references."""
    references: dict[int, Place] = field(default_factory=dict)
    """Places of images by number, from 1."""
    outputs: frozenset[str] = frozenset()
    """Nodes whose images are the result; empty for all that save any."""
    settings: list[Setting] = field(default_factory=list)
    problems: list[InvalidRequestError] = field(default_factory=list)
    """Roles that several inputs could have, and no title says which."""

    @property
    def has_texts(self) -> bool:
        """It has inputs for texts of several lines."""
        return any(row.is_text for row in self.settings)

    def describe(self) -> list[tuple[str, Place]]:
        """What goes where: each role with its first input."""
        found = [(role, at[0]) for role, at in self.places.items()]
        return found + [(f"reference {number}", place) for number, place in sorted(self.references.items())]


class Mapper:
    """Finds the places of one workflow at one server."""

    def __init__(self, workflow: Workflow, classes: Classes, wanted: Sequence[str] = ()) -> None:
        """
        :param classes: what the server says of the classes of its nodes.
        :param wanted: where the user wants roles, see `places.split_place`; overrides what the file
            keeps of it.
        """
        self.workflow = workflow
        self.classes = classes
        self.settings = list_settings(workflow, classes)
        self.wanted = read_places((*workflow.places, *wanted), self.settings)

    def map(self) -> Places:
        """All places.

        :raises InvalidRequestError: several would do, and no title says which.
        """
        found = self.find()
        for problem in found.problems:
            raise problem
        return found

    def find(self) -> Places:
        """All places; what is not clear is among its problems."""
        found = Places(settings=self.settings)
        for role, place in self.wanted.items():
            if place is not None:
                self._put(found, role, place)
        self._by_title(found)
        self._by_role(found)
        return found

    def _put(self, found: Places, role: str, place: Place) -> None:
        number = REFERENCE.fullmatch(role)
        if number is not None:
            found.references[int(number[1])] = place
        else:
            found.places.setdefault(role, []).append(place)

    def _by_title(self, found: Places) -> None:
        for node in self.workflow.nodes.values():
            role = " ".join(node.title.casefold().split())
            role = SYNONYMS.get(role, role)
            if role == OUTPUT:
                found.outputs |= {node.id}
            if not is_role(role) or role in self.wanted:
                continue
            place = self._find_input(node, role)
            if place is not None:
                self._put(found, role, place)

    def _find_input(self, node: WorkflowNode, role: str) -> Place | None:
        """The input of a titled node that is meant."""
        rows = [row for row in self.settings if row.place[0] == node.id and fits(role, row)]
        if role in TEXTS:
            rows.sort(key=lambda row: not row.is_text)
        elif role in NUMBERS:
            rows.sort(
                key=lambda row: (
                    SYNONYMS.get(row.input.name, row.input.name) != role,
                    row.input.name != "value",
                )
            )
        return rows[0].place if rows else None

    def _by_role(self, found: Places) -> None:
        """What neither the user nor a title names."""
        self._find_prompts(found)
        if self._is_open(found, SEED):
            seeds = [row.place for row in self.settings if _is_seed(row.input)]
            found.places |= {SEED: seeds} if seeds else {}
        if self._is_open(found, WIDTH) and self._is_open(found, HEIGHT):
            node = self._only(found, WIDTH, list(self._find_sizes()))
            if node is not None:
                found.places |= {WIDTH: [(node[0], WIDTH)], HEIGHT: [(node[0], HEIGHT)]}
        self._find_images(found)

    def _is_open(self, found: Places, role: str) -> bool:
        return role not in found.places and role not in self.wanted

    def _find_prompts(self, found: Places) -> None:
        texts = {
            role: self._find_texts(role_input)
            for role, role_input in zip(TEXTS, ("positive", "negative"), strict=True)
        }
        texts[NEGATIVE] = [place for place in texts[NEGATIVE] if place not in texts[PROMPT]]
        taken = {place for places in found.places.values() for place in places}
        for role in TEXTS:
            if self._is_open(found, role):
                place = self._only(found, role, [place for place in texts[role] if place not in taken])
                found.places |= {role: [place]} if place is not None else {}

    def _find_images(self, found: Places) -> None:
        taken = {*found.references.values(), *(place for places in found.places.values() for place in places)}
        images = [row.place for row in self.settings if row.is_image]
        free = [place for place in images if place not in taken]
        masks = [place for place in free if self._returns(place[0]) == {"MASK"}]
        if self._is_open(found, MASK) and len(masks) == 1:
            found.places[MASK] = masks
        pictures = [place for place in free if place not in masks]
        numbers = (
            number
            for number in range(1, 17)
            if number not in found.references and f"reference {number}" not in self.wanted
        )
        if not found.references and len(pictures) > 1:
            return  # which is which only titles can say
        found.references |= dict(zip(numbers, pictures, strict=False))

    def _returns(self, node: str) -> set[str]:
        output = self.classes.get(self.workflow.nodes[node].type, {}).get("output")
        return {str(kind) for kind in output} if isinstance(output, list) else set()

    def _find_texts(self, role_input: str) -> list[Place]:
        """Texts of several lines that lead to inputs of this name, through whatever stands between."""
        upstream: set[str] = set()
        for node in self.workflow.nodes.values():
            link = node.inputs.get(role_input)
            if link is not None and is_link(link):
                upstream |= self._collect(str(link[0]))
        return [
            row.place
            for row in self.settings
            if row.place[0] in upstream and row.is_text and "CONDITIONING" in self._returns(row.place[0])
        ]

    def _collect(self, start: str) -> set[str]:
        """A node and all that leads to it."""
        seen: set[str] = set()
        waiting = [start]
        while waiting:
            node = waiting.pop()
            if node not in seen and node in self.workflow.nodes:
                seen.add(node)
                waiting += [str(v[0]) for v in self.workflow.nodes[node].inputs.values() if is_link(v)]
        return seen

    def _find_sizes(self) -> Iterator[Place]:
        """Nodes that make something empty of a width and a height."""
        held = {row.place for row in self.settings}
        for node in self.workflow.nodes.values():
            takes = {row.type for row in list_inputs(self.classes.get(node.type, {}).get("input"))}
            makes_latent = "LATENT" in self._returns(node.id) and not takes & {"LATENT", "IMAGE"}
            if makes_latent and {(node.id, WIDTH), (node.id, HEIGHT)} <= held:
                yield (node.id, WIDTH)

    def _only(self, found: Places, role: str, places: list[Place]) -> Place | None:
        """The one of them; none, and a problem, where there are several."""
        if len(places) < 2:
            return places[0] if places else None
        titles = join_names(self.workflow.nodes[node].title for node, _ in places)
        error = InvalidRequestError(
            message(
                "In the workflow several nodes could take the {role}: {titles}.", role=role, titles=titles
            ),
            code="ambiguous_workflow",
            param="workflow",
            next_step=message(
                "Give one of them the title '{role}' in ComfyUI and export it again, or name it with --place "
                "(workflow_places in Python).",
                role=role,
            ),
        )
        found.problems.append(error)
        return None


def check_classes(workflow: Workflow, classes: Mapping[str, Any]) -> None:
    """:raises InvalidRequestError: the server lacks nodes of a workflow, or they cost money."""
    types = list(dict.fromkeys(node.type for node in workflow.nodes.values()))
    missing = [name for name in types if not isinstance(classes.get(name), dict)]
    if missing:
        raise InvalidRequestError(
            message(
                "The workflow needs nodes that this ComfyUI does not have: {names}.",
                names=join_names(missing),
            ),
            code="missing_node_type",
            param="workflow",
            next_step="Install them in ComfyUI, or use another workflow.",
        )
    paid = [name for name in types if classes[name].get("api_node")]
    if paid:
        raise InvalidRequestError(
            message(
                "The workflow holds paid nodes, whose price nobody knows before: {names}.",
                names=join_names(paid),
            ),
            code="paid_workflow",
            param="workflow",
            next_step="Use a workflow of your own machine, or GPT Image without a workflow.",
        )


def check_choices(settings: Collection[Setting], replaced: Collection[Place]) -> None:
    """Whether the server has all that a workflow chooses from, such as files of models.

    :param replaced: places that get another value.
    :raises InvalidRequestError: something is missing.
    """
    for row in settings:
        if (
            row.input.type != CHOICE
            or row.is_image
            or row.place in replaced
            or (not row.input.choices and row.value in ("", None))
        ):
            continue
        if row.value not in row.input.choices:
            raise InvalidRequestError(
                message(
                    "The workflow's {name} is '{value}', which this ComfyUI does not have.",
                    name=row.name,
                    value=row.value,
                ),
                code="value_not_in_list",
                param="workflow",
                next_step="Add it to ComfyUI, or name another with --set (workflow_values in Python).",
            )


def _is_seed(row: Input) -> bool:
    return row.type == "INT" and bool(row.options.get("control_after_generate"))
