"""What a server tells of a run while it runs: steps, previews, and the price. Never more than that.

Whether a run has ended, and how, only polling says: sockets go silent. Without `websocket`, or where no
socket can be had, nothing is told, and nothing else changes.
"""

from __future__ import annotations

import contextlib
import json
import re
import socket
import ssl
import struct
import threading
import time
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any
from urllib.parse import urlencode, urlsplit

from ...errors import GptImageError
from ...http.proxy import check_route, find_bundle
from ...http.sockets import open_connection
from ...text.json_reader import read_json
from ...text.log import get_logger
from ..base import Reporter
from .server import Server

log = get_logger(__name__)

THREAD_NAME = "gpt-image-comfyui-events"
CONNECT_SECONDS = 5.0
OPEN_SECONDS = 1.0  # that a run waits for its socket; later frames are told all the same
IDLE_SECONDS = 1.0  # between looks whether anybody still listens
PREVIEW_SECONDS = 0.5  # between two previews that are shown
FRAME_BYTES = 16 * 10**6  # of one message; a larger one ends the socket
PREVIEW, TEXT, PREVIEW_WITH_FACTS = 1, 3, 4
"""Kinds of binary messages."""
HELLO = json.dumps({"type": "feature_flags", "data": {"supports_preview_metadata": True}})
PRICE = re.compile(r"Price:\s*(\d{1,6}(?:\.\d{1,6})?)\s*credits", re.IGNORECASE)
MAX_NODES = 64  # of one run whose price is told


def find_library() -> ModuleType | None:
    """The module that speaks the protocol; None where it is not installed."""
    try:
        import websocket
    except ImportError:
        return None
    found: ModuleType = websocket
    return found


class Events:
    """A socket of one request, listened to on a thread of its own while the block runs."""

    def __init__(self, server: Server, client: str, report: Reporter) -> None:
        """
        :param client: id of the client that queues; what it queues is told to it alone.
        """
        self.client = client
        self._server = server
        self._report = report
        self._ended = threading.Event()
        self._opened = threading.Event()
        self._tried = threading.Event()
        self._told = threading.Condition()
        self._prices: dict[str, dict[str, float]] = {}
        self._run = ""
        self._connected: socket.socket | None = None
        self._previewed = 0.0
        self._step = (0, 0)

    def __enter__(self) -> Events:
        library = find_library()
        if library is not None:
            threading.Thread(target=self._listen, args=(library,), name=THREAD_NAME, daemon=True).start()
            self._tried.wait(OPEN_SECONDS)
        return self

    def __exit__(self, *details: object) -> None:
        self._ended.set()
        if self._connected is not None:
            with contextlib.suppress(OSError):
                self._connected.shutdown(socket.SHUT_RDWR)

    def begin(self, run: str) -> None:
        """What comes from now on is of this run."""
        with self._told:
            self._run, self._step = run, (0, 0)

    def find_price(self, run: str, seconds: float) -> float | None:
        """The credits that a run took; None where nobody said so.

        :param seconds: to wait for the word, where a socket is open.
        """
        with self._told:
            if self._opened.is_set() and not self._ended.is_set():
                self._told.wait_for(lambda: run in self._prices, seconds)
            prices = self._prices.get(run)
        return sum(prices.values()) if prices else None

    def _listen(self, library: ModuleType) -> None:
        try:
            self._connected = _open(self._server)
            with contextlib.closing(_greet(library, self._server, self._connected, self.client)) as found:
                self._opened.set()
                self._tried.set()
                while not self._ended.is_set():
                    with contextlib.suppress(library.WebSocketTimeoutException):
                        self._take(library, found)
        except (OSError, ValueError, struct.error, GptImageError, library.WebSocketException) as error:
            log.info("No socket tells of ComfyUI's runs: %s", error)
        finally:
            self._ended.set()
            self._tried.set()
            if self._connected is not None:
                self._connected.close()

    def _take(self, library: ModuleType, found: Any) -> None:
        """One message.

        :raises ValueError: it is none that the protocol has.
        """
        kind, frame = found.recv_data_frame()
        if kind == library.ABNF.OPCODE_CLOSE:
            raise library.WebSocketConnectionClosedException("closed")
        if not frame.fin:
            raise ValueError("a message in parts")
        if kind == library.ABNF.OPCODE_BINARY:
            self._read_binary(frame.data)
        elif kind == library.ABNF.OPCODE_TEXT:
            self._read_event(read_json(frame.data))

    def _read_event(self, found: Any) -> None:
        kind, data = (found.get("type"), found.get("data")) if isinstance(found, dict) else ("", None)
        if not isinstance(data, dict) or data.get("prompt_id", self._run) != self._run:
            return
        steps = data if kind == "progress" else _find_running(data) if kind == "progress_state" else {}
        step = _read_count(steps.get("value")), _read_count(steps.get("max"))
        if 0 < step[0] <= step[1] > 1 and step != self._step:
            self._step = step
            self._report.on_step(*step)

    def _read_binary(self, data: bytes) -> None:
        kind = int.from_bytes(data[:4])
        if kind == PREVIEW:
            self._show(data[8:])
        elif kind == PREVIEW_WITH_FACTS:
            size = int.from_bytes(data[4:8])
            facts = read_json(data[8 : 8 + size])
            if isinstance(facts, dict) and facts.get("prompt_id", self._run) == self._run:
                self._show(data[8 + size :])
        elif kind == TEXT:
            size = int.from_bytes(data[4:8])
            self._read_text(data[8 : 8 + size].decode("utf-8", "replace"), data[8 + size :])

    def _read_text(self, node: str, text: bytes) -> None:
        price = PRICE.search(text.decode("utf-8", "replace"))
        if price is None:
            return
        with self._told:
            prices = self._prices.setdefault(self._run, {})
            if node in prices or len(prices) < MAX_NODES:
                prices[node] = float(price[1])
            self._told.notify_all()

    def _show(self, image: bytes) -> None:
        now = time.monotonic()
        if now - self._previewed >= PREVIEW_SECONDS:
            self._previewed = now
            self._report.on_preview(image)


