"""What is asked before a request is sent: was it made before or is on its way, and may it cost that much?"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from ...app import results, settings
from ...core.errors import GptImageError
from ...core.journal.states import JobState
from ...core.text.message import message
from ..common import thumbnails
from ..common.translate import translate
from ..common.widgets import draw_sentence
from . import quote

if TYPE_CHECKING:
    from ...app.painting.prepared import AnyPrepared
    from ...core.journal.journal import Entry

WIDTH = 400  # pixels of the dialog at scale 1
LINE = 56  # characters that fit it
THUMBNAIL_SCALE = 6.0  # of an icon
ALREADY_SAID = ("reuse", "retry_unknown")
"""Parameters that answer the question."""
DOUBLE_CLICK = timedelta(seconds=1)
"""So soon after a request nobody wants another one of its kind."""
SAME_USD = 1e-6
"""Two prices that are nearer to each other are the same."""
ANSWER = "gpt_image.answer_question"
"""Operator of the two buttons."""
JUST_SENT = "This request was sent just now."
ON_ITS_WAY = (JobState.QUEUED, JobState.SENDING)
WITHOUT_RESULT = (JobState.UNKNOWN, JobState.FAILED, JobState.CANCELLED)


class Question(NamedTuple):
    """What is to be asked."""

    earlier: Entry | None = None
    """The same request of before."""
    dear_usd: float = 0.0
    """The price, where it is above what the user wants to be asked about."""

    @property
    def is_lost(self) -> bool:
        """Whether the earlier request was, or may have been, billed and brought no result."""
        return self.earlier is not None and self.earlier.state in WITHOUT_RESULT

    @property
    def is_refused(self) -> bool:
        """Whether the earlier request has an answer that does not match its image, and can be used still."""
        return self.earlier is not None and self.earlier.is_refused

    @property
    def has_answer(self) -> bool:
        """Whether there are two buttons: one takes what costs nothing any more."""
        return self.is_stored or self.is_refused

    @property
    def is_running(self) -> bool:
        """Whether the earlier request is on its way."""
        return self.earlier is not None and self.earlier.state in ON_ITS_WAY

    @property
    def is_double_click(self) -> bool:
        """Whether it was sent just now."""
        return is_just_sent(self.earlier)

    @property
    def is_stored(self) -> bool:
        """Whether the earlier request has a result that costs nothing any more."""
        return self.earlier is not None and not self.is_lost and not self.is_running

    @property
    def confirm_text(self) -> str:
        """What the button says; where there is a stored result, there are two others."""
        return translate("Send Again" if self.earlier is not None else "Generate")


def question(
    prepared: AnyPrepared, answers: Mapping[str, bool], shown_usd: float | None = None
) -> Question | None:
    """What to ask before a request is sent; None where nothing speaks against it.

    What costs nothing is never asked about.

    :param answers: those of `ALREADY_SAID` that are given.
    :param shown_usd: the most that it may cost by the price that was shown, where what a mask lets change was
        not known yet.
    :raises GptImageError: an image of the request, or the journal, can't be read.
    """
    high_usd = prepared.checked.price.high_usd
    dear = dear_usd(high_usd)
    if shown_usd is not None and high_usd > shown_usd + SAME_USD:
        dear = high_usd
    earlier = None
    if high_usd > 0 and not any(answers.values()):
        earlier = prepared.find_earlier()
    return Question(earlier, dear) if earlier is not None or dear else None


def is_just_sent(earlier: Entry | None) -> bool:
    """Whether a request is on its way for so short a time that a second one must be a second click."""
    if earlier is None or earlier.state not in ON_ITS_WAY:
        return False
    return datetime.now() - earlier.created < DOUBLE_CLICK


def dear_usd(high_usd: float) -> float:
    """A price, where it is above what the user wants to be asked about; else 0."""
    limit = getattr(settings.preferences(), "confirm_above_usd", 0.0)
    return high_usd if 0 < limit < high_usd else 0.0


def collect_answers(asked: Question, choice: str) -> dict[str, bool]:
    """The parameters of `api.submit` that follow from the answer.

    :param choice: an item of `enum_items.ANSWERED_BEFORE`.
    """
    if asked.is_refused and choice == "reuse":
        return {"accept": True}
    if asked.is_stored:
        return {"reuse": choice == "reuse"}
    return {"retry_unknown": True} if asked.is_lost else {}


def draw(layout: Any, asked: Question, price: str = "") -> None:
    """The question, and the choices that there are.

    :param price: of another request, as it stands on its button.
    """
    if asked.earlier is not None:
        icon = "INFO" if asked.has_answer else "QUESTION"
        draw_sentence(layout, translate(_explain(asked)), icon, LINE, dim=False)
    if asked.has_answer:
        _draw_stored(layout, asked)
    if asked.dear_usd:
        draw_price(layout, asked.dear_usd)
    if asked.has_answer:
        use = translate("Use Anyway") if asked.is_refused else translate("Use Stored")
        _draw_choices(layout, use, price)


def _draw_choices(layout: Any, use: str, price: str) -> None:
    """A button for each of them; both close the dialog.

    :param use: what the first one says, translated.
    """
    row = layout.row(align=True)
    row.scale_y = 1.3
    new = translate("New")
    for reuse, text, icon in (
        (True, use, "CHECKMARK"),
        (False, f"{new}  ·  {price}" if price else new, "SHADERFX"),
    ):
        part = row.row(align=True)
        button = part.template_popup_confirm(
            ANSWER, text=text, icon=icon, cancel_text="", cancel_default=False, translate=False
        )
        button.reuse = reuse


def draw_price(layout: Any, high_usd: float) -> None:
    """What it may cost."""
    layout.label(
        text=translate(message("This may cost up to {usd}.", usd=quote.usd(high_usd))),
        icon="ERROR",
        translate=False,
    )


def _explain(asked: Question) -> str:
    assert asked.earlier is not None
    when = f"{asked.earlier.created:%Y-%m-%d %H:%M}"
    if asked.is_stored:
        return message("The same request was made on {when}; its result is stored.", when=when)
    if asked.is_running:
        return message("The same request was sent on {when}, and its answer is still to come.", when=when)
    if asked.is_refused:
        return message("The answer of {when} to the same request does not match the image.", when=when)
    if asked.earlier.billed == "yes":
        return message("The same request was sent on {when}: it was billed and brought no result.", when=when)
    return message(
        "The same request was sent on {when}, and no answer came: it may have been billed.", when=when
    )


def _draw_stored(layout: Any, asked: Question) -> None:
    assert asked.earlier is not None
    try:
        icon = thumbnails.of_file(results.files(asked.earlier.id)[0])
    except GptImageError:  # deleted behind our back: then the answer says so
        return
    if icon:
        layout.template_icon(icon_value=icon, scale=THUMBNAIL_SCALE)
