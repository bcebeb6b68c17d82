"""Owns the job queue and the one timer, and puts results into the scene. Main thread only."""

from __future__ import annotations

import atexit
import contextlib
import dataclasses
import queue
import time
from collections.abc import Callable, Sequence
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy

from ..core.common.threads import BackgroundTasks, FairLock, outcome_of
from ..core.errors import GptImageError, InvalidRequestError, JobCancelled, StorageError
from ..core.jobs.queue import Apply, Deliver, Job, JobEvent, JobQueue, Task, Work
from ..core.jobs.subprocess_worker import SUBPROCESS
from ..core.request.providers import find_provider
from ..core.request.request import Application, GenerationRequest
from ..core.text.log import get_logger
from ..core.text.message import message
from . import apply_queue
from .apply_queue import Applier, StepResult
from .listeners import on_change
from .settings import Settings
from .settings import load as load_settings

if TYPE_CHECKING:  # loaded on first use: enabling the add-on must not take long
    from ..core.jobs.durations import Durations
    from ..core.jobs.worker import Worker
    from ..core.journal.journal import Entry, Journal
    from ..core.request.models import Model, Registry
    from ..core.request.pricing import Estimate, UsageHistory
    from ..core.results.output_files import Outputs

log = get_logger(__name__)

TICK_INTERVAL = 0.1  # seconds between looks at the queue while jobs run
STEP_INTERVAL = 0.01  # seconds between steps of a result into the scene: time for the window
SHOW_INTERVAL = 0.5  # seconds between updates of elapsed times
TICK_BUDGET = 0.005  # seconds of a tick after which no further event is taken
CLOSE_SECONDS = 1.5  # how long quitting or disabling waits for workers
LOCAL_SECONDS = 1.0  # that local work is expected to take
KEPT_JOBS = 20  # finished jobs that the panel still lists


@dataclasses.dataclass
class _State:
    """What lives between `submit` and `close`."""

    journal: Journal
    queue: JobQueue
    durations: Durations
    applier: Applier
    jobs: list[Task] = dataclasses.field(default_factory=list)
    pace: StepResult = StepResult.IDLE


_state: _State | None = None
_tasks = BackgroundTasks()
_shown = 0.0


def state(settings: Settings) -> _State:
    """The open journal and queue; opened on first use."""
    global _state
    from ..core.jobs.durations import DURATIONS_FILE, Durations
    from ..core.journal.recovery import open_journal

    if _state is None or _state.journal.folder != settings.state_folder:
        close()
        durations = Durations(settings.state_folder / DURATIONS_FILE)
        journal = open_journal(settings.state_folder, partial(_recover_body, settings))
        applier = Applier(journal, errand, _fail, _tell)
        _state = _State(journal, JobQueue(settings.concurrency), durations, applier)
        if not bpy.app.binary_path:  # the bpy module may hang at its end while a worker waits
            atexit.unregister(close)
            atexit.register(close)
    _state.queue.concurrency = settings.concurrency
    _state.applier.save = settings.storage == "save"
    return _state


def _recover_body(settings: Settings, journal: Journal, entry: Entry) -> bool:
    """See `Worker.recover_body`; called on workers too, so the settings are those of the opening."""
    from ..core.jobs.worker import Worker

    return Worker(journal, registry(settings), settings.connection()).recover_body(entry)


def jobs() -> tuple[Task, ...]:
    """The jobs of this process, oldest first."""
    return tuple(_state.jobs) if _state is not None else ()


def forget_finished() -> None:
    """Drop the jobs that are done from `jobs`."""
    if _state is not None:
        _state.jobs = [job for job in _state.jobs if not job.done]


def waiting() -> list[Task]:
    """The jobs that are not begun, next first."""
    return _state.queue.waiting() if _state is not None else []


def cancel(job: Task) -> None:
    """Stop a job; one that is not begun ends at once."""
    job.cancel()
    if _state is not None and _state.queue.withdraw(job):
        error = JobCancelled("The job was cancelled.")
        try:
            _state.journal.failed(job.id, error, cancelled=True)
        except GptImageError as trouble:  # the next process finds out that nothing was sent
            log.warning("Job %s: %s", job.id, trouble.text)
        _fail(job, error)


def move(job: Task, step: int) -> None:
    """Let a job that is not begun begin earlier or later."""
    if _state is not None and _state.queue.move(job, step):
        _notify()


def _notify() -> None:
    global _shown
    _shown = time.monotonic()
    for callback in tuple(on_change):
        try:
            callback()
        except Exception:  # whoever listens must not keep a paid result from its scene
            log.exception("What is called when jobs change broke")


