"""Equal requests: what is paid for is not paid again by accident, and what is wanted twice comes twice."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bpy
import pytest

from gpt_image_addon import api
from gpt_image_addon.app import results, session, settings
from gpt_image_addon.core.errors import APIConnectionError, BudgetExceededError
from gpt_image_addon.core.jobs.job import Job
from gpt_image_addon.core.jobs.queue import JobQueue
from gpt_image_addon.core.journal.journal import Journal
from gpt_image_addon.core.journal.recovery import open_journal
from gpt_image_addon.core.journal.states import JobState
from gpt_image_addon.ui.common import state
from gpt_image_addon.ui.request import confirm, generate, to_parameters
from gpt_image_addon.ui.request.generate import GPT_IMAGE_OT_generate
from gpt_image_addon.ui.results.operators_results import GPT_IMAGE_OT_again
from tests.api_server import ApiServer, faults
from tests.blender.scene_fixtures import cube
from tests.core import line

OAK = {"provider": "openai", "size": "816x816", "quality": "low", "model": "gpt-image-2.6-sunburst"}
"""What `line.admit` asks for."""


@pytest.fixture(autouse=True)
def closed(factory_file: None) -> Iterator[None]:
    """The journal of the test before is not this one's."""
    api.close()
    yield
    api.close()


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Journal]:
    """The journal as another process has it; closing it is that process's end."""
    journal = open_journal(tmp_path / "state")
    yield journal
    if hasattr(journal._threads, "connection"):
        journal.close()


def receive(journal: Journal, server: ApiServer) -> Job:
    """Get an answer, and put it nowhere."""
    job = line.admit(journal, retry_unknown=True)
    assert line.run(journal, server.base_url, server.api_key, job).error is None
    return job


def state_of(job: str) -> JobState:
    entry = session.journal(settings.load()).entry(job)
    assert entry is not None
    return entry.state


def test_what_a_dead_process_paid_for_is_delivered_unpaid(online: ApiServer, other: Journal) -> None:
    job = receive(other, online)
    other.close()
    cube()
    result = api.generate("oak", **OAK)
    assert len(online.image_requests) == 1
    assert (result.job, result.object) == (job.id, "Cube")
    assert any("paid for on" in text and job.id in text for text in result.warnings)
    assert state_of(job.id) is JobState.APPLIED


def test_once_it_is_delivered_the_same_is_sent_again(online: ApiServer, other: Journal) -> None:
    receive(other, online)
    other.close()
    api.generate("oak", target="image", **OAK)
    result = api.generate("oak", target="image", **OAK)
    assert len(online.image_requests) == 2
    assert any("already made" in text for text in result.warnings)


def test_the_command_line_needs_no_flag_for_it(run: Any, online: ApiServer, other: Journal) -> None:
    job = receive(other, online)
    other.close()
    flags = [text for name, value in OAK.items() for text in (f"--{name}", value)]
    code, output = run("generate", "oak", "--target", "image", *flags)
    assert (code, output["job"], len(online.image_requests)) == (0, job.id, 1)
    assert any(job.id in text for text in output["warnings"])
    assert output["cost_usd"] == pytest.approx(online.bill_usd)


@pytest.mark.parametrize("ask_again", ["reuse", "again"])
def test_who_asks_for_another_one_gets_it(online: ApiServer, other: Journal, ask_again: str) -> None:
    job = receive(other, online)
    other.close()
    made = results.again(job.id) if ask_again == "again" else api.submit("oak", reuse=False, **OAK)
    assert made.wait(10) and made.id != job.id and len(online.image_requests) == 2


def test_a_living_process_delivers_its_own_result(online: ApiServer, other: Journal) -> None:
    receive(other, online)
    assert api.submit("oak", target="image", **OAK).wait(10)
    assert len(online.image_requests) == 2


def test_another_request_is_another_one(online: ApiServer, other: Journal) -> None:
    receive(other, online)
    other.close()
    api.generate("oaks", target="image", **OAK)
    assert len(online.image_requests) == 2


def test_of_two_that_ask_one_gets_it(online: ApiServer, other: Journal) -> None:
    receive(other, online)
    other.close()
    jobs = [api.submit("oak", target="image", **OAK) for _ in range(2)]
    assert all(job.wait(10) for job in jobs)
    assert len(online.image_requests) == 2 and jobs[0].id != jobs[1].id


