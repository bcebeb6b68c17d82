"""Edits that send their requests one after another, each made of the answer to the one before."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, runtime_checkable

from ...core.common.arguments import typed
from ...core.errors import EditMismatchError, GptImageError, InvalidRequestError
from ...core.jobs.job import Apply, Deliver, Job, Task
from ...core.request.providers import find_provider
from ...core.request.request import GenerationRequest
from ...core.text.message import join, message
from .. import settings
from ..session import open_session
from ..submission import PreparedRequest

REQUEST = ("provider", "model", "quality")
OPTIONS: Mapping[str, Any] = {
    **dict.fromkeys(REQUEST, str | None),
    "max_cost": float | None,
    **dict.fromkeys(("reuse", "retry_unknown", "accept"), bool | None),
}
"""Parameters of what is sent, and their types."""
AGAIN = "The same again with --reuse (reuse=True in Python) uses what is paid for, and pays only the rest."
ACCEPT = (
    "The same again with --reuse --accept (reuse=True, accept=True in Python) uses it all the same, and "
    "costs nothing for that."
)


@runtime_checkable
class Sequence(Protocol):
    """What `run_through` works through."""

    settings: settings.Settings
    options: Mapping[str, Any]
    """Those of `OPTIONS` that are given."""

    @property
    def last_job(self) -> Job | None:
        """Whose answer `advance` uses; None before the first request."""
        ...

    def advance(self) -> bool:
        """Use the last answer, and make ready what is sent next; in any thread.

        :returns: whether there is something to send; else all is done.
        """
        ...

    def prepare(self) -> PreparedRequest:
        """What `send` sends; main thread only."""
        ...

    def send(self, then: Callable[[], None] | None = None) -> Job:
        """Send what is ready; main thread only.

        :param then: called on the main thread when the answer is there.
        """
        ...

    def drop(self, job: Job | None) -> None:
        """Forget a job if it is the last one, so that its request can be sent again: its files are kept."""
        ...


def run_through(sequence: Sequence, wait: Callable[[Job], None] | None = None) -> None:
    """Do all of it, and wait.

    :param wait: waits for one job; nothing is shown meanwhile without it.
    :raises GptImageError: why it did not come to its end; it names what is kept.
    """
    sent = 0
    try:
        while sequence.advance():
            job = sequence.send()
            sent += 1
            (wait or Job.finish_waiting)(job)
            if job.error is not None:
                raise job.error
    except GptImageError as error:
        advise(error, sent)
        raise


Ask = Callable[[PreparedRequest], bool]
"""Asks about a request where something speaks against it, and returns whether it did; what answers calls
`submit` of what it gets."""


def run_in_background(
    sequence: Sequence, title: str, finish: Callable[[], object], ask: Ask | None = None
) -> None:
    """Do all of it while Blender goes on, each part a task in the list of jobs; main thread only.

    :param title: what to call a part.
    :param finish: called on the main thread at the end; what it returns is the last task's ``applied``.
    :param ask: called on the main thread before the first request is sent.
    """
    _Run(sequence, title, finish, ask).advance()


@dataclass
class _Run:
    """A sequence in the list of jobs."""

    sequence: Sequence
    title: str
    finish: Callable[[], object]
    ask: Ask | None
    _sent: int = 0

    def advance(self) -> None:
        """Use the last answer in a thread, then send what is next."""
        task = open_session(self.sequence.settings).scheduler.start_local(self.title, self._work)
        last = self.sequence.last_job
        task.resume_with(
            partial(self._use_again, task, last), last.estimated_usd if last is not None else 0.0
        )

    def _work(self) -> Deliver:
        try:
            more = self.sequence.advance()
        except GptImageError as error:
            advise(error, self._sent)
            raise
        return self._send_next if more else self.finish

    def _send_next(self) -> object:
        ask, self.ask = self.ask, None
        if ask is not None:
            prepared = self.sequence.prepare()
            if ask(_FirstRequest(prepared.submitter, prepared.checked, prepared.application, self._send)):
                return None
        self._send({})
        return None

    def _send(self, answers: Mapping[str, Any]) -> Job:
        """Send what is ready; of the answers to a question only that to use what is stored holds on."""
        options = self.sequence.options
        self.sequence.options = {**options, **answers}
        try:
            job = self.sequence.send(then=self.advance)
        finally:
            self.sequence.options = {**options, "reuse": True} if answers.get("reuse") else options
        job.rename(self.title)
        job.resume_with(partial(self._send_again, job))
        self._sent += 1
        return job

    def _send_again(self, last: Job | None, answers: Mapping[str, bool]) -> object:
        """What was sent last failed.

        :raises InvalidRequestError: its answer is to be used, and is gone.
        """
        self.sequence.drop(last)
        if answers.get("accept") and self.sequence.prepare().find_refused() is None:
            raise InvalidRequestError("The files of that answer are gone.", code="no_result", param="job")
        return self._send(answers)

    def _use_again(self, task: Task, last: Job | None, answers: Mapping[str, bool]) -> object:
        """The last answer could not be used."""
        if answers.get("accept"):
            self.sequence.options = {**self.sequence.options, "accept": True}
        elif task.error is not None and task.error.billed == "yes":  # the same answer would fail again
            return self._send_again(last, answers)
        self.advance()
        return None


@dataclass(frozen=True)
class _FirstRequest(PreparedRequest):
    """The first request of a sequence, which goes on when it is submitted."""

    send: Callable[[Mapping[str, Any]], Job]

    def submit(
        self,
        *,
        reuse: bool | None = None,
        retry_unknown: bool = False,
        accept: bool = False,
        max_cost: float | None = None,
        apply: Apply | None = None,
        idempotency_key: str | None = None,
    ) -> Job:
        """See `PreparedRequest.submit`; price limit and `apply` are the sequence's; it has no key."""
        return self.send({"reuse": reuse, "retry_unknown": retry_unknown, "accept": accept})


def advise(error: GptImageError, sent: int) -> None:
    """Say how what is paid for is used.

    :param sent: requests that were sent.
    """
    if isinstance(error, EditMismatchError):
        error.next_step = ACCEPT
    elif sent > 1:
        error.next_step = join(error.next_step, AGAIN)


def request_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """:raises InvalidRequestError: a parameter that there is not, or of another type."""
    return typed(OPTIONS, options)


def make_request(options: Mapping[str, Any], found: settings.Settings, **values: Any) -> GenerationRequest:
    """An edit with the provider, the model and the quality of the options.

    :raises InvalidRequestError: its provider edits no images.
    """
    named = {name: options[name] for name in REQUEST if options.get(name)}
    request = GenerationRequest(**{"provider": found.provider, **named, **values})
    if not find_provider(request.provider).takes_masks:
        raise InvalidRequestError(
            message("The {provider} provider can't edit images.", provider=request.provider),
            code="invalid_value",
            param="provider",
            next_step="Choose another provider.",
        )
    return request


def submit_edit(
    prepared: PreparedRequest, options: Mapping[str, Any], then: Callable[[], None] | None
) -> Job:
    """Send one request, or take the answer to it that is there and may be used.

    :param then: called on the main thread when the answer is there.
    :raises GptImageError: it can't be sent; nothing was.
    """

    def apply(job: Job) -> object:
        if then is not None:
            then()
        return None

    return prepared.submit(
        reuse=options.get("reuse"),
        retry_unknown=bool(options.get("retry_unknown")),
        accept=bool(options.get("accept")),
        max_cost=options.get("max_cost"),
        apply=apply,
    )
