"""Owns the job queue and the one timer, and puts results into the scene. Main thread only."""

from __future__ import annotations

import dataclasses
import logging
import queue
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import bpy

from .core.errors import GptImageError, InvalidRequestError, JobCancelled, SceneError
from .core.jobs import Job, JobEvent, JobQueue, Work
from .core.request import Application, GenerationRequest, check_application
from .core.states import JobState
from .settings import Settings

if TYPE_CHECKING:  # loaded on first use: enabling the add-on must not take long
    from .core.durations import Durations
    from .core.journal import Entry, Journal
    from .core.models import Registry
    from .core.pipeline import Line
    from .core.pricing import Estimate

log = logging.getLogger(__name__)

TICK_INTERVAL = 0.1  # seconds between looks at the queue while jobs run
SHOW_INTERVAL = 0.5  # seconds between updates of elapsed times
TICK_BUDGET = 0.005  # seconds of a tick after which no further event is taken
CLOSE_SECONDS = 1.5  # how long quitting or disabling waits for workers
KEPT_JOBS = 20  # finished jobs that the panel still lists


@dataclasses.dataclass
class _State:
    """What lives between `submit` and `close`."""

    journal: Journal
    queue: JobQueue
    durations: Durations
    jobs: list[Job] = dataclasses.field(default_factory=list)
    deferred: list[Job] = dataclasses.field(default_factory=list)
    """Jobs whose result waits for Blender to be ready for it."""


_state: _State | None = None
_shown = 0.0
on_change: list[Callable[[], None]] = []
"""Called after jobs changed; the interface redraws itself here."""


def state(settings: Settings) -> _State:
    """The open journal and queue; opened on first use."""
    global _state
    from .core.durations import DURATIONS_FILE, Durations
    from .core.journal import Journal

    if _state is None or _state.journal.folder != settings.state_folder:
        close()
        durations = Durations(settings.state_folder / DURATIONS_FILE)
        _state = _State(Journal(settings.state_folder), JobQueue(settings.concurrency), durations)
    _state.queue.concurrency = settings.concurrency
    return _state


def jobs() -> tuple[Job, ...]:
    """The jobs of this process, oldest first."""
    return tuple(_state.jobs) if _state is not None else ()


def forget_finished() -> None:
    """Drop the jobs that are done from `jobs`."""
    if _state is not None:
        _state.jobs = [job for job in _state.jobs if not job.done]


def waiting() -> list[Job]:
    """The jobs that are not begun, next first."""
    return _state.queue.waiting() if _state is not None else []


def cancel(job: Job) -> None:
    """Stop a job; one that is not begun ends at once."""
    job.cancel()
    if _state is not None and _state.queue.withdraw(job):
        error = JobCancelled("The job was cancelled.")
        _state.journal.failed(job.id, error, cancelled=True)
        _fail(job, error)
        _notify()


def move(job: Job, step: int) -> None:
    """Let a job that is not begun begin earlier or later."""
    if _state is not None and _state.queue.move(job, step):
        _notify()


def _notify() -> None:
    for callback in on_change:
        callback()


def entry(job: str) -> Entry | None:
    """The journal's row of a job of this session."""
    return _state.journal.entry(job) if _state is not None else None


def registry(settings: Settings) -> Registry:
    """The model table, with the user's own rows."""
    from .core.models import TABLE_FILE, load_registry

    return load_registry(settings.state_folder / TABLE_FILE)


def completed(request: GenerationRequest, table: Registry, settings: Settings) -> GenerationRequest:
    """The request with what was left open filled in."""
    provider = request.provider or settings.provider
    return dataclasses.replace(request, provider=provider, model=request.model or table.default_for(provider))


def checked(
    request: GenerationRequest,
    settings: Settings,
    picture_sizes: tuple[tuple[int, int], ...] | None = None,
) -> tuple[GenerationRequest, Estimate, tuple[str, ...]]:
    """The completed request with its price and warnings; nothing is sent or written.

    :param picture_sizes: of references, mask and markup; read from their files when left out.
    :raises InvalidRequestError: it can't be sent.
    """
    from .core.models import check
    from .core.pricing import estimate
    from .core.prompts import compose

    table = registry(settings)
    request = completed(request, table, settings)
    warnings = check(request, table, date.today())
    sizes = _file_sizes(request) if picture_sizes is None else picture_sizes
    price = estimate(dataclasses.replace(request, prompt=compose(request)), table, sizes)
    return request, price, warnings


def _file_sizes(request: GenerationRequest) -> tuple[tuple[int, int], ...]:
    paths = [*request.references, *filter(None, (request.mask, request.markup))]
    if not paths:
        return ()
    from .core.pictures import inspect_file

    infos = [inspect_file(Path(path)) for path in paths]
    return tuple((info.width, info.height) for info in infos)


def submit(
    request: GenerationRequest, application: Application, settings: Settings, *, reuse: bool = False
) -> Job:
    """Check a request, reserve its price and hand it to a worker.

    :param reuse: take the stored result of an equal request instead of sending it, where there is one.
    :raises GptImageError: it can't be sent; nothing was.
    """
    from .core.pipeline import Line, file_digests

    request, price, warnings = checked(request, settings)
    check_application(application)
    found = state(settings)
    digest = request.digest(file_digests(request))
    stored = found.journal.find_stored(digest)
    line = Line(found.journal, registry(settings), settings.connection())
    if reuse and stored is not None:
        return _resume(stored, application, found, line)
    settings.check_provider(request.provider)
    if stored is not None and price.high_usd > 0:
        warnings += (
            f"The same request was already made as job {stored.id}; reuse returns its result unpaid.",
        )
    job = Job(request, application, estimated_usd=price.high_usd, warnings=warnings, pump=drain)
    found.journal.reserve(job.id, request, application, digest, price.high_usd, settings.monthly_budget_usd)
    _enqueue(found, job, found.durations.timed(line.run))
    return job


