"""The socket of one connection: notices that the client left, resets, and reads bodies within limits."""

from __future__ import annotations

import io
import os
import select
import socket
import struct
import time
from collections.abc import Callable

from .errors import ApiError

TICK = 0.02  # seconds between looks at a condition while a request is held


class ClientLeftError(Exception):
    """The client closed its end or does not take what is sent."""


class ConnectionDroppedError(Exception):
    """The server itself has cut the connection, as a step asked."""


def client_left(connection: socket.socket) -> bool:
    """Whether the other end is closed; unread bytes hide that where the system has no POLLRDHUP."""
    try:
        if hasattr(select, "POLLRDHUP"):
            poll = select.poll()
            poll.register(connection, select.POLLRDHUP)
            return bool(poll.poll(0))
        readable, _, _ = select.select([connection], [], [], 0)
        return bool(readable) and connection.recv(1, socket.MSG_PEEK) == b""
    except (OSError, ValueError):
        return True


def hold(connection: socket.socket, until: Callable[[], bool], seconds: float) -> None:
    """Wait for a condition, at most so many seconds. Raises ClientLeftError once the client goes away."""
    deadline = time.monotonic() + seconds
    while not until() and (left := deadline - time.monotonic()) > 0:
        if client_left(connection):
            raise ClientLeftError
        time.sleep(min(TICK, left))


def reset(connection: socket.socket) -> None:
    """Close with RST, at once, whatever is still in the buffers. Raises ConnectionDroppedError."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    os.close(connection.detach())
    raise ConnectionDroppedError


def read_exactly(stream: io.BufferedIOBase, length: int) -> bytes:
    try:
        data = stream.read(length)
    except OSError as error:
        raise ClientLeftError from error
    if len(data) < length:
        raise ClientLeftError
    return data


def read_chunked(stream: io.BufferedIOBase, limit: int) -> bytes:
    """A body with `Transfer-Encoding: chunked`."""
    body = bytearray()
    while True:
        try:
            size = int(stream.readline(64).split(b";")[0], 16)
        except (OSError, ValueError) as error:
            raise ClientLeftError from error
        if len(body) + size > limit:
            raise too_large(limit)
        body += read_exactly(stream, size)
        read_exactly(stream, 2)
        if size == 0:
            return bytes(body)


def too_large(limit: int) -> ApiError:
    return ApiError(413, f"Maximum request size limit of {limit} bytes exceeded.", code="request_too_large")
