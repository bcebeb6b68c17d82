"""Runs the rows of a manifest: some at once, each once, as many as the money allows. Knows no Blender.

Rows are taken one by one and forgotten when they are done; what was done is known by the journal. A row whose
answer is there is not sent again, one that may have been billed only on the user's word.
"""

from __future__ import annotations

import contextlib
import dataclasses
import queue
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from .crew import Crew
from .errors import APIError, GptImageError, JobCancelled
from .files import PART_SUFFIX, storage_errors
from .gate import Gate
from .jobs import Job, JobEvent, Work
from .manifest import Row
from .outcomes import HOPELESS, NOT_MADE, Outcome, RowState, refused, state_after
from .pipeline import Line
from .request import GenerationRequest
from .results import Prepared
from .rows import last_error
from .unexpected import unexpected_error

if TYPE_CHECKING:
    from .journal import Entry, Journal

EVENT_SECONDS = 0.5  # how long one look for a finished row lasts
WAITING_ROWS = 8  # that are ready when a worker becomes free
EXTENSIONS = {"jpeg": "jpg"}


class Output(Protocol):
    """Where finished rows go."""

    def deliver(self, row: Row, prepared: Prepared) -> tuple[str, ...]:
        """Take a result there; returns the paths of its files.

        :raises GptImageError: it can't be taken.
        """
        ...

    def present(self, row: Row, request: GenerationRequest) -> tuple[str, ...]:
        """The files of a row that is there already; empty where it is not, or not wholly. Called on a
        worker thread."""
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


@dataclass(frozen=True)
class _Made:
    """What a worker made of a row."""

    outcome: Outcome | None = None
    """None where the run was stopped before anything was sent."""
    prepared: Prepared | None = None
    """The result that `Run.output` still has to take."""


@dataclass
class Run:
    """One pass over a manifest. Belongs to one thread; everything but the output happens on others."""

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
    _over: bool = False
    fresh: frozenset[str] = frozenset()
    """Jobs whose answers came just now by another way: they count as made by this run."""
    _jobs: set[Job] = field(default_factory=set)

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
        return len(self._jobs)

    def outcomes(self, rows: Iterable[Row]) -> Iterator[Outcome]:
        """Work through rows; each that was begun yields one outcome, not in their order."""
        crew = Crew(self.concurrency, self._work)
        try:
            for row in rows:
                if self._stopping:
                    break
                crew.give(row)
                while crew.open >= self.concurrency + WAITING_ROWS:
                    yield from self._finished(crew)
            while crew.open:
                yield from self._finished(crew)
        finally:
            self._over = True
            for job in tuple(self._jobs):
                job.cancel()
            crew.dismiss(EVENT_SECONDS)
            if self.line.sessions is not None:
                self.line.sessions.close()

    def _finished(self, crew: Crew[Row, _Made]) -> Iterator[Outcome]:
        with contextlib.suppress(queue.Empty):
            made = crew.collect(EVENT_SECONDS)
            if made.outcome is not None:
                yield self._delivered(made.outcome, made.prepared)

    def _delivered(self, outcome: Outcome, prepared: Prepared | None) -> Outcome:
        if self.output is None or prepared is None:
            return outcome
        assert outcome.job is not None
        try:
            files = self.output.deliver(outcome.row, prepared)
            self.journal.applied(outcome.job)
        except GptImageError as error:
            return dataclasses.replace(outcome, state=state_after(error), error=error)
        return dataclasses.replace(outcome, files=outcome.files + files)

    def _work(self, row: Row) -> _Made:
        """All that a worker can do for a row."""
        if self._stopping or self._over:
            return _Made()
        try:
            asked = self.gate.look(row)
            stored = asked.known.stored
            if stored is not None and stored.folder is not None and stored.folder.is_dir():
                return self._skip(row, asked.request, stored)
            if not self.sends and asked.known.running is None and not asked.known.unknown:
                noted = last_error(self.journal, asked.key)
                return _Made(Outcome(row, RowState.FAILED, error=NOT_MADE, noted=noted))
            job = self.gate.admit(row, asked)
        except GptImageError as error:
            return _Made(refused(row, error))
        except Exception as error:
            return _Made(refused(row, unexpected_error(error)))
        return self._run(row, job, self.line.run, RowState.SUCCEEDED)

    def _skip(self, row: Row, request: GenerationRequest, stored: Entry) -> _Made:
        outputs = [output for output in (self.folder, self.output) if output is not None]
        present = [output.present(row, request) for output in outputs]
        state = RowState.SUCCEEDED if stored.id in self.fresh else RowState.SKIPPED
        if all(present):
            files = tuple(file for found in present for file in found)
            cost = (stored.cost_usd or 0.0) if state is RowState.SUCCEEDED else 0.0
            return _Made(Outcome(row, state, stored.id, stored.request_id, cost, files=files))
        assert stored.folder is not None
        job = Job(stored.request, row.application, id=stored.id)
        return self._run(row, job, self.line.resume(stored.folder), state)

    def _run(self, row: Row, job: Job, work: Work, state: RowState) -> _Made:
        """The line's own work, and then the files."""
        prepared: Prepared | None = None
        files: tuple[str, ...] = ()
        error: GptImageError | None = None
        self._jobs.add(job)
        try:
            if self._stopping:
                if state is RowState.SUCCEEDED:  # a stored answer stays what it is
                    self.journal.cancel_dead(job.id)
                raise JobCancelled("The run was stopped.")
            prepared = work(job, _nobody)
            if self.folder is not None:
                files = self.folder.deliver(row, prepared)
            if self.output is None:
                self.journal.applied(job.id)
        except GptImageError as found:
            error = found
        except Exception as found:
            # The line judges its own faults; what fails here has its answer, and new ones cost.
            is_paid = state is RowState.SUCCEEDED and job.estimated_usd > 0
            error = unexpected_error(found, "yes" if is_paid else "no")
        finally:
            self._jobs.discard(job)
        return self._made(row, job, state, prepared, files, error)

    def _made(
        self,
        row: Row,
        job: Job,
        state: RowState,
        prepared: Prepared | None,
        files: tuple[str, ...],
        error: GptImageError | None,
    ) -> _Made:
        entry = self.journal.entry(job.id)
        further = prepared.further_jobs if prepared is not None else ()
        rows = [entry, *map(self.journal.entry, further)] if state is RowState.SUCCEEDED else []
        cost = sum(found.cost_usd or 0.0 for found in rows if found is not None)
        if error is not None:
            state = state_after(error)
            if isinstance(error, APIError) and error.exit_code in HOPELESS:
                self.fatal = self.fatal or error
                self.stop()
        self.gate.settle(job.estimated_usd, job.estimated_usd if state is RowState.UNKNOWN else cost)
        if self._stopping and isinstance(error, JobCancelled) and error.billed == "no":
            return _Made()
        outcome = Outcome(
            row,
            state,
            job.id,
            entry.request_id if entry is not None else None,
            cost,
            job.estimated_usd,
            files,
            error,
            (*job.warnings, *(prepared.warnings if prepared is not None else ())),
        )
        return _Made(outcome, prepared)


def _nobody(event: JobEvent) -> None:
    """A batch shows rows, not what happens within them."""