def journal(settings: Settings) -> Journal:
    """The open journal.

    :raises StorageError: it can't be opened.
    """
    return state(settings).journal


def open_journal_of(settings: Settings) -> Journal | None:
    """The journal, where this session has opened it for work already; whoever looks need not open it."""
    return _state.journal if _state is not None and _state.journal.folder == settings.state_folder else None


def outputs(*, overwrite: bool = False) -> Outputs:
    """The gate for files outside the state folder; without the journal it knows none of ours.

    :param overwrite: the user said that whatever stands there may go.
    """
    from ..core.results.output_files import Outputs

    try:
        return Outputs(journal(load_settings(with_key=False)), overwrite)
    except GptImageError as error:
        log.warning("Files of ours can't be told apart: %s", error.text)
        return Outputs(None, overwrite)


def entry(job: str) -> Entry | None:
    """The journal's row of a job of this session; None where it can't be read."""
    try:
        return _state.journal.entry(job) if _state is not None else None
    except StorageError as error:
        log.warning("Job %s: %s", job, error.text)
        return None


def registry(settings: Settings) -> Registry:
    """The model table, with the user's own rows where their file can be used."""
    from ..core.request.models import TABLE_FILE, usable_registry

    return usable_registry(settings.state_folder / TABLE_FILE)


def model_of(request: GenerationRequest, settings: Settings) -> Model:
    """What the model of a request takes."""
    table = registry(settings)
    return table.get(resolve_model(request, table, settings).model)


def snap_to_model(request: GenerationRequest, model: Model, settings: Settings) -> GenerationRequest:
    """The request without what the model does not take; see `normalize.snap_to_model`."""
    from ..core.request import normalize

    return normalize.snap_to_model(request, model, registry(settings))


def resolve_model(request: GenerationRequest, table: Registry, settings: Settings) -> GenerationRequest:
    """The request with what was left open filled in."""
    provider = request.provider or settings.provider
    usual = "" if find_provider(provider).default_model else _usual_model(table, settings)[0]
    model = request.model or usual or table.default_for(provider)
    return dataclasses.replace(request, provider=provider, model=model)


def _usual_model(table: Registry, settings: Settings) -> tuple[str, tuple[str, ...]]:
    """The model of the preferences, or what replaces it by now, and a notice then."""
    from ..core.request.models import successor

    found = successor(settings.default_model, table, date.today()) if settings.default_model else None
    return (found.model, (found.notice,)) if found is not None else (settings.default_model, ())


def validate_and_price(
    request: GenerationRequest,
    application: Application,
    settings: Settings,
    more_pictures: Sequence[tuple[int, int]] = (),
    *,
    read_files: bool = True,
) -> tuple[GenerationRequest, Estimate, tuple[str, ...]]:
    """The completed request with its price and warnings; nothing is sent, and no row is written.

    The price is that of all the application needs.

    :param more_pictures: width and height of pictures whose files are not read.
    :param read_files: false where references, mask and markup are only stand-ins.
    :raises InvalidRequestError: it can't be sent.
    """
    from ..core.jobs import estimates

    table = registry(settings)
    notices = () if request.model else _usual_model(table, settings)[1]
    request = resolve_model(request, table, settings)
    price, warnings = estimates.validate_and_price(
        request, application, table, _seen(settings), more_pictures, read_files=read_files
    )
    return request, price, (*warnings, *(() if find_provider(request.provider).default_model else notices))


def check_receiver(application: Application, *, at_once: bool = False) -> None:
    """Refuse what the open file can't take, before anything is sent; see `scene.receiver`.

    :param at_once: the caller waits for the result, so that nobody can change the file meanwhile.
    :raises InvalidRequestError: the scene or the object can't take it.
    """
    from ..scene.targets.receiver import check_receiver

    check_receiver(application, at_once=at_once)


def _seen(settings: Settings) -> UsageHistory:
    """What the journal knows of earlier answers; a price is shown without it, too."""
    from ..core.request.pricing import no_history

    try:
        return state(settings).journal.seen
    except StorageError as error:
        log.warning("Estimates can't learn: %s", error.text)
        return no_history


def earlier(request: GenerationRequest, settings: Settings) -> Entry | None:
    """The newest equal request that is on its way, may have been billed without an answer, or was answered.

    :raises GptImageError: a picture of it, or the journal, can't be read.
    """
    from ..core.jobs.equal_requests import find_running

    journal, digest = state(settings).journal, _digest(request, settings)
    return find_running(journal, digest) or journal.find_unknown(digest) or journal.find_stored(digest)


