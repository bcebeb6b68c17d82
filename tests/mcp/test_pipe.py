"""The whole server through a pipe: what an agent may do, and what it must not."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.api_server import ApiServer

from .pipe import ROOT, Pipe

pytestmark = pytest.mark.bpy_module
DRAFT = {"provider": "offline", "size": "256x256"}
CHEAP = {"quality": "low", "target": "image"}
NAMES = [
    *("estimate", "generate", "texture", "wait", "cancel", "apply", "history", "capture", "maps", "tile"),
    "models",
]


def states(folder: Path) -> list[str]:
    with sqlite3.connect(folder / "journal.sqlite3") as connection:
        return [row[0] for row in connection.execute("SELECT state FROM jobs ORDER BY created")]


def picture(path: Path) -> Path:
    Image.radial_gradient("L").convert("RGB").save(path)
    return path


def test_a_session_and_nothing_but_protocol(tmp_path: Path) -> None:
    out, blend = tmp_path / "out", tmp_path / "out" / "x.blend"
    out.mkdir()
    with Pipe(tmp_path / "state", "--allow-dir", out) as pipe:
        tools = pipe.request("tools/list")["result"]["tools"]
        assert [tool["name"] for tool in tools] == NAMES
        assert pipe.call("estimate", prompt="oak", **DRAFT)["high_usd"] == 0
        begun = pipe.begin(
            "tools/call",
            name="generate",
            arguments={"prompt": "oak planks", "target": "material", "output": str(blend), **DRAFT},
        )
        result = pipe.answer_to(begun)["result"]
        made = result["structuredContent"]
        assert (made["state"], made["blend"]) == ("succeeded", str(blend)) and blend.is_file()
        assert {item["type"] for item in result["content"]} == {"text", "image", "resource_link"}
        assert (
            pipe.call("generate", prompt="x", output=str(blend), **DRAFT)["error"]["code"] == "output_exists"
        )
        source = made["images"][0]["file"]
        assert pipe.call("maps", picture=source, output_dir=str(out))["maps"]["normal"].startswith(str(out))
        assert Path(pipe.call("tile", picture=source, output=str(out / "t.png"))["file"]).is_file()
        assert pipe.call("apply", job=made["job"], target="image")["job"] == made["job"]
        assert pipe.call("history")["jobs"][0]["job"] == made["job"]
        assert pipe.call("wait", job="nothing")["error"]["code"] == "no_such_job"
        assert pipe.call("models")["models"]
        assert pipe.call("capture", kind="viewport")["error"]["type"] == "SceneError"
        pipe.begin("tools/call", name="generate", arguments={"prompt": "one more", **DRAFT})
        (last,) = pipe.close()
        assert last["result"]["structuredContent"]["state"] == "succeeded"


def test_a_slow_answer_comes_by_wait(tmp_path: Path, api_server: ApiServer) -> None:
    api_server.options.latency = 4
    with Pipe(tmp_path / "state", api=api_server, answer_seconds=1) as pipe:
        found = pipe.call("generate", prompt="oak", **CHEAP)
        assert found["state"] == "running"
        while found["state"] == "running":
            found = pipe.call("wait", job=found["job"])
        assert found["state"] == "succeeded" and found["cost_usd"] > 0
        assert len(api_server.requests) == 1


def test_who_gives_up_cancels_and_does_not_pay_twice(tmp_path: Path, api_server: ApiServer) -> None:
    api_server.options.latency = 30
    with Pipe(tmp_path / "state", api=api_server) as pipe:
        begun = pipe.begin("tools/call", name="generate", arguments={"prompt": "oak", **CHEAP})
        deadline = time.monotonic() + 20
        while not api_server.requests and time.monotonic() < deadline:
            time.sleep(0.05)
        pipe.send(method="notifications/cancelled", params={"requestId": begun})
        deadline = time.monotonic() + 2
        while states(tmp_path / "state") == ["SENDING"] and time.monotonic() < deadline:
            time.sleep(0.05)
        assert states(tmp_path / "state") == ["UNKNOWN"]
        refused = pipe.call("generate", prompt="oak", **CHEAP)["error"]
        assert (refused["code"], refused["billed"]) == ("outcome_unknown", "maybe")
        assert "history" in refused["message"]
        again = pipe.call("generate", prompt="oak", retry_unknown=True, **CHEAP)["error"]
        assert again["code"] == "needs_user"
        assert len(api_server.requests) == 1


def test_the_same_key_is_paid_once_in_any_process(tmp_path: Path, api_server: ApiServer) -> None:
    call: dict[str, Any] = {"prompt": "oak", "idempotency_key": "k1", "reuse": False, **CHEAP}
    for _ in range(2):
        with Pipe(tmp_path / "state", api=api_server) as pipe:
            jobs = {pipe.call("generate", **call)["job"] for _ in range(2)}
            assert len(jobs) == 1 and len(api_server.requests) == 1
            other = pipe.call("generate", **{**call, "prompt": "ash"})
            assert other["error"]["code"] == "idempotency_key_used"
    assert len(api_server.requests) == 1


def test_a_repeated_request_takes_the_stored_result(tmp_path: Path, api_server: ApiServer) -> None:
    with Pipe(tmp_path / "state", api=api_server) as pipe:
        jobs = [pipe.call("generate", prompt="oak", **CHEAP)["job"] for _ in range(2)]
    assert jobs[0] == jobs[1] and len(api_server.requests) == 1


@pytest.mark.parametrize(
    ("arguments", "variables", "code"),
    [
        ({"max_cost_usd": 0.0001}, {}, "max_cost_exceeded"),
        ({"max_cost_usd": 50}, {"GPT_IMAGE_MAX_COST_USD": "0.0001"}, "max_cost_exceeded"),
        ({"max_cost_usd": 50, "n": 10, "quality": "high", "size": "2048x2048"}, {}, "max_cost_exceeded"),
        ({}, {"GPT_IMAGE_MONTHLY_BUDGET_USD": "0.0001"}, "budget_exceeded"),
        ({"max_cost_usd": -1}, {}, "invalid_value"),
        ({"max_cost_usd": True}, {}, "invalid_value"),
        ({"n": 11}, {}, "invalid_value"),
        ({"n": "2"}, {}, "invalid_value"),
        ({"code": "import os"}, {}, "unknown_parameter"),
        ({"overwrite": True}, {}, "unknown_parameter"),
    ],
)
def test_what_is_too_much_or_wrong_sends_nothing(
    tmp_path: Path, api_server: ApiServer, arguments: dict[str, Any], variables: dict[str, str], code: str
) -> None:
    with Pipe(tmp_path / "state", api=api_server, capabilities={"elicitation": {}}, **variables) as pipe:
        assert pipe.call("generate", **{"prompt": "oak", **CHEAP, **arguments})["error"]["code"] == code
        assert [message["id"] for message in pipe.seen] == [1, 2], "nobody was asked"
    assert api_server.requests == []


def test_above_the_limit_for_agents_only_the_user_says_yes(tmp_path: Path, api_server: ApiServer) -> None:
    call: dict[str, Any] = {"name": "generate", "arguments": {"prompt": "oak", **CHEAP}}
    limit = {"GPT_IMAGE_AGENT_MAX_COST_USD": "0.0001"}
    with Pipe(tmp_path / "state", api=api_server, **limit) as pipe:
        refused = pipe.call("generate", prompt="oak", **CHEAP)["error"]
        assert refused["code"] == "max_cost_exceeded" and "GPT_IMAGE_AGENT_MAX_COST_USD" in refused["message"]
        assert api_server.requests == []
    with Pipe(tmp_path / "state", api=api_server, capabilities={"elicitation": {}}, **limit) as pipe:
        begun = pipe.begin("tools/call", **call)
        asked = pipe.receive()
        assert "above the limit for agents, $0.0001" in asked["params"]["message"]
        pipe.send(id=asked["id"], result={"action": "accept", "content": {"spend": True}})
        assert pipe.answer_to(begun)["result"]["structuredContent"]["state"] == "succeeded"
    assert len(api_server.requests) == 1


@pytest.mark.parametrize("agrees", [True, False])
def test_a_user_who_can_be_asked_is_asked(tmp_path: Path, api_server: ApiServer, agrees: bool) -> None:
    with Pipe(tmp_path / "state", api=api_server, capabilities={"elicitation": {}}) as pipe:
        begun = pipe.begin("tools/call", name="generate", arguments={"prompt": "oak", **CHEAP})
        asked = pipe.receive()
        assert asked["method"] == "elicitation/create" and "$0.0" in asked["params"]["message"]
        assert api_server.requests == []
        pipe.send(id=asked["id"], result={"action": "accept", "content": {"spend": agrees}})
        facts = pipe.answer_to(begun)["result"]["structuredContent"]
        assert facts["state"] == ("succeeded" if agrees else "failed")
    assert len(api_server.requests) == agrees


def test_files_outside_the_folders_are_refused(tmp_path: Path, api_server: ApiServer) -> None:
    allowed, outside = tmp_path / "allowed", tmp_path / "outside"
    allowed.mkdir()
    outside.mkdir()
    secret, inside = picture(outside / "a.png"), picture(allowed / "b.png")
    (allowed / "link.png").symlink_to(secret)
    (allowed / "folder").symlink_to(outside)
    (allowed / "key.png").write_text("sk-secret")
    tried = {
        str(secret): "outside_folders",
        str(allowed / ".." / "outside" / "a.png"): "outside_folders",
        str(allowed / "link.png"): "outside_folders",
        str(allowed / "folder" / "a.png"): "outside_folders",
        "/no/such/file.png": "outside_folders",
        str(allowed / "key.png"): "bad_picture",
    }
    with Pipe(tmp_path / "state", "--allow-dir", allowed, api=api_server) as pipe:
        for path, code in tried.items():
            for name, value in (("references", [path]), ("mask", path)):
                given = {"references": [str(inside)], name: value}
                assert pipe.call("generate", prompt="x", **CHEAP, **given)["error"]["code"] == code, path
            assert pipe.call("maps", picture=path, output_dir=str(allowed))["error"]["code"] == code
        for folder in (outside, allowed / "folder"):
            for tool, given in (
                ("maps", {"picture": str(inside), "output_dir": str(folder)}),
                ("tile", {"picture": str(inside), "output": str(folder / "new.png")}),
                ("generate", {"prompt": "x", "textures_dir": str(folder), **DRAFT}),
                ("generate", {"prompt": "x", "export_to": "usd", "export_dir": str(folder), **DRAFT}),
                ("generate", {"prompt": "x", "output": str(folder / "new.blend"), **DRAFT}),
            ):
                assert pipe.call(tool, **given)["error"]["code"] == "outside_folders"
        before = inside.read_bytes()
        taken = pipe.call("tile", picture=str(inside), output=str(inside))
        assert taken["error"]["code"] == "output_exists" and inside.read_bytes() == before
        assert sorted(path.name for path in outside.iterdir()) == ["a.png"]
        assert api_server.requests == []
        assert pipe.call("generate", prompt="x", references=[str(inside)], **CHEAP)["state"] == "succeeded"


def test_a_line_without_end_is_refused_and_the_next_is_heard(tmp_path: Path) -> None:
    with Pipe(tmp_path / "state") as pipe:
        for _ in range(20):
            pipe.process.stdin.write(b"x" * 5_000_000)
        pipe.process.stdin.write(b"\n")
        number = pipe.begin("ping")
        assert pipe.answer_to(number)["result"] == {}
        assert pipe.seen[-2]["error"]["code"] == -32700


def test_other_verbs_load_nothing_of_it() -> None:
    script = "import sys, gpt_image_addon.cli as cli; cli.parser(); print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = {name for name in run.stdout.split() if name.startswith("gpt_image_addon.mcp.")}
    assert loaded == set()
