"""In Sculpt Mode the image comes at once, and the rest with it when the mode is left."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import bpy
import pytest

from gpt_image_addon.app import apply_queue
from gpt_image_addon.core.journal.states import JobState
from gpt_image_addon.ui.results.card import progress_text
from tests.blender.scene_fixtures import cube
from tests.blender.test_applying import Desk

desk_of = Callable[..., Desk]


@pytest.fixture
def desk(tmp_path: Any, factory_file: None, monkeypatch: pytest.MonkeyPatch) -> desk_of:
    """As with a window, but for undo steps, which there are none of without."""
    window = SimpleNamespace(app=SimpleNamespace(background=False), data=bpy.data)
    monkeypatch.setattr(apply_queue, "bpy", window)
    monkeypatch.setattr(apply_queue, "push_undo", lambda name: None)
    monkeypatch.setattr(apply_queue.Applier, "_have_memory_for", lambda self, image: iter(()))
    cube()
    bpy.ops.object.mode_set(mode="SCULPT")
    return lambda **application: Desk(tmp_path / "state", **application)


def names() -> list[str]:
    return sorted(image.name for image in bpy.data.images)


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("texture", ["Oak", "Oak 2"]),
        ("plane", ["Oak", "Oak 2"]),
        ("material", ["Oak 2", "Oak_base_color"]),
    ],
)
def test_the_images_come_at_once_and_are_used_later(desk: desk_of, target: str, expected: list[str]) -> None:
    at = desk(target=target)
    at.finish()
    assert not at.job.done and at.job.deferred and names() == expected
    assert all(image.use_fake_user and image.packed_file for image in bpy.data.images)
    assert str(at.job.message) == "Waits until Sculpt Mode is left"
    assert not bpy.data.objects["Cube"].material_slots
    bpy.ops.object.mode_set(mode="OBJECT")
    at.finish()
    assert at.job.state is JobState.APPLIED and not at.job.deferred
    assert set(expected) <= set(at.job.applied.images)
    assert not [name for name in names() if ".0" in name], "none is there twice"
    kept = {image.name for image in bpy.data.images if image.use_fake_user}
    assert kept == ({"Oak 2"} if target != "plane" else set())


def test_an_image_that_was_removed_meanwhile_is_made_again(desk: desk_of) -> None:
    at = desk(target="texture")
    at.finish()
    bpy.data.batch_remove(list(bpy.data.images))
    bpy.ops.object.mode_set(mode="OBJECT")
    at.finish()
    assert at.job.state is JobState.APPLIED and names() == ["Oak", "Oak 2"]


def test_who_cancels_keeps_the_images(desk: desk_of) -> None:
    at = desk(target="texture")
    at.finish()
    at.job.cancel()
    at.finish()
    assert at.job.done and names() == ["Oak", "Oak 2"]


def test_no_clock_runs_meanwhile(desk: desk_of) -> None:
    at = desk(target="texture")
    at.job.started = 0.0
    at.finish()
    assert progress_text(at.job) == "Waits until Sculpt Mode is left"