def running(request: GenerationRequest, settings: Settings) -> Entry | None:
    """The newest equal request that is on its way, in this process or in another one.

    :raises GptImageError: a picture of it, or the journal, can't be read.
    """
    from ..core.jobs.equal_requests import find_running

    return find_running(state(settings).journal, _digest(request, settings))


def _digest(request: GenerationRequest, settings: Settings) -> str:
    from ..core.jobs.worker import file_digests

    return resolve_model(request, registry(settings), settings).digest(file_digests(request))


def submit(
    request: GenerationRequest,
    application: Application,
    settings: Settings,
    *,
    reuse: bool | None = None,
    retry_unknown: bool = False,
    max_cost: float | None = None,
    apply: Apply | None = None,
) -> Job:
    """Check a request, reserve its price and hand it to a worker.

    :param reuse: whether the result of an equal request is taken instead of sending it. True takes each, and
        waits for one that is on its way; None only one that is paid for and that its process did not deliver.
    :param retry_unknown: send it even though an equal one may have been billed without an answer.
    :param max_cost: USD that it may cost at most.
    :param apply: puts the result somewhere else than into the scene; main thread only.
    :raises GptImageError: it can't be sent; nothing was.
    """
    from ..core.jobs import admission, equal_requests
    from ..core.jobs.worker import file_digests
    from ..core.results.output_folders import check_folder

    limits = settings.limits(max_cost)
    check_receiver(application)
    request, price, warnings = validate_and_price(request, application, settings)
    found = state(settings)
    digest = request.digest(file_digests(request))
    work = found.durations.timed(_line(found, settings).run)
    job: Job | None = None
    while job is None:
        since = time.time()
        stored, notice = equal_requests.find_result(found.journal, digest, reuse, is_paid=price.high_usd > 0)
        if stored is not None:
            return _resume(stored, application, found, settings, notice, apply)
        settings.check_provider(request.provider)
        if application.textures_dir:
            check_folder(Path(application.textures_dir))
        if reuse and equal_requests.find_running(found.journal, digest) is not None:
            job = Job(request, application, warnings=warnings, pump=drain, apply=apply)
            work = admission.send_after_running(
                price, digest, found.journal, limits, work, retry_unknown=retry_unknown
            )
            continue
        with contextlib.suppress(equal_requests.EqualRequestError):  # one came meanwhile: look again
            job = admission.admit(
                request,
                application,
                price=price,
                digest=digest,
                journal=found.journal,
                limits=limits,
                warnings=warnings,
                retry_unknown=retry_unknown,
                alone_since=since if reuse else None,
                pump=drain,
                apply=apply,
            )
    _enqueue(found, job, work)
    return job


def submit_local(title: str, work: Callable[[], Deliver], settings: Settings) -> Task:
    """Hand work that sends nothing to a worker.

    :param title: what to call it in the list of jobs.
    :param work: what it returns is called on the main thread; what that returns is the task's ``applied``.
    """
    task = Task(title=title, expected_seconds=LOCAL_SECONDS, pump=drain)
    found = state(settings)
    _list(found, task)
    found.queue.start(task, work)
    _start_ticking()
    return task


def recover(
    job: str,
    settings: Settings,
    application: Application | None = None,
    *,
    seamless: bool = False,
    object_name: str | None = None,
    only_named: bool = False,
) -> Job:
    """Put a result that lies in the journal into the open scene.

    :param application: what becomes of it; what was meant for it at first when left out.
    :param object_name: the object to put it on then; the one of the request when left out.
    :param only_named: touch no object that neither names.
    :param seamless: make its pictures tile.
    :raises InvalidRequestError: there is no such job, it has no result, or the object can't take it.
    """
    found = state(settings)
    stored = found.journal.entry(job)
    if stored is None:
        raise InvalidRequestError(message("There is no job {job}.", job=job), code="no_such_job", param="job")
    if application is None:
        # The scene, the object and the view that it was made for belong to another session.
        application = dataclasses.replace(
            stored.application,
            scene_uid=None,
            object_uid=None,
            textures_dir=None,
            object_name=object_name or stored.application.object_name,
        )
        application = application.without_active_object() if only_named else application
        if object_name:  # else a slip of the pen would count the result as delivered
            check_receiver(application)
    if seamless:
        stored = dataclasses.replace(stored, request=dataclasses.replace(stored.request, seamless=True))
    return _resume(
        stored, application, found, settings, message("The result of job {job} was recovered.", job=job)
    )


def _line(found: _State, settings: Settings) -> Worker:
    from ..core.jobs.worker import Worker

    return Worker(found.journal, registry(settings), settings.connection(), settings.monthly_budget_usd)


