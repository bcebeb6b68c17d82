"""The core alone: messages in, messages out, with tools that are three lines long."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gpt_image_addon.core.errors import InvalidRequestError
from gpt_image_addon.mcp.protocol import META, STATELESS, Answer, Progress, Question, Steps, Tool
from gpt_image_addon.mcp.server import Server, declined

FORM = {"type": "object", "properties": {"spend": {"type": "boolean"}}}
ASKING = {f"{META}protocolVersion": STATELESS, f"{META}clientCapabilities": {"elicitation": {}}}


class Line:
    """A server and what it sent."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.now = 0.0
        self.closed: list[str] = []
        self.paid: list[Any] = []
        runs = {"work": self._work, "pay": self._pay, "fail": self._fail, "break": self._break}
        tools = {name: Tool(name, name, name, {"type": "object"}, {}, run) for name, run in runs.items()}
        self.server = Server(
            tools,
            lambda message, about: self.sent.append(message),
            info={"name": "x"},
            instructions="",
            clock=lambda: self.now,
        )

    def _work(self, arguments: Any, caller: Any) -> Steps:
        try:
            while not caller.is_late():
                yield Progress(0.5, "half")
        except GeneratorExit:
            self.closed.append("work")
            raise
        return Answer({"state": "running"})

    def _pay(self, arguments: Any, caller: Any) -> Steps:
        if caller.can_ask:
            agreed = yield Question(f"Pay for {arguments.get('prompt')}?", FORM)
            if agreed is None or agreed.get("spend") is not True:
                raise declined()
        self.paid.append(arguments)
        return Answer({"state": "succeeded"})

    def _fail(self, arguments: Any, caller: Any) -> Steps:
        yield from ()
        raise InvalidRequestError("No.", param="x")

    def _break(self, arguments: Any, caller: Any) -> Steps:
        yield from ()
        raise ZeroDivisionError("oops")

    def put(self, text: bytes | None = None, **message: Any) -> list[dict[str, Any]]:
        """Hand a message over; returns what came at once."""
        before = len(self.sent)
        self.server.receive(text or json.dumps({"jsonrpc": "2.0", **message}).encode())
        return self.sent[before:]

    def begin(self, version: str = "2025-11-25", **capabilities: Any) -> None:
        self.put(id=0, method="initialize", params={"protocolVersion": version, "capabilities": capabilities})

    def call(self, name: str, number: int = 1, meta: Any = None, **params: Any) -> list[dict[str, Any]]:
        params = {"name": name, **params, **({"_meta": meta} if meta else {})}
        return self.put(id=number, method="tools/call", params=params)


def test_the_core_needs_no_blender() -> None:
    script = (
        "import sys; sys.modules['bpy'] = None\n"
        "from gpt_image_addon.mcp import consent, protocol, schemas, server, stdio\n"
        "from gpt_image_addon.mcp.window import bridge, dispatcher, http\n"
        "assert not {'numpy', 'PIL', 'requests'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", script], cwd=Path(__file__).resolve().parents[2], check=True)


@pytest.mark.parametrize("version", ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"])
def test_a_known_revision_is_spoken_back(version: str) -> None:
    line = Line()
    line.begin(version)
    assert line.sent[0]["result"]["protocolVersion"] == version
    assert [tool["name"] for tool in line.put(id=1, method="tools/list")[0]["result"]["tools"]] == [
        "work", "pay", "fail", "break",
    ]  # fmt: skip


def test_an_unknown_revision_gets_the_newest() -> None:
    line = Line()
    line.begin("1999-01-01")
    assert line.sent[0]["result"]["protocolVersion"] == "2025-11-25"


def test_the_stateless_revision_needs_no_handshake() -> None:
    line = Line()
    (found,) = line.put(id=1, method="server/discover", params={"_meta": ASKING})
    assert found["result"]["supportedVersions"] == [STATELESS]
    assert (found["result"]["resultType"], found["result"]["ttlMs"]) == ("complete", 0)
    (refused,) = line.put(
        id=2, method="tools/list", params={"_meta": {f"{META}protocolVersion": "2031-01-01"}}
    )
    assert refused["error"]["code"] == -32022 and refused["error"]["data"]["supported"] == [STATELESS]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b"nonsense", -32700),
        (b"\xff\xfe", -32700),
        (b"[" * 100_000, -32700),
        (b"[]", -32600),
        (b"7", -32600),
        (b'{"jsonrpc": "1.0", "id": 1, "method": "ping"}', -32600),
        (b'{"jsonrpc": "2.0", "id": null, "method": "ping"}', -32600),
        (b'{"jsonrpc": "2.0", "id": true, "method": "ping"}', -32600),
        (b'{"jsonrpc": "2.0", "id": {}, "method": "ping"}', -32600),
        (b'{"jsonrpc": "2.0", "id": 1, "method": 5}', -32600),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "ping", "params": []}', -32600),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "resources/list"}', -32601),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "exec"}}', -32602),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": []}}', -32602),
        (
            b'{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "pay", "arguments": 1}}',
            -32602,
        ),
    ],
)
def test_hostile_input_is_an_error_and_no_more(text: bytes, code: int) -> None:
    line = Line()
    line.begin()
    (refused,) = line.put(text)
    assert refused["error"]["code"] == code
    assert line.call("pay")[0]["result"]["structuredContent"] == {"state": "succeeded"}


