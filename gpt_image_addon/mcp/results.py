"""What the tools answer: facts as the command line prints them, small images, links to files."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import api
from ..core.errors import GptImageError, InvalidRequestError
from ..core.imaging.thumbnails import encode_small
from ..core.jobs.job import Job, Task
from ..core.text.message import message
from .protocol import Answer, InlineImage, JsonObject
from .server import SCHEMA

PREVIEW_EDGE = 512  # pixels of the longer edge of one image
SEVERAL_EDGE = 256  # the same where there are several
MOST_PREVIEWS = 4


def succeeded(**values: Any) -> JsonObject:
    """The facts of a success."""
    return {"schema": SCHEMA, "state": "succeeded", **values}


def preview(files: Iterable[str]) -> tuple[InlineImage, ...]:
    """Small copies of the first of some images; what can't be shown is left out. For any thread."""
    chosen = list(files)[:MOST_PREVIEWS]
    edge = PREVIEW_EDGE if len(chosen) == 1 else SEVERAL_EDGE
    found = []
    for file in chosen:
        with contextlib.suppress(GptImageError, OSError, ValueError):
            found.append(InlineImage(*encode_small(Path(file), edge)))
    return tuple(found)


def running(job: Task) -> Answer:
    """The answer of a call whose job takes longer than clients wait."""
    facts = {
        "schema": SCHEMA,
        "state": "running",
        "job": job.id,
        "progress": round(job.shown_progress, 3),
        "message": str(job.message),
        "next_step": "Call wait with this job.",
    }
    return Answer(facts)


@dataclass(frozen=True)
class Outcome:
    """What came of a job."""

    facts: JsonObject
    shown: tuple[str, ...] = ()
    """Images of which small copies stand in the answer, see `preview`."""
    files: tuple[Path, ...] = ()


def of_job(job: Task, output: str | None = None) -> Outcome:
    """What came of a job that is done.

    :param output: the .blend that is saved now.
    :raises GptImageError: why there is no result, or it could not be saved.
    """
    if isinstance(job, Job) or isinstance(job.applied, api.PaintedSequence):
        return _of_request(job, output)
    if isinstance(job.applied, api.TileResult):
        tile = api.tile_result(job)
        facts = {"file": tile.file, "width": tile.width, "height": tile.height, "scores": dict(tile.scores)}
        facts |= {"unchanged": tile.unchanged, "warnings": list(tile.warnings)}
        return Outcome(succeeded(job=job.id, **facts), (tile.file,), (Path(tile.file),))
    if isinstance(job.applied, api.Maps):
        made = dataclasses.asdict(job.applied)
        files = tuple(job.applied.maps.values())
        return Outcome(succeeded(job=job.id, **made), files, tuple(map(Path, files)))
    if job.error is not None:
        raise job.error
    return Outcome(succeeded(job=job.id, message=str(job.message)))


def _of_request(job: Task, output: str | None) -> Outcome:
    if isinstance(job, Job) and job.application.projection is None:
        result = api.result_of(job)
    else:
        result = api.texture_of(job)
    blend = None
    if output is not None:
        try:
            blend = api.save_blend(output)
        except GptImageError as error:
            error.billed = "yes" if result.cost_usd else "no"
            kept = f"The result is kept; `apply` with job {result.job} and another output saves it."
            error.next_step = f"{error.next_step} {kept}".strip()
            raise
    facts = succeeded(**{**api.as_dict(result), "objects": list(result.objects)}, blend=blend)
    shown = tuple(image.processed or image.file for image in result.images)
    files = (*result.files, *([blend] if blend else []))
    return Outcome(facts, shown, tuple(map(Path, files)))


def of_history(job: str) -> Answer:
    """The answer of a job that is not of this process.

    :raises InvalidRequestError: there is none.
    """
    for row in api.history_rows(search=job, limit=20):
        if row["job"] == job:
            return Answer(
                {"schema": SCHEMA, **row, "next_step": "`apply` puts a stored result into the scene."}
            )
    raise InvalidRequestError(message("There is no job {job}.", job=job), code="no_such_job", param="job")
