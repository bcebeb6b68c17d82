"""Objects that are painted one view after another, each view a job of its own in the journal.

A view whose request was answered before is taken from the journal, so that whatever ends a run costs nothing.
Each job paints what all views so far show: so each can be applied again for itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from ...core.errors import Billed, EditMismatchError, GptImageError, JobCancelled
from ...core.jobs.job import Job, JobEvent, Task
from ...core.journal.states import JobState
from ...core.text.message import Message, join, message
from .. import references, scheduler, session
from ..projection.sequence import AnsweredView
from ..submission import PreparedRequest
from .views import ViewSequence

if TYPE_CHECKING:
    from pathlib import Path

    from ...core.painting.projection import Projection
    from ...core.painting.sequence import NextGuide

KEPT = Message(
    "{count} of {all} views are answered and stored; start it again and these are not paid for again. "
    "Job {job} has them all."
)
NOT_NEEDED = Message("The view '{view}' shows nothing that is left to paint: it was not sent.")


@dataclass(frozen=True)
class Wishes:
    """How the requests of a sequence are sent; see `PreparedSequence.submit`."""

    reuse: bool | None
    retry_unknown: bool
    accept: bool
    max_cost: float | None
    idempotency_key: str | None


@dataclass(frozen=True)
class PaintedSequence:
    """What a sequence painted."""

    last: Job
    """It painted what all views show."""
    jobs: tuple[Job, ...]
    """Of all views, in their order."""


@dataclass(eq=False, kw_only=True)
class PaintingSequence(Task):
    """Views that are painted one after another."""

    views: ViewSequence = field(repr=False)
    wishes: Wishes
    begin: Callable[[Wishes], Task] = field(repr=False)
    """Starts the same once more."""
    jobs: list[Job] = field(default_factory=list)
    _answered: dict[int, AnsweredView] = field(default_factory=dict)
    """By the number of the view."""
    _style: tuple[int, str] | None = None
    """Number of the first view that matched, and path of its answer."""
    _last: Job | None = None
    """The last job that painted something."""
    _number: int = 0
    _running: Job | None = None
    _is_reused: bool = False
    _trouble: GptImageError | None = None

    def start(self) -> None:
        """Begin; main thread only."""
        self.interrupt_with(self._stop, self._billed)
        self._submit(self.views.first)

    @property
    def _count(self) -> int:
        return len(self.views.plan.views)

    def _submit(self, prepared: PreparedRequest) -> None:
        """Send the next view, or take its stored answer."""
        wishes = self.wishes
        try:
            reuse = self._choose_reuse()
            if not self._takes_stored(prepared, reuse):
                paid = sum(job.cost_usd or 0.0 for job in self.jobs)
                self.estimated_usd = self.views.check_price(self._number, paid, wishes.max_cost).high_usd
            key = wishes.idempotency_key
            job = prepared.submit(
                reuse=reuse,
                retry_unknown=wishes.retry_unknown,
                max_cost=wishes.max_cost,
                idempotency_key=f"{key} {self._number}" if key and self._number else key,
            )
        except GptImageError as error:
            self._trouble = error
            self._end()
            return
        job.rename(
            message(
                "{title}: view {number} of {all}",
                title=Message.of(self.title),
                number=self._number + 1,
                all=self._count,
            )
        )
        self._is_reused = bool(job.result_of)
        self.jobs.append(job)
        self._running = job
        job.watch(self._hear)
        self._report()

    def _choose_reuse(self) -> bool | None:
        """A sequence that was begun is gone on with; what it did not send is sent as if it were new."""
        if self.wishes.reuse is not None:
            return self.wishes.reuse
        is_begun = self._is_reused if self._number else self.views.find_unfinished()
        return True if is_begun else None

    def _takes_stored(self, prepared: PreparedRequest, reuse: bool | None) -> bool:
        from ...core.jobs.uploads import digest_request

        if not reuse:
            return False
        journal = session.journal(prepared.submitter.settings)
        stored = journal.find_stored(digest_request(prepared.checked.wanted))
        return stored is not None and stored.folder is not None and stored.folder.is_dir()

    def _hear(self, job: Job) -> None:
        """A job got on."""
        if job is not self._running or self.done:
            return
        self._report()
        if not job.done:
            return
        self._running = None
        if job.error is None:
            self._last = job
            self._keep_answer(job)
        elif isinstance(job.error, EditMismatchError):  # kept, and left out; the others go on
            self._answered[self._number] = AnsweredView(job.id)
            self.warn(job.error.message)
        else:
            self._trouble = job.error
        self._number += self._trouble is None
        self._advance()

    def _keep_answer(self, job: Job) -> None:
        """Note how a view was painted, and the first one that matched as the style of the others."""
        assert job.prepared is not None
        view = job.prepared.report["views"][-1]
        placed = (*view["shift_px"], view["scale"], view["score"])
        self._answered[self._number] = AnsweredView(job.id, placed)
        if self._style is None and view["used"]:
            self._style = self._number, job.prepared.images[0].received_file

    def _advance(self) -> None:
        """Draw the next view as it is painted so far, or come to the end."""
        if self.cancelled or self._trouble is not None:
            self._end()
        elif self._number >= self._count:
            self._finish()
        elif self.stopping:
            self.update(JobEvent(self, state=JobState.QUEUED))
        else:
            projection = self.views.plan.make_projection(self._number, self._answered)
            self._report("Preparing the next view")
            results = session.journal(self.views.submitter.settings).results
            scheduler.errand(partial(self._draw, projection, results), partial(self._send, projection))

    def _draw(self, projection: Projection, results: Path) -> NextGuide:
        """In any thread."""
        from ...core.painting.sequence import draw_next

        plan = self.views.plan
        return draw_next(
            plan.triangles,
            projection,
            plan.application.guides,
            results,
            prompt=plan.request.prompt,
            accept=self.wishes.accept,
        )

    def _send(self, projection: Projection, drawn: NextGuide | None, error: GptImageError | None) -> None:
        if drawn is not None and error is None and not drawn.is_needed:
            self.warn(message(NOT_NEEDED, view=projection.views[-1].name))
            self._number += 1
            self._advance()
            return
        prepared = None
        if drawn is not None and error is None and not self.cancelled:
            try:
                prepared = self._prepare(projection, drawn)
            except GptImageError as trouble:
                error = trouble
        self._trouble = self._trouble or error
        if prepared is None or self._trouble is not None:
            self._end()
        else:
            self._submit(prepared)

    def _prepare(self, projection: Projection, drawn: NextGuide) -> PreparedRequest:
        plan = self.views.plan
        guides = tuple(map(references.write_encoded, drawn.images))
        mask = references.write_encoded(drawn.mask) if drawn.mask is not None else None
        request = plan.make_request(self._number, guides, mask, self._style)
        application = plan.make_application(projection)
        return self.views.submitter.prepare(request, application, snap=self.views.snap)

    def _report(self, doing: str = "") -> None:
        job, views = self._running, self.views.plan.views
        name = views[min(self._number, self._count - 1)].name
        text = message(
            "View {number} of {all} ({name}): {doing}",
            number=min(self._number + 1, self._count),
            all=self._count,
            name=name,
            doing=Message.of(doing or (job.message if job is not None else "Done")),
        )
        share = job.progress if job is not None and not job.done else 0.0
        state = JobState.SENDING if job is None or job.state is not JobState.QUEUED else JobState.QUEUED
        self.update(JobEvent(self, message=text, progress=(self._number + share) / self._count, state=state))
        scheduler.tell(self)

    def _finish(self) -> None:
        if self._last is None:
            self._trouble = next((job.error for job in self.jobs if job.error is not None), None)
            self._end()
            return
        self.complete(PaintedSequence(self._last, tuple(self.jobs)))
        scheduler.tell(self)

    def _go_on(self, answers: Mapping[str, bool]) -> Task:
        """From the first view that is not stored; main thread only."""
        retry = answers.get("retry_unknown", False)
        return self.begin(replace(self.wishes, reuse=True, retry_unknown=retry, idempotency_key=None))

    def _billed(self) -> Billed:
        return self._running.billed() if self._running is not None else "no"

    def _stop(self) -> None:
        """Give up what is on its way; what is painted stays."""
        if self._running is not None:
            session.cancel(self._running.id)

    def _end(self) -> None:
        if self.done:
            return
        error = self._trouble or JobCancelled("The job was cancelled.")
        if self._answered:
            last = self._answered[max(self._answered)].job
            kept = message(KEPT, count=len(self._answered), all=self._count, job=last)
            error.next_step = join(error.next_step, kept)
        price = self.views.price_from(min(self._number, self._count - 1)).high_usd
        failed = [job for job in self.jobs[-1:] if job.error is not None]  # its card goes on with all as well
        for task in (self, *failed):
            task.resume_with(self._go_on, price)
        self.fail(error)
        scheduler.tell(self)


def find_sequence(task: Task) -> PaintedSequence | None:
    """What a task painted view by view; None of one that did not."""
    return task.applied if isinstance(task.applied, PaintedSequence) else None
