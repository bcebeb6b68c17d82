"""Requests that paint objects, ready to be sent: one for all views, or one for each."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

from ...core.errors import InvalidRequestError
from ...core.jobs.job import Apply, Task
from ...core.request.request import Application, GenerationRequest
from ...core.request.targets import find_target
from ...core.request.validation import check_application
from .. import models, references, session
from ..projection.sequence import SequencePlan, plan_sequence
from ..scheduler import drain
from ..submission import PreparedRequest, Submitter
from .sequence_task import PaintingSequence, Wishes
from .views import ViewSequence

if TYPE_CHECKING:
    from ...core.journal.journal import Entry
    from ...core.request.normalize import CheckedRequest


def prepare_painting(
    submitter: Submitter,
    request: GenerationRequest,
    application: Application,
    *,
    snap: Collection[str] = (),
    at_once: bool = False,
) -> AnyPrepared:
    """As `Submitter.prepare`; views that are painted one after another take a request each.

    :raises InvalidRequestError: it can't be sent, or the scene or the objects can't take its result.
    """
    if find_target(application.target).is_projected and application.in_sequence:
        check_application(application)
        resolved, _ = models.resolve_model(request, submitter.registry, submitter.settings)
        plan = plan_sequence(resolved, application, submitter.registry.likely_size_rule(resolved.model))
        if plan is not None:
            return _prepare_sequence(submitter, plan, snap, at_once=at_once)
    return submitter.prepare(request, application, snap=snap, at_once=at_once)


def _prepare_sequence(
    submitter: Submitter, plan: SequencePlan, snap: Collection[str], *, at_once: bool
) -> PreparedSequence:
    if plan.request.n != 1:
        raise InvalidRequestError("Views that are painted in sequence take one image each.", param="n")
    from ...core.painting.guides import draw_guides

    projection = plan.make_projection(0, {})
    drawn = draw_guides(plan.triangles, projection, plan.application.guides, prompt=plan.request.prompt)
    first = submitter.prepare(
        plan.make_request(0, tuple(map(references.write, drawn.images))),
        plan.make_application(projection),
        snap=snap,
        at_once=at_once,
    )
    return PreparedSequence(ViewSequence(submitter, plan, first, snap))


@dataclass(frozen=True)
class PreparedSequence:
    """Requests that paint one view after another, and that nothing speaks against; see `PreparedRequest`."""

    views: ViewSequence

    @property
    def submitter(self) -> Submitter:
        """By whose settings it was made."""
        return self.views.submitter

    @cached_property
    def checked(self) -> CheckedRequest:
        """The first request at the price of all; what is to be known of it is told."""
        return dataclasses.replace(
            self.views.first.checked,
            price=self.views.price_from(0),
            warnings=tuple(dict.fromkeys((*self.views.plan.notes, *self.views.first.checked.warnings))),
        )

    @property
    def application(self) -> Application:
        """What becomes of all views."""
        return dataclasses.replace(
            self.views.plan.application, projection=self.views.plan.projection.to_text()
        )

    def find_earlier(self) -> Entry | None:
        """See `PreparedRequest.find_earlier`: of the first view."""
        return self.views.first.find_earlier()

    def check_folder(self) -> None:
        """See `PreparedRequest.check_folder`."""
        self.views.first.check_folder()

    def submit(
        self,
        *,
        reuse: bool | None = None,
        retry_unknown: bool = False,
        accept: bool = False,
        max_cost: float | None = None,
        apply: Apply | None = None,
        idempotency_key: str | None = None,
    ) -> Task:
        """Begin with the first view, and return at once.

        :param reuse: True takes each stored answer, False none; None those of a sequence that did not come to
            its end.
        :param retry_unknown: see `PreparedRequest.submit`, with ``idempotency_key``.
        :param accept: use answers whose outlines do not match, too.
        :param max_cost: USD that all requests together may cost at most.
        :param apply: has no effect: what is painted goes onto the objects.
        :raises GptImageError: nothing was sent.
        """
        settings = self.submitter.settings
        settings.check_provider(self.views.first.checked.wanted.provider)
        self.check_folder()
        return self._begin(Wishes(reuse, retry_unknown, accept, max_cost, idempotency_key))

    def _begin(self, wishes: Wishes) -> Task:
        task = PaintingSequence(
            title=self.views.plan.request.prompt,
            pump=drain,
            views=self.views,
            wishes=wishes,
            begin=self._begin,
            warnings=self.checked.warnings,
            estimated_usd=self.checked.price.high_usd,
        )
        listed = session.open_session(self.submitter.settings).scheduler
        listed.show(task)
        task.start()
        if task.error is not None and not task.jobs:
            listed.forget(task)
            raise task.error
        return task


AnyPrepared: TypeAlias = PreparedRequest | PreparedSequence
"""What paints objects, or makes something else."""
