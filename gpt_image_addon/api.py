"""GPT Image from Python: images, textures, planes and materials from a prompt.

::

    from gpt_image_addon import api# in a checkout
    from bl_ext.user_default.gpt_image_addon import api          # installed

    result = api.generate("weathered oak planks", target="material", quality="low")
    print(result.material, result.cost_usd)

    job = api.submit("red brick wall", provider="offline")       # returns at once
    job.wait()

    with api.using(provider="offline", concurrency=2):           # settings for a while
        jobs = [api.submit(prompt) for prompt in ("oak", "ash", "pine")]
        for job in api.as_completed(jobs):
            print(api.result_of(job).material)

    print(api.run_batch(api.batch("materials.jsonl")).tally)     # a whole manifest

All parameters carry the API's own names; `GenerationRequest` and `Application` list them.
"""

from __future__ import annotations

import dataclasses
import inspect
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .app import blend_paths, listeners, references, session, settings, submission
from .app.editing import texturing
from .app.editing import versions as app_versions
from .app.editing.cutout import CutOutPlan, CutOutResult, begin_cut_out, cut_out, plan_cut_out
from .app.editing.extending import ExtendResult, ExtensionPlan, begin_extension, extend, plan_extension
from .app.editing.photo_material import (
    PhotoMaterial,
    make_material_from_photo,
    photo_material_of,
    submit_material_from_photo,
)
from .app.editing.sequences import run_through
from .app.editing.upscale_plan import UpscaleEstimate
from .app.editing.upscale_task import UpscaleResult
from .app.editing.upscaling import estimate_upscale, submit_upscale, upscale, upscale_result
from .app.editing.versions import versions
from .app.history import (
    as_row,
    clean_results,
    export_result,
    history,
    history_rows,
    look_back,
    measure_results,
    merge_journal,
    set_favourite,
    start_cleaning,
    unapplied,
    unknown,
    unreadable,
)
from .app.material_maps import Maps, can_remake, make_maps, remake_material, submit_maps, submit_remake
from .app.models import models, successor
from .app.projection.plan import PaintedObjects
from .app.scheduler import errand
from .app.session import cancel, close, forget_finished, jobs, move, waiting
from .app.tiles import TileResult, estimate_tile, make_tile, submit_tile, tile_result
from .core.common import arguments
from .core.errors import GptImageError, SceneError
from .core.jobs.job import Job, Task, as_completed
from .core.painting.projection import Projection
from .core.references import kinds as kinds_of_references
from .core.request import request as request_values
from .core.request.parameters import PARAMETERS, SNAPPED
from .core.request.providers import DEFAULT_PROVIDER
from .core.request.request import Application, GenerationRequest
from .core.request.targets import TARGETS

if TYPE_CHECKING:
    from .app.batch.batches import Batch
    from .app.batch.run import BatchResult
    from .core.batch.estimate import ManifestEstimate
    from .core.jobs.estimates import Measure
    from .core.journal.journal import Entry
    from .core.request.models import Model
    from .core.request.normalize import CheckedRequest
    from .core.request.pricing import Estimate
    from .core.results.store import ImageFile

__all__ = [
    "Application",
    "CutOutPlan",
    "CutOutResult",
    "ExtendResult",
    "ExtensionPlan",
    "GenerationRequest",
    "Job",
    "Maps",
    "ModelTexture",
    "PhotoMaterial",
    "Plan",
    "Result",
    "ResultImage",
    "Task",
    "TileResult",
    "UpscaleEstimate",
    "UpscaleResult",
    "as_completed",
    "as_dict",
    "as_row",
    "batch",
    "batch_results",
    "begin_cut_out",
    "begin_extension",
    "can_remake",
    "cancel",
    "clean_results",
    "close",
    "cut_out",
    "earlier",
    "errand",
    "estimate",
    "estimate_tile",
    "estimate_upscale",
    "export_result",
    "extend",
    "forget_finished",
    "generate",
    "history",
    "history_rows",
    "jobs",
    "look_back",
    "make_maps",
    "make_material_from_photo",
    "make_tile",
    "measure_results",
    "merge_journal",
    "models",
    "move",
    "on_change",
    "photo_material_of",
    "plan",
    "plan_cut_out",
    "plan_extension",
    "plan_model_texture",
    "planner",
    "recover",
    "remake_material",
    "result_of",
    "run_batch",
    "run_through",
    "save_blend",
    "set_favourite",
    "split",
    "start_cleaning",
    "submit",
    "submit_maps",
    "submit_material_from_photo",
    "submit_model_texture",
    "submit_remake",
    "submit_tile",
    "submit_upscale",
    "successor",
    "test_connection",
    "texture_again",
    "texture_model",
    "texture_of",
    "tile_result",
    "unapplied",
    "unknown",
    "unreadable",
    "upscale",
    "upscale_result",
    "using",
    "versions",
    "waiting",
]
"""What scripts may rely on; each function of it checks the types of its arguments, see the end."""

