"""Edits of several requests in the list of jobs: asked about, gone on with where a part failed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bpy
import pytest
from PIL import Image

from gpt_image_addon import api
from gpt_image_addon.app import results, session
from gpt_image_addon.app.editing import sequences
from gpt_image_addon.app.editing.cutout import begin_cut_out
from gpt_image_addon.app.editing.extending import begin_extension
from gpt_image_addon.app.submission import PreparedRequest
from gpt_image_addon.core.jobs.job import Task
from gpt_image_addon.core.journal.states import JobState
from gpt_image_addon.ui.request import confirm
from gpt_image_addon.ui.results import history_view
from tests.api_server import ApiServer
from tests.blender.test_region_edits import follow, texture
from tests.core.editing import simulated, subjects

OPTIONS = {"provider": "openai", "quality": "low"}


@pytest.fixture(autouse=True)
def closed(online: ApiServer) -> Iterator[None]:
    """The journal of the test before is not this one's."""
    api.close()
    yield
    api.close()
    online.options.edits = None


@pytest.fixture
def wall(tmp_path: Path) -> Path:
    Image.fromarray(texture((512, 384))).save(tmp_path / "wall.png")
    return tmp_path / "wall.png"


def begin(sequence: Any, ask: sequences.Ask | None = None) -> list[Any]:
    """Let it run in the list of jobs; returns where its results will be."""
    made: list[Any] = []
    sequences.run_in_background(sequence, "wall", lambda: made.append(sequence.result()), ask)
    settle()
    return made


def settle() -> None:
    while any(not job.done for job in session.jobs()):
        session.jobs()[-1].wait(0.2)


def failed() -> Task:
    (job,) = (job for job in session.jobs() if job.error is not None)
    return job


def other(first: bytes, mask: bytes | None) -> Image.Image:
    """An answer that shows something else."""
    return Image.fromarray(texture((900, 700))[::-1, ::-1])


def test_an_answer_that_does_not_match_is_used_and_the_rest_is_sent(
    online: ApiServer, wall: Path, tmp_path: Path
) -> None:
    answers = iter((other, follow(simulated.wrong(3, hard=False))))
    online.options.edits = lambda first, mask: next(answers)(first, mask)
    made = begin(begin_extension(wall, tmp_path / "out.png", size="1000x384", **OPTIONS))
    job = failed()
    assert job.error is not None and job.error.code == "edit_mismatch" and not made
    assert len(online.image_requests) == 1 and results.unfinished(job.id) is job
    assert bpy.ops.gpt_image.accept_answer(job=job.id) == {"FINISHED"}
    settle()
    (result,) = made
    assert len(online.image_requests) == 2 and len(result.jobs) == 2 and job not in session.jobs()
    assert Image.open(tmp_path / "out.png").size == (1000, 384)


def test_what_failed_is_tried_again(online: ApiServer, wall: Path, tmp_path: Path) -> None:
    answers = iter((other, follow(simulated.wrong(3, hard=False))))
    online.options.edits = lambda first, mask: next(answers)(first, mask)
    made = begin(begin_extension(wall, tmp_path / "out.png", right=128, **OPTIONS))
    assert bpy.ops.gpt_image.again(job=failed().id) == {"FINISHED"}
    settle()
    assert len(made) == 1 and len(online.image_requests) == 2


def test_files_that_are_gone_are_not_paid_for_once_more(
    online: ApiServer, wall: Path, tmp_path: Path
) -> None:
    online.options.edits = other
    begin(begin_extension(wall, tmp_path / "out.png", right=128, **OPTIONS))
    job = failed()
    for file in sorted(results.entry(job.id).folder.rglob("*"), reverse=True):  # type: ignore[union-attr]
        file.rmdir() if file.is_dir() else file.unlink()
    results.entry(job.id).folder.rmdir()  # type: ignore[union-attr]
    for _ in range(2):
        with pytest.raises(RuntimeError, match="gone"):
            bpy.ops.gpt_image.accept_answer(job=job.id)
    assert len(online.image_requests) == 1


def test_another_subject_is_used_all_the_same(online: ApiServer, tmp_path: Path) -> None:
    Image.fromarray(subjects.subject(512, 1).image).save(tmp_path / "a.png")
    answers = iter((subjects.cut(subjects.subject(512, 9)), subjects.cut(subjects.subject(512, 1))))
    online.options.edits = lambda first, mask: Image.fromarray(next(answers))
    made = begin(begin_cut_out(tmp_path / "a.png", tmp_path / "out.png", **OPTIONS))
    job = failed()
    assert not isinstance(job, api.Job) and job.estimated_usd > 0
    assert bpy.ops.gpt_image.accept_answer(job=job.id) == {"FINISHED"}
    settle()
    assert len(made) == 1 and len(online.image_requests) == 1


def test_another_subject_is_asked_for_again(online: ApiServer, tmp_path: Path) -> None:
    Image.fromarray(subjects.subject(512, 1).image).save(tmp_path / "a.png")
    answers = iter((subjects.cut(subjects.subject(512, 9)), subjects.cut(subjects.subject(512, 1))))
    online.options.edits = lambda first, mask: Image.fromarray(next(answers))
    made = begin(begin_cut_out(tmp_path / "a.png", tmp_path / "out.png", **OPTIONS))
    assert bpy.ops.gpt_image.again(job=failed().id) == {"FINISHED"}
    settle()
    assert len(made) == 1 and len(online.image_requests) == 2


def test_the_first_request_is_asked_about(online: ApiServer, wall: Path, tmp_path: Path) -> None:
    online.options.edits = follow(simulated.wrong(3, hard=False))
    asked: list[PreparedRequest] = []

    def ask(prepared: PreparedRequest) -> bool:
        asked.append(prepared)
        return prepared.find_earlier() is not None

    assert len(begin(begin_extension(wall, tmp_path / "1.png", right=128, **OPTIONS), ask)) == 1
    made = begin(begin_extension(wall, tmp_path / "2.png", right=128, **OPTIONS), ask)
    assert not made and len(online.image_requests) == 1 and len(asked) == 2
    question = confirm.question(asked[1], {})
    assert question is not None and question.has_answer and not question.is_refused
    asked[1].submit(**confirm.collect_answers(question, "reuse"))
    settle()
    assert len(made) == 1 and len(online.image_requests) == 1
    assert (tmp_path / "1.png").read_bytes() == (tmp_path / "2.png").read_bytes()


def test_a_refused_answer_is_offered(online: ApiServer, wall: Path, tmp_path: Path) -> None:
    online.options.edits = other
    begin(begin_extension(wall, tmp_path / "1.png", right=128, **OPTIONS))
    api.close()  # as in the next session
    asked: list[PreparedRequest] = []
    made = begin(
        begin_extension(wall, tmp_path / "2.png", right=128, **OPTIONS),
        lambda prepared: not asked.append(prepared),  # type: ignore[func-returns-value]
    )
    question = confirm.question(asked[0], {})
    assert question is not None and question.is_refused and question.has_answer
    assert confirm.collect_answers(question, "send") == {"retry_unknown": True}
    asked[0].submit(**confirm.collect_answers(question, "reuse"))
    settle()
    assert len(made) == 1 and len(online.image_requests) == 1


def test_a_failure_after_the_answer_came_is_told() -> None:
    job = Task(title="wall", state=JobState.RECEIVED)
    assert history_view.changed([job])
    assert not history_view.changed([job])
    job.fail(api.GptImageError("It does not match."))
    assert job.state is JobState.RECEIVED and history_view.changed([job])
