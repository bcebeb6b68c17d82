"""The queue that runs jobs on daemon threads.

A worker calls the job's work and sends events; exactly one of them is the last, `JobEvent.is_last`.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable

from ..common.internal_error import unexpected_error
from ..common.threads import WORKER_NAME
from ..errors import GptImageError
from ..journal.states import JobState
from .job import Deliver, Emit, Job, JobEvent, Task, Work

IDLE_SECONDS = 5.0  # a worker without a job ends after this

_Run = Callable[[Emit], JobEvent]


class JobQueue:
    """Runs jobs in the order of their submission, some at once."""

    def __init__(self, concurrency: int) -> None:
        """
        :param concurrency: how many jobs run at once.
        """
        self.concurrency = concurrency
        self.events: queue.SimpleQueue[JobEvent] = queue.SimpleQueue()
        self._changed = threading.Condition()
        self._waiting: deque[tuple[Task, _Run]] = deque()
        self._running: set[Task] = set()
        self._threads: set[threading.Thread] = set()
        self._closed = False

    def submit(self, job: Job, work: Work, expected_seconds: float = 0.0) -> None:
        """Run ``work`` for the job as soon as a worker is free."""
        job.expect(expected_seconds)
        self._add(job, lambda emit: JobEvent(job, prepared=work(job, emit), progress=1.0))

    def start(self, task: Task, work: Callable[[], Deliver]) -> None:
        """Do local work as soon as a worker is free.

        :param work: what it returns is called on the main thread.
        """
        self._add(task, lambda emit: JobEvent(task, deliver=work(), progress=1.0))

    def _add(self, job: Task, run: _Run) -> None:
        with self._changed:
            self._waiting.append((job, run))
            if (
                len(self._threads) - len(self._running) < len(self._waiting)
                and len(self._threads) < self.concurrency
            ):
                worker = threading.Thread(target=self._run, name=WORKER_NAME, daemon=True)
                self._threads.add(worker)
                worker.start()
            self._changed.notify()

    def withdraw(self, job: Task) -> bool:
        """Take a job out that no worker has begun; returns whether it was there."""
        with self._changed:
            for waiting in self._waiting:
                if waiting[0] is job:
                    self._waiting.remove(waiting)
                    return True
        return False

    def move(self, job: Task, step: int) -> bool:
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

    def waiting(self) -> list[Task]:
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
            job, run = taken
            event = _outcome(job, run, self.events.put)
            with self._changed:
                self._running.discard(job)
            self.events.put(event)
            del taken, job, run, event  # an idle worker keeps no image alive

    def _take(self) -> tuple[Task, _Run] | None:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed, timeout=IDLE_SECONDS)
            if not self._waiting:
                self._threads.discard(threading.current_thread())
                return None
            job, run = self._waiting.popleft()
            self._running.add(job)
            return job, run


def _outcome(job: Task, run: _Run, emit: Emit) -> JobEvent:
    try:
        emit(JobEvent(job, state=JobState.SENDING, message="Starting", progress=0.0))
        return run(emit)
    except GptImageError as error:
        return JobEvent(job, error=error)
    except Exception as error:
        return JobEvent(job, error=unexpected_error(error))
