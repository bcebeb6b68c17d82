"""OpenAI's Files and Batch API, as far as pictures need it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from ..connection import Connection
from ..errors import NAME_LIMIT, InvalidResponseError
from ..exchange import Exchange
from ..http import Files, Reply, Sink, send
from ..lifting import PictureLifter
from ..redaction import show
from ..request import GenerationRequest
from ..retries import with_retries
from .base import Answer, Uploads
from .openai import EDITS, GENERATIONS, json_pictures
from .openai_answers import read_usage
from .openai_errors import error_from
from .openai_fields import parameters

MAX_LINES = 50_000  # of one input file
MAX_BYTES = 200_000_000  # of one input file
MAX_OUTPUT_BYTES = 10**12  # fifty thousand of the largest pictures
COMPLETION_WINDOW = "24h"
PAGE = 100  # batches listed at once
MAX_PAGES = 50
OPEN_STATES = frozenset({"validating", "in_progress", "finalizing", "cancelling"})


def endpoint(request: GenerationRequest) -> str:
    """Where a line's request goes; all lines of a batch go to the same."""
    return f"/v1{EDITS if request.is_edit else GENERATIONS}"


def line(custom_id: str, request: GenerationRequest, prompt: str, uploads: Uploads) -> bytes:
    """One line of an input file.

    :param prompt: the words to send.
    """
    body = parameters(request, prompt)
    if uploads.references:
        body |= json_pictures(uploads)
    found = {"custom_id": custom_id, "method": "POST", "url": endpoint(request), "body": body}
    return json.dumps(found, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


@dataclass(frozen=True)
class Line:
    """One line of a result file."""

    custom_id: str
    status: int
    """HTTP status of the row; 0 where it was never begun."""
    request_id: str | None
    body: Mapping[str, Any]
    """The answer without its pictures, or the error."""
    pictures: tuple[bytes | None, ...]

    def answer(self) -> Answer:
        """The row's pictures.

        :raises APIError: it was refused, or holds none.
        """
        if self.status != 200:
            # A row of a batch that is refused, or that expired, is not billed.
            text = json.dumps({"error": self.body.get("error", self.body)}).encode()
            error = error_from(Reply(self.status or 400, {"x-request-id": self.request_id or ""}, text), "")
            assert error is not None
            error.billed = "no"
            raise error
        good = tuple(picture for picture in self.pictures if picture is not None)
        if not good:
            raise InvalidResponseError(
                "The batch's answer to this row holds no picture.", request_id=self.request_id, billed="yes"
            )
        broken = len(self.pictures) - len(good)
        warnings = (f"{broken} pictures were broken in the batch's answer.",) if broken else ()
        usage = read_usage(self.body.get("usage"))
        return Answer(good, usage=usage, request_id=self.request_id, warnings=warnings)


class LineReader:
    """Takes a result file as it comes and hands on its lines; holds no more than one."""

    def __init__(self, on_line: Callable[[Line], None]) -> None:
        self._on_line = on_line
        self._lifter = PictureLifter()

    def feed(self, chunk: bytes) -> bool:
        """See `http.Sink`."""
        *ended, rest = chunk.split(b"\n")
        for piece in ended:
            self._lifter.feed(piece)
            self.close()
        self._lifter.feed(rest)
        return False

    def close(self) -> None:
        """A line, or the file, has ended."""
        text, pictures = self._lifter.close(), tuple(self._lifter.pictures)
        self._lifter.pictures = []
        if not text.strip():
            return
        try:
            found = json.loads(text)
            reply = found.get("response") or {}
            body = reply.get("body") or {"error": found.get("error") or {}}
            self._on_line(
                Line(
                    found["custom_id"],
                    int(reply.get("status_code") or 0),
                    show(reply.get("request_id") or "", NAME_LIMIT) or None,
                    body,
                    pictures,
                )
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InvalidResponseError("A line of the batch's result can't be read.") from error


@dataclass(frozen=True)
class BatchClient:
    """Calls of one server. Every method raises an APIError where the server refuses or can't be reached."""

    connection: Connection

    def upload(self, name: str, data: bytes) -> str:
        """Store an input file; returns its id."""
        files: Files = [("file", (name, data, "application/jsonl"))]
        return str(self._call("POST", "/files", fields={"purpose": "batch"}, files=files)["id"])

    def start(self, input_file: str, where: str) -> Mapping[str, Any]:
        """Begin a batch; not tried again after a broken connection, since it may have begun."""
        asked = {"input_file_id": input_file, "endpoint": where, "completion_window": COMPLETION_WINDOW}
        return self._call("POST", "/batches", json=asked)

    def look(self, remote: str) -> Mapping[str, Any]:
        """How a batch stands."""
        return self._call("GET", f"/batches/{quote(remote)}")

    def find(self, input_file: str) -> Mapping[str, Any] | None:
        """The batch of an input file, where it was begun."""
        query = f"?limit={PAGE}"
        for _ in range(MAX_PAGES):
            page = self._call("GET", f"/batches{query}")
            for batch in page["data"]:
                if batch["input_file_id"] == input_file:
                    return dict(batch)
            if not page.get("has_more"):
                return None
            query = f"?limit={PAGE}&after={quote(page['last_id'])}"
        return None

    def read(self, file: str, on_line: Callable[[Line], None]) -> None:
        """Hand on the lines of a result file while it comes."""
        reader = LineReader(on_line)

        def sink(head: Reply) -> Sink | None:
            return reader if head.status < 300 else None

        path = f"/files/{quote(file)}/content"
        reply = send(self.connection, "GET", path, Exchange(), sink=sink, limit=MAX_OUTPUT_BYTES)
        error = error_from(reply, "")
        if error is not None:
            raise error
        reader.close()

    def _call(self, method: str, path: str, **content: Any) -> Mapping[str, Any]:
        exchange = Exchange()
        reply = with_retries(
            lambda: send(self.connection, method, path, exchange, **content),
            lambda found: error_from(found, ""),
            exchange,
        )
        try:
            found = json.loads(reply.body)
            if isinstance(found, dict):
                return found
        except ValueError:
            pass
        raise InvalidResponseError("The server's answer can't be read.", request_id=reply.request_id)