using = settings.override
POLL_SECONDS = 0.25  # how often a waiting caller should look at a job
PROJECTED = next(name for name, info in TARGETS.items() if info.is_projected)
PATHS = tuple(row.name for row in PARAMETERS.values() if row.kind is Path and not row.many)
"""Parameters that name one file or folder."""


@dataclass(frozen=True)
class ResultImage:
    """One image of a result."""

    name: str
    """Name of its data-block; empty for an svg, which Blender can't show."""
    file: str
    """Absolute path of the bytes as they were received."""
    width: int
    height: int
    format: str
    sha256: str
    processed: str | None = None
    """Absolute path of what was made from those bytes and is in Blender; None where they are it."""


@dataclass(frozen=True)
class Result:
    """What a finished job made."""

    job: str
    provider: str
    model: str
    request_id: str | None
    images: tuple[ResultImage, ...]
    maps: Mapping[str, str]
    """Path of each material map by kind, and of packed maps by the name of their layout."""
    material: str | None
    """Name of the data-block."""
    object: str | None
    """Name of the data-block; of several the first."""
    usage: Mapping[str, Any] | None
    estimated_usd: float
    cost_usd: float | None
    warnings: tuple[str, ...]
    objects: tuple[str, ...] = ()
    """Names of all objects that got it."""

    @property
    def files(self) -> tuple[str, ...]:
        """Every file of the result."""
        return (*(image.file for image in self.images), *self.maps.values())


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
        is on its way, also from another process. False sends the request whatever there is. Without it, only
        a result is used that an earlier process paid for and could not deliver before it ended.
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
    request, application = _asked(prompt, **parameters)
    prepared = submission.Submitter(settings.load()).prepare(request, application, at_once=at_once)
    job = prepared.submit(
        reuse=reuse, retry_unknown=retry_unknown, max_cost=max_cost, idempotency_key=idempotency_key
    )
    job.watch(on_progress)
    return job


@dataclass(frozen=True)
class Plan:
    """What a request would be, and cost."""

    request: GenerationRequest
    prompt: str
    """The words that would be sent."""
    estimate: Estimate
    warnings: tuple[str, ...]
    model: Model


def plan(prompt: str, *, picture_sizes: tuple[tuple[int, int], ...] | None = None, **parameters: Any) -> Plan:
    """Check and price a request; nothing is sent.

    :param picture_sizes: width and height of references, mask and markup, whose files then are not read.
    :param parameters: as for `submit`.
    :raises GptImageError: the request could not be sent.
    """
    request, application = _asked(prompt, **parameters)
    submitter = submission.Submitter(settings.load(with_key=False))
    prepared = submitter.prepare(request, application, measure=_measure(picture_sizes))
    prepared.check_folder()
    return _plan(request, prepared.checked)


def planner(
    prompt: str,
    *,
    picture_sizes: tuple[tuple[int, int], ...] | None = None,
    snap: bool = False,
    **parameters: Any,
) -> Callable[[], Plan]:
    """As `plan`, in two steps: this one reads Blender's settings, what it returns runs in any thread.

    :param snap: take the nearest size that the model takes, and leave out what it does not know.
    """
    request, application = _asked(prompt, **parameters)
    submitter, names = submission.Submitter(settings.load(with_key=False)), SNAPPED if snap else ()
    measure = _measure(picture_sizes) or references.measure_captures(request)
    application = references.add_frame(request, application)

    def work() -> Plan:
        return _plan(request, submitter.check(request, application, snap=names, measure=measure))

    return work


