"""Objects painted as views show them. What scripts call is offered by `api`."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ...core.common import arguments
from ...core.errors import InvalidRequestError
from ...core.jobs.job import Job, Task
from ...core.painting.projection import Projection, check_projection
from ...core.painting.reports import SETTINGS
from ...core.request.targets import TARGETS
from ...core.text.message import Message, message
from .. import session, settings
from ..history import look_at_journal
from ..painting.prepared import AnyPrepared, prepare_painting
from ..painting.sequence_task import find_sequence
from ..painting.stored import read_entry
from ..projection.plan import PaintedObjects, name_objects
from ..results import files
from ..submission import Submitter
from .plans import Plan, plan_checked
from .requests import build_request
from .results import Result, result_of

SHARES = ("coverage", "gap_share", "overlap_share")
PROJECTED = next(name for name, info in TARGETS.items() if info.is_projected)


@dataclass(frozen=True)
class ModelTexture(Result):
    """What was painted onto objects; the images are those that were painted."""

    views: tuple[Mapping[str, Any], ...] = ()
    """Of each ``name``, ``matrix_world``, ``projection``, ``size``, ``rectangle`` in what was sent,
    ``coverage``, ``shift_px``, ``scale``, ``score``, ``used`` and ``job``, whose answer shows it."""
    coverage: float = 0.0
    """Share of the texels of the objects that some view painted."""
    gap_share: float = 0.0
    """Share of them that no view shows."""
    overlap_share: float = 0.0
    """Share of them that several faces of the objects lie on."""
    variation: int = 1
    """Which of the images that came is painted, from 1."""
    variations: int = 1
    """How many came."""
    jobs: tuple[str, ...] = ()
    """Of all requests, in their order: views in sequence take one each, and ``job`` is the last of them."""


@dataclass(frozen=True)
class TexturePlan(Plan):
    """What painting objects would ask for, and cost."""

    views: tuple[Mapping[str, Any], ...]
    objects: tuple[str, ...]
    coverage: float
    """Share of the surface that the views show."""


@dataclass(frozen=True)
class PreparedTexture:
    """Objects whose views are drawn and priced as they are now, so that sending draws nothing again."""

    _prepared: AnyPrepared

    @cached_property
    def plan(self) -> TexturePlan:
        """What it asks for, and costs.

        :raises GptImageError: the folder for images can't be written to.
        """
        prepared = self._prepared
        prepared.check_folder()
        projection = Projection.from_text(prepared.application.projection or "")
        return TexturePlan(
            **vars(plan_checked(prepared.checked.wanted, prepared.checked)),
            views=tuple(view.describe() for view in projection.views),
            objects=tuple(obj.name for obj in projection.objects),
            coverage=round(projection.shown_share or 0.0, 4),
        )

    def submit(self, *, on_progress: Callable[[Any], None] | None = None, **how: Any) -> Task:
        """Send it and return at once.

        :param how: ``reuse``, ``retry_unknown``, ``max_cost`` and ``idempotency_key`` of
            `submit_model_texture`.
        :raises GptImageError: it can't be sent; nothing was.
        """
        task: Task = self._prepared.submit(**how)
        task.watch(on_progress)
        return task


def texture_model(objects: PaintedObjects, prompt: str, **parameters: Any) -> ModelTexture:
    """Paint objects as a view shows them, or all around, and wait for it.

    What is seen is sent as a clay render; the answer is aligned with it and painted into the images of the
    objects' base colors, over what was there. An image keeps its name and size, and its first state is the
    version before. Objects without one get a new image, and those without a UV map get one.

    All around, the sides that show most of the objects are chosen, as if nothing else were there, and sent as
    one sheet in one request. What the answer shows replaces what was there, and what no side shows gets
    colors from what lies near it; where only selected faces are painted, all else stays.

    In sequence, each view is a paid request of its own that shows the model what those before it painted, and
    is painted when it comes. The price of all is within the limits before the first is sent. Called again
    after it was stopped, it takes the answers that are stored and pays for the rest.

    :param objects: names or objects; all else that is rendered hides what is behind it in single views.
    :param parameters: ``views`` is ``view`` for the 3D view, ``camera``, the name of a camera or several,
        ``auto`` for all around, or a number of sides; without it as the scene is seen now. ``in_sequence``
        paints several views one after another. ``faces`` is
        ``all`` or ``selected``; ``new_image`` leaves images that are there alone; ``texture_size`` is that of
        new images in pixels; ``feather`` the pixels of the answer over which an edge fades; ``guides`` are
        ``normal``, ``depth`` and ``lines``, sent as well; all around ``surface_maps=False`` makes no maps of
        normals, roughness and occlusion. All others as for `submit`.
    :raises GptImageError: why nothing was painted; see `core.errors` for the kinds.
    """
    job = submit_model_texture(objects, prompt, **parameters)
    job.finish_waiting()
    return texture_of(job)


def submit_model_texture(
    objects: PaintedObjects,
    prompt: str,
    *,
    reuse: bool | None = None,
    retry_unknown: bool = False,
    max_cost: float | None = None,
    idempotency_key: str | None = None,
    on_progress: Callable[[Any], None] | None = None,
    **parameters: Any,
) -> Task:
    """Start what `texture_model` does and return at once; `texture_of` the task says what was painted.

    :param reuse: as for `submit`, with ``retry_unknown``, ``max_cost``, ``idempotency_key`` and
        ``on_progress``. In sequence, also answers are taken of one that did not come to its end, and
        ``max_cost`` is for all requests together.
    :raises GptImageError: it can't be sent; nothing was.
    """
    return prepare_model_texture(objects, prompt, **parameters).submit(
        reuse=reuse,
        retry_unknown=retry_unknown,
        max_cost=max_cost,
        idempotency_key=idempotency_key,
        on_progress=on_progress,
    )


def prepare_model_texture(objects: PaintedObjects, prompt: str, **parameters: Any) -> PreparedTexture:
    """Draw the views of what `texture_model` does, check and price it; nothing is sent.

    :param parameters: as for `texture_model`.
    :raises GptImageError: it could not be sent.
    """
    return PreparedTexture(_prepare(objects, prompt, parameters, settings.load()))


def plan_model_texture(objects: PaintedObjects, prompt: str, **parameters: Any) -> TexturePlan:
    """Check and price what `texture_model` would do; nothing is sent.

    :param parameters: as for `texture_model`.
    :raises GptImageError: it could not be sent.
    """
    return PreparedTexture(_prepare(objects, prompt, parameters, settings.load(with_key=False))).plan


def _prepare(
    objects: PaintedObjects,
    prompt: str,
    parameters: Mapping[str, Any],
    found: settings.Settings,
) -> AnyPrepared:
    given = {name: value for name, value in parameters.items() if value is not None}
    given["objects"] = name_objects(objects)
    if isinstance(given.get("views"), list | tuple):
        given["views"] = ",".join(str(getattr(view, "name", view)) for view in given["views"])
    elif isinstance(given.get("views"), int):
        given["views"] = str(given["views"])
    if "texture_size" in given:  # of a model that is painted in pixels
        given["image_size"] = given.pop("texture_size")
    given.setdefault("target", PROJECTED)
    return prepare_painting(Submitter(found), *build_request(prompt, **given))


def texture_again(
    job: str,
    *,
    object_name: str | None = None,
    accept: bool | None = None,
    variation: int | None = None,
    **changed: Any,
) -> Job:
    """Project a stored answer once more with other settings; nothing is sent. Returns at once.

    What is not given stays as it was when the answer was projected last.

    :param object_name: the object to paint; those of the request without it.
    :param variation: which of the images that came, from 1.
    :param accept: use views whose outlines do not match, too.
    :param changed: ``feather``, ``texture_size``, ``used_views`` (all where it is empty); ``erosion``, the
        pixels beside edges that are not used; ``exponent`` of the cosine by which views count; ``steepest``,
        the degrees from which on they don't; ``replace_all`` lets nothing shine through that was there;
        ``match_colors`` makes the colors of views agree; ``fill_gaps`` paints what no view shows;
        ``surface_maps`` makes maps.
    :raises InvalidRequestError: there is no such job, it was not projected, or a setting can't be.
    """
    kinds = {name: kind for name, kind in arguments.kinds_of(Projection).items() if name in SETTINGS}
    settled = arguments.typed(kinds, changed)
    with look_at_journal() as journal:
        stored = journal.entry(job)
    if stored is None:
        raise InvalidRequestError(message("There is no job {job}.", job=job), code="no_such_job", param="job")
    painted = read_entry(stored)
    projection = dataclasses.replace(painted.projection, **settled)
    check_projection(projection)
    if variation is None:
        variation = painted.last.variation
    else:
        _check_variation(job, variation)
    application = dataclasses.replace(
        stored.application,
        projection=projection.to_text(),
        picture=variation - 1,
        object_name=object_name,
        accept=stored.application.accept or painted.last.accept if accept is None else accept,
        scene_uid=None,
        object_uid=None,
        object_uids=(),
        textures_dir=None,
    )
    notice = message("The answer of job {job} was projected again.", job=job)
    return Submitter(settings.load()).resume(stored, application, notice)


def _check_variation(job: str, variation: int) -> None:
    """:raises InvalidRequestError: that many images did not come."""
    count = len(files(job))
    if not 1 <= variation <= count:
        raise InvalidRequestError(
            message(
                "Job {job} has {count} images, so none is number {number}.",
                job=job,
                count=count,
                number=variation,
            ),
            code="invalid_value",
            param="variation",
        )


def texture_of(task: Task) -> ModelTexture:
    """What a job painted that is done, or jobs that paint one view after another.

    :raises GptImageError: why it painted nothing.
    """
    painted = find_sequence(task)
    if painted is not None:
        return _add_up(task, [*painted.jobs], texture_of(painted.last))
    if not isinstance(task, Job):
        raise task.error or InvalidRequestError(
            message("The job is not finished: {state}.", state=Message.of(task.message))
        )
    found, report = result_of(task), task.result().report
    return ModelTexture(
        **vars(found),
        views=tuple(report["views"]),
        **{name: report[name] for name in (*SHARES, "variation", "variations")},
        jobs=(task.id,),
    )


def _add_up(task: Task, jobs: Sequence[Job], last: ModelTexture) -> ModelTexture:
    """What all jobs of a sequence painted, used and cost."""
    usage: dict[str, Any] = {}
    for row in map(session.entry, (job.id for job in jobs)):
        _add_counts(usage, (row.usage if row is not None else None) or {})
    warnings = dict.fromkeys((*task.warnings, *(text for job in jobs for text in job.all_warnings)))
    return dataclasses.replace(
        last,
        usage=usage or None,
        estimated_usd=task.estimated_usd,
        cost_usd=sum(job.cost_usd or 0.0 for job in jobs),
        warnings=tuple(warnings),
        jobs=tuple(job.id for job in jobs),
    )


def _add_counts(total: dict[str, Any], more: Mapping[str, Any]) -> None:
    """Add numbers by their names, also those of objects in objects, in place."""
    for name, count in more.items():
        if isinstance(count, Mapping):
            _add_counts(total.setdefault(name, {}), count)
        else:
            total[name] = total.get(name, 0) + count
