"""One job, and local work, as every thread sees it. Knows no provider and no Blender."""

from __future__ import annotations

import math
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..errors import Billed, GptImageError, JobCancelled, SceneError
from ..journal.states import JobState
from ..request.providers import find_provider
from ..request.request import Application, GenerationRequest
from ..results.store import PreparedResult
from ..text.message import Message, message

if TYPE_CHECKING:
    from ..imaging.thumbnails import Preview
    from ..request.normalize import CheckedRequest

WAIT_SLICE = 0.1  # seconds that `Job.wait` blocks at once, so that Ctrl-C is heard

Emit = Callable[["JobEvent"], None]
Work = Callable[["Job", Emit], PreparedResult]
Apply = Callable[["Job"], object]
Resume = Callable[[Mapping[str, bool]], object]
"""Gets the answers to what was asked: parameters of `submit`."""
Deliver = Callable[[], object]
"""The half of local work that needs Blender: called on the main thread, gives what was made."""


@dataclass(eq=False, kw_only=True)
class Task:
    """Something that a worker does, as every thread sees it; changed by its own methods alone."""

    title: str = ""
    """What to call it in a list."""
    id: str = field(default_factory=lambda: uuid.uuid4().hex[:12])
    state: JobState = JobState.QUEUED
    progress: float = 0.0
    """0 to 1."""
    message: str = "Waiting"
    """What happens now, for people."""
    error: GptImageError | None = None
    preview: Preview | None = None
    """The newest one of the image while it is made."""
    expected_seconds: float = 0.0
    """How long such work takes, by experience."""
    estimated_usd: float = 0.0
    """With that of its follow-up requests."""
    started: float | None = None
    """`time.monotonic` when the work began."""
    ended: float | None = None
    warnings: tuple[str, ...] = ()
    """Known before the answer came."""
    applied: object | None = None
    """What the scheduler made of the result in Blender, or what local work made."""
    deliver: Deliver | None = field(default=None, repr=False)
    """What is left to do on the main thread, where the work is done."""
    pump: Callable[[float], None] = field(default=lambda seconds: None, repr=False)
    """Lets the scheduler handle events for at most so many seconds; main thread only."""
    on_progress: Callable[[Any], None] | None = field(default=None, repr=False)
    """Told on the main thread when state, message, progress or preview changed."""
    on_cancel: Callable[[], None] | None = field(default=None, repr=False)
    """Stops what the worker waits for; called from any thread."""
    billed: Callable[[], Billed] = field(default=lambda: "no", repr=False)
    """Whether what was sent for it so far was, or may have been, billed."""
    deferred: bool = False
    """Its result is there, and waits until Blender can take it; `message` says for what."""
    stopping: bool = False
    """Nothing more is to be sent for it; what is under way is waited for."""
    resume: Resume | None = field(default=None, repr=False)
    """Where it failed as a part of an edit: goes on with that edit; main thread only."""
    _done: threading.Event = field(default_factory=threading.Event, repr=False)
    _cancelled: threading.Event = field(default_factory=threading.Event, repr=False)

    @property
    def cancelled(self) -> bool:
        """Whether `cancel` was called."""
        return self._cancelled.is_set()

    @property
    def shown_progress(self) -> float:
        """0 to 1: what the server says, or where it says nothing, what such requests usually take."""
        if self.done or self.started is None:
            return self.progress
        usual = 0.99 * (1 - math.exp(-2 * self.elapsed / max(self.expected_seconds, 0.1)))
        return max(self.progress, usual)

    @property
    def remaining(self) -> float | None:
        """Seconds that it still takes, by experience; None where nobody knows, as when it takes longer."""
        if self.done or self.deferred or self.started is None or not self.expected_seconds:
            return None
        left = self.expected_seconds - self.elapsed
        return left if left > 0 else None

    @property
    def elapsed(self) -> float:
        """Seconds since the work began."""
        if self.started is None:
            return 0.0
        return (self.ended or time.monotonic()) - self.started

    @property
    def done(self) -> bool:
        """Whether nothing more happens by itself: applied, ended, or kept for later."""
        return self._done.is_set()

    def update(self, event: JobEvent) -> None:
        """Take over what a worker says."""
        if self.started is None:
            self.started = time.monotonic()
        if event.error is not None:
            self.fail(event.error)
            return
        self.preview = event.preview or self.preview
        self.deliver = event.deliver or self.deliver
        self._change(event.state, event.message, event.progress)
        if event.is_last:
            self._change(JobState.RECEIVED)
            if self.stopping:  # the process ends: the result waits to be recovered
                self.finish()

    def complete(self, applied: object) -> None:
        """The result is where it belongs; see `applied`."""
        self.applied = applied
        self._change(JobState.APPLIED, "Done", 1.0)
        self.finish()

    def fail(self, error: GptImageError) -> None:
        """It ends without a result, or with one that could not be applied."""
        self.error = error
        state = None
        if self.state is not JobState.RECEIVED:
            ends = {"no": JobState.FAILED, "maybe": JobState.UNKNOWN, "yes": JobState.FAILED}
            state = JobState.CANCELLED if isinstance(error, JobCancelled) else ends[error.billed]
        self._change(state, error.text)
        self.finish()

    def _change(
        self, state: JobState | None = None, message: str = "", progress: float | None = None
    ) -> None:
        """The one place where these three are set; what is left out stays."""
        self.state = state or self.state
        self.message = message or self.message
        self.progress = self.progress if progress is None else progress

    def rename(self, title: str) -> None:
        """Call it something else in lists."""
        self.title = title

    def warn(self, *sentences: str) -> None:
        """Add what the user should know."""
        self.warnings += sentences

    def watch(self, on_progress: Callable[[Any], None] | None) -> None:
        """Have a function called on the main thread whenever it gets on."""
        self.on_progress = on_progress

    def expect(self, seconds: float) -> None:
        """How long it will take, by experience."""
        self.expected_seconds = seconds

    def defer(self, reason: str) -> None:
        """The result waits until Blender can take it.

        :param reason: what is waited for; empty where it waits no longer.
        """
        self.deferred = bool(reason)
        self._change(message=reason)

    def stop_sending(self) -> None:
        """Send nothing more for it; see `stopping`."""
        self.stopping = True

    def resume_with(self, resume: Resume, price_usd: float | None = None) -> None:
        """It is a part of an edit; see `resume`.

        :param price_usd: what trying it again costs at most, where its own work costs nothing.
        """
        self.resume = resume
        self.estimated_usd = self.estimated_usd if price_usd is None else price_usd

    def interrupt_with(self, cancel: Callable[[], None], billed: Callable[[], Billed] | None = None) -> None:
        """What `cancel` calls from now on, and where it is given, what says `billed`. Called by the work."""
        self.on_cancel = cancel
        self.billed = billed or self.billed

    def cancel(self) -> None:
        """Stop the job as soon as possible, from any thread. A result that is already here is kept."""
        self._cancelled.set()
        if self.on_cancel is not None:
            self.on_cancel()

    def finish(self) -> None:
        """Nothing more happens by itself. Called by the scheduler."""
        self.ended = time.monotonic()
        self._done.set()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the end; on the main thread this also applies results, of this job and of others.

        :param timeout: seconds; None for as long as it takes.
        :returns: whether the job is done.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        on_main = threading.current_thread() is threading.main_thread()
        while not self.done:
            left = WAIT_SLICE if deadline is None else min(WAIT_SLICE, deadline - time.monotonic())
            if left <= 0:
                return False
            if on_main:
                self.pump(left)
            else:
                self._done.wait(left)
        return True

    def finish_waiting(self) -> None:
        """`wait` for the end; what interrupts the caller meanwhile cancels the job."""
        try:
            self.wait()
        except BaseException:
            self.cancel()
            raise

    def check_cancelled(self) -> None:
        """:raises JobCancelled: when `cancel` was called."""
        if self.cancelled:
            raise JobCancelled("The job was cancelled.")


