"""Text from outside as it may be shown and stored: without what steers terminals or hides letters.

Servers, file names and command lines bring control characters, marks that turn the direction of writing, and
halves of characters that no file takes.
"""

from __future__ import annotations

import re

HIDDEN = (
    "\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\U000e0000-\U000e007f"
)
"""Of a class of characters: marks that nobody sees, but for the joiners that emoji and some scripts need."""
CUT = "…"
DEVICE = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(?= *\.|$)", re.IGNORECASE)
"""How a name begins that Windows keeps for a device, whatever its ending and its folder."""

_ESCAPES = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -~])?|\x9b[0-?]*[ -/]*[@-~]"
)
_HIDDEN = re.compile(f"[{HIDDEN}]")
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_CONTROLS_OF_BLOCKS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]+")
_PAIRS = re.compile("[\ud800-\udbff][\udc00-\udfff]")
_HALVES = re.compile("[\ud800-\udfff]")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_ESCAPED_BYTES = range(0xDC80, 0xDD00)
"""Halves that stand for bytes which are not UTF-8, as in the names of some files."""


def find_unstorable(text: str) -> int | None:
    """Where a text holds half of a character, or the character 0, which no file takes; None if not."""
    found = _UNSTORABLE.search(text)
    return found.start() if found else None


def repair(text: str) -> str:
    """A text that every file takes: halves of a character are joined, shown as bytes, or replaced."""
    if _HALVES.search(text) is None:
        return text
    joined = _PAIRS.sub(lambda pair: pair[0].encode("utf-16", "surrogatepass").decode("utf-16"), text)
    return _HALVES.sub(_show_half, joined)


def _show_half(half: re.Match[str]) -> str:
    number = ord(half[0])
    return f"\\x{number - 0xDC00:02x}" if number in _ESCAPED_BYTES else "\ufffd"


def clean(text: str, limit: int | None = None) -> str:
    """One line that can be shown anywhere.

    :param limit: characters; a longer text is cut.
    """
    line = _CONTROLS.sub(" ", _HIDDEN.sub("", _ESCAPES.sub("", repair(text))))
    return shorten(line, limit) if limit is not None else line


def clean_block(text: str) -> str:
    """As `clean`, but lines and tabulators stay."""
    return _CONTROLS_OF_BLOCKS.sub(" ", _HIDDEN.sub("", _ESCAPES.sub("", repair(text))))


def shorten(text: str, limit: int) -> str:
    """A text of at most ``limit`` characters, with a mark where it was cut."""
    return text if len(text) <= limit else text[: max(limit - len(CUT), 0)] + CUT
