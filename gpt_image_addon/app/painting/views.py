"""Views that are painted one after another: what their requests cost, and what of them is stored."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from ...core.errors import GptImageError
from ...core.painting.projection import Projection
from ...core.request.pricing import Estimate, check_limit
from .. import session
from ..projection.sequence import SequencePlan
from ..submission import PreparedRequest, Submitter

if TYPE_CHECKING:
    from ...core.jobs.estimates import Measure
    from ...core.journal.journal import Entry

DRAWN = "-"
"""In place of the path of a guide that is not drawn yet."""


@dataclass(frozen=True)
class ViewSequence:
    """Views that are painted one after another."""

    submitter: Submitter
    plan: SequencePlan
    first: PreparedRequest
    """The request of the first view."""
    snap: Collection[str] = ()
    """See `Submitter.check`."""

    @cached_property
    def further_price(self) -> Estimate:
        """Of each request but the first.

        :raises InvalidRequestError: it could not be sent.
        """
        plan = self.plan
        guides = (DRAWN,) * (1 + len(plan.application.guides))
        request = plan.make_request(1, guides, mask=DRAWN, painted=(0, DRAWN))
        application = plan.make_application(plan.make_projection(1, {}))
        measure = self._measure_drawn()
        return self.submitter.check(request, application, snap=self.snap, measure=measure).price

    def _measure_drawn(self) -> Measure:
        from ...core.jobs.estimates import image_sizes

        return lambda request: image_sizes(request, {DRAWN: self.plan.projection.sent_size})

    def price_from(self, number: int) -> Estimate:
        """Of a view and all that follow; those may show nothing that is left to paint."""
        count = len(self.plan.views) - max(number, 1)
        further = self.further_price.times(count)
        total = self.first.checked.price.plus(further) if number == 0 else further
        return dataclasses.replace(total, further_usd=0.0)

    def check_price(self, number: int, paid_usd: float, max_cost: float | None) -> Estimate:
        """
        :param number: of the first view that is to be paid.
        :param paid_usd: what those before it took this time.
        :raises BudgetExceededError: a limit does not allow all that follow.
        """
        limits = self.submitter.settings.limits(max_cost)
        price = self.price_from(number)
        price = dataclasses.replace(price, high_usd=price.high_usd + paid_usd)
        check_limit(price, limits)
        journal = session.journal(self.submitter.settings)
        journal.check_budget(price.high_usd - paid_usd, limits.monthly_budget_usd)
        return price

    def find_unfinished(self) -> bool:
        """Whether the first view is answered, and no sequence that began with it has come to its end."""
        from ...core.jobs.uploads import digest_request

        journal = session.journal(self.submitter.settings)
        stored = journal.find_stored(digest_request(self.first.checked.wanted))
        if stored is None:
            return False
        return not any(self._is_finished(entry) for entry in journal.find_naming(stored.id))

    def _is_finished(self, entry: Entry) -> bool:
        try:
            views = Projection.from_text(entry.application.projection or "").views
        except GptImageError:
            return False
        return [view.name for view in views][-1:] == [self.plan.views[-1].name] and entry.folder is not None
