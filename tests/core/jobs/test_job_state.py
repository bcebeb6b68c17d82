"""What a job is at is set in one place: its own methods, which no other module goes around."""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from gpt_image_addon.core.errors import APIConnectionError, GptImageError, JobCancelled
from gpt_image_addon.core.jobs.job import Job, JobEvent, Task
from gpt_image_addon.core.journal.states import JobState
from gpt_image_addon.core.request.request import Application, GenerationRequest
from gpt_image_addon.core.results.store import PreparedResult

PACKAGE = Path(__file__).resolve().parents[3] / "gpt_image_addon"
HOME = PACKAGE / "core" / "jobs" / "job.py"
FIELDS = {field.name for field in dataclasses.fields(Job)}
OTHERS = {
    "billed": ("error", "fault", "found", "full"),
    "error": ("group[0]", "view"),
}
"""What else has a field of such a name: errors, a write of the journal, a page of the history."""


def find_assignments(code: str) -> Iterator[tuple[int, str]]:
    """Lines that set a field of a job on something that is not ``self``."""
    for node in ast.walk(ast.parse(code)):
        targets = node.targets if isinstance(node, ast.Assign) else []
        targets = [node.target] if isinstance(node, ast.AugAssign | ast.AnnAssign) else targets
        for target in targets:
            for part in target.elts if isinstance(target, ast.Tuple) else (target,):
                if isinstance(part, ast.Attribute) and part.attr in FIELDS:
                    owner = ast.unparse(part.value)
                    if owner != "self" and owner not in OTHERS.get(part.attr, ()):
                        yield node.lineno, ast.unparse(part)


def test_no_other_module_sets_a_jobs_fields() -> None:
    found = [
        f"{path.relative_to(PACKAGE)}:{line} {target}"
        for path in sorted(PACKAGE.rglob("*.py"))
        if path != HOME
        for line, target in find_assignments(path.read_text("utf-8"))
    ]
    assert found == []


@pytest.mark.parametrize(
    "code",
    ["job.state = state", "job.warnings += (notice,)", "self._job.stopping = True", "a.x, job.used = 1, 2"],
)
def test_an_assignment_is_seen(code: str) -> None:
    assert list(find_assignments(code))


def test_state_message_and_progress_are_set_by_one_method() -> None:
    where = {
        function.name
        for function in ast.walk(ast.parse(HOME.read_text("utf-8")))
        if isinstance(function, ast.FunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
        if node.attr in ("state", "message", "progress")
    }
    assert where == {"_change"}


def test_nothing_of_a_job_is_of_any_type() -> None:
    untyped = [field.name for field in dataclasses.fields(Job) if "Any" in str(field.type)]
    assert untyped == ["on_progress"], "a caller says whether it listens to jobs or to all tasks"


def make_job() -> Job:
    return Job(GenerationRequest(prompt="oak"), Application())


def test_a_job_goes_from_event_to_event() -> None:
    job = make_job()
    assert (job.title, job.started, job.elapsed) == ("oak", None, 0.0)
    job.update(JobEvent(job, state=JobState.SENDING, message="Starting", progress=0.2))
    job.update(JobEvent(job, message="Waiting for the image"))
    assert (job.state, job.message, job.progress) == (JobState.SENDING, "Waiting for the image", 0.2)
    prepared = PreparedResult(job.id, (), facts={"cost_usd": 0.25})
    job.update(JobEvent(job, prepared=prepared, result_of="other", progress=1.0))
    assert (job.state, job.prepared, job.cost_usd, job.id) == (JobState.RECEIVED, prepared, 0.0, "other")
    assert not job.done
    job.complete("what was made")
    assert (job.state, job.message, job.applied, job.done) == (
        JobState.APPLIED,
        "Done",
        "what was made",
        True,
    )


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (GptImageError("No."), JobState.FAILED),
        (APIConnectionError("Gone.", billed="maybe"), JobState.UNKNOWN),
        (JobCancelled("Stopped."), JobState.CANCELLED),
    ],
)
def test_an_error_ends_a_job(error: GptImageError, state: JobState) -> None:
    job = make_job()
    job.update(JobEvent(job, state=JobState.SENDING))
    job.update(JobEvent(job, error=error))
    assert (job.state, job.error, job.message, job.done) == (state, error, error.text, True)
    kept = make_job()
    kept.update(JobEvent(kept, prepared=PreparedResult(kept.id, ())))
    kept.fail(error)
    assert kept.state is JobState.RECEIVED, "a result that is here stays"


def test_who_ends_the_process_finds_the_result_later() -> None:
    job = make_job()
    job.stop_sending()
    job.update(JobEvent(job, prepared=PreparedResult(job.id, ())))
    assert job.done and job.state is JobState.RECEIVED


def test_local_work_has_a_title_and_no_request() -> None:
    task = Task(title="Maps")
    task.update(JobEvent(task, deliver=lambda: "made"))
    assert task.state is JobState.RECEIVED and task.deliver is not None
    task.update(JobEvent(task, message="Waiting"))
    task.complete(task.deliver())
    assert (task.title, task.applied, hasattr(task, "request")) == ("Maps", "made", False)
