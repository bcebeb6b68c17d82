"""The socket of the stand-in: the server's side of the WebSocket protocol, as far as ComfyUI uses it."""

from __future__ import annotations

import base64
import hashlib
import json
import struct
import threading
from collections.abc import Callable
from typing import Any, BinaryIO

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, BINARY, CLOSE = 1, 2, 8


def accept(key: str) -> str:
    """What answers a client's ``Sec-WebSocket-Key``."""
    return base64.b64encode(hashlib.sha1((key + GUID).encode()).digest()).decode()


def frame(data: bytes, kind: int, *, claimed: int | None = None, fin: bool = True) -> bytes:
    """A frame of a server.

    :param claimed: the length that its head says; the true one without.
    """
    size = len(data) if claimed is None else claimed
    head = struct.pack("!B", (0x80 if fin else 0) | kind)
    if size < 126:
        return head + struct.pack("!B", size) + data
    if size < 2**16:
        return head + struct.pack("!BH", 126, size) + data
    return head + struct.pack("!BQ", 127, size) + data


class ServerSocket:
    """One open socket."""

    def __init__(self, write: Callable[[bytes], Any], stream: BinaryIO) -> None:
        self._write, self._stream = write, stream
        self._lock = threading.Lock()
        self.heard: list[Any] = []
        """What the client has said."""

    def send(self, content: dict[str, Any] | bytes) -> None:
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_raw(frame(data, BINARY if isinstance(content, bytes) else TEXT))

    def send_raw(self, data: bytes) -> None:
        with self._lock:
            try:
                self._write(data)
            except OSError:  # the client has gone
                return

    def listen(self) -> None:
        """Until the client goes."""
        while True:
            head = self._stream.read(2)
            if len(head) < 2 or head[0] & 15 == CLOSE:
                return
            size = head[1] & 127
            if size >= 126:
                size = int.from_bytes(self._stream.read(2 if size == 126 else 8))
            mask = self._stream.read(4)
            data = bytes(byte ^ mask[n % 4] for n, byte in enumerate(self._stream.read(size)))
            if head[0] & 15 == TEXT:
                self.heard.append(json.loads(data))


def preview(image: bytes, facts: dict[str, Any] | None = None) -> bytes:
    """A preview, a JPEG; with facts where the client has asked for them."""
    if facts is None:
        return struct.pack("!II", 1, 1) + image
    text = json.dumps(facts).encode()
    return struct.pack("!II", 4, len(text)) + text + image


def words(node: str, text: str) -> bytes:
    """What a node says of itself."""
    return struct.pack("!II", 3, len(node)) + node.encode() + text.encode()