def _resume(stored: Entry, application: Application, found: _State, line: Line) -> Job:
    folder = stored.folder
    if folder is None or not folder.is_dir():
        raise InvalidRequestError(f"The files of job {stored.id} are gone.", next_step="Leave reuse out.")
    notice = f"The stored result of job {stored.id} was used; nothing was sent."
    job = Job(stored.request, application, id=stored.id, warnings=(notice,), pump=drain)
    _enqueue(found, job, line.resume(folder))
    return job


def _enqueue(found: _State, job: Job, work: Work) -> None:
    forgotten = [old for old in found.jobs if old.done][:-KEPT_JOBS]
    found.jobs = [old for old in found.jobs if old not in forgotten] + [job]
    job.expected_seconds = found.durations.expected(job.request)
    found.queue.submit(job, work)
    if not bpy.app.background and not bpy.app.timers.is_registered(_tick):
        bpy.app.timers.register(_tick, first_interval=TICK_INTERVAL, persistent=True)


def _tick() -> float | None:
    global _shown
    if _state is None:
        return None
    drain(0.0)
    if time.monotonic() - _shown > SHOW_INTERVAL:
        _shown = time.monotonic()
        _notify()
    return TICK_INTERVAL if any(not job.done for job in _state.jobs) else None


def drain(seconds: float) -> None:
    """Handle events of the workers.

    :param seconds: how long to wait for a first event.
    """
    if _state is None:
        return
    found = _state
    _apply_deferred(found)
    started = time.perf_counter()
    changed = False
    while True:
        try:
            event = (
                found.queue.events.get(timeout=seconds) if seconds > 0 else found.queue.events.get_nowait()
            )
        except queue.Empty:
            break
        seconds = 0.0
        changed = True
        _handle(event, found)
        if time.perf_counter() - started > TICK_BUDGET:
            break
    if changed:
        _notify()


def _handle(event: JobEvent, found: _State) -> None:
    job = event.job
    if job.started is None:
        job.started = time.monotonic()
    job.state = event.state or job.state
    job.message = event.message or job.message
    job.progress = event.progress if event.progress is not None else job.progress
    job.preview = event.preview or job.preview
    if event.error is not None:
        _fail(job, event.error)
    elif event.prepared is not None:
        job.prepared = event.prepared
        cost = event.prepared.facts.get("cost_usd")
        job.cost_usd = float(cost) if cost is not None else None
        job.state = JobState.RECEIVED
        _apply(job, found)


def _fail(job: Job, error: GptImageError) -> None:
    job.error = error
    job.message = error.text
    if job.state is not JobState.RECEIVED:
        ends = {"no": JobState.FAILED, "maybe": JobState.UNKNOWN, "yes": JobState.FAILED}
        job.state = JobState.CANCELLED if isinstance(error, JobCancelled) else ends[error.billed]
    log.warning("Job %s: %s", job.id, error.text)
    job.finish()


def _apply(job: Job, found: _State) -> None:
    from .scene.targets import Deferred, apply

    assert job.prepared is not None
    if _file_is_gone(job.application):
        message = "The file that this was made for is closed; the result is kept."
        _fail(job, SceneError(message, code="file_closed", billed="yes"))
        return
    try:
        job.applied = apply(job.prepared, job.application)
    except Deferred as deferred:
        _defer(job, found, str(deferred))
        return
    except GptImageError as error:
        _fail(job, error)
        return
    except Exception as error:
        log.exception("Job %s could not be applied", job.id)
        _fail(job, SceneError(f"The result could not be put into the scene: {error!r}.", billed="yes"))
        return
    found.journal.applied(job.id)
    job.state = JobState.APPLIED
    job.progress = 1.0
    job.message = "Done"
    if not bpy.app.background:
        bpy.ops.ed.undo_push(message=f"GPT Image: {job.prepared.pictures[0].name}")
    job.finish()


def _file_is_gone(application: Application) -> bool:
    uid = application.scene_uid
    return uid is not None and all(scene.session_uid != uid for scene in bpy.data.scenes)


def _defer(job: Job, found: _State, reason: str) -> None:
    """Keep a result until Blender can take it; in background nobody would change that, so the job ends."""
    job.message = reason
    if bpy.app.background:
        _fail(job, SceneError(f"{reason} The result is kept.", code="deferred", billed="yes"))
    elif job not in found.deferred:
        found.deferred.append(job)


def _apply_deferred(found: _State) -> None:
    for job in tuple(found.deferred):
        if job.cancelled:
            found.deferred.remove(job)
            _fail(job, JobCancelled("The result was not put into the scene; it is kept.", billed="yes"))
            continue
        _apply(job, found)
        if job.done:
            found.deferred.remove(job)


def close() -> None:
    """Stop everything: cancel jobs, end workers, remove the timer, close the journal."""
    global _state
    if bpy.app.timers.is_registered(_tick):
        bpy.app.timers.unregister(_tick)
    if _state is None:
        return
    ended = _state.queue.close(CLOSE_SECONDS)
    if ended:  # a worker that still runs needs the journal
        _state.journal.close()
    _state = None
