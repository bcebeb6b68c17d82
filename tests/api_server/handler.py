"""One HTTP connection: reads a request, walks it through the stages, writes the answer, keeps the record."""

from __future__ import annotations

import contextlib
import email.message
import time
import traceback
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

from . import answers, routes, wire
from .answers import Answer
from .errors import ApiError
from .exchange import RequestState
from .faults import Step
from .records import Record

if TYPE_CHECKING:
    from .server import ApiServer, _Listener

STALL_LIMIT = 600.0  # seconds after which a forgotten stall goes on


class Handler(BaseHTTPRequestHandler):
    """Serves one connection in its own thread."""

    protocol_version = "HTTP/1.1"
    server_version = "api-server"
    sys_version = ""
    disable_nagle_algorithm = True
    timeout = 60  # seconds a socket operation may take
    headers: email.message.Message

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self._serve()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the records tell."""

    @property
    def owner(self) -> ApiServer:
        return cast("_Listener", self.server).owner

    def _serve(self) -> None:
        split = urlsplit(self.path)
        port = self.client_address[1]
        self.record = self.owner.books.open(self.command, split.path, split.query, dict(self.headers), port)
        self.step = self.owner.take_step(split.path) or Step()
        if self.step != Step():
            self.record.step = self.step.name()
        try:
            self._stage("headers")
            answer = self._work(split.path, split.query)
            self._stage("processing")
            self._note(state="answering")
            self._send(answer)
        except (wire.ClientLeftError, OSError):
            if not self.owner.is_closing():
                self._note(client_left_at=time.time())
            self.close_connection = True
        except wire.ConnectionDroppedError:
            self.close_connection = True
        finally:
            self.owner.books.close(self.record)

    def _note(self, **changes: object) -> None:
        self.owner.books.note(self.record, **changes)

    def _work(self, path: str, query: str) -> Answer:
        """Read and handle the request; every refusal becomes an answer."""
        try:
            body = self._read_body()
            self.record.body_bytes = len(body)
            self._note(state="processing")
            exchange = RequestState(
                self.owner, self.command, path, query, self.headers, body, self.record, self.step
            )
            answer = routes.handle(exchange)
        except ApiError as error:
            answer = answers.refusal(error)
            self.record.error_code = error.error["code"]
        except (wire.ClientLeftError, wire.ConnectionDroppedError):
            raise
        except Exception:
            self.owner.crashes.append(traceback.format_exc())
            answer = answers.refusal(ApiError(500, "The test server itself failed.", type="server_error"))
        if self.step.billed is not None:
            self.record.billed = self.step.billed
        return answer

    def _read_body(self) -> bytes:
        limit = self.owner.options.limits.body
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            self._stage("body")
            return wire.read_chunked(self.rfile, limit)
        try:
            length = int(self.headers.get("Content-Length", "0"))
        except ValueError:
            length = -1
        if length < 0:
            self.close_connection = True
            raise ApiError(400, "Bad Content-Length header.")
        if length > limit:
            self.close_connection = True
            raise wire.too_large(limit)
        first = wire.read_exactly(self.rfile, length // 2)
        self._stage("body")
        return first + wire.read_exactly(self.rfile, length - length // 2)

    def _stage(self, stage: str) -> None:
        """Do what the step asks for here: wait, hold, or reset."""
        step, owner = self.step, self.owner
        wait = step.delay if step.delay_at == stage else 0.0
        if stage == "processing" and self.record.billed:
            wait += owner.options.latency
        if wait:
            self._hold(lambda: False, wait)
        if step.stall == stage:
            self._note(stalled_at=stage)
            try:
                self._hold(owner.is_released, STALL_LIMIT)
            finally:
                self._note(stalled_at=None)
        if step.reset == stage:
            wire.reset(self.connection)

    def _hold(self, until: Callable[[], bool], seconds: float) -> None:
        wire.hold(self.connection, lambda: until() or self.owner.is_closing(), seconds)
        if self.owner.is_closing():
            raise wire.ConnectionDroppedError

    def _send(self, answer: Answer) -> None:
        self.record.status = answer.status
        self.send_response(answer.status)
        for name, value in self._answer_headers(answer).items():
            self.send_header(name, value)
        self.end_headers()
        self._stage("answer_headers")
        pieces = answer.chunks
        if pieces is None:
            half = len(answer.body) // 2
            pieces = [answer.body[:half], answer.body[half:]]
        for index, piece in enumerate(pieces):
            if index == (len(pieces) + 1) // 2:
                self._stage("answer")
            if answer.chunks is not None:
                piece = b"%x\r\n%b\r\n" % (len(piece), piece)
            self.wfile.write(piece)
        if answer.chunks is not None and not answer.cut:
            self.wfile.write(b"0\r\n\r\n")
        if answer.cut or answer.content_length is not None:
            self.close_connection = True
        self._note(answered_at=time.time())

    def _answer_headers(self, answer: Answer) -> dict[str, str]:
        record: Record = self.record
        headers = {
            "Content-Type": answer.content_type,
            "x-request-id": record.request_id,
            "openai-processing-ms": str(round((time.time() - record.received_at) * 1000)),
            "openai-version": "2020-10-01",
            **self.owner.limiter.headers(self.owner.options),
        }
        if answer.chunks is not None:
            headers["Transfer-Encoding"] = "chunked"
        else:
            length = len(answer.body) if answer.content_length is None else answer.content_length
            headers["Content-Length"] = str(length)
        if self.close_connection:
            headers["Connection"] = "close"
        headers.update(answer.headers)
        return headers

    def finish(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            super().finish()
