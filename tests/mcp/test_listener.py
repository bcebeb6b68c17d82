"""The threads that speak HTTP, without Blender: what a busy or hostile world does to them."""

from __future__ import annotations

import errno
import json
import random
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

from gpt_image_addon.mcp.protocol import Answer, Steps, Tool
from gpt_image_addon.mcp.window import dispatcher as dispatcher_module
from gpt_image_addon.mcp.window import http
from gpt_image_addon.mcp.window.dispatcher import Dispatcher
from gpt_image_addon.mcp.window.http import Listener
from gpt_image_addon.mcp.window.posts import Ended, Inbox

from .window import HttpClient, request, stateless


@pytest.fixture
def listener() -> Iterator[Listener]:
    found = Listener(Inbox())
    yield found
    found.close()


def client(listener: Listener) -> HttpClient:
    return HttpClient(listener.address, listener.token)


def test_a_blender_that_is_busy_is_not_waited_for_and_does_nothing_later(
    listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "TAKEN_SECONDS", 0.3)
    ran: list[Any] = []

    def run(arguments: Any, caller: Any) -> Steps:
        yield from ()
        ran.append(arguments)
        return Answer({})

    message, headers = stateless("tools/call", name="pay", arguments={})
    status, (refused,) = client(listener).ask(message, **headers)
    assert (status, refused["error"]["code"]) == (503, -32000)
    dispatcher = Dispatcher(
        {"pay": Tool("pay", "", "", {}, {}, run)}, listener.inbox, info={}, instructions=""
    )
    dispatcher.step()
    assert ran == [] and dispatcher.clients() == ()


def test_a_client_that_takes_no_events_gets_one_answer(listener: Listener) -> None:
    message, headers = stateless("tools/list")
    body = json.dumps({"jsonrpc": "2.0", **message}).encode()
    connection = client(listener).open(body, Accept="application/json", **headers)
    dispatcher = Dispatcher({}, listener.inbox, info={}, instructions="")
    while not listener.inbox.empty() or not dispatcher.clients():
        dispatcher.step()
    assert json.loads(connection.getresponse().read())["result"]["tools"] == []


def test_calls_that_come_at_once_begin_one_a_step(listener: Listener) -> None:
    ran: list[int] = []

    def run(arguments: Any, caller: Any) -> Steps:
        yield from ()
        time.sleep(2 * dispatcher_module.STEP_SECONDS)
        ran.append(arguments["number"])
        return Answer({})

    connections = []
    for number in range(3):
        message, headers = stateless("tools/call", name="slow", arguments={"number": number})
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        connections.append(client(listener).open(body, **headers))
    while listener.inbox.qsize() < len(connections):
        time.sleep(0.01)
    tool = Tool("slow", "", "", {}, {}, run)
    dispatcher = Dispatcher({"slow": tool}, listener.inbox, info={}, instructions="")
    for begun in (1, 2, 3):
        dispatcher.step()
        assert len(ran) == begun
    assert [connection.getresponse().status for connection in connections] == [200] * 3


def test_of_too_many_clients_the_oldest_is_forgotten(listener: Listener) -> None:
    sessions = [listener.begin_session() for _ in range(http.MOST_SESSIONS + 1)]
    forgotten = listener.inbox.get_nowait()
    assert isinstance(forgotten, Ended) and forgotten.session is sessions[0]
    assert listener.find_session(sessions[0].id) is None
    assert listener.find_session(sessions[1].id) is sessions[1]


def test_garbage_is_survived(listener: Listener) -> None:
    rng = random.Random(7)
    host, port = listener.address[len("http://") :].partition("/")[0].split(":")
    head = f"POST /mcp HTTP/1.1\r\nHost: {host}:{port}\r\nAuthorization: Bearer {listener.token}\r\n"
    kind = "Content-Type: application/json\r\n"
    tried = [
        b"",
        b"\r\n" * 1000,
        b"GET",
        b"GET / HTTP/9.9\r\n\r\n",
        b"A" * 100_000,
        (head + "X: y\r\n" * 500 + "\r\n").encode(),
        (head + kind + "Content-Length: -1\r\n\r\n").encode(),
        (head + kind + "Content-Length: 10\r\n\r\n{}").encode(),
        (head + kind + f"Host: {host}\r\nContent-Length: 2\r\n\r\n{{}}").encode(),
        *(rng.randbytes(200) for _ in range(20)),
    ]
    for data in tried:
        with socket.create_connection((host, int(port)), timeout=10) as connection:
            try:
                connection.sendall(data)
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(65536):
                    pass
            except OSError as error:  # it hangs up while something is still being said
                assert isinstance(error, ConnectionError) or error.errno == errno.ENOTCONN, error
    assert listener.inbox.empty()
    assert client(listener).ask(request("ping"))[0] == 400  # it has no session, and an answer
