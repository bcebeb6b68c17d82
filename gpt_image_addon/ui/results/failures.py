"""Draws what went wrong: a sentence, the next step, and one button that mends it."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ... import api
from ...app import results
from ...core.request.providers import find_provider
from ...core.text.message import Message, message
from ..common.translate import translate
from ..common.widgets import draw_sentence
from ..request import quote
from .failure_table import BILLED, WITHOUT_ERROR, Mend, find_row

if TYPE_CHECKING:
    from ...core.errors import GptImageError
    from ...core.journal.history import HistoryItem
    from ...core.journal.states import JobState
    from ..request.quote import Quote

BUTTON_SCALE = 1.4
UNKNOWN_SERVER = Message("the server")
EXPLANATION_LINES = 4


@dataclass(frozen=True)
class Button:
    """A button that mends something, with all that it needs."""

    mend: Mend
    label: str
    word: str
    """In place of the label, where there is little room."""
    values: Mapping[str, str]
    """Of the operator's properties."""

    @property
    def icon(self) -> str:
        """Name of its icon."""
        return self.mend.icon


@dataclass(frozen=True)
class Failure:
    """What is said of a failure, in the user's language."""

    sentence: str
    explanation: str
    """The next step."""
    billed: str
    """Whether it may have cost money."""
    button: Button | None
    """What mends it; None where nothing does."""
    also: Button | None
    is_wanted: bool
    """The user asked for it."""

    @property
    def label(self) -> str:
        """Of the button; empty where there is none."""
        return self.button.label if self.button is not None else ""

    @property
    def word(self) -> str:
        """Of the button, in one word."""
        return self.button.word if self.button is not None else ""

    @property
    def icon(self) -> str:
        """Of the failure."""
        return "CANCEL" if self.is_wanted else "ERROR"


def failure_of(job: Any) -> Failure | None:
    """What is said of a job of this session that ended without a result; None where nothing went wrong."""
    if job.error is None:
        return None
    is_request = isinstance(job, api.Job)
    return describe(
        job.error.to_dict(),
        job.request.provider if is_request else "",
        job.id if is_request or job.resume is not None else "",
        job.estimated_usd,
    )


def failure_of_item(item: HistoryItem) -> Failure | None:
    """What is said of a job of any session; None where it has a result.

    :param item: its row of the history.
    """
    return _find_failure(item.error, item.state, item.provider, item.job, item.estimated_usd)


def failure_of_id(job: str) -> Failure | None:
    """What is said of a job of any session; None where nothing went wrong.

    :raises GptImageError: there is no such job.
    """
    for begun in api.jobs():
        if begun.id == job:
            return failure_of(begun)
    entry = results.entry(job)
    return _find_failure(entry.error, entry.state, entry.request.provider, job, entry.estimated_usd)


def _find_failure(
    error: Mapping[str, Any] | None, state: JobState, provider: str, job: str, usd: float
) -> Failure | None:
    error = error or WITHOUT_ERROR.get(state)
    return describe(error, provider, job, usd) if error is not None and state in WITHOUT_ERROR else None


def describe(error: Mapping[str, Any], provider: str, job: str = "", usd: float = 0.0) -> Failure:
    """What is said of an error.

    :param error: as `GptImageError.to_dict` gives it and the journal keeps it.
    :param provider: name of the provider of the request; empty where there was none.
    :param job: id of the job that failed; without one there is no button that is about it.
    :param usd: what it costs to try again, at most.
    """
    row = find_row(error.get("code"), str(error.get("type")), str(error.get("message")))
    said = row.explanation or str(error.get("message", ""))
    name = find_provider(provider).label if provider else translate(UNKNOWN_SERVER)
    sentence, explanation = (
        translate(message(text, provider=name) if "{provider}" in text else text)
        for text in (row.sentence, said)
    )
    return Failure(
        sentence=sentence[:1].upper() + sentence[1:],
        explanation=explanation,
        billed=translate(BILLED.get(str(error.get("billed")), "")),
        button=_button(row.mend, provider, job, usd),
        also=_button(row.also, provider, job, usd) if row.also is not None else None,
        is_wanted=row.is_wanted,
    )


def _button(mend: Mend, provider: str, job: str, usd: float) -> Button | None:
    """None where it needs a job or a page that there is not."""
    url = getattr(find_provider(provider), mend.address) if mend.address else ""
    if (mend.of_job and not job) or (mend.address and not url):
        return None
    label = translate(mend.text)
    return Button(
        mend,
        quote.with_price(label, usd) if mend.is_paid else label,
        translate(mend.name),
        {**({"job": job} if mend.of_job else {}), **({"url": url} if url else {})},
    )


def draw_failure(layout: Any, job: Any, width: int) -> None:
    """What went wrong with a job, and the button that mends it.

    :param width: characters of a line.
    """
    failure = failure_of(job)
    if failure is not None:
        draw(layout, failure, width)


def draw(layout: Any, failure: Failure, width: int) -> None:
    """A failure with its button.

    :param width: characters of a line.
    """
    _draw_sentences(layout, failure, width)
    draw_sentence(layout, failure.billed, width=width)
    for button in filter(None, (failure.button, failure.also)):
        row = layout.row()
        row.scale_y = BUTTON_SCALE if button is failure.button else 1.0
        draw_button(row, button)


def draw_short(layout: Any, failure: Failure, width: int) -> None:
    """A failure where there is little room: whether it was billed, and another try, stand elsewhere.

    :param width: characters of a line.
    """
    _draw_sentences(layout, failure, width)
    if failure.button is not None and not failure.button.mend.is_paid:
        row = layout.row()
        row.scale_y = BUTTON_SCALE
        draw_button(row, failure.button)


def _draw_sentences(layout: Any, failure: Failure, width: int) -> None:
    red = layout.column()
    red.alert = not failure.is_wanted
    draw_sentence(red, failure.sentence, failure.icon, width, dim=False)
    shortened = textwrap.shorten(failure.explanation, EXPLANATION_LINES * width, placeholder="…")
    draw_sentence(layout, shortened, width=width, dim=False)


def draw_button(layout: Any, button: Button, text: str | None = None, *, icon: bool = True) -> None:
    """A button that mends something.

    :param text: what it says in place of its label, such as its word.
    :param icon: whether it has one; where there is little room it has none.
    """
    label = button.label if text is None else text
    shown = button.icon if icon else "NONE"
    drawn = layout.operator(button.mend.operator, text=label, icon=shown, translate=False)
    for name, value in button.values.items():
        setattr(drawn, name, value)


def problem_of(found: Quote) -> Failure | None:
    """Why the request in the panel can't be sent, where a button mends it; else None."""
    if found.error is None:
        return None
    failure = describe(found.error.to_dict(), found.provider)
    return failure if failure.button is not None else None


def text_of(error: GptImageError | Mapping[str, Any]) -> str:
    """An error with what helps to look it up, for the clipboard."""
    found = error if isinstance(error, Mapping) else error.to_dict()
    lines = (
        str(found.get("message") or ""),
        *(f"{name}: {found[name]}" for name in ("type", "code", "param", "request_id") if found.get(name)),
    )
    return "\n".join(lines)
