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

import inspect
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .app import blend_paths, listeners, session, settings, submission
from .app.decals.baking import BakedDecal, bake_decal, submit_bake_decal, take_out_decal
from .app.decals.moving import move_decal
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
from .app.exporting.materials import Export, export_material, submit_export
from .app.exporting.objects import export_objects
from .app.generation.bake_out import BakedOut, bake_out, submit_bake_out
from .app.generation.model_textures import (
    ModelTexture,
    PreparedTexture,
    plan_model_texture,
    prepare_model_texture,
    submit_model_texture,
    texture_again,
    texture_model,
    texture_of,
)
from .app.generation.plans import Plan, estimate, plan, planner
from .app.generation.requests import generate, split, submit
from .app.generation.results import Result, ResultImage, as_dict, result_of
from .app.generation.workflows import (
    describe_workflow,
    drop_workflow,
    keep_workflow,
    prepare_description,
    workflows,
)
from .app.history import (
    as_row,
    ask_servers,
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
from .app.importing.curves import Curves, make_curves, submit_curves
from .app.importing.sprites import Sprite, make_sprite, submit_sprite
from .app.material_maps import Maps, can_remake, make_maps, remake_material, submit_maps, submit_remake
from .app.models import models, successor
from .app.painting.masks import paint_mask
from .app.painting.sequence_task import PaintedSequence
from .app.scheduler import errand
from .app.session import cancel, close, forget_finished, jobs, move, waiting
from .app.tiles import TileResult, estimate_tile, make_tile, submit_tile, tile_result
from .app.worlds.pole_repair import estimate_pole_repair, repair_poles
from .app.worlds.relighting import relight
from .core.common import arguments
from .core.errors import GptImageError
from .core.jobs.job import Job, Task, as_completed
from .core.request.providers import DEFAULT_PROVIDER
from .core.request.request import Application, GenerationRequest

if TYPE_CHECKING:
    from .app.batch.batches import Batch
    from .app.batch.run import BatchResult
    from .core.batch.estimate import ManifestEstimate
    from .core.journal.journal import Entry

__all__ = [
    "Application",
    "BakedDecal",
    "BakedOut",
    "Curves",
    "CutOutPlan",
    "CutOutResult",
    "Export",
    "ExtendResult",
    "ExtensionPlan",
    "GenerationRequest",
    "Job",
    "Maps",
    "ModelTexture",
    "PaintedSequence",
    "PhotoMaterial",
    "Plan",
    "PreparedTexture",
    "Result",
    "ResultImage",
    "Sprite",
    "Task",
    "TileResult",
    "UpscaleEstimate",
    "UpscaleResult",
    "as_completed",
    "as_dict",
    "as_row",
    "ask_servers",
    "bake_decal",
    "bake_out",
    "batch",
    "batch_results",
    "begin_cut_out",
    "begin_extension",
    "can_remake",
    "cancel",
    "clean_results",
    "close",
    "cut_out",
    "describe_server",
    "describe_workflow",
    "drop_workflow",
    "earlier",
    "errand",
    "estimate",
    "estimate_pole_repair",
    "estimate_tile",
    "estimate_upscale",
    "export_material",
    "export_objects",
    "export_result",
    "extend",
    "forget_finished",
    "generate",
    "history",
    "history_rows",
    "jobs",
    "keep_workflow",
    "look_back",
    "make_curves",
    "make_maps",
    "make_material_from_photo",
    "make_sprite",
    "make_tile",
    "measure_results",
    "merge_journal",
    "models",
    "move",
    "move_decal",
    "on_change",
    "paint_mask",
    "photo_material_of",
    "plan",
    "plan_cut_out",
    "plan_extension",
    "plan_model_texture",
    "planner",
    "prepare_description",
    "prepare_model_texture",
    "recover",
    "relight",
    "remake_material",
    "repair_poles",
    "result_of",
    "run_batch",
    "run_through",
    "save_blend",
    "set_favourite",
    "split",
    "start_cleaning",
    "submit",
    "submit_bake_decal",
    "submit_bake_out",
    "submit_curves",
    "submit_export",
    "submit_maps",
    "submit_material_from_photo",
    "submit_model_texture",
    "submit_remake",
    "submit_sprite",
    "submit_tile",
    "submit_upscale",
    "successor",
    "take_out_decal",
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
    "workflows",
]
"""What scripts may rely on; each function of it checks the types of its arguments, see the end."""

using = settings.override
POLL_SECONDS = 0.25  # how often a waiting caller should look at a job


def on_change(callback: Callable[[], None], *, remove: bool = False) -> None:
    """Call back on the main thread after jobs changed, or no longer."""
    if remove:
        listeners.remove(callback)
    else:
        listeners.append(callback)


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
            given[name] = str(blend_paths.resolve(given[name], name))
    found = BatchOptions(**arguments.typed(arguments.kinds_of(BatchOptions), given, "option"))
    paths = {name: _as_text(value) for name, value in (defaults or {}).items()}
    return Batch(Path(blend_paths.resolve(manifest, "manifest")), paths, found)


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


def describe_server(
    done: Callable[[str | None, GptImageError | None], None], provider: str = DEFAULT_PROVIDER
) -> None:
    """Ask the server what it is, which costs nothing; ``done`` gets a sentence on the main thread.

    :raises ConfigurationError: nothing may be sent.
    """
    from .core.providers import describe_server as describe

    found = settings.load()
    found.check_provider(provider)
    connection = found.connection()
    errand(lambda: describe(provider, connection), done)


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
