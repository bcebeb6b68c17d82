"""Rows through OpenAI's Batch API: hand them in at half price, come back later for the pictures.

A row of the journal is SENDING from the moment its batch may have begun, and its batch is named beside it, so
any later process can collect it. Where a process died between handing in and noting the batch's id, the
server's own list of batches tells whether it began: nothing is sent twice, and nothing is lost.
"""

from __future__ import annotations

import contextlib
import tempfile
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import IO, Any

from .asked import as_sent
from .errors import APIError, APIStatusError, GptImageError, InvalidRequestError, JobCancelled
from .gate import Gate
from .jobs import Job
from .journal import Journal
from .manifest import Row
from .outcomes import Outcome, RowState, refused
from .pipeline import Line as Pipeline
from .pipeline import load_uploads
from .pricing import BATCH_SHARE
from .processes import is_alive
from .prompts import compose
from .providers.base import Uploads
from .providers.error_bodies import quoted
from .providers.openai_batches import MAX_BYTES, MAX_LINES, OPEN_STATES, BatchClient, Line, endpoint, line
from .request import GenerationRequest
from .rows import OF_BATCH
from .states import JobState

EXPIRED = "batch_expired"


class BatchState(StrEnum):
    """Where one of our batches is."""

    WRITING = "WRITING"
    """Its file is being written or uploaded; nothing has begun."""
    STARTING = "STARTING"
    """It may have begun."""
    RUNNING = "RUNNING"
    CLOSED = "CLOSED"
    """Nothing more comes."""


@dataclass
class _Part:
    """An input file that is being written."""

    id: str
    where: str
    file: IO[bytes]
    rows: list[tuple[str, Row, float]] = field(default_factory=list)
    size: int = 0


@dataclass
class Submission:
    """Hands the rows of a manifest in."""

    pipeline: Pipeline
    gate: Gate
    client: BatchClient
    fatal: GptImageError | None = None
    """What the server says to all rows alike."""
    stopping: Callable[[], bool] = lambda: False
    """Whether nothing more is to be begun."""
    _parts: dict[tuple[str, str], _Part] = field(default_factory=dict)

    def outcomes(self, rows: Iterable[Row]) -> Iterator[Outcome]:
        """Hand rows in; each yields one outcome: RUNNING, or why not."""
        with contextlib.ExitStack() as stack:
            for row in rows:
                if self.fatal is not None or self.stopping():
                    break
                try:
                    yield from self._add(row, stack)
                except GptImageError as error:
                    yield refused(row, error)
            for part in self._parts.values():
                if self.fatal is not None or self.stopping():
                    _end(self.pipeline.journal, part.id, JobCancelled("The run was stopped."))
                else:
                    yield from self._send(part)

    def _add(self, row: Row, stack: contextlib.ExitStack) -> Iterator[Outcome]:
        asked = self.gate.look(row)
        stored = asked.known.stored
        if stored is not None and stored.folder is not None and stored.folder.is_dir():
            yield Outcome(row, RowState.SKIPPED, stored.id, stored.request_id)
            return
        _check_fits(row, asked.request.provider)
        uploads = load_uploads(asked.request)
        sent, _ = as_sent(asked.request, self.pipeline.registry)
        key = (sent.model, endpoint(sent))
        room = len(line("0" * 12, sent, compose(sent), uploads))
        if room > MAX_BYTES:
            raise InvalidRequestError("The row's pictures are too large for a batch.", param="references")
        part = self._parts.get(key)
        if part is not None and (len(part.rows) >= MAX_LINES or part.size + room > MAX_BYTES):
            del self._parts[key]
            yield from self._send(part)
            part = None
        part = part or self._open(key, stack)
        job = self.gate.admit(row, asked, part.id)
        part.size += part.file.write(line(job.id, sent, compose(sent), uploads))
        part.rows.append((job.id, row, job.estimated_usd))

    def _open(self, key: tuple[str, str], stack: contextlib.ExitStack) -> _Part:
        part = _Part(uuid.uuid4().hex[:12], key[1], stack.enter_context(tempfile.TemporaryFile()))  # noqa: SIM115 - the stack does
        journal = self.pipeline.journal
        with journal.transaction() as connection:
            connection.execute(
                "INSERT INTO batches (id, created, process, server, state) VALUES (?, ?, ?, ?, ?)",
                (part.id, time.time(), journal.process, self.client.connection.base_url, BatchState.WRITING),
            )
        self._parts[key] = part
        return part

    def _send(self, part: _Part) -> Iterator[Outcome]:
        journal = self.pipeline.journal
        if not part.rows:  # all that were to go into it were refused
            _note(journal, part.id, state=BatchState.CLOSED.value)
            return
        try:
            part.file.seek(0)
            input_file = self.client.upload(f"gpt-image-{part.id}.jsonl", part.file.read())
            part.file.close()
            _begin(journal, part.id, input_file)
            remote = str(self.client.start(input_file, part.where)["id"])
        except APIError as error:
            if error.billed != "maybe":  # the server, or nobody, said no
                _end(journal, part.id, error)
            if isinstance(error, APIStatusError):
                self.fatal = error
            state = RowState.RUNNING if error.billed == "maybe" else RowState.FAILED
            yield from (Outcome(row, state, job, error=error) for job, row, _ in part.rows)
            return
        _note(journal, part.id, state=BatchState.RUNNING.value, remote=remote)
        for job, row, estimated in part.rows:
            yield Outcome(row, RowState.RUNNING, job, estimated_usd=estimated)


