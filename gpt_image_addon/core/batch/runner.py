"""Runs the rows of a manifest: some at once, each once, as many as the money allows. Knows no Blender.

Rows are taken one by one and forgotten when they are done; what was done is known by the journal. A row whose
answer is there is not sent again, one that may have been billed only on the user's word.
"""

from __future__ import annotations

import contextlib
import dataclasses
import queue
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ..common.internal_error import unexpected_error
from ..errors import APIError, GptImageError, JobCancelled, StorageError
from ..jobs.copies import EXTENSIONS
from ..jobs.job import Deliver, Job, JobEvent, Task, Work
from ..jobs.queue import JobQueue
from ..jobs.worker import Worker
from ..journal.batch_rows import last_error
from ..request.targets import find_target
from ..results.output_files import Delivery, Outputs, renamed_warning
from ..results.store import IMAGE_STEM, PROCESSED_FOLDER, PreparedResult
from .admission import RowAdmission
from .manifest import Row
from .outcomes import HOPELESS, NOT_MADE, Outcome, RowState, refused, state_after

if TYPE_CHECKING:
    from ..journal.journal import Entry, Journal

EVENT_SECONDS = 0.5  # how long one look for a finished row lasts
WAITING_ROWS = 8  # that are ready when a worker becomes free


class Output(Protocol):
    """Where finished rows go."""

    def deliver(self, row: Row, prepared: PreparedResult) -> Delivery:
        """Take a result there.

        :raises GptImageError: it can't be taken.
        """
        ...

    def present(self, row: Row, stored: Entry) -> tuple[str, ...]:
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
    """Puts the images and maps of rows into one folder."""

    path: Path
    outputs: Outputs
    manifest: Path
    """Equal rows of different manifests have files of their own."""

    def deliver(self, row: Row, prepared: PreparedResult) -> Delivery:
        """See `Output.deliver`; called on a worker thread. What is painted onto objects is written later.

        :raises StorageError: a file can't be written.
        """
        if find_target(row.application.target).is_projected:
            return Delivery()
        return self.write(row, prepared)

    def write(self, row: Row, prepared: PreparedResult) -> Delivery:
        """The images and maps of a result as files.

        :raises StorageError: a file can't be written.
        """
        files: list[str] = []
        warnings: list[str] = []
        several = len(prepared.images) > 1
        named = [(f" {n}" if several else "", image) for n, image in enumerate(prepared.images, 1)]
        maps = {**prepared.maps, **prepared.packed}
        named += [(f"_{kind}", image) for kind, image in maps.items()]
        for suffix, image in named:
            extension = EXTENSIONS.get(image.format, image.format)
            wanted = self.path / f"{row.stem}{suffix}.{extension}"
            found = self.outputs.copy(wanted, image.data, owner_of(row, self.manifest))
            files.append(str(found))
            warnings += renamed_warning(found, wanted)
        return Delivery(tuple(files), tuple(warnings))

    def present(self, row: Row, stored: Entry) -> tuple[str, ...]:
        """See `Output.present`; rows with maps are looked at again, as only the result tells their kinds, and
        so are worlds and those that paint objects or make a sheet."""
        target = find_target(row.application.target)
        is_seen = target.is_projected or target.is_animated or target.is_panorama
        if row.application.map_kinds or is_seen or stored.folder is None:
            return ()
        request = stored.request
        extension = EXTENSIONS.get(request.output_format, request.output_format)
        suffixes = [""] if request.n == 1 else [f" {number + 1}" for number in range(request.n)]
        originals = [*stored.folder.glob(f"{IMAGE_STEM}*"), *stored.folder.glob(f"{PROCESSED_FOLDER}/*")]
        found = []
        for suffix in suffixes:
            wanted = self.path / f"{row.stem}{suffix}.{extension}"
            found.append(self.outputs.find(wanted, owner_of(row, self.manifest), originals))
        return tuple(map(str, found)) if all(found) else ()

    def close(self) -> None:
        """Every file is saved already."""


def owner_of(row: Row, manifest: Path) -> str:
    """What names a row where files are written for it, whatever it asks for."""
    return f"{manifest}\n{row.id}"


