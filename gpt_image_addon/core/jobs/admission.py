"""Admission of a job: its price, the user's limits, and whether the same request was made before.

Nothing has left this machine when one of these refuses.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import APIConnectionError, InvalidResponseError
from ..journal.entries import Alone, BatchPosition, Entry
from ..journal.journal import Journal
from ..request.pricing import Estimate, Limits, check_limit
from ..request.request import Application
from ..text.message import message
from .equal_requests import after_running
from .job import Apply, Job, Work

if TYPE_CHECKING:
    from ..request.normalize import CheckedRequest


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
    apply: Apply | None = None,
    **own: Any,
) -> Job:
    """A job whose price is set aside; what is left is to hand it to a worker.

    :param digest: `GenerationRequest.digest` with the hashes of its files.
    :param retry_unknown: send what was sent before without an answer, knowing that it may be paid twice.
    :param alone_since: where it must be alone of its kind, when equal requests were looked for; see `Alone`.
    :param pump: see `Job.pump`.
    :param apply: see `Job.apply`.
    :param own: other fields of the job.
    :raises BudgetExceededError: the limit for one request or the monthly budget does not allow it.
    :raises APIConnectionError: the same request was sent before, and its outcome is unknown.
    :raises EqualRequestError: it would not be alone.
    """
    job = Job.of(checked, application, pump=pump, apply=apply, **own)
    price = checked.price
    reserve_single(job, price, digest, journal, limits, retry_unknown=retry_unknown, alone_since=alone_since)
    return job


def reserve_single(
    job: Job,
    price: Estimate,
    digest: str,
    journal: Journal,
    limits: Limits,
    *,
    retry_unknown: bool = False,
    alone_since: float | None = None,
) -> None:
    """Set the price of a job aside that belongs to no batch; see `admit`."""
    if price.high_usd > 0:
        check_lost(journal.find_lost(digest), retry_unknown)
        stored = journal.find_stored(digest)
        if stored is not None:
            job.warn(
                message(
                    "The same request was already made as job {job}; reuse returns its result unpaid.",
                    job=stored.id,
                )
            )
    alone = Alone(digest=digest, locks=journal.locks, since=alone_since) if alone_since is not None else None
    reserve(job, price, digest, journal, limits, alone)


def reserve(
    job: Job,
    price: Estimate,
    digest: str,
    journal: Journal,
    limits: Limits,
    position: BatchPosition | None = None,
) -> None:
    """Set the price of a job aside, where the limits allow it.

    :param position: in which batch, or beside which other jobs, it may be.
    :raises BudgetExceededError: the limit for one request or the monthly budget does not allow it.
    :raises RowTakenError: another process has begun the same row of a batch meanwhile.
    :raises EqualRequestError: an equal request came meanwhile.
    """
    check_limit(price, limits)
    journal.reserve(
        job.id,
        job.request,
        job.application,
        digest,
        price.high_usd,
        limits.monthly_budget_usd,
        position,
        price.further_usd,
    )


def send_after_running(
    price: Estimate,
    digest: str,
    journal: Journal,
    limits: Limits,
    send: Work,
    take: Callable[[Path, str], Work],
    *,
    retry_unknown: bool = False,
) -> Work:
    """The work of a job that waits for an equal request, and is sent only where that brings no result.

    :param send: the work then; parameters are those of `admit`.
    :param take: see `after_running`.
    """

    def set_aside(job: Job, since: float) -> None:
        reserve_single(job, price, digest, journal, limits, retry_unknown=retry_unknown, alone_since=since)
        job.set_price(price.high_usd, price.further_usd)

    return after_running(journal, digest, set_aside, send, take)


def check_lost(earlier: Entry | None, retry_unknown: bool) -> None:
    """Send nothing that was paid for already, or may have been.

    :param earlier: the newest job of the same request that brought no result, see `Journal.find_lost`.
    :raises APIError: there is one, and nobody said to try again.
    """
    if earlier is None or retry_unknown:
        return
    sent = {"when": f"{earlier.created:%Y-%m-%d %H:%M}", "job": earlier.id}
    if earlier.billed == "yes":
        raise InvalidResponseError(
            message(
                "The same request was sent on {when} as job {job}: it was billed and brought no result. "
                "{reason}",
                **sent,
                reason=str((earlier.error or {}).get("message", "")),
            ),
            code="billed_without_result",
            billed="yes",
            next_step="Add --retry-unknown (retry_unknown=True in Python) to send it, and pay for it, again.",
        )
    raise APIConnectionError(
        message(
            "The same request was sent on {when} as job {job}, and no answer came: it may have been billed.",
            **sent,
        ),
        code="outcome_unknown",
        billed="maybe",
        next_step="Add --retry-unknown (retry_unknown=True in Python) to send it anyway.",
    )
