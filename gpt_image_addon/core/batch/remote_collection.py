"""Fetches the images of rows that were handed in to OpenAI's Batch API.

What one batch or one line brings that is of no use is noted, and everything else goes on: a batch that the
server has forgotten, or a line that can't be read, must not keep paid images of others away.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..common.internal_error import unexpected_error
from ..common.paths import is_job_id
from ..common.process_lock import is_alive
from ..errors import (
    NAME_LIMIT,
    APIConnectionError,
    APIError,
    ExitCode,
    GptImageError,
    InvalidRequestError,
    JobCancelled,
    NotFoundError,
    StorageError,
)
from ..jobs.job import Job
from ..jobs.uploads import load_uploads
from ..jobs.worker import Worker
from ..journal.batch_rows import BatchState, end_batch, fail_rows, find_in_batch, note, open_batches
from ..journal.entries import Entry
from ..journal.states import JobState
from ..providers.base import Uploads
from ..providers.openai.batch_api import ENDED_STATES, BatchClient, BatchResponse, LineReader
from ..providers.openai.error_bodies import quoted
from ..request.pricing import BATCH_SHARE
from ..text.redaction import show
from .outcomes import HOPELESS

EXPIRED = "batch_expired"
ANSWERS_FOLDER = "batches"
"""Below the state folder: lines of batches' answers that were of no use, as they came."""
LOOK_FOR_SECONDS = 30 * 86400.0
"""How long a batch is looked for that the server does not know: another key, or project, may know it."""
WAITING = (JobState.SENDING, JobState.UNKNOWN)
"""States in which a row's answer is of use."""
GONE = "The server does not know the batch; this row may have been made, and billed."


@dataclass(frozen=True)
class Problem:
    """What a batch brought that was of no use, or why nothing was heard of it."""

    batch: str
    """As the server calls it, or else as we do."""
    message: str
    line: int | None = None
    """Of the file of answers; None where it is about the whole batch."""
    job: str | None = None
    """Whose answer the line is."""
    file: str | None = None
    """Where the line is kept."""


@dataclass
class Collected:
    """What came back."""

    jobs: set[str] = field(default_factory=set)
    """Jobs whose images are here now."""
    problems: list[Problem] = field(default_factory=list)
    fatal: GptImageError | None = None
    """Why it was broken off, or has to be run again."""


