"""Looking back: what was made and spent, what it takes on the disk, and taking old results off it."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..common.files import read_file, storage_errors
from ..common.paths import find_below
from ..errors import InvalidRequestError
from ..request.providers import find_provider
from ..results.folders import (
    ANSWER_FILE,
    COPY_STEM,
    EDIT_KEY,
    IMAGE_STEM,
    ORIGINAL_STEM,
    files_in,
    locate,
    measure,
    named,
    present,
    remove,
)
from ..results.store import read_answer
from ..text.message import message
from ..text.names import safe_name
from .entries import STORED
from .schema import PROMPT, month_of, text_in
from .states import JobState
from .stored_values import load_object

if TYPE_CHECKING:
    from ..results.output_files import Outputs
    from .journal import Entry, Journal
    from .reader import JournalReader

SECONDS_A_DAY = 86_400
ORDER = "ORDER BY created DESC, id"
"""Newest first."""
BY_AGE = "jobs INDEXED BY jobs_by_age"
"""The table of jobs, by the index in which everything is that a `Filter` looks at."""
_COLUMNS = (
    "id, state, created, cost_usd, estimated_usd, folder, favourite, error,"
    f" {PROMPT} AS prompt, {text_in('request', 'provider')} AS provider,"
    f" {text_in('application', 'target')} AS target"
)


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
    """What `find_history` finds."""

    month: str
    """The month of the sums."""
    spent_usd: float
    reserved_usd: float
    """Set aside for what runs, or whose outcome is unknown."""
    jobs: tuple[Entry, ...]
    """Newest first."""
    results_bytes: int
    """Size of all results."""
    unreadable: tuple[str, ...] = ()
    """Ids of jobs whose rows can't be read and were left out."""


def find_history(journal: JournalReader, which: Filter) -> History:
    """Spending of a month, and the jobs that a filter lets through.

    :raises StorageError: the journal can't be read.
    """
    month = which.month or month_of(datetime.now())
    return History(
        month=month,
        spent_usd=journal.spent_usd(month),
        reserved_usd=journal.reserved_usd(month),
        jobs=tuple(find(journal, which)),
        results_bytes=journal.results_bytes(),
        unreadable=tuple(sorted(journal.unreadable)),
    )


def find(journal: JournalReader, which: Filter) -> list[Entry]:
    """The jobs that a filter lets through, newest first."""
    return list(each(journal, which))


def each(journal: JournalReader, which: Filter) -> Iterator[Entry]:
    """As `find`, one after the other: there may be a hundred thousand.

    :raises StorageError: the journal can't be read.
    """
    where, values = condition(journal, which)
    return journal.each(BY_AGE, where, *values, limit=-1 if which.limit is None else which.limit)


def condition(journal: JournalReader, which: Filter) -> tuple[str, tuple[object, ...]]:
    """A filter in SQL, and the values of its marks; answered from the index `jobs_by_age` alone."""
    parts: list[tuple[str, tuple[object, ...]]] = []
    if which.month:
        parts.append(("month = ?", (which.month,)))
    if which.states:
        parts.append((f"state IN ({','.join('?' * len(which.states))})", tuple(which.states)))
    if which.favourites:
        parts.append(("favourite = 1", ()))
    if which.search:
        parts.append((f"instr({journal.searched_column()}, ?)", (which.search.casefold(),)))
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
        "edit_of": entry.application.edit_of,
        "error": entry.error,
    }


def export(journal: Journal, job: str, folder: Path, outputs: Outputs) -> list[Path]:
    """Copy the images of a result out, as they were received, and count it as applied.

    :param folder: made where it is missing.
    :returns: the copies.
    :raises InvalidRequestError: there is no such job, or it has no images.
    :raises StorageError: a copy can't be written.
    """
    entry = journal.entry(job)
    images = images_of(journal, entry) if entry else []
    if entry is None or not images:
        raise InvalidRequestError(
            message("Job {job} has no images.", job=job)
            if entry
            else message("There is no job {job}.", job=job),
            code="no_result" if entry else "no_such_job",
            param="job",
        )
    name = safe_name(entry.request.prompt)
    copies = []
    for image in images:
        copy = folder / f"{name} {job} {image.name.removeprefix(IMAGE_STEM)}"
        with storage_errors(message("{path} could not be read", path=image)):
            data = read_file(image)
        copies.append(outputs.copy(copy, data, job))
    journal.applied(job)
    return copies


