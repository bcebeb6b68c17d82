"""The graph that makes GPT Images: one node of a Comfy account, its inputs, and a node that saves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...errors import InvalidRequestError
from ...request.request import GenerationRequest
from ...request.sizes import AUTO, parse_size
from ...text.message import message
from ...workflows.nodes import CHOICE, VARIANTS, Filling, list_inputs, list_variants, refuse_value
from .badges import MODEL_PREFIX, Table, read_badge
from .server import Server, ServerFile

CLASSES = tuple(f"OpenAIGPTImageNodeV{number}" for number in range(5, 1, -1))
"""Of the node, newest first; servers have some of them."""
CUSTOM = "Custom"
MAX_N = 8  # images of one run, where the node does not say
NODE, SAVE = "1", "2"
FILE_PREFIX = "gpt_image/image"
Graph = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class ImageNode:
    """The node of one server."""

    name: str
    groups: Any
    """Its inputs, as the server says them."""
    prices: Table = field(default_factory=dict)
    """What its badge says."""

    @property
    def most(self) -> int:
        """Images of one run."""
        found = next((row.options.get("max") for row in list_inputs(self.groups) if row.name == "n"), None)
        return found if isinstance(found, int) and 1 <= found <= MAX_N else MAX_N

    @property
    def models(self) -> tuple[str, ...]:
        """The models that it offers."""
        for row in list_inputs(self.groups):
            if row.name == "model" and row.type == VARIANTS:
                return tuple(list_variants(row))
        return ()


def find_node(server: Server) -> ImageNode | None:
    """The newest GPT Image node of a server; None where it has none.

    :raises APIError: it can't be asked.
    """
    for name in CLASSES:
        found = server.describe_class(name)
        if found is not None:
            return ImageNode(name, found.get("input"), read_badge(found))
    return None


def require_node(server: Server) -> ImageNode:
    """The newest GPT Image node of a server.

    :raises InvalidRequestError: it has none.
    :raises APIError: it can't be asked.
    """
    node = find_node(server)
    if node is None:
        raise InvalidRequestError(
            "This ComfyUI has no GPT Image node that this add-on knows.",
            code="no_gpt_image_node",
            next_step="Update ComfyUI, and start it without --disable-api-nodes.",
        )
    return node


def make_graph(
    node: ImageNode,
    request: GenerationRequest,
    prompt: str,
    count: int,
    seed: int,
    references: Sequence[ServerFile] = (),
    mask: ServerFile | None = None,
    markup: ServerFile | None = None,
) -> Graph:
    """The graph of one run.

    :param count: images that it makes.
    :param seed: what makes it another run than the one before; the model does not use it.
    :raises InvalidRequestError: the node does not take something of the request.
    """
    if mask is not None and len(references) != 1:
        raise InvalidRequestError(
            "ComfyUI's GPT Image node takes a mask with exactly one reference.",
            param="mask",
            next_step="Leave out the other references.",
        )
    graph: Graph = {}
    links: dict[str, list[list[Any]]] = {}
    extras = (("mask", mask, 1), ("markup", markup, 0))
    files = [("images", file, 0) for file in references]
    files += [(name, file, slot) for name, file, slot in extras if file is not None]
    for number, (name, file, slot) in enumerate(files, 10):
        graph[str(number)] = {"class_type": "LoadImage", "inputs": {"image": file.reference}}
        links.setdefault(name, []).append([str(number), slot])
    model = request.model.removeprefix(MODEL_PREFIX)
    wanted: dict[str, Any] = {"prompt": prompt, "model": model, "n": count, "seed": seed}
    named = {"quality": request.quality, "background": request.background}
    wanted |= {name: value for name, value in named.items() if value != AUTO}
    wanted |= {"complexity": request.complexity} if request.complexity else {}
    filling = Filling({**wanted, **_size_of(node, model, request.size)}, links)
    filling.fill(node.groups)
    _check_used(filling, wanted, links)
    save = {"images": [NODE, 0], "filename_prefix": FILE_PREFIX}
    graph[NODE] = {"class_type": node.name, "inputs": filling.inputs}
    graph[SAVE] = {"class_type": "SaveImage", "inputs": save}
    return graph


def _size_of(node: ImageNode, model: str, size: str) -> Mapping[str, Any]:
    """The values that stand for a size: one of the node's own, or its custom one."""
    for row in list_inputs(node.groups):
        if row.name == "model" and row.type == VARIANTS:
            for inner in list_inputs(list_variants(row).get(model)):
                if inner.name == "size" and inner.type == CHOICE:
                    return _choose_size(size, inner.choices)
    return {"size": size}


def _choose_size(size: str, choices: Sequence[Any]) -> Mapping[str, Any]:
    if size in choices:
        return {"size": size}
    if size == AUTO or CUSTOM not in choices:
        raise refuse_value("size", size, choices)
    width, height = parse_size(size)
    return {"size": CUSTOM, "custom_width": width, "custom_height": height}


def _check_used(filling: Filling, wanted: Mapping[str, Any], links: Mapping[str, Any]) -> None:
    """:raises InvalidRequestError: the node has no input for something that was asked for."""
    names = {"images": "references"}
    for name in (*wanted, *links):
        if name not in filling.used:
            param = names.get(name, name)
            raise InvalidRequestError(
                message("The GPT Image node of this ComfyUI has no input for {param}.", param=param),
                code="missing_input",
                param=param,
                next_step="Leave it out, or update ComfyUI.",
            )
