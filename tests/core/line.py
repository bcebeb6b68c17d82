"""The line without Blender: submit a job as the add-on does, and wait for its last event."""

from __future__ import annotations

import dataclasses
from typing import Any

from gpt_image_addon.core.http.endpoint import Connection
from gpt_image_addon.core.jobs import admission, estimates
from gpt_image_addon.core.jobs.job import Job, JobEvent
from gpt_image_addon.core.jobs.queue import JobQueue
from gpt_image_addon.core.jobs.uploads import digest_request
from gpt_image_addon.core.jobs.worker import Worker
from gpt_image_addon.core.journal.journal import Journal
from gpt_image_addon.core.request.models import load_registry
from gpt_image_addon.core.request.normalize import CheckedRequest
from gpt_image_addon.core.request.pricing import Limits, UsageHistory, no_history
from gpt_image_addon.core.request.request import Application, GenerationRequest

REQUEST = GenerationRequest(
    prompt="oak", provider="openai", model="gpt-image-2.6-sunburst", quality="low", size="816x816"
)


def priced(request: GenerationRequest = REQUEST, seen: UsageHistory = no_history) -> CheckedRequest:
    """A request with its price, checked or not."""
    return estimates.price_unchecked(request, load_registry(), estimates.image_sizes(request), seen)


def admit(
    journal: Journal, limits: Limits | None = None, *, retry_unknown: bool = False, **changes: Any
) -> Job:
    """A job with its price set aside; ``changes`` are parameters of the request."""
    request = dataclasses.replace(REQUEST, **changes)
    return admission.admit(
        priced(request, journal.seen),
        Application(target="image"),
        digest=digest_request(request),
        journal=journal,
        limits=limits or Limits(),
        retry_unknown=retry_unknown,
    )


def start(journal: Journal, base_url: str, api_key: str, job: Job) -> JobQueue:
    """Hand a job to a worker."""
    queue = JobQueue(1)
    queue.submit(job, Worker(journal, load_registry(), Connection(base_url, api_key)).run)
    return queue


def finish(queue: JobQueue) -> JobEvent:
    """The last event of the only job."""
    while not (event := queue.events.get(timeout=30)).is_last:
        pass
    queue.close(5)
    return event


def run(journal: Journal, base_url: str, api_key: str, job: Job) -> JobEvent:
    """Run a job to its end."""
    return finish(start(journal, base_url, api_key, job))
