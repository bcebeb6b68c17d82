"""What came of the last test of the connection."""

from __future__ import annotations

from ... import api
from ...core.errors import GptImageError
from ...core.text.message import message

_text = ""
_icon = "INFO"


def test() -> None:
    """Ask the server, in a thread; `text` and `icon` change when it has answered.

    :raises GptImageError: nothing may be sent.
    """
    _say("Asking the server", "TIME")
    api.test_connection(_answered)


def _answered(models: object, error: GptImageError | None) -> None:
    if error is not None:
        _say(error.text, "ERROR")
    else:
        _say(message("The server answers and offers {count} models.", count=models), "CHECKMARK")


def _say(text: str, icon: str) -> None:
    global _text, _icon
    _text, _icon = text, icon


def text() -> str:
    """One sentence; empty before the first test."""
    return _text


def icon() -> str:
    """The icon beside it."""
    return _icon
