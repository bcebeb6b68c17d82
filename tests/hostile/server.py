"""A server on loopback that sends exactly what a test says, byte by byte, to whoever asks.

An answer is a list of pieces: bytes that are sent, seconds that are waited, and iterators of both, which may
be endless. The connection is closed at its end.
"""

from __future__ import annotations

import contextlib
import gzip
import socket
import threading
from collections.abc import Iterable, Iterator
from typing import Any

Piece = bytes | float | Iterable[Any]
PIECE = 64 * 1024


class HostileServer:
    """Answers each request with the pieces of `answers`, in turn, the last one for ever."""

    def __init__(self) -> None:
        self.answers: list[list[Piece]] = [[]]
        self.pages: dict[str, list[Piece]] = {}
        """Answers to requests of these paths, in place of `answers`."""
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        """Path, headers in lower case, and body of each request."""
        self.sent = 0
        """Bytes of all answers."""
        self._closing = threading.Event()
        self._listener = socket.socket()
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(16)
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    @property
    def base_url(self) -> str:
        return f"{self.origin}/v1"

    def answer(self, *pieces: Piece) -> None:
        """Answer like this from now on."""
        self.answers = [list(pieces)]

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                thread = threading.Thread(target=self._serve, args=(client,), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _serve(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            client.settimeout(30)
            path = self._read_request(client)
            pieces = self.pages.get(path)
            if pieces is None:
                pieces = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            self._send(client, pieces)
            client.shutdown(socket.SHUT_WR)
            client.settimeout(2)
            while client.recv(PIECE):  # closed with something unread, it would be reset
                pass

    def _read_request(self, client: socket.socket) -> str:
        received = b""
        while b"\r\n\r\n" not in received:
            received += self._more(client)
        head, _, body = received.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        while len(body) < int(headers.get("content-length", 0)):
            body += self._more(client)
        path = first.split()[1]
        self.requests.append((path, headers, body))
        return path

    @staticmethod
    def _more(client: socket.socket) -> bytes:
        data = client.recv(PIECE)
        if not data:
            raise ConnectionError("the client left")
        return data

    def _send(self, client: socket.socket, pieces: Iterable[Piece]) -> None:
        for piece in pieces:
            if self._closing.is_set():
                return
            if isinstance(piece, bytes):
                client.sendall(piece)
                self.sent += len(piece)
            elif isinstance(piece, float):
                self._closing.wait(piece)
            else:
                self._send(client, piece)

    def close(self) -> None:
        self._closing.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(5)

    def __enter__(self) -> HostileServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def http(
    body: bytes = b"",
    status: str = "200 OK",
    *headers: str,
    length: bool = True,
    kind: str = "application/json",
) -> bytes:
    """An answer with its head."""
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", *headers]
    if length:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def events(*data: bytes, name: str = "image_generation.completed") -> bytes:
    """A stream of events of one name, without a head."""
    return b"".join(b"event: %b\ndata: %b\n\n" % (name.encode(), one) for one in data)


def chunked(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The pieces as HTTP frames them where nobody knows how many there are."""
    for piece in pieces:
        yield b"%x\r\n%b\r\n" % (len(piece), piece)
    yield b"0\r\n\r\n"


def endless(piece: bytes, seconds: float = 0.0) -> Iterator[Piece]:
    """The same again and again, with a wait between."""
    while True:
        yield piece
        if seconds:
            yield seconds


def zipped(data: bytes, layers: int = 1) -> bytes:
    """Compressed, and compressed again."""
    for _ in range(layers):
        data = gzip.compress(data, 6)
    return data
