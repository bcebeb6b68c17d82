"""Requests made of keyword parameters, and sent. What scripts call is offered by `api`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ...core.common import arguments
from ...core.jobs.job import Job
from ...core.references.kinds import known_kinds
from ...core.request.parameters import PARAMETERS
from ...core.request.request import Application, GenerationRequest, is_panorama, usual_values
from ...core.workflows.library import find_kept
from .. import blend_paths, references, settings
from ..editing.versions import with_edited_image
from ..submission import Submitter
from ..worlds import pole_repair
from .results import Result, result_of

PATHS = tuple(row.name for row in PARAMETERS.values() if row.kind is Path and not row.many)
"""Parameters that name one file or folder."""


def generate(prompt: str, *, target: str = "texture", **parameters: Any) -> Result:
    """Make something from a prompt and wait for it.

    :param target: what to make: one of the table of targets, such as ``material``.
    :param parameters: as for `submit`.
    :raises GptImageError: why there is no result; see `core.errors` for the kinds.
    """
    job = _submit(True, prompt, target=target, **parameters)
    job.finish_waiting()
    return result_of(job)


def submit(
    prompt: str,
    *,
    target: str = "texture",
    reuse: bool | None = None,
    retry_unknown: bool = False,
    max_cost: float | None = None,
    on_progress: Callable[[Job], None] | None = None,
    idempotency_key: str | None = None,
    **parameters: Any,
) -> Job:
    """Start making something from a prompt and return at once.

    :param target: what to make: one of the table of targets, such as ``material``.
    :param reuse: True uses the stored result of an equal request, where there is one, and waits for one that
        is on its way, also from another process; what ``repair_poles`` still lacks there is sent. False sends
        the request whatever there is. Without it, only a result is used that an earlier process paid for and
        could not deliver before it ended.
    :param retry_unknown: send it even though an equal request was, or may have been, billed before and
        brought no result.
    :param max_cost: USD that it may cost at most. In background 1.00 without it, unless
        GPT_IMAGE_MAX_COST_USD or the preferences set another limit.
    :param on_progress: called on the main thread whenever the job got on; ``job.state``, ``.progress`` and
        ``.message`` say how far.
    :param idempotency_key: your name for this one request, in any process: with the same key it is sent once,
        and every further call gets the same job or its stored result.
    :param parameters: those of `GenerationRequest` and `Application`. ``references`` is a list of paths; the
        words ``viewport``, ``camera``, ``depth``, ``normal``, ``lines`` and ``clay`` stand for images of the
        scene. ``reference_kinds`` and ``reference_labels`` beside it say what each is. ``edit_of`` names a
        job, or one of its images as ``JOB/2``, which becomes the first reference.
    :raises GptImageError: the request can't be sent; nothing was.
    """
    return _submit(
        False,
        prompt,
        target=target,
        reuse=reuse,
        retry_unknown=retry_unknown,
        max_cost=max_cost,
        on_progress=on_progress,
        idempotency_key=idempotency_key,
        **parameters,
    )


@arguments.check_types
def _submit(
    at_once: bool,
    /,
    prompt: str,
    *,
    reuse: bool | None = None,
    retry_unknown: bool = False,
    max_cost: float | None = None,
    on_progress: Callable[[Job], None] | None = None,
    idempotency_key: str | None = None,
    **parameters: Any,
) -> Job:
    """`submit`.

    :param at_once: the caller does nothing but wait, see `Submitter.prepare`.
    """
    request, application = build_request(prompt, **parameters)
    prepared = Submitter(settings.load()).prepare(request, application, at_once=at_once)
    limits: dict[str, Any] = {"retry_unknown": retry_unknown, "max_cost": max_cost}
    job = pole_repair.repair_stored(prepared, **limits) if reuse and not idempotency_key else None
    if job is None:
        job = prepared.submit(reuse=reuse, idempotency_key=idempotency_key, **limits)
    job.watch(on_progress)
    return job


def split(prompt: str, **parameters: Any) -> tuple[GenerationRequest, Application]:
    """Sort keyword parameters into the request and what becomes of its result.

    :raises InvalidRequestError: a name that is no parameter, or a value of another type.
    """
    in_request, in_application = arguments.kinds_of(GenerationRequest), arguments.kinds_of(Application)
    kinds = {**in_request, **in_application}
    values = {name: value for name, value in parameters.items() if value is not None}
    values = {name: _absolute(name, value) for name, value in arguments.typed(kinds, values).items()}
    values["provider"] = values.get("provider") or settings.load(with_key=False).provider
    values = {**usual_values(values), **values}
    values["panorama"] = is_panorama(values)
    values["reference_kinds"] = known_kinds(values.get("references", ()), values.get("reference_kinds", ()))
    request = {name: value for name, value in values.items() if name in in_request}
    application = {name: value for name, value in values.items() if name in in_application}
    return GenerationRequest(prompt=prompt, **request), Application(**application)


def build_request(prompt: str, **parameters: Any) -> tuple[GenerationRequest, Application]:
    """`split`, with the image that is edited as the first reference."""
    request, application = split(prompt, **parameters)
    return with_edited_image(request, application), application


def _absolute(name: str, value: Any) -> Any:
    if name == "references":
        return tuple(
            path if path in references.CAPTURES else str(blend_paths.resolve(path, name)) for path in value
        )
    if name not in PATHS:
        return value
    kept = find_kept(str(value), Path.cwd()) if PARAMETERS[name].is_kept else None
    return str(kept or blend_paths.resolve(value, name))