@dataclass(eq=False)
class Job(Task):
    """One request on its way; besides what follows it has all that a `Task` has."""

    request: GenerationRequest
    application: Application
    prepared: PreparedResult | None = None
    further_usd: float = 0.0
    """What of the estimate is for follow-up requests."""
    cost_usd: float | None = None
    """Known once the answer came; 0 for what takes a result that is there."""
    result_of: str = ""
    """Id of the job whose result it takes once more, unpaid; empty where it has one of its own."""
    used: int = 0
    """Which of several images the target shows."""
    apply: Apply | None = field(default=None, repr=False)
    """Puts the result somewhere else than into the scene; main thread only."""
    checked: CheckedRequest | None = field(default=None, repr=False)
    """What is sent for it; None where nothing is."""

    @classmethod
    def of(cls, checked: CheckedRequest, application: Application, **values: Any) -> Job:
        """A job that sends a request.

        :param values: fields of the job.
        """
        return cls(
            checked.wanted,
            application,
            checked=checked,
            estimated_usd=checked.price.high_usd,
            further_usd=checked.price.further_usd,
            warnings=checked.warnings,
            **values,
        )

    def __post_init__(self) -> None:
        self.title = self.title or self.request.prompt

    @property
    def is_draft(self) -> bool:
        """Whether its images are drafts, and not what a model makes."""
        return find_provider(self.request.provider).is_draft

    def update(self, event: JobEvent) -> None:
        """See `Task.update`."""
        self.id = event.result_of or self.id
        self.result_of = event.result_of or self.result_of
        if event.prepared is not None:
            self.prepared = event.prepared
            cost = event.prepared.facts.get("cost_usd")
            self.cost_usd = 0.0 if self.result_of else float(cost) if cost is not None else None
        super().update(event)

    def set_price(self, estimated_usd: float, further_usd: float) -> None:
        """Its price is set aside only now; see the attributes."""
        self.estimated_usd, self.further_usd = estimated_usd, further_usd

    def keep(self, applied: object) -> None:
        """Something is made of it already, which stays where its result brings nothing better."""
        self.applied = applied

    def result(self) -> PreparedResult:
        """What was put into the scene.

        :raises GptImageError: why nothing was.
        """
        if self.error is not None:
            raise self.error
        if self.state is not JobState.APPLIED or self.prepared is None:
            raise SceneError(message("The job is not finished: {state}.", state=Message.of(self.message)))
        return self.prepared

    @property
    def all_warnings(self) -> tuple[str, ...]:
        """What the user should know of a job that was applied."""
        prepared = self.prepared.warnings if self.prepared is not None else ()
        return (*self.warnings, *prepared, *getattr(self.applied, "messages", ()))

    def show(self, number: int) -> None:
        """Another of its images is shown; 0 for the first."""
        self.used = number


