"""Keys and ids as people have them, checked where they enter: what a header can't take is never sent or shown."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from .errors import ConfigurationError
from .plain_text import HIDDEN
from .redaction import hide

MAX_LENGTH = 4096  # characters; servers refuse longer headers
QUOTES = "\"'`“”„‘’‚«»"
BAD_KEY, BAD_ID = "bad_key", "bad_id"

_AROUND = re.compile(rf"^[\s\x00-\x1f{HIDDEN}]+|[\s\x00-\x1f{HIDDEN}]+$")
_PREFIX = re.compile(r"(?i)(?:export\s+)?OPENAI_API_KEY\s*=\s*|(?:authorization\s*:\s*)?bearer(?:\s+|%20)")
_VISIBLE = re.compile(r"[!#-&(-_a-~]")
"""What a key or an id may be made of: visible ASCII but quotes."""
_UNNAMED = {"\n": "line feed", "\r": "carriage return", "\t": "tabulator", "\0": "null"}


@dataclass(frozen=True)
class Credential:
    """A key or an id that a header takes."""

    value: str
    """Empty where there was none."""
    note: str = ""
    """One sentence where something around it was taken away."""


def check_key(text: str, place: str) -> Credential:
    """A key as it is sent: without what came along when it was copied. From now on no text shows it.

    :param place: where the text comes from, to be named in errors.
    :raises ConfigurationError: a character in it that no header takes; the error names its place alone.
    """
    found = unwrap(text)
    _check(found, text, f"The key {place}", BAD_KEY)
    hide(found)
    dirt = found != text.strip("\r\n ")
    return Credential(found, f"What stood around the key {place} was left out." if found and dirt else "")


def check_id(text: str, place: str) -> str:
    """The id of an organisation or a project as it is sent.

    :param place: where it comes from, such as the name of a variable.
    :raises ConfigurationError: a character in it that no header takes.
    """
    found = unwrap(text)
    _check(found, text, f"The id {place}", BAD_ID)
    return found


def check_header(value: str) -> None:
    """The last check of a key or an id before it is sent, wherever it comes from.

    :raises ConfigurationError: a character in it that no header takes.
    """
    _check(value, value, "The key or id for a header", BAD_KEY)


def unwrap(text: str) -> str:
    """A key without spaces, quotes, the name of the variable, or "Bearer" around it."""
    before = None
    while text != before:
        before = text
        text = _AROUND.sub("", text)
        if len(text) > 1 and text[0] in QUOTES and text[-1] in QUOTES:
            text = text[1:-1]
        prefix = _PREFIX.match(text)
        text = text[prefix.end() :] if prefix else text
    return text


def _check(text: str, whole: str, what: str, code: str) -> None:
    """:param whole: the text as it was given, in which places are counted."""
    next_step = "Copy it again, whole and alone."
    if len(text) > MAX_LENGTH:
        raise ConfigurationError(
            f"{what} has more than {MAX_LENGTH} characters.", code=code, next_step=next_step
        )
    for number, character in enumerate(text, 1 + whole.find(text)):
        if not _VISIBLE.match(character):
            raise ConfigurationError(
                f"{what} can't be used: its character {number} is {_named(character)}.",
                code=code,
                next_step=next_step,
            )


def _named(character: str) -> str:
    """A character in words. No key has it, so it tells nothing of the key."""
    name = unicodedata.name(character, "").lower() or _UNNAMED.get(character, "not a letter")
    return f"U+{ord(character):04X} ({name})"
