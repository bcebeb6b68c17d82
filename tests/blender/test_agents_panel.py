"""Agents in a window: the buttons, who is shown, and that rows stay where they are."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import bpy
import pytest
from PIL import Image

from gpt_image_addon import api, registration
from gpt_image_addon.app import settings
from gpt_image_addon.app.scheduler import drain
from gpt_image_addon.core.errors import InvalidRequestError
from gpt_image_addon.mcp.files import Folders
from gpt_image_addon.mcp.window import agents
from gpt_image_addon.ui.common import sidebar
from tests.api_server import ApiServer
from tests.blender.layouts import Layout, draw
from tests.blender.painted_scenes import camera

PANEL = next(cls for cls in registration.CLASSES if cls.__name__ == "GPT_IMAGE_PT_agents_view3d")
assert issubclass(PANEL, sidebar.Sidebar)


@pytest.fixture(autouse=True)
def nobody_stays() -> Iterator[None]:
    yield
    agents.send_away()


def post(message: dict[str, Any], session: str = "") -> tuple[str, bytes]:
    """The session, and what came back; Blender's part is done meanwhile."""
    found = agents.current()
    assert found is not None
    headers = {"Authorization": f"Bearer {found.token}", "Content-Type": "application/json"}
    headers |= {"Mcp-Session-Id": session} if session else {}

    def send() -> tuple[str, bytes]:
        connection = HTTPConnection(urlsplit(found.address).netloc)
        connection.request("POST", "/mcp", json.dumps({"jsonrpc": "2.0", **message}), headers)
        response = connection.getresponse()
        return response.headers.get("Mcp-Session-Id", ""), response.read()

    with ThreadPoolExecutor(1) as threads:
        sent = threads.submit(send)
        while not sent.done():
            drain(0.01)
            found.step()
    return sent.result()


def hello(name: str) -> str:
    about = {"protocolVersion": "2025-11-25", "capabilities": {}}
    params = {**about, "clientInfo": {"name": name, "version": "2"}}
    return post({"id": 1, "method": "initialize", "params": params})[0]


def rows(layout: Layout) -> int:
    return len(layout.said)


def test_agents_are_let_in_by_the_user_alone_and_shown() -> None:
    outside = draw(PANEL)
    assert "gpt_image.let_agents_in" in outside.operators and agents.current() is None
    bpy.ops.gpt_image.let_agents_in()
    waiting = draw(PANEL)
    assert "gpt_image.stop_agents" in waiting.operators and "No agent has come yet" in waiting.said
    session = hello("first\x1b[31m\n" + 100 * "x")
    arguments = {"prompt": "oak", "provider": "offline", "size": "64x64", "target": "material"}
    params = {"name": "generate", "arguments": arguments}
    _, answer = post({"id": 2, "method": "tools/call", "params": params}, session)
    assert b'"state":"succeeded"' in answer and [job.state.value for job in api.jobs()] == ["APPLIED"]
    for name in ("second", "third", "fourth"):
        hello(name)
    shown = draw(PANEL)
    assert [text for text in shown.said if text.endswith(" 2")] == ["fourth 2", "third 2", "second 2"]
    assert rows(outside) == rows(waiting) == rows(shown)
    bpy.ops.gpt_image.stop_agents()
    assert agents.current() is None and rows(draw(PANEL)) == rows(outside)


def test_an_agent_paints_objects_and_pays_once(online: ApiServer) -> None:
    bpy.ops.mesh.primitive_cube_add()
    cube = bpy.context.object
    camera((4, -5, 3))
    bpy.ops.gpt_image.let_agents_in()
    session = hello("painter")
    call = {"objects": [cube.name], "prompt": "brick", "quality": "low", "size": "1024x1024"}

    def paint(**more: Any) -> Any:
        params = {"name": "texture", "arguments": {**call, "texture_size": 64, "views": "camera", **more}}
        answer = post({"id": 3, "method": "tools/call", "params": params}, session)[1]
        return json.loads(answer)["result"]["structuredContent"]

    assert paint(max_cost_usd=0.0001)["error"]["code"] == "max_cost_exceeded"
    assert paint(objects=["Nothing"])["state"] == "failed" and online.requests == []
    draft = paint(provider="offline")
    assert draft["state"] == "succeeded" and draft["objects"] == [cube.name] and draft["coverage"] > 0.1
    made = {paint(idempotency_key="k", reuse=False)["job"] for _ in range(2)}
    assert len(made) == 1 and len(online.requests) == 1


def test_names_and_prompts_of_agents_are_cut_to_the_panel() -> None:
    bpy.ops.gpt_image.let_agents_in()
    hello("evil\x1b[31m\u202e" + 100 * "x")
    (name,) = [text for text in draw(PANEL).said if text.startswith("evil")]
    assert len(name) < 45 and name.isprintable()


def test_the_entry_for_an_agent_is_copied() -> None:
    with pytest.raises(RuntimeError):
        bpy.ops.gpt_image.copy_agent_address()
    bpy.ops.gpt_image.let_agents_in()
    found = agents.current()
    assert found is not None
    first = found.token
    assert bpy.ops.gpt_image.copy_agent_address() == {"FINISHED"}
    bpy.ops.gpt_image.stop_agents()
    bpy.ops.gpt_image.let_agents_in()
    again = agents.current()
    assert again is not None and again.token != first


def test_folders_of_the_preferences_are_for_agents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inside, outside = tmp_path / "in" / "a.png", tmp_path / "b.png"
    inside.parent.mkdir()
    for path in (inside, outside):
        Image.new("RGB", (64, 64)).save(path)
    preferred = {"agent_folders": f"{tmp_path / 'none'}; {inside.parent}", "agent_max_cost_usd": 0.25}
    monkeypatch.setattr(settings, "preferences", lambda: SimpleNamespace(**preferred))
    assert Folders().check_image(str(inside), "mask") == str(inside)
    assert Folders().check_output(str(inside.parent / "new.png"), "output")
    with pytest.raises(InvalidRequestError, match="outside the folders"):
        Folders().check_image(str(outside), "mask")
    assert settings.agent_limit() == 0.25


def test_disabling_the_add_on_sends_agents_away() -> None:
    bpy.ops.gpt_image.let_agents_in()
    registration.unregister()
    assert agents.current() is None
    registration.register()