@dataclass
class Collection:
    """Fetches what the batches of one server have made."""

    worker: Worker
    client: BatchClient
    stopping: Callable[[], bool] = lambda: False
    """Whether nothing more is to be fetched."""
    collected: Collected = field(default_factory=Collected)
    _taken: set[str] = field(default_factory=set)

    def run(self) -> Collected:
        """Look at every open batch. What one of them can't bring stays with it, and is told at the end.

        :raises StorageError: the journal can't be read.
        """
        server, journal = self.client.connection.base_url, self.worker.journal
        for row in open_batches(journal, server):
            if self.stopping() or self._look_at(row):
                break
        return self.collected

    def _look_at(self, row: Any) -> bool:
        """Returns whether there is no use in going on."""
        name = str(row["remote"] or row["id"])
        try:
            self._ask(row)
        except NotFoundError as error:
            self._tell(name, error)
            self._lose(row)
        except JobCancelled:
            return True
        except GptImageError as error:
            self._tell(name, error)
            of_all = not isinstance(error, APIError) or error.exit_code in HOPELESS
            if of_all or error.exit_code is ExitCode.TEMPORARY:
                self.collected.fatal = self.collected.fatal or error
            # Nothing is sent twice by looking again.
            error.billed = "no" if isinstance(error, APIError) else error.billed
            return of_all or (isinstance(error, APIConnectionError) and error.retryable)
        except Exception as error:
            self._tell(name, unexpected_error(error))
        return False

    def _tell(self, batch: str, error: GptImageError) -> None:
        self.collected.problems.append(Problem(batch, error.message))

    def _lose(self, row: Any) -> None:
        """Nobody knows what became of a batch's rows: they wait for the user's word, it for its return."""
        journal = self.worker.journal
        fail_rows(journal, row["id"], APIError(GONE, code="batch_gone", billed="maybe"))
        if time.time() - row["created"] > LOOK_FOR_SECONDS:
            note(journal, row["id"], state=BatchState.CLOSED.value)

    def _ask(self, row: Any) -> None:
        journal = self.worker.journal
        if row["state"] == BatchState.RUNNING:
            self._look(row["id"], row["remote"])
        elif not is_alive(journal.locks, row["process"]) or row["process"] == journal.process:
            self._settle(row["id"], row["state"], row["input_file"])

    def _settle(self, batch: str, state: str, input_file: str) -> None:
        """The process that handed it in died on the way."""
        found = self.client.find(input_file) if state == BatchState.STARTING else None
        if found is None:
            never = GptImageError("The batch was never begun.", code="not_begun")
            end_batch(self.worker.journal, batch, never)
            return
        note(self.worker.journal, batch, state=BatchState.RUNNING.value, remote=found)
        self._look(batch, found)

    def _look(self, batch: str, remote: str) -> None:
        found = self.client.look(remote)
        status = found.get("status")
        if not isinstance(status, str) or status not in ENDED_STATES:
            return
        for name in ("output", "error"):
            file = found.get(f"{name}_file_id")
            if file is not None and file != "":
                self._read(batch, remote, name, str(file))
        end_batch(self.worker.journal, batch, _explain(found))

    def _read(self, batch: str, remote: str, name: str, file: str) -> None:
        def take(answer: BatchResponse) -> bool:
            """Whether nothing else of the line is needed."""
            try:
                message = self._take(batch, answer, reader.file_of(answer.number))
            except StorageError:
                raise
            except Exception as error:
                message = unexpected_error(error).message
            if message:
                kept = str(reader.file_of(answer.number))
                job = show(answer.custom_id, NAME_LIMIT) or None
                self.collected.problems.append(Problem(remote, message, answer.number, job, kept))
            return not message

        reader = LineReader(take, self.worker.journal.folder / ANSWERS_FOLDER / batch, name)
        try:
            self.client.read(file, reader, self.stopping)
        finally:
            reader.close()

    def _take(self, batch: str, answer: BatchResponse, kept: Path) -> str:
        """One row's answer, unless an earlier look took it.

        :returns: why the line is still needed; empty where it is not.
        """
        journal = self.worker.journal
        # No other batch's row: nobody but its own batch answers it.
        entry = find_in_batch(journal, batch, answer.custom_id) if is_job_id(answer.custom_id) else None
        if entry is None:
            return f"It can't be read: {answer.fault}." if answer.fault else "No row asked for it."
        if entry.state not in WAITING:
            return "Its row was answered before." if entry.id in self._taken else ""
        self._taken.add(entry.id)
        job = Job(entry.request, entry.application, id=entry.id, estimated_usd=entry.estimated_usd)
        try:
            images = answer.answer()
        except APIError as error:
            if error.billed != "no":
                error.next_step = f"What came is kept in {kept}."
            journal.failed(job.id, error)
            return error.message if error.billed != "no" else ""
        uploads, notes = self._inputs(entry)
        self.worker.store(job, images, uploads, notes, BATCH_SHARE)
        self.collected.jobs.add(job.id)
        return "" if answer.is_whole else "An image in it can't be read."

    def _inputs(self, entry: Entry) -> tuple[Uploads, list[str]]:
        """What a masked edit is put back into; the image is kept without it, too."""
        try:
            return load_uploads(entry.request, self.worker.crop_of(entry)), []
        except GptImageError as error:
            return Uploads(), [f"What was sent is no longer there: {error.message}"]


def _explain(found: Mapping[str, Any]) -> GptImageError:
    """What the rows of an ended batch are told that have no answer of their own."""
    status = str(found["status"])
    if status == "failed":
        said, code = _reason(found.get("errors"))
        return InvalidRequestError(f"The API refused the batch: {said}", code=code)
    if status == "completed":
        return APIError("The batch ended without an answer to this row.", code="no_answer", billed="maybe")
    return APIError(
        f"The batch is {status}; this row was not made.",
        code=EXPIRED if status == "expired" else f"batch_{status}",
        retryable=True,
        next_step="Run it again to hand the missing rows in once more.",
    )


def _reason(errors: object) -> tuple[str, str | None]:
    """The first error of a refused batch, in words and as a code."""
    faults = errors.get("data") if isinstance(errors, dict) else None
    first = faults[0] if isinstance(faults, list) and faults else None
    found = first if isinstance(first, dict) else {}
    code = found.get("code")
    return quoted(str(found.get("message") or "it gave no reason")), code if isinstance(code, str) else None