def _measure(sizes: tuple[tuple[int, int], ...] | None) -> Measure | None:
    return None if sizes is None else lambda request: sizes


def _plan(request: GenerationRequest, checked: CheckedRequest) -> Plan:
    """
    :param request: as the user made it, perhaps without a model.
    """
    wanted = dataclasses.replace(checked.wanted, model=request.model)
    return Plan(wanted, checked.prompt, checked.price, checked.warnings, checked.model)


def estimate(prompt: str, **parameters: Any) -> Estimate:
    """The price of a request in USD; nothing is sent.

    :param parameters: as for `submit`.
    :raises GptImageError: the request could not be sent.
    """
    return plan(prompt, **parameters).estimate


def split(prompt: str, **parameters: Any) -> tuple[GenerationRequest, Application]:
    """Sort keyword parameters into the request and what becomes of its result.

    :raises InvalidRequestError: a name that is no parameter, or a value of another type.
    """
    in_request, in_application = arguments.kinds_of(GenerationRequest), arguments.kinds_of(Application)
    kinds = {**in_request, **in_application}
    values = {name: value for name, value in parameters.items() if value is not None}
    values = {name: _absolute(name, value) for name, value in arguments.typed(kinds, values).items()}
    values["provider"] = values.get("provider") or settings.load(with_key=False).provider
    values.setdefault("size", request_values.usual_size(values))
    values["reference_kinds"] = kinds_of_references.known_kinds(
        values.get("references", ()), values.get("reference_kinds", ())
    )
    request = {name: value for name, value in values.items() if name in in_request}
    application = {name: value for name, value in values.items() if name in in_application}
    return GenerationRequest(prompt=prompt, **request), Application(**application)


def _asked(prompt: str, **parameters: Any) -> tuple[GenerationRequest, Application]:
    """`split`, with the image that is edited as the first reference."""
    request, application = split(prompt, **parameters)
    return app_versions.with_edited_image(request, application), application


def _absolute(name: str, value: Any) -> Any:
    if name == "references":
        return tuple(path if path in references.CAPTURES else _path(name, path) for path in value)
    return _path(name, value) if name in PATHS else value


def _path(name: str, value: Any) -> str:
    return str(blend_paths.resolve(value, name))


def on_change(callback: Callable[[], None], *, remove: bool = False) -> None:
    """Call back on the main thread after jobs changed, or no longer."""
    if remove:
        listeners.remove(callback)
    else:
        listeners.append(callback)


def result_of(job: Job) -> Result:
    """The result of a job that is done.

    :raises GptImageError: why it has none.
    """
    from .scene.targets.base import Applied

    applied, prepared = job.applied, job.result()
    if not isinstance(applied, Applied):
        raise SceneError("This job put nothing into the scene.")
    entry = session.entry(job.id)
    rows = [entry, *map(session.entry, prepared.follow_up_jobs)]
    names = applied.images or [""] * len(prepared.images)  # a drawing becomes no data-block
    images = tuple(map(_result_image, names, prepared.images))
    return Result(
        job=job.id,
        provider=job.request.provider,
        model=job.request.model,
        request_id=entry.request_id if entry else None,
        images=images,
        maps={kind: image.file for kind, image in {**prepared.maps, **prepared.packed}.items()},
        material=applied.material,
        object=applied.object,
        usage=entry.usage if entry else None,
        estimated_usd=job.estimated_usd,
        cost_usd=sum(row.cost_usd or 0.0 for row in rows if row) if entry else None,
        warnings=job.all_warnings,
        objects=applied.objects or ((applied.object,) if applied.object else ()),
    )


@dataclass(frozen=True)
class ModelTexture(Result):
    """What was painted onto objects; the images are those that were painted."""

    views: tuple[Mapping[str, Any], ...] = ()
    """Of each ``name``, ``matrix_world``, ``projection``, ``size``, ``rectangle`` in what was sent,
    ``coverage``, ``shift_px``, ``scale``, ``score`` and ``used``."""
    coverage: float = 0.0
    """Share of the texels of the objects that some view painted."""
    gap_share: float = 0.0
    """Share of them that no view shows."""
    overlap_share: float = 0.0
    """Share of them that several faces of the objects lie on."""