def _read_count(found: object) -> int:
    """A number of steps; 0 for what is none."""
    is_count = isinstance(found, int | float) and not isinstance(found, bool) and 0 < found < 10**6
    return int(found) if is_count else 0  # type: ignore[call-overload]


def _find_running(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """The node that runs, of a message that has all of them."""
    nodes = data.get("nodes")
    rows: Iterator[Any] = iter(nodes.values() if isinstance(nodes, dict) else ())
    return next((row for row in rows if isinstance(row, dict) and row.get("state") == "running"), {})


def _open(server: Server) -> socket.socket:
    """A connection to a server.

    :raises OSError: there is none to be had.
    """
    parts = urlsplit(server.url)
    if check_route(server.url, server.proxy).url:
        raise OSError("a proxy stands between")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    connected = open_connection(parts.hostname or "", port, CONNECT_SECONDS, (), lambda: None)
    if parts.scheme != "https":
        return connected
    try:
        return ssl.create_default_context(cafile=find_bundle()).wrap_socket(
            connected, server_hostname=parts.hostname
        )
    except BaseException:
        connected.close()
        raise


def _greet(library: ModuleType, server: Server, connected: socket.socket, client: str) -> Any:
    """A socket on a connection, which refuses frames that are too large."""
    found = library.WebSocket(fire_cont_frame=True, skip_utf8_validation=True)
    _bound(found.frame_buffer)
    url = f"{server.url.replace('http', 'ws', 1)}/ws?{urlencode({'clientId': client})}"
    headers = [f"{name}: {value}" for name, value in server.headers.items()]
    found.connect(url, socket=connected, header=headers, suppress_origin=True, redirect_limit=0)
    found.settimeout(IDLE_SECONDS)
    found.send(HELLO)
    return found


def _bound(frames: Any) -> None:
    """Let a frame buffer refuse what is too large before it is read."""
    read = frames.recv_strict

    def recv_strict(size: int) -> bytes:
        if size > FRAME_BYTES:
            raise ValueError("a message that is too large")
        found: bytes = read(size)
        return found

    frames.recv_strict = recv_strict
