"""What holds for every request and application, whatever the model: checked before anything else is."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from ..common.paths import split_version
from ..errors import InvalidRequestError
from ..references.kinds import find_excess
from ..references.points import find_faults
from ..text.message import Message, message, one_of
from ..text.plain_text import find_unstorable
from .parameters import (
    ALPHA_FORMATS,
    ANIMATED,
    ANIMATED_OR_DRAWN,
    COMPRESSED_FORMATS,
    DRAWING,
    PARAMETERS,
    PROMPT_LIMIT,
    REFERENCE_LIMIT,
)
from .providers import PROVIDERS, find_provider
from .request import Application, GenerationRequest
from .sizes import FRAME_LIMIT, is_frame
from .targets import TARGETS, find_target


def check_application(application: Application) -> None:
    """:raises InvalidRequestError: a value that is not known or out of range."""
    _check_texts(application)
    _check_one_of("target", application.target, TARGETS)
    check_choices(vars(application))
    if application.picture < 0:
        raise InvalidRequestError(
            f"picture counts from 0, not from {application.picture}.", code="invalid_value", param="picture"
        )
    matrix = application.view_matrix
    if matrix is not None and len(matrix) != 16:
        raise InvalidRequestError(
            f"view_matrix has 16 numbers, not {len(matrix)}.", code="invalid_value", param="view_matrix"
        )
    if application.edit_of is not None and split_version(application.edit_of) is None:
        raise InvalidRequestError(
            message(
                "edit_of names a job, or one of its images as JOB/2, not '{value}'.",
                value=f"{application.edit_of:.100}",
            ),
            code="invalid_value",
            param="edit_of",
            next_step="`history` lists the jobs.",
        )
    if application.camera_frame is not None and not is_frame(application.camera_frame):
        raise InvalidRequestError(
            message(
                "camera_frame is a width and a height of up to {limit} pixels.", limit=f"{FRAME_LIMIT:,}"
            ),
            code="invalid_value",
            param="camera_frame",
        )
    _check_export(application)
    if application.sprite_fps <= 0:
        raise InvalidRequestError("sprite_fps is above 0.", code="invalid_value", param="sprite_fps")
    _check_decal(application)
    if application.drawing_size <= 0:
        raise InvalidRequestError(
            "drawing_size is in metres and above 0.", code="invalid_value", param="drawing_size"
        )
    if application.bevel > application.extrude / 2:
        raise InvalidRequestError(
            "bevel is at most half of extrude: it rounds the edges of what is thick.",
            code="invalid_value",
            param="bevel",
        )
    size = application.texture_size
    if size is not None and not 0 < size < math.inf:
        raise InvalidRequestError(
            f"texture_size is in metres and above 0, not {size}.", code="invalid_value", param="texture_size"
        )


def _check_decal(application: Application) -> None:
    if application.decal_size <= 0:
        raise InvalidRequestError(
            "decal_size is in metres and above 0.", code="invalid_value", param="decal_size"
        )
    if application.normal and len(application.normal) != len(application.at):
        raise InvalidRequestError(
            "normal goes with at: as many normals as places, or none.", code="invalid_value", param="normal"
        )
    if not all(any(normal) for normal in application.normal):
        raise InvalidRequestError("A normal of 0,0,0 points nowhere.", code="invalid_value", param="normal")


def _check_export(application: Application) -> None:
    if bool(application.export_to) != bool(application.export_dir):
        missing = "export_dir" if application.export_to else "export_to"
        raise InvalidRequestError(
            "export_to and export_dir go together: an engine, and the folder for its files.",
            code="missing_parameter",
            param=missing,
        )
    if application.export_to and not find_target(application.target).maps:
        raise InvalidRequestError(
            message(
                "Only materials are written for an engine, not the target {target}.",
                target=application.target,
            ),
            code="invalid_value",
            param="export_to",
            next_step="Use the target material.",
        )


def check_target(request: GenerationRequest, application: Application) -> None:
    """
    :raises InvalidRequestError: the target can't be made of what is asked for.
    """
    target = find_target(application.target)
    if target.is_drawing and request.output_format != DRAWING:
        raise InvalidRequestError(
            message(
                "{target} are made of a drawing: they need the output format {format}, not {other}.",
                target=Message(target.label),
                format=DRAWING,
                other=request.output_format,
            ),
            code="invalid_value",
            param="output_format",
        )

    if target.is_animated and request.output_format == DRAWING:
        raise InvalidRequestError(
            message(
                "A drawing (SVG) has no frames, so that it can't become a {target}.",
                target=Message(target.label),
            ),
            code="invalid_value",
            param="output_format",
        )
    if target.is_animated and request.n < 2 and request.output_format not in ANIMATED:
        raise InvalidRequestError(
            message(
                "A {target} is made of several images: ask for two or more, or for a GIF.",
                target=Message(target.label),
            ),
            code="too_few_frames",
            param="n",
        )


def check_choices(values: Mapping[str, Any]) -> None:
    """Check values, by the names of their parameters, against the table: choices and ranges.

    :raises InvalidRequestError: a value that is not known or out of range.
    """
    for name, value in values.items():
        row = PARAMETERS.get(name)
        if row is None or value is None:
            continue
        if row.choices and not row.model_values:
            for item in value if row.many else (value,):
                _check_one_of(name, str(item), row.words)
        if row.least is not None and row.most is not None:
            check_range(name, value, row.least, row.most)


def check_values(request: GenerationRequest) -> None:
    """Check what holds for every model.

    :raises InvalidRequestError: the first value that no model takes.
    """
    _check_texts(request)
    if not request.prompt.strip():
        raise InvalidRequestError("The prompt is empty.", code="missing_prompt", param="prompt")
    if len(request.prompt) > PROMPT_LIMIT:
        raise InvalidRequestError(
            message(
                "The prompt has {count} characters; {limit} is the limit.",
                count=f"{len(request.prompt):,}",
                limit=f"{PROMPT_LIMIT:,}",
            ),
            param="prompt",
        )
    _check_one_of("provider", request.provider, PROVIDERS)
    check_choices(vars(request))
    _check_identifier(request.safety_identifier)
    rules = (*_list_workflow_rules(request), *_list_format_rules(request), *_list_edit_rules(request))
    for broken, param, problem in rules:
        if broken:
            raise InvalidRequestError(problem, param=param)


def _check_texts(values: GenerationRequest | Application) -> None:
    """No text holds what can't be sent, stored or given to the system."""
    for field in dataclasses.fields(values):
        found = getattr(values, field.name)
        for text in found if isinstance(found, tuple) else (found,):
            place = find_unstorable(text) if isinstance(text, str) else None
            if place is not None:
                problem = message(
                    "{param} holds half of a character at place {place}, so it is not whole.",
                    param=field.name,
                    place=place + 1,
                )
                if text[place] == "\0":
                    problem = message(
                        "{param} holds the character U+0000 at place {place}.",
                        param=field.name,
                        place=place + 1,
                    )
                raise InvalidRequestError(problem, code="bad_text", param=field.name)


