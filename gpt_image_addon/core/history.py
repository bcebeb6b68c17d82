"""Looking back: what was made and spent, what it takes on the disk, and taking old results off it."""

from __future__ import annotations

import shutil
import time
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import InvalidRequestError
from .files import PART_SUFFIX, storage_errors
from .names import safe_name
from .results import PICTURE_STEM, folder_bytes
from .schema import month_of
from .states import JobState

if TYPE_CHECKING:
    from .journal import Entry, Journal
    from .outputs import Outputs

SECONDS_A_DAY = 86_400
_SEARCHED = "id || char(10) || model || char(10) || ifnull(json_extract(request, '$.prompt'), '')"


@dataclass(frozen=True)
class Filter:
    """Which jobs to show."""

    month: str = ""
    """``yyyy-mm``; empty for all."""
    states: Collection[JobState] = ()
    """Only these; all where there are none."""
    search: str = ""
    """Text in prompt, model or job id; upper and lower case are the same."""
    limit: int | None = None
    favourites: bool = False
    """Only those."""


@dataclass(frozen=True)
class History:
    """What `look` finds."""

    month: str
    """The month of the sums."""
    spent_usd: float
    reserved_usd: float
    """Set aside for what runs, or whose outcome is unknown."""
    jobs: tuple[Entry, ...]
    """Newest first."""
    results_bytes: int
    """Size of everything below ``results/``."""


def look(journal: Journal, which: Filter) -> History:
    """Spending of a month, and the jobs that a filter lets through.

    :raises StorageError: the journal can't be read.
    """
    month = which.month or month_of(datetime.now())
    return History(
        month=month,
        spent_usd=journal.spent_usd(month),
        reserved_usd=journal.reserved_usd(month),
        jobs=tuple(find(journal, which)),
        results_bytes=folder_bytes(journal.results),
    )


def find(journal: Journal, which: Filter) -> list[Entry]:
    """The jobs that a filter lets through, newest first."""
    where, values = condition(which)
    return journal.find(where, *values, limit=-1 if which.limit is None else which.limit)


def condition(which: Filter) -> tuple[str, tuple[object, ...]]:
    """A filter in SQL, and the values of its marks."""
    parts: list[tuple[str, tuple[object, ...]]] = []
    if which.month:
        parts.append(("month = ?", (which.month,)))
    if which.states:
        parts.append((f"state IN ({','.join('?' * len(which.states))})", tuple(which.states)))
    if which.favourites:
        parts.append(("favourite = 1", ()))
    if which.search:
        parts.append((f"instr(casefold({_SEARCHED}), ?)", (which.search.casefold(),)))
    where = " AND ".join(text for text, _ in parts) or "1"
    return where, tuple(value for _, some in parts for value in some)


def row(entry: Entry) -> dict[str, Any]:
    """A job as plain JSON values."""
    request = entry.request
    return {
        "job": entry.id,
        "state": entry.state.value,
        "created": entry.created.astimezone().isoformat(timespec="seconds"),
        "provider": request.provider,
        "model": request.model,
        "prompt": request.prompt,
        "size": request.size,
        "quality": request.quality,
        "n": request.n,
        "target": entry.application.target,
        "estimated_usd": entry.estimated_usd,
        "cost_usd": entry.cost_usd,
        "billed": entry.billed,
        "request_id": entry.request_id,
        "folder": str(entry.folder) if entry.folder else None,
        "favourite": entry.favourite,
        "error": entry.error,
    }


def export(journal: Journal, job: str, folder: Path, outputs: Outputs) -> list[Path]:
    """Copy the pictures of a result out, as they were received, and count it as applied.

    :param folder: made where it is missing.
    :returns: the copies.
    :raises InvalidRequestError: there is no such job, or it has no pictures.
    :raises StorageError: a copy can't be written.
    """
    entry = journal.entry(job)
    pictures = sorted(entry.folder.glob(f"{PICTURE_STEM}*")) if entry and entry.folder else []
    if entry is None or not pictures:
        raise InvalidRequestError(
            f"Job {job} has no pictures." if entry else f"There is no job {job}.",
            code="no_result" if entry else "no_such_job",
            param="job",
        )
    name = safe_name(entry.request.prompt)
    copies = []
    for picture in pictures:
        copy = folder / f"{name} {job} {picture.name.removeprefix(PICTURE_STEM)}"
        with storage_errors(f"{picture} could not be read"):
            data = picture.read_bytes()
        copies.append(outputs.copy(copy, data, job))
    journal.applied(job)
    return copies


@dataclass(frozen=True)
class Cleaned:
    """What was taken off the disk, or would be."""

    jobs: tuple[str, ...]
    freed_bytes: int


def clean(journal: Journal, older_than_days: float, *, dry_run: bool = False) -> Cleaned:
    """Delete the files of old results; their rows, and so the spending, stay.

    Only what is in a scene already goes: never favourites, never results that wait to be applied.

    :param dry_run: only say what would go.
    :raises StorageError: the journal can't be written.
    """
    before = time.time() - older_than_days * SECONDS_A_DAY
    old = journal.find(
        "state = ? AND favourite = 0 AND folder IS NOT NULL AND created < ?", JobState.APPLIED, before
    )
    freed = 0
    for entry in old:
        assert entry.folder is not None
        freed += folder_bytes(entry.folder)
        if not dry_run:
            _remove(journal, entry)
    return Cleaned(tuple(entry.id for entry in old), freed)


def _remove(journal: Journal, entry: Entry) -> None:
    """Forget the folder, then delete it: a row never names half a result."""
    assert entry.folder is not None
    with journal.transaction(durable=True) as connection:
        connection.execute(
            "UPDATE jobs SET folder = NULL WHERE id = ? AND state = ? AND favourite = 0",
            (entry.id, JobState.APPLIED),
        )
        doomed = entry.folder.with_name(entry.folder.name + PART_SUFFIX)
        if entry.folder.is_dir():
            entry.folder.replace(doomed)
    shutil.rmtree(doomed, ignore_errors=True)
