"""Jobs and the queue that runs them on daemon threads. Knows no provider and no Blender.

A worker calls the job's work and sends events; exactly one of them is the last, `JobEvent.is_last`.
"""

from __future__ import annotations

import math
import queue
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from ..common.threads import WORKER_NAME
from ..common.unexpected import unexpected_error
from ..errors import Billed, GptImageError, JobCancelled, SceneError
from ..journal.states import JobState
from ..request.checked_request import CheckedRequest
from ..request.request import Application, GenerationRequest
from ..results.store import PreparedResult

WAIT_SLICE = 0.1  # seconds that `Job.wait` blocks at once, so that Ctrl-C is heard
IDLE_SECONDS = 5.0  # a worker without a job ends after this

Emit = Callable[["JobEvent"], None]
Work = Callable[["Job", Emit], PreparedResult]


@dataclass(eq=False)
class Job:
    """One request on its way, as every thread sees it. Changed by the scheduler alone, on the main thread."""

    request: GenerationRequest
    application: Application
    id: str = field(default_factory=lambda: uuid.uuid4().hex[:12])
    state: JobState = JobState.QUEUED
    progress: float = 0.0
    """0 to 1."""
    checked: CheckedRequest | None = field(default=None, repr=False)
    """What is sent for it; None where nothing is."""
    message: str = "Waiting"
    """What happens now, for people."""
    error: GptImageError | None = None
    prepared: PreparedResult | None = None
    preview: Any = None
    """The newest `Preview` of the picture while it is made."""
    expected_seconds: float = 0.0
    """How long such requests take, by experience."""
    estimated_usd: float = 0.0
    """With that of its further requests."""
    further_usd: float = 0.0
    """What of the estimate is for further requests."""
    started: float | None = None
    """`time.monotonic` when the work began."""
    ended: float | None = None
    warnings: tuple[str, ...] = ()
    """Known before the answer came."""
    cost_usd: float | None = None
    """Known once the answer came."""
    used: int = 0
    """Which of several pictures the target shows."""
    applied: Any = None
    """What the scheduler made of the result in Blender."""
    apply: Callable[[PreparedResult, Application], Any] | None = field(default=None, repr=False)
    """Puts the result somewhere else than where the application's target says; main thread only."""
    pump: Callable[[float], None] = field(default=lambda seconds: None, repr=False)
    """Lets the scheduler handle events for at most so many seconds; main thread only."""
    on_progress: Callable[[Job], None] | None = field(default=None, repr=False)
    """Told on the main thread when state, message, progress or preview changed."""
    on_cancel: Callable[[], None] | None = field(default=None, repr=False)
    """Stops what the worker waits for; set by the work, called from any thread."""
    billed: Callable[[], Billed] = field(default=lambda: "no", repr=False)
    """Whether what was sent for it so far was, or may have been, billed; set by the work."""
    stopping: bool = False
    """Nothing more is to be sent for it; what is under way is waited for."""
    _done: threading.Event = field(default_factory=threading.Event, repr=False)
    _cancelled: threading.Event = field(default_factory=threading.Event, repr=False)

    @classmethod
    def of(cls, checked: CheckedRequest, application: Application, **values: Any) -> Job:
        """A job that sends a request.

        :param values: fields of the job.
        """
        return cls(
            checked.wanted,
            application,
            checked=checked,
            estimated_usd=checked.price.high_usd,
            further_usd=checked.price.further_usd,
            warnings=checked.warnings,
            **values,
        )

    @property
    def cancelled(self) -> bool:
        """Whether `cancel` was called."""
        return self._cancelled.is_set()

    @property
    def shown_progress(self) -> float:
        """0 to 1: what the server says, or where it says nothing, what such requests usually take."""
        if self.done or self.started is None:
            return self.progress
        usual = 0.99 * (1 - math.exp(-2 * self.elapsed / max(self.expected_seconds, 0.1)))
        return max(self.progress, usual)

    @property
    def elapsed(self) -> float:
        """Seconds since the work began."""
        if self.started is None:
            return 0.0
        return (self.ended or time.monotonic()) - self.started

    def cancel(self) -> None:
        """Stop the job as soon as possible, from any thread. A result that is already here is kept."""
        self._cancelled.set()
        if self.on_cancel is not None:
            self.on_cancel()

    @property
    def done(self) -> bool:
        """Whether nothing more happens by itself: applied, ended, or kept for later."""
        return self._done.is_set()

    def finish(self) -> None:
        """Nothing more happens by itself. Called by the scheduler."""
        self.ended = time.monotonic()
        self._done.set()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the end; on the main thread this also applies results, of this job and of others.

        :param timeout: seconds; None for as long as it takes.
        :returns: whether the job is done.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        on_main = threading.current_thread() is threading.main_thread()
        while not self.done:
            left = WAIT_SLICE if deadline is None else min(WAIT_SLICE, deadline - time.monotonic())
            if left <= 0:
                return False
            if on_main:
                self.pump(left)
            else:
                self._done.wait(left)
        return True

    def finish_waiting(self) -> None:
        """`wait` for the end; what interrupts the caller meanwhile cancels the job."""
        try:
            self.wait()
        except BaseException:
            self.cancel()
            raise

    def result(self) -> PreparedResult:
        """What was put into the scene.

        :raises GptImageError: why nothing was.
        """
        if self.error is not None:
            raise self.error
        if self.state is not JobState.APPLIED or self.prepared is None:
            raise SceneError(f"The job is not finished: {self.message}.")
        return self.prepared

    @property
    def all_warnings(self) -> tuple[str, ...]:
        """What the user should know of a job that was applied."""
        prepared = self.prepared.warnings if self.prepared is not None else ()
        return (*self.warnings, *prepared, *getattr(self.applied, "messages", ()))

    def check_cancelled(self) -> None:
        """:raises JobCancelled: when `cancel` was called."""
        if self.cancelled:
            raise JobCancelled("The job was cancelled.")


