"""Blender for the tests: the add-on registered once, and for each test a factory file and a state folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import bpy
import pytest

import gpt_image_addon


@pytest.fixture(scope="session", autouse=True)
def addon() -> Iterator[None]:
    """The add-on, registered. Leaving Blender with it registered crashes 4.2 and hangs 4.5."""
    gpt_image_addon.register()
    yield
    gpt_image_addon.unregister()


@pytest.fixture(autouse=True)
def factory_file(addon: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty factory file, and what the add-on keeps for the user under `tmp_path`."""
    monkeypatch.setenv("GPT_IMAGE_DATA_DIR", str(tmp_path / "state"))
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
