"""From standard input and output to a window, for clients that start a process. Knows no Blender."""

from __future__ import annotations

import contextlib
import http.client
import socket
import threading
from collections.abc import Callable, Iterator

from ...core.common import streams
from ...core.common.paths import state_folder
from ...core.text.json_reader import parse_json
from .. import protocol
from ..protocol import JsonObject, Notification, ProtocolError, Request, RequestId
from ..stdio import IDLE_SECONDS, STDIN, Lines, Wire
from .address import Address, find_window
from .http import (
    EVENTS,
    HOST,
    JSON,
    METHOD_HEADER,
    NAME_HEADER,
    PATH,
    PING_SECONDS,
    SESSION_HEADER,
    VERSION_HEADER,
)

SILENT_SECONDS = 6 * PING_SECONDS  # after which a window is taken for dead
LONGEST_EVENT = 8_000_000  # bytes
DATA = b"data:"
OVER = "The window lets agents in no longer, or is closed."


def serve_window(name: str, is_over: Callable[[], bool], say: Callable[[str], None]) -> int:
    """Pass standard input on to a window until it ends; returns how many calls were answered.

    :param name: which window, see `address.find_window`.
    :param is_over: whether the process is to end before its input does.
    :param say: tells people something.
    :raises ConfigurationError: there is no such window, or there are several.
    """
    address = find_window(state_folder(), name)
    bridge = Bridge(address, Wire(streams.take_output()))
    say(f"Calls are passed on to the window with {address.label}.")
    bridge.run(Lines(STDIN), is_over)
    return bridge.answered


class Bridge:
    """One client of a window."""

    def __init__(self, address: Address, wire: Wire) -> None:
        self._address, self._wire = address, wire
        self._session = ""
        self._version = ""
        self._open: dict[RequestId, socket.socket] = {}
        """Connections on which an answer is to come."""
        self._given_up: set[RequestId] = set()
        self._threads: list[threading.Thread] = []
        self.answered = 0
        """Calls that were answered."""

    def run(self, lines: Lines, is_over: Callable[[], bool]) -> None:
        """Pass on what comes until it ends, and what comes back.

        :param is_over: whether the process is to end before its input does.
        """
        while not (lines.has_ended or self._wire.is_broken or is_over()):
            for line in lines.take(IDLE_SECONDS):
                self._pass_on(line)
        while any(thread.is_alive() for thread in self._threads):
            if self._wire.is_broken or is_over():
                for identity in list(self._open):
                    self._hang_up(identity)
            for thread in self._threads:
                thread.join(IDLE_SECONDS)
        self._say_goodbye()

    def _pass_on(self, line: bytes) -> None:
        try:
            found = protocol.read_message(line)
        except ProtocolError as error:
            self._wire.send(protocol.refusal(None, error))
            return
        if isinstance(found, Request):
            self._threads = [thread for thread in self._threads if thread.is_alive()]
            thread = threading.Thread(target=self._ask, args=(found, line), daemon=True)
            self._threads.append(thread)
            thread.start()
            if found.method == "initialize":  # what follows belongs to the session that it begins
                thread.join()
            return
        if (
            isinstance(found, Notification)
            and found.method == "notifications/cancelled"
            and not self._session
        ):
            self._hang_up(found.params.get("requestId"))
            return
        self._tell(line)

    def _ask(self, request: Request, line: bytes) -> None:
        connection = self._connect()
        try:
            connection.connect()
            self._open[request.id] = connection.sock
            for message in self._exchange(connection, request, line):
                self._wire.send(message)
                if protocol.is_final(message):
                    self.answered += request.method == "tools/call"
                    return
            raise ConnectionError
        except (OSError, http.client.HTTPException, ValueError):
            if request.id not in self._given_up:
                over = ProtocolError(protocol.NOT_AVAILABLE, OVER)
                self._wire.send(protocol.refusal(request.id, over))
        finally:
            self._open.pop(request.id, None)
            self._given_up.discard(request.id)
            connection.close()

    def _exchange(
        self, connection: http.client.HTTPConnection, request: Request, line: bytes
    ) -> Iterator[JsonObject]:
        connection.request("POST", PATH, line, self._headers(request))
        response = connection.getresponse()
        if request.method == "initialize":
            self._session = response.headers.get(SESSION_HEADER, "")
        if response.headers.get_content_type() == EVENTS:
            while data := response.readline(LONGEST_EVENT):
                if data.startswith(DATA):
                    yield _read(data[len(DATA) :])
            return
        message = _read(response.read(LONGEST_EVENT))
        if request.method == "initialize":
            self._version = str(message.get("result", {}).get("protocolVersion", ""))
        yield message

    def _tell(self, line: bytes) -> None:
        """Pass on what gets no answer."""
        connection = self._connect()
        try:
            connection.request("POST", PATH, line, self._headers(None))
            connection.getresponse().read()
        except (OSError, http.client.HTTPException):  # the next request hears of it
            pass
        finally:
            connection.close()

    def _say_goodbye(self) -> None:
        if not self._session:
            return
        connection = self._connect()
        try:
            connection.request("DELETE", PATH, None, self._headers(None))
            connection.getresponse().read()
        except (OSError, http.client.HTTPException):  # it is gone already
            pass
        finally:
            connection.close()

    def _hang_up(self, identity: object) -> None:
        """Wait for an answer no longer."""
        found = self._open.get(identity) if isinstance(identity, str | int) else None
        if found is not None and isinstance(identity, str | int):
            self._given_up.add(identity)
            with contextlib.suppress(OSError):
                found.shutdown(socket.SHUT_RDWR)

    def _connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(HOST, self._address.port, timeout=SILENT_SECONDS)

    def _headers(self, request: Request | None) -> dict[str, str]:
        headers = {
            "Authorization": f"Bearer {self._address.token}",
            "Content-Type": JSON,
            "Accept": f"{JSON}, {EVENTS}",
        }
        version = request.meta.get(f"{protocol.META}protocolVersion") if request is not None else None
        if request is not None and isinstance(version, str):
            headers |= {VERSION_HEADER: version, METHOD_HEADER: request.method}
            if request.method == "tools/call":
                headers[NAME_HEADER] = str(request.params.get("name", ""))
        elif self._session:
            headers[SESSION_HEADER] = self._session
            if self._version:
                headers[VERSION_HEADER] = self._version
        return headers


def _read(data: bytes) -> JsonObject:
    """
    :raises ValueError: it is no message.
    """
    message = parse_json(data.decode("utf-8"))
    if not isinstance(message, dict):
        raise ValueError
    message.pop("jsonrpc", None)
    return message