def as_completed(jobs: Iterable[Job], timeout: float | None = None) -> Iterator[Job]:
    """The jobs in the order in which they are done; on the main thread this also applies results.

    :param timeout: seconds for all of them; None for as long as it takes.
    :raises TimeoutError: some are not done by then.
    """
    deadline = None if timeout is None else time.monotonic() + timeout
    waiting = list(jobs)
    while waiting:
        for job in [job for job in waiting if job.done]:
            waiting.remove(job)
            yield job
        if waiting and deadline is not None and time.monotonic() >= deadline:
            raise TimeoutError(f"{len(waiting)} jobs are not done.")
        if waiting:
            waiting[0].wait(WAIT_SLICE)


@dataclass(frozen=True)
class JobEvent:
    """What a worker tells the main thread."""

    job: Job
    message: str = ""
    progress: float | None = None
    state: JobState | None = None
    partial: bytes | None = field(default=None, repr=False)
    """An encoded preview, as it came."""
    preview: Any = None
    """The same as a `Preview`, to be shown at once."""
    result_of: str = ""
    """Id of the job whose result this one takes, unpaid."""
    prepared: PreparedResult | None = field(default=None, repr=False)
    error: GptImageError | None = None

    @property
    def is_last(self) -> bool:
        """Nothing more comes from the worker for this job."""
        return self.prepared is not None or self.error is not None


class JobQueue:
    """Runs jobs in the order of their submission, some at once."""

    def __init__(self, concurrency: int) -> None:
        """
        :param concurrency: how many jobs run at once.
        """
        self.concurrency = concurrency
        self.events: queue.SimpleQueue[JobEvent] = queue.SimpleQueue()
        self._changed = threading.Condition()
        self._waiting: deque[tuple[Job, Work]] = deque()
        self._running: set[Job] = set()
        self._threads: set[threading.Thread] = set()
        self._closed = False

    def submit(self, job: Job, work: Work) -> None:
        """Run ``work`` for the job as soon as a worker is free."""
        with self._changed:
            self._waiting.append((job, work))
            if (
                len(self._threads) - len(self._running) < len(self._waiting)
                and len(self._threads) < self.concurrency
            ):
                worker = threading.Thread(target=self._run, name=WORKER_NAME, daemon=True)
                self._threads.add(worker)
                worker.start()
            self._changed.notify()

    def withdraw(self, job: Job) -> bool:
        """Take a job out that no worker has begun; returns whether it was there."""
        with self._changed:
            for waiting in self._waiting:
                if waiting[0] is job:
                    self._waiting.remove(waiting)
                    return True
        return False

    def move(self, job: Job, step: int) -> bool:
        """Let a waiting job begin earlier or later.

        :param step: places to the front if negative, to the back if positive.
        :returns: whether it moved.
        """
        with self._changed:
            order = [waiting for waiting, _ in self._waiting]
            if job not in order:
                return False
            place = order.index(job)
            goal = min(max(0, place + step), len(order) - 1)
            waiting = self._waiting[place]
            del self._waiting[place]
            self._waiting.insert(goal, waiting)
        return goal != place

    def waiting(self) -> list[Job]:
        """The jobs that no worker has begun, next first."""
        with self._changed:
            return [job for job, _ in self._waiting]

    def close(self, seconds: float) -> bool:
        """Cancel everything and wait for the workers.

        :param seconds: how long to wait at most.
        :returns: whether all have ended.
        """
        with self._changed:
            self._closed = True
            jobs = [job for job, _ in self._waiting] + list(self._running)
            threads = list(self._threads)
            self._changed.notify_all()
        for job in jobs:
            job.cancel()
        deadline = time.monotonic() + seconds
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in threads)

    def _run(self) -> None:
        while (taken := self._take()) is not None:
            job, work = taken
            event = _outcome(job, work, self.events.put)
            with self._changed:
                self._running.discard(job)
            self.events.put(event)
            del taken, job, work, event  # an idle worker keeps no picture alive

    def _take(self) -> tuple[Job, Work] | None:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed, timeout=IDLE_SECONDS)
            if not self._waiting:
                self._threads.discard(threading.current_thread())
                return None
            job, work = self._waiting.popleft()
            self._running.add(job)
            return job, work


def _outcome(job: Job, work: Work, emit: Emit) -> JobEvent:
    try:
        emit(JobEvent(job, state=JobState.SENDING, message="Starting", progress=0.0))
        return JobEvent(job, prepared=work(job, emit), progress=1.0)
    except GptImageError as error:
        return JobEvent(job, error=error)
    except Exception as error:
        return JobEvent(job, error=unexpected_error(error))
