"""Runs the rows of a manifest: some at once, each once, as many as the money allows. Knows no Blender.

Rows are taken one by one and forgotten when they are done; what was done is known by the journal. A row whose
answer is there is not sent again, one that may have been billed only on the user's word.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import queue
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from .errors import (
    APIConnectionError,
    APIError,
    BudgetExceededError,
    ExitCode,
    GptImageError,
    JobCancelled,
)
from .further import checked
from .jobs import Emit, Job, JobQueue, Work
from .manifest import Row
from .models import Registry
from .pipeline import Line, file_digests
from .pricing import Estimate, Limits, Seen, check_limit
from .request import GenerationRequest
from .results import PART_SUFFIX, Prepared, storage_errors
from .rows import Known, Place, known

if TYPE_CHECKING:
    from .journal import Entry, Journal

EVENT_SECONDS = 0.5  # how long one look for a finished job lasts
WAITING_JOBS = 2  # that are ready when a worker becomes free
HOPELESS = (ExitCode.CONFIGURATION, ExitCode.QUOTA)
"""What the server says to all rows alike."""
EXTENSIONS = {"jpeg": "jpg"}


class RowState(StrEnum):
    """How a row ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"
    """Its result was there already."""


@dataclass(frozen=True)
class Outcome:
    """What became of a row."""

    row: Row
    state: RowState
    job: str | None = None
    request_id: str | None = None
    cost_usd: float = 0.0
    """Of this run."""
    estimated_usd: float = 0.0
    files: tuple[str, ...] = ()
    error: GptImageError | None = None
    warnings: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {
            "row": self.row.id,
            "line": self.row.line,
            "state": self.state.value,
            "job": self.job,
            "request_id": self.request_id,
            "cost_usd": self.cost_usd,
            "files": list(self.files),
            "error": self.error.to_dict() if self.error else None,
            "warnings": list(self.warnings),
        }


@dataclass
class Tally:
    """How a run stands."""

    rows: int = 0
    succeeded: int = 0
    failed: int = 0
    unknown: int = 0
    skipped: int = 0
    cost_usd: float = 0.0
    """Of what this run received."""
    unknown_usd: float = 0.0
    """What the rows without an answer may have cost, at most."""

    def add(self, outcome: Outcome) -> None:
        """Count a row."""
        self.rows += 1
        setattr(self, outcome.state, getattr(self, outcome.state) + 1)
        self.cost_usd += outcome.cost_usd
        if outcome.state is RowState.UNKNOWN:
            self.unknown_usd += outcome.estimated_usd


@dataclass(frozen=True)
class Pricer:
    """Completes, checks and prices rows."""

    registry: Registry
    provider: str
    """Of rows that name none."""
    seen: Seen
    share: float = 1.0
    """Of the list price."""

    def completed(self, row: Row) -> GenerationRequest:
        """The request with provider and model.

        :raises InvalidRequestError: it can't be sent.
        """
        provider = row.request.provider or self.provider
        model = row.request.model or self.registry.default_for(provider)
        return dataclasses.replace(row.request, provider=provider, model=model)

    def checked(self, row: Row) -> tuple[GenerationRequest, Estimate, tuple[str, ...]]:
        """The completed request, its price and warnings.

        :raises InvalidRequestError: it can't be sent.
        """
        request = self.completed(row)
        price, warnings = checked(request, row.application, self.registry, self.seen)
        return request, price.times(self.share), warnings


def row_key(row: Row, digest: str) -> str:
    """The row's name in the journal: equal for the same id and request, wherever the manifest lies.

    :param digest: `GenerationRequest.digest` with the hashes of its files.
    """
    return hashlib.sha256(f"{row.id}\n{digest}".encode()).hexdigest()[:24]


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
    pricer: Pricer
    limits: Limits
    folder: Folder | None
    """Where workers put files."""
    output: Output | None = None
    """Called on this run's own thread, after the workers' part."""
    concurrency: int = 4
    max_cost_usd: float | None = None
    """Of the whole run; None for no limit."""
    retry_unknown: bool = False
    sends: bool = True
    """Without, only what the journal holds is put together."""
    fatal: GptImageError | None = None
    """Why the run was broken off: what would refuse all other rows alike, such as a wrong key."""
    _stopping: bool = False
    _running: dict[str, _Running] = field(default_factory=dict)
    _reserved_usd: float = 0.0
    _spent_usd: float = 0.0

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
            request = self.pricer.completed(row)
            digest = request.digest(file_digests(request))
            key = row_key(row, digest)
            found = known(self.journal, key)
            if found.stored is not None and found.stored.folder is not None and found.stored.folder.is_dir():
                return self._skip(row, request, found.stored, jobs)
            self._check_free(row, found)
            request, price, warnings = self.pricer.checked(row)
            self._check_money(price)
            job = Job(request, row.application, estimated_usd=price.high_usd, warnings=warnings)
            self.journal.reserve(
                job.id,
                request,
                row.application,
                digest,
                price.high_usd,
                self.limits.monthly_budget_usd,
                Place(key, others=len(found.unknown) + (found.stored is not None)),
            )
        except GptImageError as error:
            state = RowState.UNKNOWN if error.billed == "maybe" else RowState.FAILED
            return Outcome(row, state, error=error)
        self._submit(row, job, self.line.run, price.high_usd, RowState.SUCCEEDED, jobs)
        return None

    def _check_free(self, row: Row, found: Known) -> None:
        """:raises GptImageError: the row must not be sent now."""
        if found.running is not None:
            raise JobCancelled(
                f"The row is being made elsewhere as job {found.running.id}.", code="row_taken"
            )
        if found.unknown and not self.retry_unknown:
            earlier = found.unknown[-1]
            raise APIConnectionError(
                f"The row was sent on {earlier.created:%Y-%m-%d %H:%M} as job {earlier.id}, and no answer "
                "came: it may have been billed.",
                code="outcome_unknown",
                billed="maybe",
                next_step="Add --retry-unknown to send it again all the same.",
            )
        if not self.sends:
            raise JobCancelled("The row was not made yet, and nothing is to be sent.", code="not_made")

    def _check_money(self, price: Estimate) -> None:
        check_limit(price, self.limits)
        if self.max_cost_usd is None:
            return
        used = self._spent_usd + self._reserved_usd
        if price.high_usd > 0 and used + price.high_usd > self.max_cost_usd:
            raise BudgetExceededError(
                f"This could cost ${price.high_usd:.4f}; of the ${self.max_cost_usd:.2f} for this run, "
                f"${used:.4f} is used or set aside.",
                code="max_cost_exceeded",
                next_step="Run again with more to make the rest.",
            )

    def _skip(self, row: Row, request: GenerationRequest, stored: Entry, jobs: JobQueue) -> Outcome | None:
        outputs = [output for output in (self.folder, self.output) if output is not None]
        present = [output.present(row, request) for output in outputs]
        if all(present):
            files = tuple(file for found in present for file in found)
            return Outcome(row, RowState.SKIPPED, stored.id, stored.request_id, files=files)
        assert stored.folder is not None
        job = Job(stored.request, row.application, id=stored.id)
        self._submit(row, job, self.line.resume(stored.folder), 0.0, RowState.SKIPPED, jobs)
        return None

    def _submit(
        self, row: Row, job: Job, work: Work, price_usd: float, state: RowState, jobs: JobQueue
    ) -> None:
        self._running[job.id] = _Running(row, price_usd, state)
        self._reserved_usd += price_usd
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
        self._reserved_usd -= began.price_usd
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
        self._spent_usd += cost if state is not RowState.UNKNOWN else began.price_usd
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
