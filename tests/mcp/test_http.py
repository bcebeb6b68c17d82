"""HTTP on this machine: who gets in, who does not, and what becomes of calls that are given up."""

from __future__ import annotations

import json
import os
import socket
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.api_server import ApiServer

from .test_pipe import CHEAP, DRAFT, NAMES, states
from .window import Window, request, stateless

pytestmark = pytest.mark.bpy_module
PING = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "ping"}).encode()


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Window]:
    """One that nothing is paid in."""
    with Window(tmp_path_factory.mktemp("window") / "state") as found:
        yield found


def wait_until(is_so: Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not is_so() and time.monotonic() < end:
        time.sleep(0.02)
    assert is_so()


def test_a_session_of_the_old_era(window: Window) -> None:
    window.begin()
    assert window.ask({"method": "notifications/initialized"}) == (202, [])
    status, (listed,) = window.ask(request("tools/list"), MCP_Protocol_Version="2025-11-25")
    assert (status, [tool["name"] for tool in listed["result"]["tools"]]) == (200, NAMES)
    made = window.call("generate", prompt="oak", target="image", **DRAFT)
    assert made["state"] == "succeeded" and window.call("history")["jobs"][0]["job"] == made["job"]
    assert window.ask(request("tools/list"), MCP_Protocol_Version="1999-01-01")[0] == 400
    assert window.ask(request("tools/list"), Mcp_Session_Id="other")[0] == 404
    ended = window.open(None, "DELETE").getresponse()
    assert ended.status == 204 and window.ask(request("tools/list"))[0] == 404
    window.session = ""
    assert window.ask(request("tools/list"))[0] == 400
    assert window.open(None, "GET").getresponse().status == 405


def test_a_request_of_the_stateless_era(window: Window) -> None:
    window.session = ""
    message, headers = stateless("tools/call", name="estimate", arguments={"prompt": "oak", **DRAFT})
    status, (found,) = window.ask(message, **headers)
    assert status == 200 and found["result"]["structuredContent"]["high_usd"] == 0
    for name, value in (("Mcp_Method", "tools/list"), ("Mcp_Name", "generate"), ("Mcp_Method", "")):
        status, (refused,) = window.ask(message, **{**headers, name: value})
        assert (status, refused["error"]["code"]) == (400, -32020)
    message["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"] = "2031-01-01"
    status, (refused,) = window.ask(message, **{**headers, "MCP_Protocol_Version": "2031-01-01"})
    assert (status, refused["error"]["code"]) == (400, -32022)
    message, headers = stateless("resources/list")
    assert window.ask(message, **headers)[0] == 404


@pytest.mark.parametrize(
    ("status", "body", "headers"),
    [
        (403, PING, {"Host": "evil.example:80"}),
        (403, PING, {"Host": "127.0.0.1.evil.example"}),
        (403, PING, {"Host": "127.0.0.1"}),
        (403, PING, {"Origin": "https://evil.example"}),
        (403, PING, {"Origin": "null"}),
        (401, PING, {"Authorization": ""}),
        (401, PING, {"Authorization": "Bearer x"}),
        (401, PING, {"Authorization": "Bearer \xe9"}),
        (415, PING, {"Content_Type": "text/plain"}),
        (413, b" " * 100_000_000, {}),
        (400, b"nonsense", {}),
        (400, b"[" * 100_000, {}),
    ],
)
def test_who_may_not_come_in_gets_nothing(
    window: Window, status: int, body: bytes, headers: dict[str, str]
) -> None:
    window.begin()
    assert window.open(body, **headers).getresponse().status == status
    assert window.ask(request("ping"))[0] == 200


def test_a_body_without_a_length_is_refused(window: Window) -> None:
    host, port = window.host.split(":")
    with socket.create_connection((host, int(port))) as connection:
        head = f"POST /mcp HTTP/1.1\r\nHost: {window.host}\r\nAuthorization: Bearer {window.token}\r\n"
        kind = "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        connection.sendall((head + kind).encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 411")


