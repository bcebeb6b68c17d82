"""OpenAI's Files and Batch API, as far as images need it."""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

from ...common.files import PART_SUFFIX, move_file, storage_errors, sync_folder
from ...errors import NAME_LIMIT, Billed, InvalidResponseError, JobCancelled
from ...http.client import MAX_ANSWER_BYTES, Files, Reply, Sink, send
from ...http.endpoint import Connection
from ...http.json_images import JsonImageExtractor
from ...http.request_state import RequestState
from ...http.retry import with_retries
from ...request.request import GenerationRequest
from ...text.json_reader import TOO_DEEP, parse_json
from ...text.redaction import show
from ..base import Answer, Uploads
from .client import EDITS, GENERATIONS, json_images
from .errors import error_from, error_in_stream
from .fields import make_fields
from .response import read_usage

MAX_LINES = 50_000  # of one input file
MAX_BYTES = 200_000_000  # of one input file
MAX_OUTPUT_BYTES = 10**12  # fifty thousand of the largest images
FILE_SECONDS = 86400.0  # that one such file may take to come; the next look reads it from its start
MAX_LINE_TEXT = 16 * 10**6  # bytes of a result's line beside its images
COMPLETION_WINDOW = "24h"
PAGE = 100  # batches listed at once
MAX_PAGES = 50
ENDED_STATES = frozenset({"completed", "failed", "expired", "cancelled"})
"""In any other state a batch may still bring something, also in one that is new."""
UNREADABLE = "The server's answer can't be read."
_ID = re.compile(r"(?!\.+$)[!-~]{1,300}")
_CUSTOM_ID = re.compile(rb'"custom_id"\s*:\s*"([A-Za-z0-9_-]{1,100})"')


def endpoint(request: GenerationRequest) -> str:
    """Where a line's request goes; all lines of a batch go to the same."""
    return f"/v1{EDITS if request.is_edit else GENERATIONS}"


