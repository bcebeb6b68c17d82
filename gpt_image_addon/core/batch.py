"""Runs the rows of a manifest: some at once, each once, as many as the money allows. Knows no Blender.

Rows are taken one by one and forgotten when they are done; what was done is known by the journal. A row whose
answer is there is not sent again, one that may have been billed only on the user's word.
"""

from __future__ import annotations

import contextlib
import queue
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from .errors import APIError, ExitCode, GptImageError, JobCancelled
from .files import PART_SUFFIX, storage_errors
from .gate import Gate
from .jobs import Emit, Job, JobQueue, Work
from .manifest import Row
from .outcomes import NOT_MADE, Outcome, RowState, refused
from .pipeline import Line
from .request import GenerationRequest
from .results import Prepared
from .rows import last_error

if TYPE_CHECKING:
    from .journal import Entry, Journal

EVENT_SECONDS = 0.5  # how long one look for a finished job lasts
WAITING_JOBS = 2  # that are ready when a worker becomes free
HOPELESS = (ExitCode.CONFIGURATION, ExitCode.QUOTA)
"""What the server says to all rows alike."""
EXTENSIONS = {"jpeg": "jpg"}


class Output(Protocol):
    """Where finished rows go."""

    def deliver(self, row: Row, prepared: Prepared) -> tuple[str, ...]:
        """Take a result there; returns the paths of its files.

        :raises GptImageError: it can't be taken.
        """
        ...

    def present(self, row: Row, request: GenerationRequest) -> tuple[str, ...]:
        """The files of a row that is there already; empty where it is not, or not wholly."""
        ...

    def close(self) -> None:
        """Save what is not saved yet.

        :raises StorageError: that fails.
        """
        ...


@dataclass(frozen=True)
class Folder:
    """Puts the pictures and maps of rows into one folder."""

    path: Path

    def deliver(self, row: Row, prepared: Prepared) -> tuple[str, ...]:
        """See `Output.deliver`; called on a worker thread.

        :raises StorageError: a file can't be written.
        """
        files = []
        several = len(prepared.pictures) > 1
        named = [(f" {n}" if several else "", picture) for n, picture in enumerate(prepared.pictures, 1)]
        maps = {**prepared.maps, **prepared.packed}
        named += [(f"_{kind}", picture) for kind, picture in maps.items()]
        for suffix, picture in named:
            extension = EXTENSIONS.get(picture.format, picture.format)
            files.append(self._write(f"{row.stem}{suffix}.{extension}", picture.data))
        return tuple(files)

    def _write(self, name: str, data: bytes) -> str:
        """Whole or not at all; not synced, because the stored result can be copied again."""
        path = self.path / name
        part = path.with_name(f"{name}.{uuid.uuid4().hex[:8]}{PART_SUFFIX}")
        with storage_errors(f"{path} could not be written"):
            part.write_bytes(data)
            part.replace(path)
        return str(path)

    def present(self, row: Row, request: GenerationRequest) -> tuple[str, ...]:
        """See `Output.present`; rows with maps are looked at again, as only the result tells their kinds."""
        if row.application.maps or row.application.target == "material":
            return ()
        extension = EXTENSIONS.get(request.output_format, request.output_format)
        suffixes = [""] if request.n == 1 else [f" {number + 1}" for number in range(request.n)]
        paths = [self.path / f"{row.stem}{suffix}.{extension}" for suffix in suffixes]
        return tuple(map(str, paths)) if all(path.exists() for path in paths) else ()

    def close(self) -> None:
        """Every file is saved already."""


@dataclass
class _Running:
    row: Row
    price_usd: float
    state: RowState = RowState.SUCCEEDED


