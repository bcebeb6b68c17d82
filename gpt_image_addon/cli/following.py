"""Waiting for a job, with its progress on stderr."""

from __future__ import annotations

import contextlib

from .. import api
from ..core.errors import Billed, JobCancelled
from ..core.jobs import Job
from ..core.providers import NEEDS_KEY
from ..core.states import JobState
from .common import console, say

BILLED_IN: dict[JobState, Billed] = {
    JobState.QUEUED: "no",
    JobState.SENDING: "maybe",
    JobState.RECEIVED: "yes",
}
"""Whether a job that is stopped in a state may have been billed."""
CANCEL_SECONDS = 2.0  # how long Ctrl-C waits for the job to say whether it was billed


def follow(job: Job) -> None:
    """Wait for a job and show on stderr what happens.

    :raises JobCancelled: Ctrl-C was pressed; ``billed`` says whether the request may have cost money.
    """
    try:
        while not job.wait(api.POLL_SECONDS):
            console.progress(job.progress, job.message, job.elapsed)
    except KeyboardInterrupt:
        raise _stopped(job) from None
    finally:
        console.clear()


def _stopped(job: Job) -> JobCancelled:
    """Stop a job, and find out what became of its request."""
    say("Stopping …")
    job.cancel()
    with contextlib.suppress(KeyboardInterrupt):  # pressed again
        job.wait(CANCEL_SECONDS)
    billed: Billed = job.error.billed if job.error is not None else BILLED_IN.get(job.state, "yes")
    if not NEEDS_KEY[job.request.provider]:
        billed = "no"
    return JobCancelled("Interrupted.", billed=billed)
