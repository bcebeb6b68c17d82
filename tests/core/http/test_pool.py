"""Connections that are used more than once, and when they must not be."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from gpt_image_addon.core.errors import APIConnectionError, JobCancelled
from gpt_image_addon.core.http import pool as room
from gpt_image_addon.core.http.client import Reply, send
from gpt_image_addon.core.http.endpoint import Connection
from gpt_image_addon.core.http.pool import Sessions
from gpt_image_addon.core.http.request_state import RequestState
from tests.api_server import ApiServer, faults
from tests.core.loopback import listener
from tests.core.providers.test_openai_client import generate


class Waiter:
    """Serves connections one after the other by a script: for each, what becomes of its requests."""

    def __init__(self, *connections: tuple[str, ...]) -> None:
        self.requests: list[bytes] = []
        self.accepted = 0
        self.closed = threading.Event()
        """The first connection's end was sent."""
        self._listener = listener()
        self._connections = connections
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def connection(self) -> Connection:
        return Connection(f"http://127.0.0.1:{self._listener.getsockname()[1]}/v1", "key")

    def _serve(self) -> None:
        for script in self._connections:
            with contextlib.suppress(OSError):
                client, _ = self._listener.accept()
                self.accepted += 1
                with client:
                    for step in script:
                        self.requests.append(_whole_request(client))
                        if step == "answer":
                            client.sendall(
                                b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nSet-Cookie: taste=sweet\r\n\r\n{}"
                            )
                self.closed.set()

    def __enter__(self) -> Waiter:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)


def _whole_request(client: socket.socket) -> bytes:
    found = b""
    while not found.endswith(b"}"):
        piece = client.recv(65536)
        if not piece:
            raise OSError("the client went away")
        found += piece
    return found


@pytest.fixture
def sessions() -> Iterator[Sessions]:
    found = Sessions()
    yield found
    found.close()


def ask(connection: Connection, sessions: Sessions | None) -> Reply:
    request_state = RequestState()
    request_state.sessions = sessions
    return send(connection, "POST", "/x", request_state, json={"a": 1}, timeout=(5.0, 10.0))


def test_requests_follow_on_one_connection(sessions: Sessions) -> None:
    with Waiter(("answer", "answer", "answer")) as waiter:
        assert [ask(waiter.connection, sessions).body for _ in range(3)] == [b"{}"] * 3
    assert waiter.accepted == 1
    assert not any(b"Cookie" in request for request in waiter.requests)


def test_without_sessions_each_has_its_own() -> None:
    with Waiter(("answer",), ("answer",)) as waiter:
        assert [ask(waiter.connection, None).body for _ in range(2)] == [b"{}"] * 2


def test_a_connection_that_was_closed_meanwhile_is_not_used(sessions: Sessions) -> None:
    with Waiter(("answer",), ("answer",)) as waiter:
        ask(waiter.connection, sessions)
        assert waiter.closed.wait(5)
        assert ask(waiter.connection, sessions).status == 200
    assert len(waiter.requests) == 2


def test_a_connection_that_rested_long_is_not_used(
    sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = SimpleNamespace(now=100.0)
    monkeypatch.setattr(room, "time", SimpleNamespace(monotonic=lambda: clock.now))
    with Waiter(("answer", "answer", "answer"), ("answer",)) as waiter:
        ask(waiter.connection, sessions)
        clock.now += 0.5 * room.FRESH_SECONDS
        ask(waiter.connection, sessions)
        clock.now += 1.5 * room.FRESH_SECONDS
        ask(waiter.connection, sessions)
    assert (len(waiter.requests), waiter.accepted) == (3, 2)


def test_no_answer_on_a_used_connection_may_be_billed(sessions: Sessions) -> None:
    with Waiter(("answer", "silence"), ("answer",)) as waiter:
        ask(waiter.connection, sessions)
        with pytest.raises(APIConnectionError) as caught:
            ask(waiter.connection, sessions)
        assert (caught.value.billed, caught.value.retryable) == ("maybe", False)
        assert len(waiter.requests) == 2
        assert ask(waiter.connection, sessions).status == 200


def test_a_cancelled_connection_is_not_used(sessions: Sessions, api_server: ApiServer) -> None:
    first = RequestState()
    first.sessions = sessions
    generate(api_server, request_state=first)
    api_server.script(faults.stall("processing"))
    second = RequestState()
    second.sessions = sessions

    def cancel() -> None:
        api_server.wait_until(lambda server: bool(server.stalled))
        second.cancel()

    thread = threading.Thread(target=cancel)
    thread.start()
    with pytest.raises(JobCancelled) as caught:
        generate(api_server, request_state=second)
    thread.join(5)
    assert caught.value.billed == "maybe"
    third = RequestState()
    third.sessions = sessions
    assert generate(api_server, request_state=third).images
    ports = [record.client_port for record in api_server.requests]
    assert ports[0] == ports[1] != ports[2]
