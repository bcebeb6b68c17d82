"""What is known of the free memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from gpt_image_addon.core.pasting import memory


def test_this_machine_has_some() -> None:
    assert 2**20 < memory.free_memory() < 2**50


def test_systems_that_do_not_say_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "Path", lambda _: Path("/nowhere"))
    assert 2**20 < memory.free_memory() < 2**50
    monkeypatch.delattr(memory.os, "sysconf", raising=False)
    assert memory.free_memory() == memory.UNKNOWN
