"""The one timer, what threads do beside Blender, and the way of each job's result into the scene.

Main thread only.
"""

from __future__ import annotations

import queue
import time
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

import bpy

from ..core.common.threads import BackgroundTasks, FairLock, outcome_of
from ..core.errors import GptImageError, JobCancelled
from ..core.jobs.job import Deliver, Job, JobEvent, Task, Work
from ..core.jobs.queue import JobQueue
from ..core.processes.subprocess_worker import SUBPROCESS
from ..core.request.parameters import DEFAULT_CONCURRENCY
from ..core.request.targets import TARGETS
from ..core.text.log import get_logger
from . import apply_queue, listeners
from .apply_queue import Applier, StepResult

if TYPE_CHECKING:  # loaded on first use: enabling the add-on must not take long
    from ..core.journal.journal import Journal

log = get_logger(__name__)

TICK_INTERVAL = 0.1  # seconds between looks at the queue while jobs run
STEP_INTERVAL = 0.01  # seconds between steps of a result into the scene: time for the window
SHOW_INTERVAL = 0.5  # seconds between updates of elapsed times
TICK_BUDGET = 0.005  # seconds of a tick after which no further event is taken
CLOSE_SECONDS = 1.5  # how long quitting or disabling waits for workers
LOCAL_SECONDS = 1.0  # that local work is expected to take
LATE_MODULES = (
    "..core.jobs.uploads",
    "..core.jobs.admission",
    "..core.jobs.worker",
    "..core.journal.history",
    "..core.versions.chain",
    "..core.versions.edited_image",
    "..scene.targets.previews",
    *(f"PIL.{name}ImagePlugin" for name in ("Bmp", "Gif", "Jpeg", "Png", "Ppm")),  # with the first image
)
KEPT_JOBS = 20  # finished jobs that the panel still lists


class Scheduler:
    """Runs the jobs of an open journal."""

    def __init__(self, journal: Journal) -> None:
        self.queue = JobQueue(DEFAULT_CONCURRENCY)
        self.applier = Applier(journal, errand, _fail, tell)
        self.jobs: list[Task] = []
        """Oldest first; of those that are done only the newest."""
        self.last_step = StepResult.IDLE
        self._journal = journal
        if not bpy.app.background:
            _tasks.start(_load_ahead, lambda answer, error: None)
            _start_ticking()

    def start(self, job: Job, work: Work, expected_seconds: float) -> None:
        """Hand a request to a worker."""
        self._list(job)
        self.queue.submit(job, work, expected_seconds)
        _start_ticking()

    def start_local(
        self, title: str, work: Callable[[], Deliver], expected_seconds: float = LOCAL_SECONDS
    ) -> Task:
        """Hand work that sends nothing to a worker.

        :param title: what to call it in the list of jobs.
        :param work: what it returns is called on the main thread, and gives the task's ``applied``.
        """
        task = Task(title=title, expected_seconds=expected_seconds, pump=drain)
        self._list(task)
        self.queue.start(task, work)
        _start_ticking()
        return task

    def show(self, task: Task) -> None:
        """List what is done in steps of its own, and let the timer run until it is done."""
        self._list(task)
        _start_ticking()

    def forget(self, task: Task) -> None:
        """List a task no longer that ended before it began."""
        self.jobs = [job for job in self.jobs if job is not task]

    def cancel(self, job: Task) -> None:
        """Stop a job; one that is not begun ends at once."""
        job.cancel()
        if not self.queue.withdraw(job):
            return
        error = JobCancelled("The job was cancelled.")
        try:
            self._journal.failed(job.id, error, cancelled=True)
        except GptImageError as trouble:  # the next process finds out that nothing was sent
            log.warning("Job %s: %s", job.id, trouble.text)
        _fail(job, error)

    def move(self, job: Task, step: int) -> None:
        """Let a job that is not begun begin earlier or later."""
        if self.queue.move(job, step):
            _notify()

    def step(self, seconds: float) -> bool:
        """Take one step with what has come, and handle events of the workers; returns whether there were any.

        :param seconds: how long to wait for a first event where there is nothing to do.
        """
        self.last_step = self.applier.step()
        if self.last_step is not StepResult.IDLE:
            seconds = 0.0 if self.last_step is StepResult.BUSY else min(seconds, STEP_INTERVAL)
        started = time.perf_counter()
        any_came = False
        while time.perf_counter() - started < TICK_BUDGET or not any_came:
            try:
                event = (
                    self.queue.events.get(timeout=seconds) if seconds > 0 else self.queue.events.get_nowait()
                )
            except queue.Empty:
                break
            seconds = 0.0
            any_came = True
            self._handle(event)
        return any_came

    def close(self) -> bool:
        """Cancel what runs; returns whether all workers have ended."""
        self.applier.clear_previews()
        return self.queue.close(CLOSE_SECONDS)

    def _list(self, job: Task) -> None:
        forgotten = [old for old in self.jobs if old.done][:-KEPT_JOBS]
        self.jobs = [old for old in self.jobs if old not in forgotten] + [job]
        FairLock.enabled = not bpy.app.background

    def _handle(self, event: JobEvent) -> None:
        job = event.job
        job.update(event)
        if event.error is not None:
            _report_failure(job, event.error)
            return
        if event.preview is not None and isinstance(job, Job) and job.application.previews_in_target:
            self.applier.preview(job)
        if event.is_last and not job.done:
            self.applier.add(job)
        tell(job)