def _check_fits(row: Row, provider: str) -> None:
    """:raises InvalidRequestError: the Batch API can't do this."""
    for broken, param, what in (
        (provider != "openai", "provider", f"the provider {provider}"),
        (row.request.is_streamed, "stream", "a stream or previews"),
        (row.application.height_by_model, "height_by_model", "a height by the model"),
        (row.application.repair_seams, "repair_seams", "a repair of seams"),
    ):
        if broken:
            raise InvalidRequestError(f"The Batch API does not offer {what}.", param=param)


def _note(journal: Journal, batch: str, **values: str) -> None:
    columns = ", ".join(f"{name} = ?" for name in values)
    with journal.transaction(durable=True) as connection:
        connection.execute(f"UPDATE batches SET {columns} WHERE id = ?", (*values.values(), batch))


def _begin(journal: Journal, batch: str, input_file: str) -> None:
    """From now on the batch may run, and cost: on the disk before it is asked for."""
    with journal.transaction(durable=True) as connection:
        connection.execute(
            "UPDATE batches SET state = ?, input_file = ? WHERE id = ?",
            (BatchState.STARTING, input_file, batch),
        )
        connection.execute(
            f"UPDATE jobs SET state = ?, updated = ? WHERE {OF_BATCH} AND state = ?",
            (JobState.SENDING, time.time(), batch, JobState.QUEUED),
        )


def _end(journal: Journal, batch: str, error: GptImageError) -> None:
    """Close a batch; its rows without an answer fail with this error."""
    for row in journal.query(
        f"SELECT id FROM jobs WHERE {OF_BATCH} AND state IN (?, ?)", batch, JobState.QUEUED, JobState.SENDING
    ):
        journal.failed(row["id"], error)
    _note(journal, batch, state=BatchState.CLOSED.value)


@dataclass
class Collected:
    """What came back."""

    jobs: set[str] = field(default_factory=set)
    """Jobs whose pictures are here now."""
    failed: int = 0
    running: list[dict[str, Any]] = field(default_factory=list)
    """Batches that are not done: id, state and counts as the server tells them."""


@dataclass
class Collection:
    """Fetches what the batches of one server have made."""

    pipeline: Pipeline
    client: BatchClient
    collected: Collected = field(default_factory=Collected)

    def run(self) -> Collected:
        """Look at every open batch.

        :raises APIError: the server can't be asked; what came before is kept.
        :raises StorageError: the pictures can't be kept.
        """
        server, journal = self.client.connection.base_url, self.pipeline.journal
        rows = journal.query(
            "SELECT * FROM batches WHERE server = ? AND state <> ? ORDER BY created",
            server,
            BatchState.CLOSED,
        )
        for row in rows:
            if row["state"] == BatchState.RUNNING:
                self._look(row["id"], row["remote"])
            elif not is_alive(journal.locks, row["process"]) or row["process"] == journal.process:
                self._settle(row["id"], row["state"], row["input_file"])
        return self.collected

    def _settle(self, batch: str, state: str, input_file: str) -> None:
        """The process that handed it in died on the way."""
        found = self.client.find(input_file) if state == BatchState.STARTING else None
        if found is None:
            never = GptImageError("The batch was never begun.", code="not_begun")
            _end(self.pipeline.journal, batch, never)
            return
        _note(self.pipeline.journal, batch, state=BatchState.RUNNING.value, remote=str(found["id"]))
        self._look(batch, str(found["id"]))

    def _look(self, batch: str, remote: str) -> None:
        found = self.client.look(remote)
        if found["status"] in OPEN_STATES:
            counts = found.get("request_counts") or {}
            self.collected.running.append({"batch": remote, "status": found["status"], "counts": counts})
            return
        for name in ("output_file_id", "error_file_id"):
            if found.get(name):
                self.client.read(str(found[name]), lambda answer: self._take(batch, answer))
        _end(self.pipeline.journal, batch, _why(found))

    def _take(self, batch: str, answer: Line) -> None:
        """One row's answer, unless an earlier look took it."""
        journal = self.pipeline.journal
        entry = journal.entry(answer.custom_id)
        if entry is None or entry.state is not JobState.SENDING:
            return
        job = Job(entry.request, entry.application, id=entry.id, estimated_usd=entry.estimated_usd)
        try:
            found = answer.answer()
        except APIError as error:
            self.collected.failed += 1
            journal.failed(job.id, error)
            return
        uploads, notes = _inputs(entry.request)
        self.pipeline.store(job, found, uploads, notes, BATCH_SHARE)
        self.collected.jobs.add(job.id)


def _inputs(request: GenerationRequest) -> tuple[Uploads, list[str]]:
    """What a masked edit is put back into; the picture is kept without it, too."""
    try:
        return load_uploads(request), []
    except GptImageError as error:
        return Uploads(), [f"What was sent is no longer there: {error.message}"]


def _why(found: Mapping[str, Any]) -> GptImageError:
    """What the rows of an ended batch are told that have no answer of their own."""
    status = str(found["status"])
    if status == "failed":
        faults = (found.get("errors") or {}).get("data") or [{}]
        said = quoted(str(faults[0].get("message") or "it gave no reason"))
        return InvalidRequestError(f"The API refused the batch: {said}", code=faults[0].get("code"))
    if status == "completed":
        return APIError("The batch ended without an answer to this row.", code="no_answer", billed="maybe")
    return APIError(
        f"The batch is {status}; this row was not made.",
        code=EXPIRED if status == "expired" else f"batch_{status}",
        retryable=True,
        next_step="Run it again to hand the missing rows in once more.",
    )
