"""From a client's pipe to a window: `mcp --to-window`."""

from __future__ import annotations

from pathlib import Path

import pytest

from gpt_image_addon import cli
from gpt_image_addon.core.errors import ConfigurationError
from gpt_image_addon.mcp.window.address import Address, Notice, find_window
from tests.api_server import ApiServer

from .pipe import Pipe
from .test_http import wait_until
from .test_pipe import CHEAP, DRAFT, states
from .window import Window, stateless

pytestmark = pytest.mark.bpy_module


def test_calls_go_to_the_window_and_a_given_up_one_is_cancelled(
    tmp_path: Path, api_server: ApiServer
) -> None:
    state = tmp_path / "state"
    with (
        Window(state, api_server) as window,
        Pipe(state, "--to-window", capabilities={"elicitation": {}}) as pipe,
    ):
        assert pipe.call("generate", prompt="oak", target="image", **DRAFT)["state"] == "succeeded"
        arguments = {"prompt": "oak", **CHEAP}
        begun = pipe.begin("tools/call", name="generate", arguments=arguments)
        asked = pipe.receive()
        assert asked["method"] == "elicitation/create"
        api_server.options.latency = 30
        pipe.send(id=asked["id"], result={"action": "accept", "content": {"spend": True}})
        wait_until(lambda: len(api_server.requests) == 1, 20)
        pipe.send(method="notifications/cancelled", params={"requestId": begun})
        wait_until(lambda: states(state) == ["APPLIED", "UNKNOWN"], 2)
        with Pipe(state, "--to-window", says_hello=False) as other:
            message, _ = stateless("tools/call", 7, name="generate", arguments={"prompt": "ash", **CHEAP})
            other.send(**message)
            wait_until(lambda: len(api_server.requests) == 2, 20)
            other.send(method="notifications/cancelled", params={"requestId": 7})
            wait_until(lambda: states(state) == ["APPLIED", "UNKNOWN", "UNKNOWN"], 2)
            assert other.close() == []
        window.send_away()
        refused = pipe.request("tools/list")
        assert refused["error"]["code"] == -32000
        assert pipe.close() == []


def test_where_nobody_lets_agents_in_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GPT_IMAGE_DATA_DIR", str(tmp_path / "state"))
    assert cli.main(["mcp", "--to-window"]) == 3
    said = capsys.readouterr().err
    assert "No window lets agents in" in said and "Let Agents In" in said
    assert cli.main(["mcp", "--to-window", "--allow-dir", str(tmp_path)]) == 2


def test_of_several_windows_one_is_named(tmp_path: Path) -> None:
    notices = [Notice(tmp_path) for _ in range(2)]
    for number, (notice, blend) in enumerate(zip(notices, ("room.blend", "hall.blend"), strict=True), 1):
        notice.write(Address(number, 1000 + number, "t", blend))
    for name in ("room.blend", "room", "1", "room.blend (1)"):
        assert find_window(tmp_path, name).port == 1001
    for name in ("", "attic.blend"):
        with pytest.raises(ConfigurationError) as refused:
            find_window(tmp_path, name)
        assert "hall.blend (2), room.blend (1)" in refused.value.text
    notices[0].remove()
    assert find_window(tmp_path).blend == "hall.blend"


def test_only_a_living_window_with_a_sound_notice_counts(tmp_path: Path) -> None:
    notice = Notice(tmp_path)
    (folder,) = tmp_path.iterdir()
    for wrong in (Address(1, 80, "x\r\nHost: y", "room.blend"), Address(1, 80_000, "t", "room.blend")):
        notice.write(wrong)
        with pytest.raises(ConfigurationError, match="No window"):
            find_window(tmp_path)
    notice.write(Address(1, 80, "t", "room.blend"))
    (sound,) = folder.glob("*.json")
    (folder / "1-0123abcd.json").write_text(sound.read_text())  # of a process that has died
    assert find_window(tmp_path).blend == "room.blend" and list(folder.glob("*.json")) == [sound]
    notice.remove()