def images_of(journal: JournalReader, entry: Entry) -> list[Path]:
    """The received images of a job; none where its folder is reached through a link."""
    noted = journal.relative(entry.folder) if entry.folder is not None else None
    folder = locate(journal.results, entry.id, noted)
    return received_files(folder) if folder is not None else []


def original_of(journal: JournalReader, entry: Entry) -> Path | None:
    """The image that a masked edit began with; None where there is none, or a link leads to it."""
    noted = journal.relative(entry.folder) if entry.folder is not None else None
    folder = locate(journal.results, entry.id, noted)
    files = files_in(folder) if folder is not None else ()
    return next((Path(file.path) for file in files if Path(file.name).stem == ORIGINAL_STEM), None)


def received_files(folder: Path) -> list[Path]:
    """The received images in a result folder, in their order."""
    found = (Path(file.path) for file in files_in(folder) if file.name.startswith(IMAGE_STEM))
    return sorted((path for path in found if path.parent == folder), key=lambda path: (len(path.stem), path))


@dataclass(frozen=True)
class Cleaned:
    """What was taken off the disk, or would be."""

    jobs: tuple[str, ...]
    freed_bytes: int


def clean(journal: Journal, older_than_days: float, *, dry_run: bool = False) -> Cleaned:
    """Delete the files of old results; their rows, and so the spending, stay.

    Only what is in a scene already goes: never favourites, never results that wait to be applied, nor what a
    later edit that stays is made of.

    :param dry_run: only say what would go.
    :raises StorageError: the journal can't be written.
    """
    before = time.time() - older_than_days * SECONDS_A_DAY
    old = journal.query(
        "SELECT id, folder, bytes FROM jobs WHERE state = ? AND favourite = 0 AND folder IS NOT NULL"
        f" AND created < ? {ORDER}",
        JobState.APPLIED,
        before,
    )
    there = present(journal.results)
    freed = 0
    jobs: list[str] = []
    for row in old:
        noted = row["folder"]
        known = noted in there and noted.endswith(f"/{row['id']}")
        if not known and locate(journal.results, row["id"], noted) is None:
            continue  # gone, or never ours
        if needed_by(journal, row["id"]).difference(jobs):
            continue  # newest first: what goes along with it is among them
        jobs.append(row["id"])
        freed += row["bytes"] if isinstance(row["bytes"], int) else measure(journal.folder / noted)
        if not dry_run:
            delete_result(journal, row["id"], JobState.APPLIED)
    if not dry_run:
        _remove_leftovers(journal, there)
    return Cleaned(tuple(jobs), freed)


def needed_by(journal: JournalReader, job: str) -> set[str]:
    """The edits of a result that can't be made anew without its files: their own folders hold no copy."""
    parent = journal.entry(job)
    if parent is None or parent.folder is None:
        return set()
    return {
        edit.id
        for edit in journal.find_children(job)
        if edit.folder is not None and _is_made_of(edit.folder, parent.folder)
    }


def _is_made_of(edit: Path, parent: Path) -> bool:
    """Whether an edit is a part of an image that only the parent's folder holds."""
    facts = (read_answer(edit) or {}).get(EDIT_KEY)
    file = facts.get("file") if isinstance(facts, Mapping) else None
    is_copied = any(Path(one.name).stem == COPY_STEM for one in files_in(edit))
    return isinstance(file, str) and not is_copied and Path(file).is_relative_to(parent)


def delete_result(journal: Journal, job: str, state: JobState | None = None) -> None:
    """Delete the files of a result: only those that we made, in the folder that we made for it.

    A favourite stays. The row forgets its folder first and at once, so that none ever names half a result;
    what a death leaves of the files is taken by the next `clean`.

    :param state: only where the job is still in it.
    :raises StorageError: the journal can't be written.
    """
    where = "id = ? AND folder IS NOT NULL AND favourite = 0 AND state = ifnull(?, state)"
    with journal.transaction(durable=True) as connection:
        row = connection.execute(f"SELECT folder FROM jobs WHERE {where}", (job, state)).fetchone()
        connection.execute(f"UPDATE jobs SET folder = NULL WHERE {where}", (job, state))
    folder = locate(journal.results, job, row["folder"]) if row is not None else None
    if folder is not None:
        remove(folder)


