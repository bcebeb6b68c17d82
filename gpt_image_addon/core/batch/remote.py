"""Rows through OpenAI's Batch API: hand them in at half price, come back later for the images.

A row of the journal is SENDING from the moment its batch may have begun, and its batch is named beside it, so
any later process can collect it. Where a process died between handing in and noting the batch's id, the
server's own list of batches tells whether it began: nothing is sent twice, and nothing is lost.
"""

from __future__ import annotations

import contextlib
import tempfile
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import IO

from ..common.files import storage_errors
from ..errors import APIError, APIStatusError, GptImageError, InvalidRequestError, JobCancelled, StorageError
from ..jobs.follow_ups import asks_for_height
from ..jobs.uploads import add_points, first_crop, load_uploads
from ..jobs.worker import Worker
from ..journal.batch_rows import BatchState, add_batch, begin, end_batch, note
from ..providers.openai.batch_api import MAX_BYTES, MAX_LINES, BatchClient, endpoint, line
from ..request.providers import find_provider
from .admission import RowAdmission
from .manifest import Row
from .outcomes import Outcome, RowState, refused


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

    worker: Worker
    admission: RowAdmission
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
                    end_batch(self.worker.journal, part.id, JobCancelled("The run was stopped."))
                else:
                    yield from self._send(part)

    def _add(self, row: Row, stack: contextlib.ExitStack) -> Iterator[Outcome]:
        asked = self.admission.look_up(row)
        stored = asked.known.stored
        if stored is not None and stored.folder is not None and stored.folder.is_dir():
            yield Outcome(row, RowState.SKIPPED, stored.id, stored.request_id)
            return
        _check_fits(row, asked.request.provider)
        checked = self.admission.pricer.validate_and_price(row, asked.request)
        if asks_for_height(checked.wanted, row.application, self.admission.pricer.registry):
            raise InvalidRequestError(
                "The Batch API does not offer a height by the model in a request of its own.",
                param="height_by_model",
                next_step="Set height_sheet, with a size that has sheets, or use `--via requests`.",
            )
        if len(checked.crops) > 1:
            raise InvalidRequestError(
                "The mask has several parts, which are several requests; rows of a batch are one each.",
                param="mask",
                next_step="Send it with `--via requests`, or with `whole_image`.",
            )
        uploads = add_points(load_uploads(asked.request, first_crop(checked)), checked)
        sent, prompt = checked.sent, checked.prompt
        key = (sent.model, endpoint(sent))
        room = len(line("0" * 12, sent, prompt, uploads))
        if room > MAX_BYTES:
            raise InvalidRequestError("The row's images are too large for a batch.", param="references")
        part = self._parts.get(key)
        if part is not None and (len(part.rows) >= MAX_LINES or part.size + room > MAX_BYTES):
            del self._parts[key]
            yield from self._send(part)
            part = None
        part = part or self._open(key, stack)
        job = self.admission.admit(row, asked, part.id)
        try:
            with storage_errors("The input of the batch could not be written"):
                part.file.write(line(job.id, sent, prompt, uploads))
                part.file.flush()
        except StorageError as error:
            part.file.seek(part.size)
            part.file.truncate()
            self.worker.journal.failed(job.id, error)
            raise
        part.size = part.file.tell()
        part.rows.append((job.id, row, job.estimated_usd))

    def _open(self, key: tuple[str, str], stack: contextlib.ExitStack) -> _Part:
        part = _Part(uuid.uuid4().hex[:12], key[1], stack.enter_context(tempfile.TemporaryFile()))  # noqa: SIM115 - the stack does
        add_batch(self.worker.journal, part.id, self.client.connection.base_url)
        self._parts[key] = part
        return part

    def _send(self, part: _Part) -> Iterator[Outcome]:
        journal = self.worker.journal
        if not part.rows:  # all that were to go into it were refused
            note(journal, part.id, state=BatchState.CLOSED.value)
            return
        try:
            part.file.seek(0)
            input_file = self.client.upload(f"gpt-image-{part.id}.jsonl", part.file.read())
            part.file.close()
            begin(journal, part.id, input_file)
            remote = self.client.start(input_file, part.where)
        except APIError as error:
            if error.billed != "maybe":  # the server, or nobody, said no
                end_batch(journal, part.id, error)
            if isinstance(error, APIStatusError):
                self.fatal = error
            state = RowState.RUNNING if error.billed == "maybe" else RowState.FAILED
            yield from (Outcome(row, state, job, error=error) for job, row, _ in part.rows)
            return
        note(journal, part.id, state=BatchState.RUNNING.value, remote=remote)
        for job, row, estimated in part.rows:
            yield Outcome(row, RowState.RUNNING, job, estimated_usd=estimated)


def _check_fits(row: Row, provider: str) -> None:
    """:raises InvalidRequestError: the Batch API can't do this."""
    for broken, param, what in (
        (not find_provider(provider).has_batch_api, "provider", f"the provider {provider}"),
        (row.request.is_streamed, "stream", "a stream or previews"),
        (row.application.repair_seams, "repair_seams", "a repair of seams"),
        (row.application.repair_poles, "repair_poles", "a repair of poles"),
    ):
        if broken:
            raise InvalidRequestError(f"The Batch API does not offer {what}.", param=param)
