"""Answers that are read within an `Allowance`, whatever the libraries above read of them.

It is so much time as a whole, and so many bytes on the wire. The time without a byte, which sockets know,
ends no answer that trickles; and what libraries read between the pieces of an answer, such as its head, is
counted by nobody else.
"""

from __future__ import annotations

import io
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.client import CONTINUE, HTTPResponse, IncompleteRead
from typing import Any

ANSWER_SECONDS = 1800.0
HEAD_BYTES = 1_000_000  # of everything before the body: status, headers, and answers that only say "go on"
_SWITCHING = 101


class AnswerTooLargeError(Exception):
    """The answer goes on beyond its limit."""


@dataclass
class Allowance:
    """What one answer may still take."""

    seconds: float
    """From now on, for the request and the whole answer."""
    body_bytes: int
    """Of the body as it is read; with what frames its pieces it may take twice as many on the wire."""
    _wire_bytes: int = HEAD_BYTES
    _end: float = field(init=False)

    def __post_init__(self) -> None:
        self._end = time.monotonic() + self.seconds

    def begin_body(self) -> None:
        """The head is complete."""
        self._wire_bytes = 2 * self.body_bytes + HEAD_BYTES

    def again(self) -> Allowance:
        """The same for the next answer to the same question, in what is left of the time."""
        return Allowance(self._end - time.monotonic(), self.body_bytes)

    def left(self) -> float:
        """Seconds that are left.

        :raises TimeoutError: none are.
        """
        seconds = self._end - time.monotonic()
        if seconds <= 0:
            raise TimeoutError("timed out")
        return seconds

    def take(self, count: int) -> None:
        """So many bytes came.

        :raises AnswerTooLargeError: more than there may be.
        """
        self._wire_bytes -= count
        if self._wire_bytes < 0:
            raise AnswerTooLargeError


class _Metered(io.RawIOBase):
    """What a socket gives, within an allowance."""

    def __init__(self, raw: io.RawIOBase, connected: socket.socket, allowance: Allowance) -> None:
        self._raw = raw
        self._socket = connected
        self._allowance = allowance
        self._silence = connected.gettimeout()

    def readable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._raw.fileno()

    def readinto(self, buffer: Any) -> int | None:
        left = self._allowance.left()
        if self._silence is None or left < self._silence:
            self._socket.settimeout(left)
        count = self._raw.readinto(buffer)
        self._allowance.take(count or 0)
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class BoundedResponse(HTTPResponse):
    """An answer that stays within an allowance, and whose odd head costs nobody the body."""

    def __init__(self, connected: socket.socket, allowance: Allowance, **options: Any) -> None:
        super().__init__(connected, **options)
        self._allowance = allowance
        raw: Any = self.fp.detach()
        self.fp = io.BufferedReader(_Metered(raw, connected, allowance))

    def begin(self) -> None:
        """See `http.client.HTTPResponse`."""
        super().begin()
        self._allowance.begin_body()
        lengths = set(self.headers.get_all("Content-Length") or ())
        if len(lengths) > 1 or not all(length.strip().isdecimal() for length in lengths):
            del self.headers["Content-Length"]
            self.length = None if not self._has_no_body() else 0
            self.will_close = True

    def read_pieces(self, size: int) -> Iterator[bytes]:
        """The body as it comes: what is there is not held back until there is more, and so not lost either.

        :param size: bytes of a piece at most.
        :raises IncompleteRead: it is shorter than its head says.
        """
        while piece := self.read1(size):
            yield piece
        if self.length:
            raise IncompleteRead(b"", self.length)
        if not self.isclosed():
            self.read()  # nothing, and `http.client` notices that this is the end

    def _has_no_body(self) -> bool:
        return self.status in (204, 304) or self._method == "HEAD"  # type: ignore[attr-defined]

    def _read_status(self) -> tuple[str, int, str]:
        """The status, where all that only says "wait" counts as 100, which is skipped."""
        version, status, reason = super()._read_status()  # type: ignore[misc]
        waits = CONTINUE < status < 200 and status != _SWITCHING
        return version, CONTINUE if waits else status, reason