@dataclass(frozen=True)
class TexturePlan(Plan):
    """What painting objects would ask for, and cost."""

    views: tuple[Mapping[str, Any], ...]
    objects: tuple[str, ...]


def texture_model(objects: PaintedObjects, prompt: str, **parameters: Any) -> ModelTexture:
    """Paint objects as a view shows them, and wait for it.

    What is seen is sent as a clay render; the answer is aligned with it and painted into the images of the
    objects' base colors, over what was there. An image keeps its name and size, and its first state is the
    version before. Objects without one get a new image, and those without a UV map get one.

    :param objects: names or objects; all else that is rendered hides what is behind it.
    :param parameters: ``views`` is ``view`` for the 3D view, ``camera``, or the name of a camera; without it
        as the scene is seen now. ``faces`` is ``all`` or ``selected``; ``new_image`` leaves images that are
        there alone; ``texture_size`` is that of new images in pixels; ``feather`` the pixels of the answer
        over which an edge fades; ``guides`` are ``normal``, ``depth`` or ``lines``, sent as well. All others
        as for `submit`.
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
    on_progress: Callable[[Job], None] | None = None,
    **parameters: Any,
) -> Job:
    """Start what `texture_model` does and return at once.

    :param reuse: as for `submit`, with ``retry_unknown``, ``max_cost`` and ``on_progress``.
    :raises GptImageError: it can't be sent; nothing was.
    """
    prepared = _prepared_texture(objects, prompt, parameters, settings.load())
    job = prepared.submit(reuse=reuse, retry_unknown=retry_unknown, max_cost=max_cost)
    job.watch(on_progress)
    return job


def plan_model_texture(objects: PaintedObjects, prompt: str, **parameters: Any) -> TexturePlan:
    """Check and price what `texture_model` would do; nothing is sent.

    :param parameters: as for `texture_model`.
    :raises GptImageError: it could not be sent.
    """
    prepared = _prepared_texture(objects, prompt, parameters, settings.load(with_key=False))
    prepared.check_folder()
    found = _plan(prepared.checked.wanted, prepared.checked)
    projection = Projection.from_text(prepared.application.projection or "")
    return TexturePlan(
        **vars(found),
        views=tuple(dataclasses.asdict(view) for view in projection.views),
        objects=tuple(obj.name for obj in projection.objects),
    )


def _prepared_texture(
    objects: PaintedObjects,
    prompt: str,
    parameters: Mapping[str, Any],
    found: settings.Settings,
) -> submission.PreparedRequest:
    given = {name: value for name, value in parameters.items() if value is not None}
    one = objects if isinstance(objects, list | tuple) else (objects,)
    given["objects"] = tuple(getattr(obj, "name", obj) for obj in one)
    if "texture_size" in given:  # of a model that is painted in pixels
        given["image_size"] = given.pop("texture_size")
    given.setdefault("target", PROJECTED)
    return submission.Submitter(found).prepare(*_asked(prompt, **given))


def texture_again(job: str, *, object_name: str | None = None, accept: bool = False, **changed: Any) -> Job:
    """Project a stored answer once more with other settings; nothing is sent. Returns at once.

    :param object_name: the object to paint; those of the request without it.
    :param accept: use views whose outlines do not match, too.
    :param changed: ``feather``, ``texture_size``, ``used_views``, ``replace_all``.
    :raises InvalidRequestError: there is no such job, it was not projected, or a setting can't be.
    """
    kinds = {
        name: kind for name, kind in arguments.kinds_of(Projection).items() if name in texturing.SETTINGS
    }
    return texturing.apply_again(job, arguments.typed(kinds, changed), object_name, accept=accept)


def texture_of(job: Job) -> ModelTexture:
    """What a job painted that is done.

    :raises GptImageError: why it painted nothing.
    """
    found, report = result_of(job), job.result().report
    return ModelTexture(
        **vars(found),
        views=tuple(report["views"]),
        **{name: report[name] for name in ("coverage", "gap_share", "overlap_share")},
    )


def _result_image(name: str, image: ImageFile) -> ResultImage:
    size = (image.width, image.height)
    processed = image.file if image.source else None
    return ResultImage(name, image.received_file, *size, image.received_format, image.sha256, processed)


def as_dict(result: Result) -> dict[str, Any]:
    """A result as plain JSON values."""
    return dataclasses.asdict(result)


def batch(manifest: Path | str, defaults: Mapping[str, Any] | None = None, **options: Any) -> Batch:
    """A manifest with its options; `run_batch` works through it.

    :param defaults: parameters of the rows that leave them open.
    :param options: those of `batches.BatchOptions`.
    :raises InvalidRequestError: options that contradict each other.
    """
    from .app.batch.batches import PATH_OPTIONS, Batch, BatchOptions

    given = {name: value for name, value in options.items() if value is not None}
    for name in PATH_OPTIONS:
        if isinstance(given.get(name), str | os.PathLike):
            given[name] = _path(name, given[name])
    found = BatchOptions(**arguments.typed(arguments.kinds_of(BatchOptions), given, "option"))
    paths = {name: _as_text(value) for name, value in (defaults or {}).items()}
    return Batch(Path(_path("manifest", manifest)), paths, found)


def _as_text(value: Any) -> Any:
    """Paths in the defaults of a manifest, as the manifest itself would have them."""
    if isinstance(value, list | tuple):
        return [_as_text(item) for item in value]
    return os.fspath(value) if isinstance(value, os.PathLike) else value


def run_batch(
    batch: Batch, survey: ManifestEstimate | None = None, **callbacks: Callable[..., None]
) -> BatchResult:
    """Make what a manifest lists and wait for it; what was made before is not made again.

    :param survey: what ``batch.survey()`` said, where it was asked.
    :param callbacks: ``on_open`` gets the run, whose ``stop()`` ends it early; ``on_outcome`` gets each row's
        outcome and the tally so far.
    :raises GptImageError: it can't begin; errors of single rows are in the report.
    """
    from .app.batch.run import run

    return run(batch, survey or batch.survey(), **callbacks)


def batch_results(result: BatchResult) -> Iterator[dict[str, Any]]:
    """What became of each row of a batch, one by one."""
    from .core.batch.run_files import read_results

    return read_results(result.results)


def test_connection(
    done: Callable[[int | None, GptImageError | None], None], provider: str = DEFAULT_PROVIDER
) -> None:
    """Ask the server for its models, which costs nothing; ``done`` gets their number on the main thread.

    :raises ConfigurationError: nothing may be sent.
    """
    from .core.providers import make_provider

    found = settings.load()
    found.check_provider(provider)
    connection = found.connection()
    errand(lambda: len(make_provider(provider, connection).list_models()), done)


def earlier(prompt: str, **parameters: Any) -> Entry | None:
    """The newest equal request: on its way, answered, or UNKNOWN, which means that it may have been billed.

    :param parameters: as for `submit`.
    :raises GptImageError: the request could not be sent, or the journal can't be read.
    """
    request, _ = split(prompt, **parameters)
    return submission.Submitter(settings.load(with_key=False)).find_earlier(request)


def recover(
    job: str,
    *,
    object_name: str | None = None,
    only_named: bool = False,
    accept: bool = False,
    target: str | None = None,
) -> Job:
    """Put a stored result into the open scene, where it would go if it came now; returns at once.

    :param object_name: the object to put it on; the one of the request when left out.
    :param only_named: touch no object that was not named, not even the active one.
    :param accept: use the answer to an edit even where it does not match its image.
    :param target: what to make of it; what was asked for at first when left out.
    :raises InvalidRequestError: there is no such job, it has no files, or the object can't take it.
    """
    submitter = submission.Submitter(settings.load())
    return submitter.recover(
        job, object_name=object_name, only_named=only_named, accept=accept, target=target
    )


def save_blend(path: Path | str, *, overwrite: bool = False) -> str:
    """Save a copy of the open file and return its absolute path; the open file keeps its own name.

    :param overwrite: replace a file that has this name.
    :raises InvalidRequestError: a file has this name, and it is not to be replaced.
    :raises StorageError: Blender could not write it.
    """
    from .scene.blend_files import save_copy

    target = blend_paths.resolve(path, "output")
    save_copy(target, session.outputs(overwrite=overwrite), "")
    return str(target)


for _name in __all__:
    if inspect.isfunction(globals()[_name]):
        globals()[_name] = arguments.check_types(globals()[_name])