def test_it_needs_neither_key_nor_budget(
    online: ApiServer, other: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    receive(other, online)
    other.close()
    monkeypatch.setenv("GPT_IMAGE_MONTHLY_BUDGET_USD", "0.0001")
    monkeypatch.delenv("OPENAI_API_KEY")
    assert api.generate("oak", target="image", **OAK).images
    monkeypatch.setenv("OPENAI_API_KEY", online.api_key)
    with pytest.raises(BudgetExceededError):
        api.generate("oak", target="image", **OAK)


def stalled(other: Journal, server: ApiServer) -> tuple[Job, JobQueue]:
    """A request of another process whose answer does not come yet."""
    server.script(faults.stall("processing"))
    job = line.admit(other, retry_unknown=True)
    queue = line.start(other, server.base_url, server.api_key, job)
    assert server.wait_until(lambda found: bool(found.stalled))
    return job, queue


def test_reuse_waits_for_a_request_of_another_process(online: ApiServer, other: Journal) -> None:
    first, queue = stalled(other, online)
    second = api.submit("oak", target="image", reuse=True, **OAK)
    assert not second.wait(0.6) and first.id in second.message
    online.release()
    assert line.finish(queue).error is None
    result = api.result_of(second) if second.wait(10) else None
    assert result is not None and result.job == first.id and len(online.image_requests) == 1
    assert any("on its way" in text for text in result.warnings)
    assert result.cost_usd == pytest.approx(online.bill_usd) and result.estimated_usd == 0
    assert api.history().spent_usd == pytest.approx(online.bill_usd)


def test_reuse_waits_in_its_own_process_too(online: ApiServer) -> None:
    online.script(faults.stall("processing"))
    jobs = [api.submit("oak", target="image", reuse=True, **OAK) for _ in range(3)]
    assert online.wait_until(lambda server: bool(server.stalled))
    online.release()
    assert all(job.wait(10) for job in jobs)
    assert len(online.image_requests) == 1
    assert {api.result_of(job).job for job in jobs} == {jobs[0].id}


def test_without_reuse_both_are_sent(online: ApiServer) -> None:
    jobs = [api.submit("oak", target="image", **OAK) for _ in range(2)]
    assert all(job.wait(10) for job in jobs) and len(online.image_requests) == 2


def test_where_the_other_one_fails_it_is_sent(online: ApiServer, other: Journal) -> None:
    first, queue = stalled(other, online)
    second = api.submit("oak", target="image", reuse=True, **OAK)
    assert not second.wait(0.3)
    other.failed(first.id, BudgetExceededError("It ended without a result."))
    assert second.wait(10) and second.state is JobState.APPLIED
    assert state_of(second.id) is JobState.APPLIED and second.estimated_usd > 0
    assert len(online.image_requests) == 2
    online.release()
    queue.close(5)


def test_where_the_other_one_dies_unanswered_nothing_is_sent(online: ApiServer, other: Journal) -> None:
    _, queue = stalled(other, online)
    second = api.submit("oak", target="image", reuse=True, **OAK)
    assert not second.wait(0.3)
    other._lock.release()
    assert second.wait(10) and isinstance(second.error, APIConnectionError)
    assert second.error.code == "outcome_unknown" and len(online.image_requests) == 1
    online.release()
    queue.close(5)


def test_waiting_can_be_cancelled(online: ApiServer, other: Journal) -> None:
    _, queue = stalled(other, online)
    second = api.submit("oak", target="image", reuse=True, **OAK)
    assert not second.wait(0.3)
    second.cancel()
    assert second.wait(5) and second.state is JobState.CANCELLED
    assert second.error is not None and second.error.billed == "no"
    online.release()
    line.finish(queue)
    assert len(online.image_requests) == 1


def test_a_result_whose_files_are_gone_does_not_stop_reuse(online: ApiServer) -> None:
    first = api.generate("oak", target="image", **OAK)
    for path in first.files:
        Path(path).unlink()
    folder = Path(first.files[0]).parent
    (folder / "answer.json").unlink()
    for left in folder.iterdir():
        left.unlink()
    folder.rmdir()
    second = api.generate("oak", target="image", reuse=True, **OAK)
    assert second.job != first.job and len(online.image_requests) == 2


class Button:
    """An operator as a click calls it; without a window Blender would execute it instead."""

    properties = SimpleNamespace(is_property_set=lambda name: False)

    def __init__(self, operator: Any, job: str = "") -> None:
        self.operator, self.prompt, self.job, self.ask, self.target = operator, "", job, False, ""
        self.said: list[str] = []

    def report(self, kind: set[str], text: str) -> None:
        self.said.append(text)

    def __getattr__(self, name: str) -> Any:
        return functools.partial(getattr(self.operator, name), self)

    def click(self) -> set[str]:
        found: set[str] = self.operator.invoke(self, bpy.context, None)
        return found


def click(prompt: str = "oak") -> set[str]:
    values = bpy.context.scene.gpt_image
    values.provider, values.prompt, values.target, values.quality = "openai", prompt, "image", "low"
    return Button(GPT_IMAGE_OT_generate).click()


def test_a_double_click_sends_once(online: ApiServer) -> None:
    online.script(faults.stall("processing"))
    assert click() == {"FINISHED"}
    assert click() == {"CANCELLED"} and click() == {"CANCELLED"}
    assert click("ash") == {"FINISHED"}, "another request is no second click"
    online.release()
    for job in api.jobs():
        assert job.wait(10)
    assert len(online.image_requests) == 2


def test_what_is_on_its_way_for_longer_is_asked_about(
    online: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    online.script(faults.stall("processing"))
    assert click() == {"FINISHED"}
    monkeypatch.setattr(confirm, "DOUBLE_CLICK", timedelta(0))
    wanted = {**to_parameters.plain(bpy.context.scene.gpt_image), **to_parameters.place(bpy.context)}
    asked = confirm.question(generate.prepare_request(bpy.context, {}), {})
    assert asked is not None and asked.is_running and not asked.is_double_click and not asked.is_stored
    assert asked.confirm_text == "Send Again" and "still to come" in confirm._explain(asked)
    second = api.submit(**wanted, **confirm.collect_answers(asked, "send"))
    online.release()
    assert second.wait(10) and all(job.wait(10) for job in api.jobs())
    assert len(online.image_requests) == 2


def test_again_is_sent_once_by_a_double_click(online: ApiServer) -> None:
    first = api.submit("oak", target="image", **OAK)
    assert first.wait(10)
    online.script(faults.stall("processing"))
    assert Button(GPT_IMAGE_OT_again, first.id).click() == {"FINISHED"}
    second = Button(GPT_IMAGE_OT_again, first.id)
    assert second.click() == {"CANCELLED"} and second.said == [confirm.JUST_SENT]
    online.release()
    assert all(job.wait(10) for job in api.jobs()) and len(online.image_requests) == 2


def test_what_was_asked_about_is_what_is_sent(online: ApiServer) -> None:
    """A button of the question answers it, once; what the panel says meanwhile does not count."""
    values = bpy.context.scene.gpt_image
    assert click() == {"FINISHED"}
    first = api.jobs()[-1]
    assert first.wait(10)

    places: list[str] = []  # where the results go, as those of an inpaint do

    def ask() -> None:
        values.provider, values.prompt, values.target, values.quality = "openai", "oak", "image", "low"
        prepared = generate.prepare_request(bpy.context, {})
        question = confirm.question(prepared, {})
        assert question is not None and question.is_stored
        state.part(generate.Asked).keep(prepared, question, lambda job: places.append(job.id))
        values.prompt = "something else"

    ask()
    assert bpy.ops.gpt_image.answer_question(reuse=True) == {"FINISHED"}
    assert api.jobs()[-1].wait(10) and api.jobs()[-1].id == first.id and len(online.image_requests) == 1
    ask()
    assert bpy.ops.gpt_image.answer_question(reuse=False) == {"FINISHED"}
    assert api.jobs()[-1].wait(10) and len(online.image_requests) == 2
    assert api.jobs()[-1].request.prompt == "oak"
    assert places == [first.id, api.jobs()[-1].id]
    assert bpy.ops.gpt_image.answer_question(reuse=False) == {"CANCELLED"} and len(api.jobs()) == 3
