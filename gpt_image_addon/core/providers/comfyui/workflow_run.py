"""From a request to the graphs of a workflow: every value in its place, or a sentence about what has none."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...errors import InvalidRequestError
from ...request.prompt import compose
from ...request.request import GenerationRequest
from ...request.sizes import AUTO, is_open, parse_size
from ...text.message import Message, message
from ...workflows.description import Description, describe
from ...workflows.file import Workflow, read_workflow
from ...workflows.inputs import Classes, Place
from ...workflows.mapping import Mapper, Places, check_choices, check_classes
from ...workflows.places import GUIDES, HEIGHT, MASK, PROMPT, SEED, WIDTH
from ...workflows.values import read_settings
from .server import Server, ServerFile

Graph = dict[str, dict[str, Any]]
CHANNEL = "channel"
NO_PROMPT = "The workflow takes no words; the prompt is only the name of the result."
NO_SEED = "The workflow has no seed, so it makes the same again each time; it is run once."
OWN_SIZE = "The workflow decides the size of its images."
IMAGE_NAMES = (
    "Give a node that loads an image the title '{title}' in ComfyUI and export the workflow again, or name "
    "its input with --place (workflow_places in Python)."
)


@dataclass
class Plan:
    """A workflow with its places at one server."""

    workflow: Workflow
    places: Places
    values: dict[Place, Any]
    """What ``--set`` sets."""
    warnings: list[str] = field(default_factory=list)

    @property
    def is_seeded(self) -> bool:
        """Another seed makes another image."""
        return SEED in self.places.places


def plan_workflow(server: Server, request: GenerationRequest) -> Plan:
    """Read the workflow of a request and find its places; nothing is sent that runs.

    :raises InvalidRequestError: it can't be used here.
    :raises APIError: the server can't be asked.
    """
    workflow = read_workflow(Path(request.workflow or ""))
    classes = ask_classes(server, workflow)
    check_classes(workflow, classes)
    places = Mapper(workflow, classes, request.workflow_places).map()
    return Plan(workflow, places, read_settings(request.workflow_values, places.settings))


def ask_classes(server: Server, workflow: Workflow) -> Classes:
    """What a server says of the classes of a workflow's nodes; nothing of those that it does not have.

    :raises APIError: it can't be asked.
    """
    types = dict.fromkeys(node.type for node in workflow.nodes.values())
    found = {name: server.describe_class(name) for name in types}
    return {name: row for name, row in found.items() if row is not None}


def describe_workflow(server: Server, path: Path, wanted: Sequence[str]) -> Description:
    """What a workflow takes at a server.

    :param wanted: where the user wants roles, see `workflows.places.split_place`.
    :raises InvalidRequestError: it can't be used here.
    :raises APIError: the server can't be asked.
    """
    workflow = read_workflow(path)
    classes = ask_classes(server, workflow)
    check_classes(workflow, classes)
    return describe(workflow, classes, wanted)


def place_images(plan: Plan, request: GenerationRequest, has_mask: bool) -> list[Place]:
    """Where each reference goes, then the mask.

    A guide goes to the input titled so; all others in their order to the numbered ones.

    :raises InvalidRequestError: one has no place.
    """
    kinds = [*request.reference_kinds, *[""] * len(request.references)][: len(request.references)]
    numbers = iter(sorted(plan.places.references))
    used: list[Place] = []
    for number, kind in enumerate(kinds, 1):
        titled = plan.places.places.get(kind, []) if kind in GUIDES else []
        place = titled[0] if titled else None
        if place is None:
            free = next(numbers, None)
            if free is None:
                raise _no_place(
                    message("reference {number}", number=number), kind or f"reference {number}", "references"
                )
            place = plan.places.references[free]
        used.append(place)
    if has_mask:
        if MASK not in plan.places.places:
            raise _no_place(Message("the mask"), MASK, "mask")
        used.append(plan.places.places[MASK][0])
    return used


def _no_place(what: str, title: str, param: str) -> InvalidRequestError:
    return InvalidRequestError(
        message("The workflow has no place for {what}.", what=what),
        code="no_place",
        param=param,
        next_step=message(IMAGE_NAMES, title=title),
    )


def fill(
    plan: Plan, request: GenerationRequest, prompt: str, images: Mapping[Place, ServerFile], seed: int
) -> Graph:
    """The graph of one run.

    :raises InvalidRequestError: the prompt has no place, or the server lacks what the workflow chooses.
    """
    graph: Graph = copy.deepcopy({name: dict(node) for name, node in plan.workflow.graph.items()})
    values = dict(_list_values(plan, request, prompt, seed))
    values |= {place: file.reference for place, file in images.items()}
    values |= plan.values
    check_choices(plan.places.settings, values)
    for (node, name), value in values.items():
        graph[node]["inputs"][name] = value
    for node, _ in plan.places.places.get(MASK, ()):
        if CHANNEL in graph[node]["inputs"]:  # of a node that reads a mask alone
            graph[node]["inputs"][CHANNEL] = "alpha"
    return graph


def _list_values(
    plan: Plan, request: GenerationRequest, prompt: str, seed: int
) -> Iterator[tuple[Place, Any]]:
    places = plan.places.places
    if PROMPT not in places and plan.places.has_texts:
        raise InvalidRequestError(
            "The workflow has no place for the prompt.",
            code="no_place",
            param="prompt",
            next_step="Give the prompt's node the title 'prompt' in ComfyUI and export the workflow again.",
        )
    values: dict[str, Any] = {PROMPT: prompt, SEED: seed}
    if not is_open(request.size):
        values[WIDTH], values[HEIGHT] = parse_size(request.size)
    for role, value in values.items():
        for place in places.get(role, ()):
            yield place, value


def find_words(request: GenerationRequest) -> str:
    """The words for a workflow: without what speaks of images by number, which its models don't know."""
    alone = dataclasses.replace(
        request,
        references=(),
        reference_kinds=(),
        reference_labels=(),
        points=(),
        keep_rest=False,
        background=AUTO,
    )
    return compose(alone)


def check_plan(plan: Plan, request: GenerationRequest) -> int:
    """What to tell of a request before it is sent, into the plan's warnings.

    :returns: how often the workflow is run.
    """
    if PROMPT not in plan.places.places and not plan.places.has_texts:
        plan.warnings.append(NO_PROMPT)
    if WIDTH not in plan.places.places and not is_open(request.size):
        plan.warnings.append(OWN_SIZE)
    if request.n > 1 and not plan.is_seeded:
        plan.warnings.append(NO_SEED)
        return 1
    return request.n