def _check_identifier(value: str | None) -> None:
    if value is not None and (not value or re.search(r"[@\s]", value)):
        raise InvalidRequestError(
            "safety_identifier must be a hash, not an address or a name.",
            param="safety_identifier",
            next_step="Hash it, or leave it out.",
        )


def _list_workflow_rules(request: GenerationRequest) -> Iterator[tuple[bool, str, str]]:
    """What a workflow forbids, as `_list_format_rules`."""
    info = find_provider(request.provider)
    yield (
        request.workflow is not None and not info.workflow_model,
        "workflow",
        message("The provider {provider} runs no workflows; comfyui does.", provider=info.label),
    )
    yield (
        bool(info.workflow_model)
        and (request.workflow is not None) != (request.model == info.workflow_model),
        "model",
        message("The model {model} goes with a workflow, and none else does.", model=info.workflow_model),
    )
    yield (
        bool(request.workflow_values) and request.workflow is None,
        "workflow_values",
        "workflow_values needs workflow: the one whose inputs they set.",
    )
    yield (
        bool(request.workflow_places) and request.workflow is None,
        "workflow_places",
        "workflow_places needs workflow: the one whose inputs they name.",
    )


def _list_format_rules(request: GenerationRequest) -> Iterator[tuple[bool, str, str]]:
    """What the output format forbids: whether it is broken, by which parameter, and a sentence."""
    chosen = request.output_format
    yield (
        request.background == "transparent" and chosen not in ALPHA_FORMATS,
        "output_format",
        message(
            "A transparent background needs {formats}, not {format}.",
            formats=one_of(ALPHA_FORMATS),
            format=chosen,
        ),
    )
    yield (
        request.output_compression is not None and chosen not in COMPRESSED_FORMATS,
        "output_compression",
        f"output_compression is for {' and '.join(COMPRESSED_FORMATS)}, not for {chosen}.",
    )
    yield chosen == "svg" and request.n != 1, "n", "An svg comes alone; use n = 1."
    yield (
        chosen in ANIMATED_OR_DRAWN and request.is_streamed,
        "partial_images" if request.partial_images else "stream",
        message("{format} is not streamed; leave stream and partial_images out.", format=chosen),
    )
    for name in ("frame_count", "frame_duration_ms"):
        yield (
            getattr(request, name) is not None and chosen != "gif",
            name,
            message("{name} belongs to the output format gif.", name=name),
        )
    for name in ("svg_model", "svg_reasoning_effort"):
        yield (
            getattr(request, name) is not None and chosen != "svg",
            name,
            message("{name} belongs to the output format svg.", name=name),
        )
    yield (
        request.svg_reasoning_effort is not None and request.svg_model is None,
        "svg_model",
        "svg_reasoning_effort needs svg_model.",
    )