def _load_ahead() -> None:
    """Import what requests and results need: in a tick, those of the first took some 20 ms.

    Modules whose code runs on the main thread alone; importing them touches nothing of Blender's.
    """
    for name in LATE_MODULES:
        import_module(name, __package__)
    registry = import_module("..scene.targets.registry", __package__)
    for name in TARGETS:
        registry.load_target(name)


current: Scheduler | None = None
"""The one that the timer drives; None while no journal is open."""
_tasks = BackgroundTasks()
_asked: list[Callable[[], bool]] = []
"""What `keep_asking` was given."""
_shown = 0.0


def errand(work: Callable[[], Any], done: Callable[[Any, GptImageError | None], None]) -> None:
    """Let a thread do something that does not touch Blender; in background it is done at once.

    :param done: called on the main thread with what the work returned, or why it has not.
    """
    if bpy.app.background:
        done(*outcome_of(work))
        return
    _tasks.start(work, done)
    _start_ticking()


def keep_asking(is_done: Callable[[], bool]) -> None:
    """Call a function with every tick of the timer until it says that it is done; never in background."""
    if is_done not in _asked:
        _asked.append(is_done)
    _start_ticking()


def drain(seconds: float) -> None:
    """Hand over what threads have done, and let the jobs get on.

    :param seconds: how long to wait for a first event where there is nothing to do.
    """
    changed = _tasks.drain()
    if current is not None:
        changed = current.step(seconds) or changed
    if changed:
        _notify()


def stop_ticking() -> None:
    """Remove the timer and end the process that helps the workers."""
    if bpy.app.timers.is_registered(_tick):
        bpy.app.timers.unregister(_tick)
    _asked.clear()
    SUBPROCESS.close()


def _start_ticking() -> None:
    if not bpy.app.background and not bpy.app.timers.is_registered(_tick):
        bpy.app.timers.register(_tick, first_interval=TICK_INTERVAL, persistent=True)


def _tick() -> float | None:
    drain(0.0)
    _asked[:] = [is_done for is_done in _asked if not is_done()]
    running = current is not None and any(not job.done for job in current.jobs)
    if running and time.monotonic() - _shown > SHOW_INTERVAL:
        _notify()
    if current is not None and current.last_step is not StepResult.IDLE:
        return STEP_INTERVAL
    if running or _tasks.pending or _asked:
        return TICK_INTERVAL
    if SUBPROCESS.open:
        _tasks.start(SUBPROCESS.rest, lambda _, error: None)
        return TICK_INTERVAL
    return None


def _notify() -> None:
    global _shown
    _shown = time.monotonic()
    for callback in tuple(listeners):
        try:
            callback()
        except Exception:  # whoever listens must not keep a paid result from its scene
            log.exception("What is called when jobs change broke")


def tell(job: Task) -> None:
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
    tell(job)