def _remove_leftovers(journal: Journal, there: Collection[str]) -> None:
    """Finish what deletions that died have begun: they take the answer first, and images without it are none.

    With it, a merge may be about to bring the result.

    :param there: the folders in ``results``, as rows note them.
    """
    by_job = {noted.rpartition("/")[2]: noted for noted in there}
    for row in journal.query("SELECT id FROM jobs WHERE state IN (?, ?) AND folder IS NULL", *STORED):
        folder = locate(journal.results, row["id"], by_job.get(row["id"]))
        if folder is not None and find_below(folder, ANSWER_FILE) is None:
            remove(folder)


@dataclass(frozen=True)
class HistoryItem:
    """One job."""

    job: str
    prompt: str
    state: JobState
    created: datetime
    cost_usd: float | None
    estimated_usd: float
    images: tuple[str, ...]
    """Paths of the received images, in order."""
    favourite: bool
    provider: str
    target: str
    error: Mapping[str, Any] | None
    """Why there is no result, as `GptImageError.to_dict` said; None where nothing went wrong."""

    @property
    def is_draft(self) -> bool:
        """Whether its images are drafts, and not what a model makes."""
        return find_provider(self.provider).is_draft


@dataclass(frozen=True)
class HistoryPage:
    """What `read_page` finds."""

    spent_usd: float
    """This month."""
    reserved_usd: float
    count: int
    """How many jobs the filter lets through."""
    jobs: tuple[HistoryItem, ...]
    """Those of the page, newest first."""


def read_page(journal: JournalReader, which: Filter, start: int = 0) -> HistoryPage:
    """A page of the jobs that a filter lets through; usable from every thread.

    :param which: its limit is the length of the page.
    :param start: how many jobs stand on the pages before.
    :raises StorageError: the journal can't be read.
    """
    where, values = condition(journal, which)
    limit = -1 if which.limit is None else which.limit
    ids = f"SELECT rowid FROM {BY_AGE} WHERE {where} {ORDER} LIMIT ? OFFSET ?"
    page = f"SELECT {_COLUMNS} FROM jobs WHERE rowid IN ({ids}) {ORDER}"
    rows = journal.query(page, *values, limit, start)
    count = start + len(rows)
    if len(rows) == limit or (start and not rows):  # else these were the last ones
        count = journal.query(f"SELECT COUNT(*) FROM {BY_AGE} WHERE {where}", *values)[0][0]
    jobs = tuple(seen for seen in (_seen(row, journal.results) for row in rows) if seen is not None)
    return HistoryPage(journal.spent_usd(), journal.reserved_usd(), count, jobs)


def read_item(journal: JournalReader, job: str) -> HistoryItem | None:
    """One job as on a page; None where there is none, or its row can't be read.

    :raises StorageError: the journal can't be read.
    """
    rows = journal.query(f"SELECT {_COLUMNS} FROM jobs WHERE id = ?", job)
    return _seen(rows[0], journal.results) if rows else None


def _seen(row: Any, results: Path) -> HistoryItem | None:
    """None for a row that can't be read."""
    folder = named(results, row["id"], row["folder"])
    try:
        return HistoryItem(
            job=row["id"],
            prompt=str(row["prompt"]),
            state=JobState(row["state"]),
            created=datetime.fromtimestamp(row["created"]),
            cost_usd=None if row["cost_usd"] is None else float(row["cost_usd"]),
            estimated_usd=float(row["estimated_usd"]),
            images=tuple(map(str, received_files(folder))) if folder else (),
            favourite=bool(row["favourite"]),
            provider=str(row["provider"]),
            target=str(row["target"]),
            error=load_object(row["error"]),
        )
    except (ValueError, TypeError, OverflowError, OSError):
        return None