def _list_edit_rules(request: GenerationRequest) -> Iterator[tuple[bool, str, str]]:
    """What references, mask and markup forbid, as `_list_format_rules`."""
    count = len(request.references)
    yield (
        count > REFERENCE_LIMIT,
        "references",
        message("{count} references are too many; {limit} is the limit.", count=count, limit=REFERENCE_LIMIT),
    )
    for name, needs in (
        ("mask", "A mask needs a reference: the image whose parts may change."),
        ("markup", "A markup needs a reference: the image that it is drawn over."),
        ("input_fidelity", "input_fidelity needs a reference: the image to be true to."),
    ):
        yield getattr(request, name) is not None and not count, name, needs
    kinds, labels = request.reference_kinds, request.reference_labels
    yield from find_excess(count, reference_kinds=kinds, reference_labels=labels)
    yield from find_faults(request.points, count)
    yield (
        request.keep_rest and not count,
        "keep_rest",
        "keep_rest needs a reference: the image of which the rest is kept.",
    )
    yield (
        request.mask is not None and request.markup is not None,
        "markup",
        "A mask and a markup can't go together; leave one out.",
    )
    yield request.mask is not None and request.output_format == "gif", "mask", "A gif takes no mask."


def _check_one_of(param: str, value: str, allowed: Collection[str]) -> None:
    if value not in allowed:
        raise InvalidRequestError(
            message(
                "{param} '{value}' is not known; use one of {values}.",
                param=param,
                value=value,
                values=", ".join(allowed),
            ),
            code="invalid_value",
            param=param,
        )


def check_range(param: str, value: float | None, low: int, high: int) -> None:
    """:raises InvalidRequestError: a value that is out of range."""
    if value is not None and not low <= value <= high:
        raise InvalidRequestError(
            message(
                "{param} must be {least} to {most}, not {value}.",
                param=param,
                least=low,
                most=high,
                value=value,
            ),
            code="invalid_value",
            param=param,
        )
