"""A result comes in by steps; what happens to the file between two of them harms nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bpy
import pytest

from gpt_image_addon.app import apply_queue, scheduler
from gpt_image_addon.app.apply_queue import Applier, StepResult
from gpt_image_addon.core.common.files import WORTH_BYTES
from gpt_image_addon.core.errors import GptImageError
from gpt_image_addon.core.jobs.job import Job
from gpt_image_addon.core.journal.recovery import open_journal
from gpt_image_addon.core.journal.states import JobState
from gpt_image_addon.core.request.request import Application, GenerationRequest
from tests.blender.scene_fixtures import cube, description, image_file, map_set, prepared


class Desk:
    """An applier whose steps the test takes, and what it told."""

    def __init__(self, folder: Path, **application: Any) -> None:
        self.journal = open_journal(folder)
        self.told: list[Job] = []
        self.applier = Applier(self.journal, scheduler.errand, self._fail, self.told.append)
        request = GenerationRequest(prompt="oak", provider="offline", model="offline-draft")
        application.setdefault("scene_uid", bpy.context.scene.session_uid)
        self.job = Job(request, Application(**application), state=JobState.RECEIVED)
        self.journal.reserve(self.job.id, request, self.job.application, "digest", 0.0)
        self.job.prepared = prepared(image_file("Oak"), image_file("Oak 2"), maps=map_set())
        self.applier.add(self.job)

    def _fail(self, job: Job, error: GptImageError) -> None:
        job.error = error
        job.finish()
        self.told.append(job)

    def finish(self) -> None:
        while self.applier.step() is not StepResult.IDLE:
            pass


@pytest.fixture
def desk(tmp_path: Path) -> Callable[..., Desk]:
    return lambda **application: Desk(tmp_path / "state", **application)


def test_each_step_is_small_and_the_last_ones_end_the_job(desk: Callable[..., Desk]) -> None:
    cube()
    at = desk(target="texture")
    before = description()
    at.applier.step()
    assert [image.name for image in bpy.data.images] == ["Oak"]
    at.applier.step()
    assert [image.name for image in bpy.data.images] == ["Oak", "Oak 2"]
    assert description() | {"images": None} == before | {"images": None}
    at.finish()
    assert at.job.state is JobState.APPLIED and at.told == [at.job]
    assert at.job.applied.images == ("Oak", "Oak 2")
    assert bpy.data.materials[at.job.applied.material].users == 1


@pytest.mark.parametrize("target", ["image", "texture", "plane", "material"])
def test_images_made_ahead_are_those_that_are_used(desk: Callable[..., Desk], target: str) -> None:
    cube()
    at = desk(target=target)
    at.finish()
    assert at.job.state is JobState.APPLIED
    assert not [image.name for image in bpy.data.images if not image.users or ".0" in image.name]


@pytest.mark.parametrize("target", ["texture", "material"])
def test_what_an_undo_takes_away_is_made_again(desk: Callable[..., Desk], target: str) -> None:
    cube()
    at = desk(target=target)
    at.applier.step()
    bpy.data.batch_remove(list(bpy.data.images))
    at.finish()
    assert at.job.state is JobState.APPLIED
    assert all(name in bpy.data.images for name in at.job.applied.images)


@pytest.mark.parametrize("found", [True, False])
def test_with_a_window_a_thread_takes_memory_and_the_step_that_needs_it_frees_it(
    desk: Callable[..., Desk], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, found: bool
) -> None:
    at = desk(target="image")
    file = tmp_path / "large.png"
    file.write_bytes(bytes(2 * WORTH_BYTES))
    large = dataclasses.replace(image_file("Oak"), file=str(file), data=file.read_bytes())
    asked: list[tuple[Any, Any]] = []
    at.applier._errand = lambda work, done: asked.append((work, done))
    assert list(at.applier._have_memory_for(large)) == []  # in background nothing waits for Blender
    monkeypatch.setattr(apply_queue, "bpy", SimpleNamespace(app=SimpleNamespace(background=False)))
    assert list(at.applier._have_memory_for(image_file("Oak"))) == []
    steps = at.applier._have_memory_for(large)
    assert next(steps) is next(steps) is StepResult.WAITING
    ((work, done),) = asked
    memory = work()
    assert len(memory) == len(large.data) and not memory.closed
    done(memory, None) if found else done(None, GptImageError("There is no memory."))
    assert list(steps) == [] and memory.closed is found


def test_a_file_loaded_between_steps_gets_nothing(desk: Callable[..., Desk]) -> None:
    cube()
    at = desk(target="texture")
    at.applier.step()
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    before = description()
    at.finish()
    assert at.job.error is not None and at.job.error.code == "file_closed"
    assert description() == before and at.told == [at.job]


def test_a_target_deleted_between_steps_is_told(desk: Callable[..., Desk]) -> None:
    obj = cube()
    at = desk(target="texture", object_uid=obj.session_uid)
    at.applier.step()
    bpy.data.objects.remove(obj)
    at.finish()
    assert at.job.applied.object is None and "gone" in at.job.applied.messages[0]


def test_a_mode_entered_between_steps_leaves_nothing_behind(desk: Callable[..., Desk]) -> None:
    cube()
    at = desk(target="texture")
    at.applier.step()
    bpy.ops.object.mode_set(mode="SCULPT")
    at.finish()
    assert at.job.error is not None and at.job.error.code == "deferred"  # in background nobody would leave it
    assert not bpy.data.images


def test_the_journal_says_applied_before_the_job_is_done(desk: Callable[..., Desk]) -> None:
    at = desk(target="image")
    at.journal.sending(at.job.id)
    at.journal.received(at.job.id, at.journal.results, cost_usd=0.0, usage=None, request_id=None)
    at.finish()
    entry = at.journal.entry(at.job.id)
    assert entry is not None and entry.state is JobState.APPLIED
