"""The gate before a job: its price, the user's limits, and whether the same request was made before.

Nothing has left this machine when one of these refuses.
"""

from __future__ import annotations

from collections.abc import Callable

from ..errors import APIConnectionError
from ..journal.journal import Journal
from ..request.checked_request import CheckedRequest
from ..request.pricing import Estimate, Limits, check_limit
from ..request.request import Application
from .equal_requests import Alone, after_running
from .queue import Job, Work


def admit(
    checked: CheckedRequest,
    application: Application,
    *,
    digest: str,
    journal: Journal,
    limits: Limits,
    retry_unknown: bool = False,
    alone_since: float | None = None,
    pump: Callable[[float], None] = lambda seconds: None,
) -> Job:
    """A job whose price is set aside; what is left is to hand it to a worker.

    :param digest: `GenerationRequest.digest` with the hashes of its files.
    :param retry_unknown: send what was sent before without an answer, knowing that it may be paid twice.
    :param alone_since: where it must be alone of its kind, when equal requests were looked for; see `Alone`.
    :param pump: see `Job.pump`.
    :raises BudgetExceededError: the limit for one request or the monthly budget does not allow it.
    :raises APIConnectionError: the same request was sent before, and its outcome is unknown.
    :raises EqualRequestError: it would not be alone.
    """
    job = Job.of(checked, application, pump=pump)
    reserve(job, checked.price, digest, journal, limits, retry_unknown=retry_unknown, alone_since=alone_since)
    return job


def reserve(
    job: Job,
    price: Estimate,
    digest: str,
    journal: Journal,
    limits: Limits,
    *,
    retry_unknown: bool = False,
    alone_since: float | None = None,
) -> None:
    """Set the price of a job aside, where limits and earlier requests allow it; see `admit`."""
    check_limit(price, limits)
    if price.high_usd > 0:
        if not retry_unknown:
            _check_unknown(journal, digest)
        stored = journal.find_stored(digest)
        if stored is not None:
            notice = f"The same request was already made as job {stored.id}; reuse returns its result unpaid."
            job.warnings += (notice,)
    journal.reserve(
        job.id,
        job.request,
        job.application,
        digest,
        price.high_usd,
        limits.monthly_budget_usd,
        Alone(digest=digest, locks=journal.locks, since=alone_since) if alone_since is not None else None,
        price.further_usd,
    )


def send_after_running(
    price: Estimate, digest: str, journal: Journal, limits: Limits, send: Work, *, retry_unknown: bool = False
) -> Work:
    """The work of a job that waits for an equal request, and is sent only where that brings no result.

    :param send: the work then; parameters are those of `admit`.
    """

    def set_aside(job: Job, since: float) -> None:
        reserve(job, price, digest, journal, limits, retry_unknown=retry_unknown, alone_since=since)
        job.estimated_usd, job.further_usd = price.high_usd, price.further_usd

    return after_running(journal, digest, set_aside, send)


def _check_unknown(journal: Journal, digest: str) -> None:
    earlier = journal.find_unknown(digest)
    if earlier is not None:
        raise APIConnectionError(
            f"The same request was sent on {earlier.created:%Y-%m-%d %H:%M} as job {earlier.id}, and no "
            "answer came: it may have been billed.",
            code="outcome_unknown",
            billed="maybe",
            next_step="Add --retry-unknown (retry_unknown=True in Python) to send it anyway.",
        )
