"""What of a request goes where in a workflow: by the titles of its nodes, else by the roles of their inputs.

Titles, in any case: ``prompt``, ``negative``, ``width``, ``height``, ``seed``, ``mask``, ``output``,
``reference 1`` to ``reference 16``, and the kinds of guides such as ``depth``. Roles are what the server says
of the inputs: nothing depends on names of classes.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ...errors import InvalidRequestError
from ...text.message import message
from .nodes import CHOICE, WIDGETS, Input, list_inputs
from .workflow import Workflow, WorkflowNode

PROMPT, NEGATIVE, WIDTH, HEIGHT, SEED, MASK = "prompt", "negative", "width", "height", "seed", "mask"
OUTPUT = "output"
TEXTS = (PROMPT, NEGATIVE)
NUMBERS = (WIDTH, HEIGHT, SEED)
GUIDES = ("depth", "normal", "lines", "clay", "viewport", "camera")
"""Titles of inputs for what is shown of the scene."""
REFERENCE = re.compile(r"reference ([1-9]|1[0-6])")
SYNONYMS = {"positive": PROMPT, "reference": "reference 1", "image": "reference 1", "noise_seed": SEED}
MOST_NAMES = 12  # that a sentence lists
Place = tuple[str, str]
"""Id of a node, and name of its input."""


@dataclass(frozen=True)
class Setting:
    """One input that holds a value, which may be set."""

    title: str
    input: Input
    place: Place
    value: Any

    @property
    def name(self) -> str:
        """As ``--set`` wants it."""
        return f"{self.title}.{self.input.name}"


@dataclass
class Places:
    """Where everything goes in one workflow."""

    places: dict[str, list[Place]] = field(default_factory=dict)
    """By role: those of the titles, without the numbers of references."""
    references: dict[int, Place] = field(default_factory=dict)
    """Places of images by number, from 1."""
    outputs: frozenset[str] = frozenset()
    """Nodes whose images are the result; empty for all that save any."""
    has_texts: bool = False
    """It has inputs for texts of several lines."""
    settings: list[Setting] = field(default_factory=list)

    def describe(self) -> list[tuple[str, str]]:
        """What goes where: roles, and titles with inputs."""
        names = {row.place: row.name for row in self.settings}
        found = [(role, ", ".join(names.get(p, ".".join(p)) for p in at)) for role, at in self.places.items()]
        return found + [
            (f"reference {n}", names.get(p, ".".join(p))) for n, p in sorted(self.references.items())
        ]


class Mapper:
    """Finds the places of one workflow at one server."""

    def __init__(self, workflow: Workflow, classes: Mapping[str, Mapping[str, Any]]) -> None:
        """
        :param classes: what the server says of the classes of its nodes.
        """
        self.workflow = workflow
        self.classes = classes
        self.inputs = {
            node.id: {row.name: row for row in list_inputs(classes[node.type].get("input"))}
            for node in workflow.nodes.values()
        }

    def map(self) -> Places:
        """All places.

        :raises InvalidRequestError: several would do, and no title says which.
        """
        found = Places(settings=list(self._settings()))
        self._by_title(found)
        self._by_role(found)
        found.has_texts = any(_is_text(row.input) for row in found.settings)
        return found

    def _settings(self) -> Iterator[Setting]:
        """The inputs that hold a value, in the order of the file."""
        for node in self.workflow.nodes.values():
            for name, value in node.inputs.items():
                row = self.inputs[node.id].get(name) or _guess(name, value)
                if row is not None and row.type in WIDGETS and not _is_link(value):
                    yield Setting(node.title, row, (node.id, name), value)

    def _by_title(self, found: Places) -> None:
        for node in self.workflow.nodes.values():
            role = " ".join(node.title.casefold().split())
            role = SYNONYMS.get(role, role)
            if role == OUTPUT:
                found.outputs |= {node.id}
                continue
            number = REFERENCE.fullmatch(role)
            is_image = number is not None or role == MASK or role in GUIDES
            if not is_image and role not in TEXTS and role not in NUMBERS:
                continue
            place = self._find_input(found, node, role, is_image=is_image)
            if place is None:
                continue
            if number is not None:
                found.references[int(number[1])] = place
            else:
                found.places.setdefault(role, []).append(place)

    def _find_input(self, found: Places, node: WorkflowNode, role: str, *, is_image: bool) -> Place | None:
        """The input of a titled node that is meant."""
        rows = [row for row in found.settings if row.place[0] == node.id]
        if is_image:
            rows = [row for row in rows if row.input.options.get("image_upload")]
        elif role in TEXTS:
            rows = [row for row in rows if row.input.type == "STRING"]
            rows.sort(key=lambda row: not _is_text(row.input))
        else:
            rows = [row for row in rows if row.input.type == "INT"]
            rows.sort(
                key=lambda row: (
                    SYNONYMS.get(row.input.name, row.input.name) != role,
                    row.input.name != "value",
                )
            )
        return rows[0].place if rows else None

    def _by_role(self, found: Places) -> None:
        """What no title names."""
        texts = {
            role: self._find_texts(found, role_input)
            for role, role_input in zip(TEXTS, ("positive", "negative"), strict=True)
        }
        texts[NEGATIVE] = [place for place in texts[NEGATIVE] if place not in texts[PROMPT]]
        for role in TEXTS:
            if role not in found.places and texts[role]:
                found.places[role] = [self._only(role, texts[role])]
        if SEED not in found.places:
            seeds = [row.place for row in found.settings if _is_seed(row.input)]
            found.places |= {SEED: seeds} if seeds else {}
        if WIDTH not in found.places and HEIGHT not in found.places:
            sizes = list(self._find_sizes(found))
            if sizes:
                node = self._only("size", sizes)
                found.places |= {WIDTH: [(node[0], WIDTH)], HEIGHT: [(node[0], HEIGHT)]}
        self._find_images(found)

    def _find_images(self, found: Places) -> None:
        taken = {*found.references.values(), *(place for places in found.places.values() for place in places)}
        images = [row.place for row in found.settings if row.input.options.get("image_upload")]
        free = [place for place in images if place not in taken]
        masks = [place for place in free if self._returns(place[0]) == {"MASK"}]
        if MASK not in found.places and len(masks) == 1:
            found.places[MASK] = masks
        pictures = [place for place in free if place not in masks]
        numbers = (number for number in range(1, 17) if number not in found.references)
        if not found.references and len(pictures) > 1:
            return  # which is which only titles can say
        found.references |= dict(zip(numbers, pictures, strict=False))

    def _returns(self, node: str) -> set[str]:
        output = self.classes[self.workflow.nodes[node].type].get("output")
        return {str(kind) for kind in output} if isinstance(output, list) else set()

    def _find_texts(self, found: Places, role_input: str) -> list[Place]:
        """Texts of several lines that lead to inputs of this name, through whatever stands between."""
        upstream: set[str] = set()
        for node in self.workflow.nodes.values():
            link = node.inputs.get(role_input)
            if link is not None and _is_link(link):
                upstream |= self._collect(str(link[0]))
        return [
            row.place
            for row in found.settings
            if row.place[0] in upstream
            and _is_text(row.input)
            and "CONDITIONING" in self._returns(row.place[0])
        ]

    def _collect(self, start: str) -> set[str]:
        """A node and all that leads to it."""
        seen: set[str] = set()
        waiting = [start]
        while waiting:
            node = waiting.pop()
            if node not in seen and node in self.workflow.nodes:
                seen.add(node)
                waiting += [str(v[0]) for v in self.workflow.nodes[node].inputs.values() if _is_link(v)]
        return seen

    def _find_sizes(self, found: Places) -> Iterator[Place]:
        """Nodes that make something empty of a width and a height."""
        held = {row.place for row in found.settings}
        for node in self.workflow.nodes.values():
            takes = {row.type for row in self.inputs[node.id].values()}
            makes_latent = "LATENT" in self._returns(node.id) and not takes & {"LATENT", "IMAGE"}
            if makes_latent and {(node.id, WIDTH), (node.id, HEIGHT)} <= held:
                yield (node.id, WIDTH)

    def _only(self, role: str, places: list[Place]) -> Place:
        if len(places) > 1:
            titles = [self.workflow.nodes[node].title for node, _ in places[:MOST_NAMES]]
            raise InvalidRequestError(
                message(
                    "In the workflow several nodes could take the {role}: {titles}.",
                    role=role,
                    titles=", ".join(titles),
                ),
                code="ambiguous_workflow",
                param="workflow",
                next_step=message(
                    "Give one of them the title '{role}' in ComfyUI and export it again.", role=role
                ),
            )
        return places[0]


def check_classes(workflow: Workflow, classes: Mapping[str, Any]) -> None:
    """:raises InvalidRequestError: the server lacks nodes of a workflow, or they cost money."""
    types = list(dict.fromkeys(node.type for node in workflow.nodes.values()))
    missing = [name for name in types if not isinstance(classes.get(name), dict)]
    if missing:
        raise InvalidRequestError(
            message(
                "The workflow needs nodes that this ComfyUI does not have: {names}.", names=_join(missing)
            ),
            code="missing_node_type",
            param="workflow",
            next_step="Install them in ComfyUI, or use another workflow.",
        )
    paid = [name for name in types if classes[name].get("api_node")]
    if paid:
        raise InvalidRequestError(
            message(
                "The workflow holds paid nodes, whose price nobody knows before: {names}.", names=_join(paid)
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
        is_image = bool(row.input.options.get("image_upload"))
        if (
            row.input.type != CHOICE
            or is_image
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


def _join(names: list[str]) -> str:
    return ", ".join(names[:MOST_NAMES]) + (" …" if len(names) > MOST_NAMES else "")


def _is_link(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and isinstance(value[0], str)


def _is_text(row: Input) -> bool:
    return row.type == "STRING" and bool(row.options.get("multiline"))


def _is_seed(row: Input) -> bool:
    return row.type == "INT" and bool(row.options.get("control_after_generate"))


def _guess(name: str, value: object) -> Input | None:
    """An input of a variant, of which the server says nothing at its place."""
    kinds = {bool: "BOOLEAN", int: "INT", float: "FLOAT", str: "STRING"}
    kind = kinds.get(type(value))
    return Input(name, kind, {}) if kind is not None and "." in name else None
