"""Waiting for a job, with its progress on stderr."""

from __future__ import annotations

import contextlib
import signal
from types import FrameType

from .. import api
from ..core.errors import Billed, JobCancelled
from ..core.jobs.job import Job, Task
from ..core.journal.states import JobState
from ..core.request.providers import find_provider
from . import signals
from .common import console, say

BILLED_IN: dict[JobState, Billed] = {
    JobState.QUEUED: "no",
    JobState.SENDING: "maybe",
    JobState.RECEIVED: "yes",
}
"""Whether a job that is stopped in a state may have been billed."""
CANCEL_SECONDS = 2.0  # how long Ctrl-C waits for the job to say whether it was billed


class _Ending:
    """Hears signals: Ctrl-C gives the request up; who ends the process otherwise gets its answer stored."""

    def __init__(self, job: Task) -> None:
        self.asked = False
        self._job = job

    def hear(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGINT or self.asked:
            raise KeyboardInterrupt
        self.asked = True
        self._job.stop_sending()

    @property
    def is_over(self) -> bool:
        """Whether nothing is left that is paid for and not stored."""
        job = self._job
        return self.asked and (job.billed() == "no" or job.state is not JobState.SENDING)


def follow(job: Task) -> None:
    """Wait for a job and show on stderr what happens.

    Ctrl-C stops it at once. A scheduler or a closed terminal that ends the process has it wait for the answer
    of a request that is under way, and paid for; a second time stops it at once, too.

    :raises JobCancelled: it was stopped; ``billed`` says whether the request may have cost money.
    """
    ending = _Ending(job)
    told = False
    try:
        with signals.catch_signals(ending.hear):
            while not job.wait(api.POLL_SECONDS) and not ending.is_over:
                console.progress(job.progress, job.message, job.elapsed)
                if ending.asked and not told:
                    told = True
                    say("Stopping: the request is on its way and is paid for; waiting for its answer.")
    except KeyboardInterrupt:
        raise _stop(job) from None
    finally:
        console.clear()
    if ending.asked:
        raise _stop(job)


def _stop(job: Task) -> JobCancelled:
    """Stop a job, and find out what became of its request."""
    say("Stopping …")
    job.cancel()
    with contextlib.suppress(KeyboardInterrupt):  # pressed again
        job.wait(CANCEL_SECONDS)
    billed: Billed = job.error.billed if job.error is not None else BILLED_IN.get(job.state, "yes")
    if not _is_paid(job):
        billed = "no"
    stored = billed == "yes" and job.error is None
    return JobCancelled(
        "Interrupted.",
        billed=billed,
        next_step=f"The answer is stored: `recover {job.id}` puts it into a scene." if stored else None,
    )


def find_billed() -> Billed:
    """Whether what this process has sent was, or may have been, billed."""
    found = {_find_billed(job) for job in api.jobs()}
    return "maybe" if "maybe" in found else "yes" if "yes" in found else "no"


def _find_billed(job: Task) -> Billed:
    if job.error is not None:
        return job.error.billed
    if not _is_paid(job) or job.billed() == "no":
        return "no"
    return "maybe" if job.state is JobState.SENDING else "yes"


def _is_paid(job: Task) -> bool:
    return isinstance(job, Job) and find_provider(job.request.provider).is_paid
