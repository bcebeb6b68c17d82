"""Blender for the tests: the add-on registered once, and for each test a factory file and a state folder."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import bpy
import pytest

import gpt_image_addon
from gpt_image_addon import cli
from gpt_image_addon.app import session
from tests.api_server import ApiServer

Command = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture(scope="session", autouse=True)
def addon() -> Iterator[None]:
    """The add-on, registered. Leaving Blender with it registered crashes 4.2 and hangs 4.5."""
    gpt_image_addon.register()
    yield
    gpt_image_addon.unregister()


@pytest.fixture(autouse=True)
def factory_file(addon: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty factory file, and what the add-on keeps for the user under `tmp_path`."""
    session.close()
    monkeypatch.setenv("GPT_IMAGE_DATA_DIR", str(tmp_path / "state"))
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    """Runs a command, without a key, and returns its exit code and JSON."""
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "GPT_IMAGE_PROVIDER"):
        monkeypatch.delenv(name, raising=False)

    def command(*argv: object) -> tuple[int, dict[str, Any]]:
        capfd.readouterr()
        code = cli.main([*map(str, argv), "--json"])
        return code, json.loads(capfd.readouterr().out.splitlines()[-1])

    return command


@pytest.fixture
def online(api_server: ApiServer, run: Command, monkeypatch: pytest.MonkeyPatch) -> ApiServer:
    """The environment points to the local server."""
    monkeypatch.setenv("OPENAI_BASE_URL", api_server.base_url)
    monkeypatch.setenv("OPENAI_API_KEY", api_server.api_key)
    return api_server
