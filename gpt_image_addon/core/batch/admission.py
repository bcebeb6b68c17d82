"""Admission of each row of a batch: what was done for it before, its price, and the money that is left."""

from __future__ import annotations

import dataclasses
import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from ..errors import BudgetExceededError, RowTakenError
from ..jobs.admission import check_lost, reserve
from ..jobs.estimates import complete_size, validate_and_price
from ..jobs.job import Job
from ..jobs.uploads import digest_request
from ..journal.batch_rows import RowHistory, find_row_history
from ..journal.entries import BatchPosition
from ..journal.journal import Journal
from ..request.models import Registry
from ..request.normalize import CheckedRequest
from ..request.pricing import Limits, UsageHistory
from ..request.request import GenerationRequest
from .manifest import Row


@dataclass(frozen=True)
class Pricer:
    """Completes, checks and prices rows."""

    registry: Registry
    complete: Callable[[GenerationRequest], GenerationRequest]
    """Names the provider and the model where a row leaves them open."""
    seen: UsageHistory
    share: float = 1.0
    """Of the list price."""
    check: Callable[[Row], None] = lambda row: None
    """Whether the result can go where it is to go; raises where it can't."""

    def validate_and_price(self, row: Row, request: GenerationRequest | None = None) -> CheckedRequest:
        """The completed request with its price.

        :param request: it, where it was completed before.

        :raises InvalidRequestError: it can't be sent.
        """
        self.check(row)
        request = request or self.complete(row.request)
        checked = validate_and_price(request, row.application, self.registry, self.seen)
        return dataclasses.replace(checked, price=checked.price.times(self.share))


def row_key(row: Row, digest: str) -> str:
    """The row's name in the journal: equal for the same id and request, wherever the manifest lies.

    :param digest: `GenerationRequest.digest` with the hashes of its files.
    """
    return hashlib.sha256(f"{row.id}\n{digest}".encode()).hexdigest()[:24]


@dataclass(frozen=True)
class RowRequest:
    """A row with what the journal knows of it."""

    request: GenerationRequest
    digest: str
    key: str
    known: RowHistory


@dataclass
class RowAdmission:
    """Decides whether a row may be sent, and sets its price aside; usable from every thread."""

    journal: Journal
    pricer: Pricer
    limits: Limits
    max_cost_usd: float | None = None
    """Of the whole run; None for no limit."""
    retry_unknown: bool = False
    _reserved_usd: float = 0.0
    _spent_usd: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def look_up(self, row: Row) -> RowRequest:
        """What the journal knows of a row.

        :raises InvalidRequestError: a file of it can't be read.
        """
        request = complete_size(self.pricer.complete(row.request), self.pricer.registry)
        digest = digest_request(request)
        key = row_key(row, digest)
        return RowRequest(request, digest, key, find_row_history(self.journal, key))

    def admit(self, row: Row, asked: RowRequest, batch: str = "") -> Job:
        """A job whose price is set aside.

        :param batch: our id of the remote batch that it goes into.
        :raises GptImageError: it must not, or can't, be sent; nothing was.
        """
        known = asked.known
        if known.running is not None:
            raise RowTakenError(f"Job {known.running.id} works on this row.")
        check_lost(known.lost[-1] if known.lost else None, self.retry_unknown)
        checked = self.pricer.validate_and_price(row, asked.request)
        price, job = checked.price, Job.of(checked, row.application)
        others = len(known.lost) + (known.stored is not None)
        self._set_aside(price.high_usd)
        try:
            position = BatchPosition(asked.key, others, batch)
            reserve(job, price, asked.digest, self.journal, self.limits, position)
        except BaseException:
            self.settle(price.high_usd, 0.0)
            raise
        return job

    def settle(self, reserved_usd: float, spent_usd: float) -> None:
        """A job has ended."""
        with self._lock:
            self._reserved_usd -= reserved_usd
            self._spent_usd += spent_usd

    def _set_aside(self, usd: float) -> None:
        """:raises BudgetExceededError: the money for the whole run does not reach."""
        with self._lock:
            used = self._spent_usd + self._reserved_usd
            limit = self.max_cost_usd
            if limit is not None and usd > 0 and used + usd > limit:
                raise BudgetExceededError(
                    f"This could cost ${usd:.4f}; of the ${limit:.2f} for this run, "
                    f"${used:.4f} is spent or reserved.",
                    code="max_cost_exceeded",
                    next_step="Run again with more to make the rest.",
                )
            self._reserved_usd += usd
