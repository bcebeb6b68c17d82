"""The whole line against a hostile server, and what must hold whatever the server does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gpt_image_addon.core.http.request_state import RequestState

from .bench import Bench
from .server import HostileServer


@pytest.fixture
def hostile() -> Iterator[HostileServer]:
    with HostileServer() as server:
        yield server


@pytest.fixture
def bench(hostile: HostileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """A line whose waits between tries take no time."""
    monkeypatch.setattr(RequestState, "wait", lambda self, seconds: self.check())  # the clock
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    found = Bench(hostile, tmp_path / "state")
    yield found
    found.close()