def test_only_this_user_finds_the_token(tmp_path: Path) -> None:
    with Window(tmp_path / "state") as window:
        (notice,) = (tmp_path / "state" / "agents").glob("*.json")
        assert json.loads(notice.read_text())["token"] == window.token
        if os.name != "nt":
            assert stat.S_IMODE(notice.stat().st_mode) == 0o600
        window.begin()
        window.send_away()
        assert not notice.exists()
        with pytest.raises(ConnectionError):
            window.open(PING)


def test_a_closed_connection_cancels_its_job_and_no_other(tmp_path: Path, api_server: ApiServer) -> None:
    api_server.options.latency = 30
    call: dict[str, Any] = {"name": "generate", "arguments": {"prompt": "oak", **CHEAP}}
    with Window(tmp_path / "state", api_server, answer_seconds=3) as window:
        window.begin()
        job = window.call("generate", prompt="oak", **CHEAP)["job"]
        wait_until(lambda: len(api_server.requests) == 1, 20)
        first = window.session
        for name, expected in (("", "SENDING"), (first, "UNKNOWN")):
            window.session = name
            if not name:
                window.begin()
            message = {"jsonrpc": "2.0", **request("tools/call", name="wait", arguments={"job": job})}
            connection = window.open(json.dumps(message).encode())
            response = connection.getresponse()  # its events have begun
            assert response.status == 200
            response.close()
            connection.close()
            wait_until(lambda: states(tmp_path / "state") == [expected], 2)  # noqa: B023
            time.sleep(0.5)
            assert states(tmp_path / "state") == [expected]
        message, headers = stateless("tools/call", **call)
        refused = window.ask(message, **headers)[1][-1]["result"]["structuredContent"]["error"]
        assert refused["code"] == "outcome_unknown" and len(api_server.requests) == 1


def test_a_slow_answer_comes_by_wait_with_one_request(tmp_path: Path, api_server: ApiServer) -> None:
    api_server.options.latency = 4
    with Window(tmp_path / "state", api_server, answer_seconds=1) as window:
        message, headers = stateless("tools/call", name="generate", arguments={"prompt": "oak", **CHEAP})
        message["params"]["_meta"]["progressToken"] = "t"
        _, told = window.ask(message, **headers)
        found = told[-1]["result"]["structuredContent"]
        while found["state"] == "running":
            message, headers = stateless("tools/call", name="wait", arguments={"job": found["job"]})
            found = window.ask(message, **headers)[1][-1]["result"]["structuredContent"]
        assert found["state"] == "succeeded" and len(api_server.requests) == 1


def test_who_is_sent_away_hears_of_it_and_what_is_paid_arrives(tmp_path: Path, api_server: ApiServer) -> None:
    api_server.options.latency = 2
    with Window(tmp_path / "state", api_server) as window:
        window.begin()
        message = {
            "jsonrpc": "2.0",
            **request("tools/call", name="generate", arguments={"prompt": "oak", **CHEAP}),
        }
        connection = window.open(json.dumps(message).encode())
        wait_until(lambda: len(api_server.requests) == 1, 20)
        window.send_away()
        assert b"-32000" in connection.getresponse().read()
        wait_until(lambda: states(tmp_path / "state") == ["APPLIED"], 4)


def test_a_question_goes_the_way_of_its_call(tmp_path: Path, api_server: ApiServer) -> None:
    with Window(tmp_path / "state", api_server) as window:
        window.begin(elicitation={})
        message = request("tools/call", 5, name="generate", arguments={"prompt": "oak", **CHEAP})
        connection = window.open(json.dumps({"jsonrpc": "2.0", **message}).encode())
        response = connection.getresponse()
        while not (line := response.readline()).startswith(b"data:"):
            pass
        asked = json.loads(line[5:])
        assert asked["method"] == "elicitation/create" and api_server.requests == []
        answer = {"id": asked["id"], "result": {"action": "accept", "content": {"spend": True}}}
        assert window.ask(answer)[0] == 202
        assert b'"state":"succeeded"' in response.read() and len(api_server.requests) == 1
