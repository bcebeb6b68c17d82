"""MCP over standard input and output: one message a line. Knows no Blender.

The wire is taken first: whatever Blender and others print goes to standard error from then on.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable, Iterator

from ..core.common.streams import broken_pipes_as_errors
from .protocol import LONGEST_MESSAGE, JsonObject, RequestId, write_message
from .server import Server

STDIN = 0
PIECE = 65536  # bytes that are read at once
POLL_SECONDS = 0.05  # between looks at what came while something is under way
IDLE_SECONDS = 0.25  # the same while nothing is
TOO_LONG = b"{"
"""Stands for a line that is longer: it is answered like any other that is no JSON."""


class Lines:
    """The lines of a file descriptor, read by a thread."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self.has_ended = False
        """All lines were taken, and no more will come."""
        threading.Thread(target=self._read, name="gpt-image-stdin", daemon=True).start()

    def take(self, seconds: float) -> Iterator[bytes]:
        """The lines that have come.

        :param seconds: how long to wait for the first.
        """
        while not self.has_ended:
            try:
                line = self._lines.get(timeout=seconds) if seconds > 0 else self._lines.get_nowait()
            except queue.Empty:
                return
            if line is None:
                self.has_ended = True
                return
            seconds = 0.0
            yield line

    def _read(self) -> None:
        line, is_too_long = bytearray(), False
        while piece := self._next_piece():
            *ended, rest = piece.split(b"\n")
            for part in ended:
                line += part
                self._put(TOO_LONG if is_too_long else bytes(line))
                line, is_too_long = bytearray(), False
            line += rest
            if len(line) > LONGEST_MESSAGE:
                line, is_too_long = bytearray(), True
        self._put(TOO_LONG if is_too_long else bytes(line))
        self._lines.put(None)

    def _next_piece(self) -> bytes:
        try:
            return os.read(self._descriptor, PIECE)
        except OSError:  # closed
            return b""

    def _put(self, line: bytes) -> None:
        if line.strip():
            self._lines.put(TOO_LONG if len(line) > LONGEST_MESSAGE else line)


class Wire:
    """Where messages go."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor, self._lock = descriptor, threading.Lock()
        self.is_broken = False
        """The client reads no more."""

    def send(self, message: JsonObject, about: RequestId | None = None) -> None:
        """Write one line. For any thread.

        :param about: which request it belongs to; here all go the same way.
        """
        if self.is_broken:
            return
        left = memoryview(write_message(message) + b"\n")
        try:
            with broken_pipes_as_errors(), self._lock:
                while left:
                    left = left[os.write(self._descriptor, left) :]
        except OSError:
            self.is_broken = True


def serve(
    server: Server, lines: Lines, wire: Wire, work: Callable[[float], bool], is_over: Callable[[], bool]
) -> None:
    """Answer what comes until the input ends, and all of it.

    :param work: lets jobs get on, for at most so many seconds; returns whether there are any.
    :param is_over: whether the process is to end before its input does.
    """
    while not (is_over() or wire.is_broken):
        is_working = work(POLL_SECONDS)
        pause = 0.0 if is_working else POLL_SECONDS if server.is_busy else IDLE_SECONDS
        for line in lines.take(pause):
            server.receive(line)
        server.step()
        if lines.has_ended and not server.is_busy:
            return
    server.close()
