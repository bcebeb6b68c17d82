"""What came of the last test of the connection."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from ... import api
from ...core.errors import GptImageError
from ...core.text.message import Message, message
from ..common import state


@dataclass
class Outcome:
    """Of the last test."""

    text: str = ""
    """One sentence; empty before the first test."""
    icon: str = "INFO"


def test() -> None:
    """Ask the server, in a thread; the outcome changes when it has answered.

    :raises GptImageError: nothing may be sent.
    """
    shown = outcome()
    shown.text, shown.icon = Message("Asking the server"), "TIME"
    api.test_connection(partial(_answered, shown))


def outcome() -> Outcome:
    """What came of the last test, as it is now."""
    return state.part(Outcome)


def _answered(shown: Outcome, models: object, error: GptImageError | None) -> None:
    if error is not None:
        shown.text, shown.icon = error.text, "ERROR"
    else:
        shown.text = message("The server answers and offers {count} models.", count=models)
        shown.icon = "CHECKMARK"