def line(custom_id: str, request: GenerationRequest, prompt: str, uploads: Uploads) -> bytes:
    """One line of an input file.

    :param prompt: the words to send.
    """
    body = make_fields(request, prompt)
    if uploads.references:
        body |= json_images(uploads)
    found = {"custom_id": custom_id, "method": "POST", "url": endpoint(request), "body": body}
    return json.dumps(found, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


@dataclass(frozen=True)
class BatchResponse:
    """One line of a result file."""

    number: int
    """Where it stands in the file, from 1."""
    custom_id: str = ""
    """Empty where the line does not say."""
    status: int = 0
    """HTTP status of the row; 0 where it was never begun."""
    request_id: str | None = None
    body: Mapping[str, Any] = field(default_factory=dict)
    """The answer without its images, or the error."""
    images: tuple[bytes | None, ...] = ()
    fault: str = ""
    """Why it can't be read; empty for a line that can."""

    @property
    def is_whole(self) -> bool:
        """Whether it was read, with each of its images."""
        return not self.fault and (self.status != 200 or (bool(self.images) and None not in self.images))

    def answer(self) -> Answer:
        """The row's images.

        :raises APIError: it was refused, or holds none.
        """
        if self.fault:
            raise InvalidResponseError(
                f"The batch's answer to this row can't be read: {self.fault}.", billed="yes"
            )
        if self.status != 200:
            # A row of a batch that is refused, or that expired, is not billed.
            text = json.dumps({"error": self.body.get("error", self.body)}).encode()
            error = error_from(Reply(self.status, {"x-request-id": self.request_id or ""}, text), "")
            assert error is not None
            error.billed = "no"
            raise error
        good = tuple(image for image in self.images if image is not None)
        if not good and isinstance(self.body.get("error"), dict):
            raise error_in_stream(self.body, self.request_id)
        if not good:
            raise InvalidResponseError(
                "The batch's answer to this row holds no image.", request_id=self.request_id, billed="yes"
            )
        broken = len(self.images) - len(good)
        warnings = (f"{broken} images were broken in the batch's answer.",) if broken else ()
        usage = self.body.get("usage")
        return Answer(
            good,
            usage=read_usage(usage),
            usage_told=usage is not None,
            request_id=self.request_id,
            warnings=warnings,
        )


class LineReader:
    """Takes a result file as it comes and hands on its lines; holds the images of no more than one.

    What comes is also written aside, as it is, until its line was made use of: it is paid for.
    """

    def __init__(self, on_line: Callable[[BatchResponse], bool], aside: Path, name: str) -> None:
        """
        :param on_line: takes a line; returns whether nothing else of it is needed.
        :param aside: folder for the lines that are still needed.
        :param name: how their files begin.
        :raises StorageError: that can't be written.
        """
        self._on_line = on_line
        self._lifter = JsonImageExtractor()
        self._number = 1
        self._size = 0
        self._aside = aside
        self._name = name
        self._part = aside / f"{name}{PART_SUFFIX}"
        with self._writing():
            aside.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._raw = self._open()

    def _writing(self) -> storage_errors:
        return storage_errors(f"{self._aside} could not be written")

    def _open(self) -> IO[bytes]:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0)
        return os.fdopen(os.open(self._part, flags, 0o600), "wb")

    def feed(self, chunk: bytes) -> bool:
        """See `Sink`."""
        *ended, rest = chunk.split(b"\n")
        for piece in ended:
            self._take(piece)
            self.end_line()
        self._take(rest)
        return False

    def _take(self, piece: bytes) -> None:
        if self._size <= MAX_ANSWER_BYTES:
            with self._writing():
                self._raw.write(piece)
        self._size += len(piece)
        if self._size <= MAX_ANSWER_BYTES and self._lifter.text_size <= MAX_LINE_TEXT:
            self._lifter.feed(piece)

    def end_line(self) -> None:
        """A line, or the file, has ended."""
        text, images = self._lifter.close(), tuple(self._lifter.images)
        self._lifter.images = []
        if text.strip() or self._size > MAX_LINE_TEXT:
            too_long = self._size > MAX_ANSWER_BYTES or len(text) > MAX_LINE_TEXT
            read = _unreadable(self._number, text, "it is too long") if too_long else None
            if not self._on_line(read or read_line(self._number, text, images)):
                self._keep()
        with self._writing():
            self._raw.seek(0)
            self._raw.truncate()
        self._number += 1
        self._size = 0

    def file_of(self, number: int) -> Path:
        """Where a line is kept that is still needed."""
        return self._aside / f"{self._name}-{number}.json"

    def _keep(self) -> None:
        with self._writing():
            self._raw.flush()
            os.fsync(self._raw.fileno())
            self._raw.close()
            move_file(self._part, self.file_of(self._number))
            sync_folder(self._aside)
            self._raw = self._open()

    def close(self) -> None:
        """The file was read, or reading was given up; what was not made use of goes with its next reading."""
        self._raw.close()
        self._part.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # what is kept is in it
            self._aside.rmdir()


def read_line(number: int, text: bytes, images: tuple[bytes | None, ...]) -> BatchResponse:
    """A line of a result file, as far as it can be understood.

    :param text: without its images.
    """
    try:
        found = parse_json(text.decode("utf-8", "replace").removeprefix("\ufeff"))
    except ValueError as error:
        deep = str(error) == TOO_DEEP
        return _unreadable(number, text, TOO_DEEP if deep else "it is no JSON")
    if not isinstance(found, dict):
        return BatchResponse(number, fault="it is no JSON object")
    custom_id = found.get("custom_id")
    if not isinstance(custom_id, str) or not custom_id:
        return BatchResponse(number, fault="it does not say which row it answers")
    reply = found.get("response")
    if reply is None:
        return BatchResponse(number, custom_id, 400, body={"error": found.get("error") or {}})
    body = reply.get("body") if isinstance(reply, dict) else None
    status = reply.get("status_code") if isinstance(reply, dict) else None
    if isinstance(status, bool) or not isinstance(status, int) or not 100 <= status <= 599:
        status = 200 if images else 0
    if not isinstance(body, dict) or not status:
        return BatchResponse(number, custom_id, fault="its answer has another form")
    request_id = reply.get("request_id")
    # A success is one by its status alone: what is below 200 or a redirect brings no image either.
    return BatchResponse(
        number,
        custom_id,
        status if status >= 400 else 200,
        show(request_id, NAME_LIMIT) or None if isinstance(request_id, str) else None,
        body,
        images,
    )