def as_completed(jobs: Iterable[Task], timeout: float | None = None) -> Iterator[Task]:
    """The jobs in the order in which they are done; on the main thread this also applies results.

    :param timeout: seconds for all of them; None for as long as it takes.
    :raises TimeoutError: some are not done by then.
    """
    deadline = None if timeout is None else time.monotonic() + timeout
    waiting = list(jobs)
    while waiting:
        for job in [job for job in waiting if job.done]:
            waiting.remove(job)
            yield job
        if waiting and deadline is not None and time.monotonic() >= deadline:
            raise TimeoutError(message("{count} jobs are not done.", count=len(waiting)))
        if waiting:
            waiting[0].wait(WAIT_SLICE)


@dataclass(frozen=True)
class JobEvent:
    """What a worker tells the main thread."""

    job: Task
    message: str = ""
    progress: float | None = None
    state: JobState | None = None
    partial: bytes | None = field(default=None, repr=False)
    """An encoded preview, as it came."""
    preview: Preview | None = None
    """The same, to be shown at once."""
    result_of: str = ""
    """Id of the job whose result this one takes, unpaid."""
    prepared: PreparedResult | None = field(default=None, repr=False)
    """The result of a request."""
    deliver: Deliver | None = field(default=None, repr=False)
    """Of local work."""
    error: GptImageError | None = None

    @property
    def is_last(self) -> bool:
        """Nothing more comes from the worker for this job."""
        return self.prepared is not None or self.deliver is not None or self.error is not None