@dataclass(frozen=True)
class _Made:
    """What a worker made of a row."""

    outcome: Outcome | None = None
    """None where the run was stopped before anything was sent."""
    prepared: PreparedResult | None = None
    """The result that `Run.output` still has to take."""


@dataclass
class Run:
    """One pass over a manifest. Belongs to one thread; everything but the output happens on others."""

    worker: Worker
    admission: RowAdmission
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
    _open: int = 0
    """Rows that were begun and have no outcome yet."""
    _jobs: set[Job] = field(default_factory=set)

    @property
    def journal(self) -> Journal:
        """The journal of the line."""
        return self.worker.journal

    @property
    def stopping(self) -> bool:
        """Whether `stop` was called."""
        return self._stopping

    def stop(self) -> None:
        """Begin nothing more; what is on its way is waited for."""
        self._stopping = True
        if self.worker.pace is not None:
            self.worker.pace.stopped.set()

    def give_up(self, error: GptImageError) -> None:
        """Begin nothing more because of an error that all other rows would meet; the first one is told."""
        self.fatal = self.fatal or error
        self.stop()

    @contextlib.contextmanager
    def giving_up(self) -> Iterator[None]:
        """`give_up` where the block can't write what is asked for: what was made is told all the same."""
        try:
            yield
        except Exception as error:
            self.give_up(error if isinstance(error, GptImageError) else unexpected_error(error))

    @property
    def in_flight(self) -> int:
        """Rows that are being worked on."""
        return len(self._jobs)

    def outcomes(self, rows: Iterable[Row]) -> Iterator[Outcome]:
        """Work through rows; each that was begun yields one outcome, not in their order."""
        jobs = JobQueue(self.concurrency)
        try:
            for row in rows:
                if self._stopping:
                    break
                jobs.start(Task(title=row.id), partial(self._work_on, row))
                self._open += 1
                while self._open >= self.concurrency + WAITING_ROWS:
                    yield from self._take_finished(jobs)
            while self._open:
                yield from self._take_finished(jobs)
        finally:
            self._over = True
            for job in tuple(self._jobs):
                job.cancel()
            jobs.close(EVENT_SECONDS)
            if self.worker.sessions is not None:
                self.worker.sessions.close()

    def _take_finished(self, jobs: JobQueue) -> Iterator[Outcome]:
        with contextlib.suppress(queue.Empty):
            event = jobs.events.get(timeout=EVENT_SECONDS)
            if event.is_last:
                self._open -= 1
                assert event.deliver is not None, "no row raises"
                outcome = event.deliver()
                if isinstance(outcome, Outcome):
                    yield outcome

    def _deliver(self, made: _Made) -> Outcome | None:
        """Give a result to `output`, on this run's own thread."""
        outcome, prepared = made.outcome, made.prepared
        if outcome is None or self.output is None or prepared is None:
            return outcome
        assert outcome.job is not None
        try:
            delivery = self.output.deliver(outcome.row, prepared)
            self.journal.applied(outcome.job)
        except Exception as fault:  # whatever Blender stumbles over, the other rows go on
            error = fault if isinstance(fault, GptImageError) else unexpected_error(fault)
            _tell_where(error, prepared, outcome.estimated_usd)
            self._look_out(error)
            return dataclasses.replace(outcome, state=state_after(error), error=error)
        return dataclasses.replace(
            outcome,
            files=outcome.files + delivery.files,
            warnings=outcome.warnings + delivery.warnings,
        )

    def _work_on(self, row: Row) -> Deliver:
        """All that a worker can do for a row; it ends with one outcome, whatever breaks."""
        try:
            made = self._work(row)
        except Exception as error:
            found = error if isinstance(error, GptImageError) else unexpected_error(error, "maybe")
            self._look_out(found)
            made = _Made(refused(row, found))
        return partial(self._deliver, made)

    def _work(self, row: Row) -> _Made:
        if self._stopping or self._over:
            return _Made()
        try:
            asked = self.admission.look_up(row)
            stored = asked.known.stored
            if stored is not None and stored.folder is not None and stored.folder.is_dir():
                return self._skip(row, stored)
            if not self.sends and asked.known.running is None and not asked.known.lost:
                noted = last_error(self.journal, asked.key)
                return _Made(Outcome(row, RowState.FAILED, error=NOT_MADE, noted=noted))
            job = self.admission.admit(row, asked)
        except GptImageError as error:
            return _Made(refused(row, error))
        except Exception as error:
            return _Made(refused(row, unexpected_error(error)))
        return self._run(row, job, self.worker.run, RowState.SUCCEEDED)

    def _skip(self, row: Row, stored: Entry) -> _Made:
        outputs = [output for output in (self.folder, self.output) if output is not None]
        present = [output.present(row, stored) for output in outputs]
        state = RowState.SUCCEEDED if stored.id in self.fresh else RowState.SKIPPED
        assert stored.folder is not None
        job = Job(stored.request, row.application, id=stored.id)
        work = self.worker.resume(stored.folder)
        if not all(present):
            return self._run(row, job, work, state)
        files = tuple(dict.fromkeys(file for found in present for file in found))
        warnings: tuple[str, ...] = ()
        if row.application.export_to:
            prepared = work(job, _nobody)
            files, warnings = files + prepared.exported, prepared.warnings
        cost = (stored.cost_usd or 0.0) if state is RowState.SUCCEEDED else 0.0
        return _Made(Outcome(row, state, stored.id, stored.request_id, cost, files=files, warnings=warnings))

    def _run(self, row: Row, job: Job, work: Work, state: RowState) -> _Made:
        """The line's own work, and then the files."""
        prepared: PreparedResult | None = None
        delivery = Delivery()
        error: GptImageError | None = None
        self._jobs.add(job)
        try:
            if self._stopping:
                if state is RowState.SUCCEEDED:  # a stored answer stays what it is
                    self.journal.cancel_dead(job.id)
                raise JobCancelled("The run was stopped.")
            prepared = work(job, _nobody)
            if self.folder is not None:
                delivery = self.folder.deliver(row, prepared)
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
        if error is not None and prepared is not None:
            _tell_where(error, prepared, job.estimated_usd)
        return self._make_outcome(row, job, state, prepared, delivery, error)

    def _look_out(self, error: GptImageError) -> None:
        """Go on after an error only where the next row may fare better: a full disk takes none."""
        of_all = isinstance(error, APIError) and error.exit_code in HOPELESS
        if of_all or isinstance(error, StorageError):
            self.give_up(error)

    def _make_outcome(
        self,
        row: Row,
        job: Job,
        state: RowState,
        prepared: PreparedResult | None,
        delivery: Delivery,
        error: GptImageError | None,
    ) -> _Made:
        entry = self.journal.entry(job.id)
        follow_ups = prepared.follow_up_jobs if prepared is not None else ()
        rows = [entry, *map(self.journal.entry, follow_ups)] if state is RowState.SUCCEEDED else []
        cost = sum(found.cost_usd or 0.0 for found in rows if found is not None)
        if error is not None:
            state = state_after(error)
            self._look_out(error)
        self.admission.settle(job.estimated_usd, job.estimated_usd if state is RowState.UNKNOWN else cost)
        if self._stopping and isinstance(error, JobCancelled) and error.billed == "no":
            return _Made()
        outcome = Outcome(
            row,
            state,
            job.id,
            entry.request_id if entry is not None else None,
            cost,
            job.estimated_usd,
            delivery.files + (prepared.exported if prepared is not None else ()),
            error,
            (*job.warnings, *(prepared.warnings if prepared is not None else ()), *delivery.warnings),
        )
        return _Made(outcome, prepared)


def _tell_where(error: GptImageError, prepared: PreparedResult, usd: float) -> None:
    """What was paid for is kept, wherever it could not be taken to."""
    error.billed = "yes" if usd > 0 else "no"
    kept = f"The image is {prepared.images[0].received_file}." if prepared.images else ""
    error.next_step = f"{error.next_step} {kept}".strip()


def _nobody(event: JobEvent) -> None:
    """A batch shows rows, not what happens within them."""