def test_nothing_works_before_the_handshake() -> None:
    assert Line().call("pay")[0]["error"]["code"] == -32600


@pytest.mark.parametrize("name", ["fail", "break"])
def test_what_goes_wrong_in_a_tool_is_its_result(name: str) -> None:
    line = Line()
    line.begin()
    result = line.call(name)[0]["result"]
    assert result["isError"] and result["structuredContent"]["state"] == "failed"


def test_progress_grows_each_second_and_the_answer_is_in_time() -> None:
    line = Line()
    line.begin()
    line.call("work", meta={"progressToken": "t"})
    for _ in range(460):
        line.now += 0.1
        line.server.step()
    told = [message["params"] for message in line.sent if message.get("method") == "notifications/progress"]
    shares = [params["progress"] for params in told]
    assert len(told) > 30 and shares == sorted(set(shares)) and told[0]["progressToken"] == "t"
    assert line.sent[-1]["result"]["structuredContent"] == {"state": "running"}
    assert not line.server.is_busy


def test_a_client_that_gives_up_gets_no_answer() -> None:
    line = Line()
    line.begin()
    line.call("work")
    assert line.put(method="notifications/cancelled", params={"requestId": 1}) == []
    assert line.closed == ["work"] and not line.server.is_busy
    assert line.put(method="notifications/cancelled", params={"requestId": [1]}) == []


def test_an_id_that_is_open_is_refused() -> None:
    line = Line()
    line.begin()
    line.call("work")
    assert line.call("work")[0]["error"]["code"] == -32600
    assert line.server.is_busy


@pytest.mark.parametrize(
    ("result", "is_paid"),
    [
        ({"action": "accept", "content": {"spend": True}}, True),
        ({"action": "accept", "content": {"spend": False}}, False),
        ({"action": "accept", "content": {}}, False),
        ({"action": "accept"}, False),
        ({"action": "decline"}, False),
        ({"action": "cancel", "content": {"spend": True}}, False),
        (None, False),
    ],
)
@pytest.mark.parametrize("is_stateless", [False, True])
def test_only_a_yes_is_one(result: Any, is_paid: bool, is_stateless: bool) -> None:
    line = Line()
    if is_stateless:
        (asked,) = line.call("pay", meta=ASKING)
        state = asked["result"]["requestState"]
        assert asked["result"]["resultType"] == "input_required"
        line.call("pay", 2, meta=ASKING, requestState=state, inputResponses={"spend": result})
    else:
        line.begin(elicitation={})
        (asked,) = line.call("pay")
        assert asked["method"] == "elicitation/create"
        answer = {"result": result} if result else {"error": {"code": -1, "message": "no"}}
        line.put(id=asked["id"], **answer)
    assert bool(line.paid) is is_paid
    assert line.sent[-1]["result"]["isError"] is not is_paid


def test_a_consent_is_for_one_call_once() -> None:
    line = Line()
    yes = {"spend": {"action": "accept", "content": {"spend": True}}}
    state = line.call("pay", meta=ASKING, arguments={"prompt": "a"})[0]["result"]["requestState"]
    forged = [
        ({"prompt": "b"}, state),
        ({"prompt": "a"}, "x" + state),
        ({"prompt": "a"}, state[:-1]),
        ({"prompt": "a"}, ""),
        ({"prompt": "a"}, None),
        ({"prompt": "a"}, 7),
        ({"prompt": "a"}, "ö.ö"),
    ]
    for number, (arguments, given) in enumerate(forged, 2):
        found = line.call(
            "pay", number, meta=ASKING, arguments=arguments, requestState=given, inputResponses=yes
        )
        assert found[0]["result"]["structuredContent"]["error"]["code"] == "consent_refused"
    assert line.paid == []
    for number in (20, 21):
        line.call(
            "pay", number, meta=ASKING, arguments={"prompt": "a"}, requestState=state, inputResponses=yes
        )
    assert line.paid == [{"prompt": "a"}]


def test_a_consent_ages() -> None:
    line = Line()
    state = line.call("pay", meta=ASKING)[0]["result"]["requestState"]
    line.now += 601
    yes = {"spend": {"action": "accept", "content": {"spend": True}}}
    found = line.call("pay", 2, meta=ASKING, requestState=state, inputResponses=yes)
    assert found[0]["result"]["isError"] and line.paid == []


def test_a_client_that_can_not_ask_is_not_asked() -> None:
    for capabilities in ({}, {"elicitation": {"url": {}}}, {"elicitation": 5}):
        line = Line()
        line.begin(**capabilities)
        line.call("pay")
        assert line.paid == [{}]


def test_giving_up_a_question_takes_it_back() -> None:
    line = Line()
    line.begin(elicitation={"form": {}})
    (asked,) = line.call("pay")
    (taken,) = line.put(method="notifications/cancelled", params={"requestId": 1})
    assert taken["params"]["requestId"] == asked["id"]
    assert line.put(id=asked["id"], result={"action": "accept", "content": {"spend": True}}) == []
    assert line.paid == []
