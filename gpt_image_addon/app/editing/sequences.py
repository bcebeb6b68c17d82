"""Edits that send their requests one after another, each made of the answer to the one before."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from ...core.common.arguments import typed
from ...core.errors import EditMismatchError, GptImageError, InvalidRequestError
from ...core.jobs.job import Deliver, Job
from ...core.request.providers import find_provider
from ...core.request.request import Application, GenerationRequest
from ...core.text.message import join, message
from .. import settings
from ..session import open_session
from ..submission import PreparedRequest, Submitter

if TYPE_CHECKING:
    from ...core.journal.journal import Entry

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

    def advance(self) -> bool:
        """Use the last answer, and make ready what is sent next; in any thread.

        :returns: whether there is something to send; else all is done.
        """
        ...

    def send(self, then: Callable[[], None] | None = None) -> Job:
        """Send what is ready; main thread only.

        :param then: called on the main thread when the answer is there.
        """
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


def run_in_background(sequence: Sequence, title: str, finish: Callable[[], object]) -> None:
    """Do all of it while Blender goes on, each part a task in the list of jobs; main thread only.

    :param title: what to call a part.
    :param finish: called on the main thread at the end; what it returns is the last task's ``applied``.
    """
    found = open_session(sequence.settings)
    sent = 0

    def go_on() -> None:
        found.scheduler.start_local(title, work)

    def work() -> Deliver:
        try:
            more = sequence.advance()
        except GptImageError as error:
            advise(error, sent)
            raise
        return send_next if more else finish

    def send_next() -> object:
        nonlocal sent
        sequence.send(then=go_on)
        sent += 1
        return None

    go_on()


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
    submitter: Submitter,
    request: GenerationRequest,
    application: Application,
    options: Mapping[str, Any],
    apply: Callable[[Job], object],
) -> Job:
    """Send one request, or take the answer to it that is there and may be used.

    :raises GptImageError: it can't be sent; nothing was.
    """
    prepared = submitter.prepare(request, application)
    refused = _find_refused(prepared) if options.get("accept") and not options.get("retry_unknown") else None
    if refused is not None:
        notice = message("The answer of job {job} is used, though it does not match.", job=refused.id)
        return submitter.resume(refused, application, notice, apply)
    return prepared.submit(
        reuse=options.get("reuse"),
        retry_unknown=bool(options.get("retry_unknown")),
        max_cost=options.get("max_cost"),
        apply=apply,
    )


def _find_refused(prepared: PreparedRequest) -> Entry | None:
    """An equal request whose answer was refused, and is kept."""
    from ...core.jobs.uploads import digest_request

    journal = open_session(prepared.submitter.settings).journal
    lost = journal.find_lost(digest_request(prepared.checked.wanted))
    is_refused = lost is not None and (lost.error or {}).get("code") == EditMismatchError.default_code
    return lost if is_refused else None