def _resume(
    stored: Entry,
    application: Application,
    found: _State,
    settings: Settings,
    notice: str,
    apply: Apply | None = None,
) -> Job:
    folder = stored.folder
    if folder is None or not folder.is_dir():
        raise InvalidRequestError(
            message("Job {job} has no files.", job=stored.id)
            if folder is None
            else message("The files of job {job} are gone.", job=stored.id),
            code="no_result",
            next_step=message("Its state is {state}; `history` lists what there is.", state=stored.state),
        )
    job = Job(stored.request, application, id=stored.id, warnings=(notice,), pump=drain, apply=apply)
    _enqueue(found, job, _line(found, settings).resume(folder))
    return job


def _enqueue(found: _State, job: Job, work: Work) -> None:
    _list(found, job)
    found.queue.submit(job, work, found.durations.expected(job.request))
    _start_ticking()


def _list(found: _State, job: Task) -> None:
    forgotten = [old for old in found.jobs if old.done][:-KEPT_JOBS]
    found.jobs = [old for old in found.jobs if old not in forgotten] + [job]
    FairLock.enabled = not bpy.app.background


def errand(work: Callable[[], Any], done: Callable[[Any, GptImageError | None], None]) -> None:
    """Let a thread do something that does not touch Blender; in background it is done at once.

    :param done: called on the main thread with what the work returned, or why it has not.
    """
    if bpy.app.background:
        done(*outcome_of(work))
        return
    _tasks.start(work, done)
    _start_ticking()


def _start_ticking() -> None:
    if not bpy.app.background and not bpy.app.timers.is_registered(_tick):
        bpy.app.timers.register(_tick, first_interval=TICK_INTERVAL, persistent=True)


def _tick() -> float | None:
    global _shown
    drain(0.0)
    running = any(not job.done for job in jobs())
    if running and time.monotonic() - _shown > SHOW_INTERVAL:
        _notify()
    if _state is not None and _state.pace is not StepResult.IDLE:
        return STEP_INTERVAL
    if running or _tasks.pending:
        return TICK_INTERVAL
    if SUBPROCESS.open:
        _tasks.start(SUBPROCESS.rest, lambda _, error: None)
        return TICK_INTERVAL
    return None


def drain(seconds: float) -> None:
    """Take one step with what has come, and handle events of the workers.

    :param seconds: how long to wait for a first event where there is nothing to do.
    """
    changed = _tasks.drain()
    if _state is not None:
        found = _state
        found.pace = found.applier.step()
        if found.pace is not StepResult.IDLE:
            seconds = 0.0 if found.pace is StepResult.BUSY else min(seconds, STEP_INTERVAL)
        changed = _take_events(found, seconds) or changed
    if changed:
        _notify()


def _take_events(found: _State, seconds: float) -> bool:
    """Returns whether there were any."""
    started = time.perf_counter()
    changed = False
    while time.perf_counter() - started < TICK_BUDGET or not changed:
        try:
            event = (
                found.queue.events.get(timeout=seconds) if seconds > 0 else found.queue.events.get_nowait()
            )
        except queue.Empty:
            break
        seconds = 0.0
        changed = True
        _handle(event, found)
    return changed


def _handle(event: JobEvent, found: _State) -> None:
    job = event.job
    job.update(event)
    if event.error is not None:
        _report_failure(job, event.error)
        return
    if event.preview is not None and isinstance(job, Job) and job.application.previews_in_target:
        found.applier.preview(job)
    if event.is_last and not job.done:
        found.applier.add(job)
    _tell(job)


def _tell(job: Task) -> None:
    """To those who asked, and to the interface where it is over."""
    if job.on_progress is not None:
        try:
            job.on_progress(job)
        except Exception:
            log.exception("What is called on the progress of job %s broke", job.id)
    if job.done:
        _notify()


def _fail(job: Task, error: GptImageError) -> None:
    job.fail(error)
    _report_failure(job, error)


def _report_failure(job: Task, error: GptImageError) -> None:
    apply_queue.clear_preview(job)
    log.warning("Job %s: %s", job.id, error.text)
    _tell(job)


def close() -> None:
    """Stop everything: cancel jobs, end workers, remove the timer, close the journal."""
    global _state
    if bpy.app.timers.is_registered(_tick):
        bpy.app.timers.unregister(_tick)
    SUBPROCESS.close()
    if _state is None:
        return
    _state.applier.clear_previews()
    ended = _state.queue.close(CLOSE_SECONDS)
    SUBPROCESS.close()  # a worker may have come to it meanwhile
    if ended:  # a worker that still runs needs the journal
        _state.journal.close()
    _state = None