@dataclass
class Run:
    """One pass over a manifest. Belongs to one thread; the pictures are made on others."""

    line: Line
    gate: Gate
    folder: Folder | None
    """Where workers put files."""
    output: Output | None = None
    """Called on this run's own thread, after the workers' part."""
    concurrency: int = 4
    sends: bool = True
    """Without, only what the journal holds is put together."""
    fatal: GptImageError | None = None
    """Why the run was broken off: what would refuse all other rows alike, such as a wrong key."""
    _stopping: bool = False
    fresh: frozenset[str] = frozenset()
    """Jobs whose answers came just now by another way: they count as made by this run."""
    _running: dict[str, _Running] = field(default_factory=dict)

    @property
    def journal(self) -> Journal:
        """The journal of the line."""
        return self.line.journal

    @property
    def stopping(self) -> bool:
        """Whether `stop` was called."""
        return self._stopping

    def stop(self) -> None:
        """Begin nothing more; what is on its way is waited for."""
        self._stopping = True
        if self.line.pace is not None:
            self.line.pace.stopped.set()

    @property
    def in_flight(self) -> int:
        """Rows that are being worked on."""
        return len(self._running)

    def outcomes(self, rows: Iterable[Row]) -> Iterator[Outcome]:
        """Work through rows; each that was begun yields one outcome, not in their order."""
        jobs = JobQueue(self.concurrency)
        try:
            for row in rows:
                if self._stopping:
                    break
                outcome = self._begin(row, jobs)
                if outcome is not None:
                    yield outcome
                while len(self._running) >= self.concurrency + WAITING_JOBS:
                    yield from self._finished(jobs)
            while self._running:
                yield from self._finished(jobs)
        finally:
            jobs.close(EVENT_SECONDS)

    def _begin(self, row: Row, jobs: JobQueue) -> Outcome | None:
        """Hand a row to a worker, or say at once what becomes of it."""
        try:
            asked = self.gate.look(row)
            stored = asked.known.stored
            if stored is not None and stored.folder is not None and stored.folder.is_dir():
                return self._skip(row, asked.request, stored, jobs)
            if not self.sends and asked.known.running is None and not asked.known.unknown:
                noted = last_error(self.journal, asked.key)
                return Outcome(row, RowState.FAILED, error=NOT_MADE, noted=noted)
            job = self.gate.admit(row, asked)
        except GptImageError as error:
            return refused(row, error)
        self._submit(row, job, self.line.run, job.estimated_usd, RowState.SUCCEEDED, jobs)
        return None

    def _skip(self, row: Row, request: GenerationRequest, stored: Entry, jobs: JobQueue) -> Outcome | None:
        outputs = [output for output in (self.folder, self.output) if output is not None]
        present = [output.present(row, request) for output in outputs]
        state = RowState.SUCCEEDED if stored.id in self.fresh else RowState.SKIPPED
        if all(present):
            files = tuple(file for found in present for file in found)
            cost = (stored.cost_usd or 0.0) if state is RowState.SUCCEEDED else 0.0
            return Outcome(row, state, stored.id, stored.request_id, cost, files=files)
        assert stored.folder is not None
        job = Job(stored.request, row.application, id=stored.id)
        self._submit(row, job, self.line.resume(stored.folder), 0.0, state, jobs)
        return None

    def _submit(
        self, row: Row, job: Job, work: Work, price_usd: float, state: RowState, jobs: JobQueue
    ) -> None:
        self._running[job.id] = _Running(row, price_usd, state)
        jobs.submit(job, self._work(row, work))

    def _work(self, row: Row, work: Work) -> Work:
        """The line's own work, and then the files: all that a worker can do."""

        def whole(job: Job, emit: Emit) -> Prepared:
            if self._stopping:
                self.journal.cancel_dead(job.id)
                raise JobCancelled("The run was stopped.")
            prepared = work(job, emit)
            if self.folder is not None:
                job.applied = self.folder.deliver(row, prepared)
            if self.output is None:
                self.journal.applied(job.id)
            return prepared

        return whole

    def _finished(self, jobs: JobQueue) -> Iterator[Outcome]:
        with contextlib.suppress(queue.Empty):
            event = jobs.events.get(timeout=EVENT_SECONDS)
            if event.is_last:
                outcome = self._outcome(event.job, event.prepared, event.error)
                stopped = isinstance(outcome.error, JobCancelled) and outcome.error.billed == "no"
                if not (self._stopping and stopped):
                    yield outcome

    def _outcome(self, job: Job, prepared: Prepared | None, error: GptImageError | None) -> Outcome:
        began = self._running.pop(job.id)
        entry = self.journal.entry(job.id)
        further = prepared.further_jobs if prepared is not None else ()
        rows = [entry, *map(self.journal.entry, further)] if began.state is RowState.SUCCEEDED else []
        cost = sum(found.cost_usd or 0.0 for found in rows if found is not None)
        files: tuple[str, ...] = job.applied or ()
        if prepared is not None and self.output is not None:
            try:
                files += self.output.deliver(began.row, prepared)
                self.journal.applied(job.id)
            except GptImageError as refused:
                error = refused
        state = began.state
        if error is not None:
            state = RowState.UNKNOWN if error.billed == "maybe" else RowState.FAILED
            if isinstance(error, APIError) and error.exit_code in HOPELESS:
                self.fatal = self.fatal or error
                self.stop()
        self.gate.settle(began.price_usd, began.price_usd if state is RowState.UNKNOWN else cost)
        return Outcome(
            began.row,
            state,
            job.id,
            entry.request_id if entry is not None else None,
            cost,
            began.price_usd,
            files,
            error,
            (*job.warnings, *(prepared.warnings if prepared is not None else ())),
        )