def _unreadable(number: int, text: bytes, fault: str) -> BatchResponse:
    """Its row may be named all the same."""
    named = set(_CUSTOM_ID.findall(text))
    return BatchResponse(number, named.pop().decode() if len(named) == 1 else "", fault=fault)


@dataclass(frozen=True)
class BatchClient:
    """Calls of one server. Every method raises an APIError where the server refuses or can't be reached."""

    connection: Connection

    def upload(self, name: str, data: bytes) -> str:
        """Store an input file; returns its id."""
        files: Files = [("file", (name, data, "application/jsonl"))]
        return _id(self._call("POST", "/files", fields={"purpose": "batch"}, files=files))

    def start(self, input_file: str, where: str) -> str:
        """Begin a batch; returns its id. A broken connection is not tried again: it may have begun."""
        asked = {"input_file_id": input_file, "endpoint": where, "completion_window": COMPLETION_WINDOW}
        return _id(self._call("POST", "/batches", json=asked, unread="maybe"), "maybe")

    def look(self, remote: str) -> Mapping[str, Any]:
        """How a batch stands."""
        return self._call("GET", f"/batches/{quote(remote, safe='')}")

    def find(self, input_file: str) -> str | None:
        """The id of the batch of an input file, where it was begun."""
        query = f"?limit={PAGE}"
        for _ in range(MAX_PAGES):
            page = self._call("GET", f"/batches{query}")
            batches = page.get("data")
            for batch in batches if isinstance(batches, list) else ():
                if isinstance(batch, dict) and batch.get("input_file_id") == input_file:
                    return _id(batch)
            if not isinstance(batches, list) or (page.get("has_more") and not _is_id(page.get("last_id"))):
                raise InvalidResponseError(UNREADABLE)
            if not page.get("has_more"):
                return None
            query = f"?limit={PAGE}&after={quote(str(page['last_id']), safe='')}"
        # Nobody knows then whether it was begun, so nothing may be sent again.
        raise InvalidResponseError("The server lists more batches than can be looked through.")

    def read(self, file: str, reader: LineReader, stopping: Callable[[], bool] = lambda: False) -> None:
        """Hand on the lines of a result file while it comes.

        :raises JobCancelled: ``stopping`` said so before the end.
        """

        class Stoppable:
            def feed(self, chunk: bytes) -> bool:
                return reader.feed(chunk) or stopping()

        def sink(head: Reply) -> Sink | None:
            return Stoppable() if head.status < 300 else None

        path = f"/files/{quote(file, safe='')}/content"
        request_state = RequestState(FILE_SECONDS)
        reply = send(self.connection, "GET", path, request_state, sink=sink, limit=MAX_OUTPUT_BYTES)
        error = error_from(reply, "")
        if error is not None:
            raise error
        if stopping():
            raise JobCancelled("The run was stopped.")
        reader.end_line()

    def _call(self, method: str, path: str, unread: Billed = "no", **content: Any) -> Mapping[str, Any]:
        """
        :param unread: what an answer that can't be read means for the money.
        """
        request_state = RequestState()
        reply = with_retries(
            lambda: send(self.connection, method, path, request_state, **content),
            lambda found: error_from(found, ""),
            request_state,
        )
        try:
            found = parse_json(reply.body)
            if isinstance(found, dict):
                return found
        except ValueError:
            pass
        raise InvalidResponseError(UNREADABLE, request_id=reply.request_id, billed=unread)


def _is_id(value: object) -> bool:
    return isinstance(value, str) and _ID.fullmatch(value) is not None


def _id(found: Mapping[str, Any], billed: Billed = "no") -> str:
    """:raises InvalidResponseError: the server names none."""
    if not _is_id(found.get("id")):
        raise InvalidResponseError(UNREADABLE, billed=billed)
    return str(found["id"])
