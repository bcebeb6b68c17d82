"""Server-sent events, read as they come and cut anywhere (https://html.spec.whatwg.org/#server-sent-events)."""

from __future__ import annotations

from collections.abc import Callable

MAX_LINE = 64 * 1024  # bytes of a line that is no data; what follows in it is ignored

_DATA, _EVENT = b"data:", b"event:"


class EventParser:
    """Finds events in a stream of bytes. Data are handed on in pieces, so that none is held here."""

    def __init__(self, on_data: Callable[[bytes], None], on_event: Callable[[str], None]) -> None:
        """
        :param on_data: takes the next piece of the current event's data.
        :param on_event: the event is complete; takes its name, empty where it has none.
        """
        self._on_data = on_data
        self._on_event = on_event
        self._line = bytearray()
        self._in_data = False
        self._has_data = False
        self._name = ""
        self._after_return = False

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes of the stream."""
        if not chunk:
            return
        if self._after_return and chunk.startswith(b"\n"):
            chunk = chunk[1:]
        self._after_return = chunk.endswith(b"\r")
        if b"\r" in chunk:
            chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *lines, rest = chunk.split(b"\n")
        for line in lines:
            self._add(line)
            self._end_line()
        self._add(rest)

    def close(self) -> None:
        """The stream has ended; an event whose blank line is missing counts all the same."""
        self._end_event()

    def _add(self, piece: bytes) -> None:
        if self._in_data:
            self._on_data(piece)
            return
        self._line += piece
        if self._line.startswith(_DATA):
            self._in_data = self._has_data = True
            self._on_data(bytes(self._line[len(_DATA) :]))
            self._line.clear()
        del self._line[MAX_LINE:]

    def _end_line(self) -> None:
        if self._in_data:
            self._on_data(b"\n")
            self._in_data = False
        elif not self._line:
            self._end_event()
        elif self._line.startswith(_EVENT):
            self._name = self._line[len(_EVENT) :].decode("utf-8", "replace").strip()
        self._line.clear()

    def _end_event(self) -> None:
        if self._has_data:
            self._on_event(self._name)
        self._has_data, self._name = False, ""
