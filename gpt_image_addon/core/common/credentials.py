"""Keys and ids as people have them, checked where they enter: what no header takes is never sent or shown."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from ..errors import ConfigurationError
from ..text.message import message
from ..text.plain_text import HIDDEN
from ..text.redaction import hide

MAX_LENGTH = 4096  # characters; servers refuse longer headers
QUOTES = "\"'`\u00ab\u00bb\u2018-\u201f"
"""Of a class of characters: those that people and word processors set around a text."""

_AROUND = re.compile(rf"^[\s\x00-\x1f{HIDDEN}]+|[\s\x00-\x1f{HIDDEN}]+$")
_QUOTED = re.compile(rf"^[{QUOTES}](.*)[{QUOTES}]$", re.DOTALL)
_PREFIX = re.compile(
    r"(?i)(?:export\s+)?(?:OPENAI|COMFY)_API_KEY\s*=\s*|(?:authorization\s*:\s*)?bearer(?:\s+|%20|$)"
)
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


def check_key(text: str, variable: str = "") -> Credential:
    """A key as it is sent: without what came along when it was copied. From now on no text shows it.

    :param variable: of the environment, where it comes from one.
    :raises ConfigurationError: a character in it that no header takes; the error names its place alone.
    """
    found = unwrap(text)
    number, character = _find_bad(found, text)
    if number:
        problem = message(
            "The key can't be used: its character {number} is {character}.",
            number=number,
            character=character,
        )
        if variable:
            problem = message(
                "The key in {variable} can't be used: its character {number} is {character}.",
                variable=variable,
                number=number,
                character=character,
            )
        raise ConfigurationError(problem, code="bad_key", next_step="Copy it again, whole and alone.")
    hide(found)
    dirt = found != text.strip("\r\n ")
    return Credential(found, "What stood around the key was left out." if found and dirt else "")


def check_id(text: str, name: str) -> str:
    """The id of an organisation or a project as it is sent.

    :param name: of the variable or the setting where it comes from.
    :raises ConfigurationError: a character in it that no header takes.
    """
    found = unwrap(text)
    number, character = _find_bad(found, text)
    if number:
        raise ConfigurationError(
            message(
                "{name} can't be used: its character {number} is {character}.",
                name=name,
                number=number,
                character=character,
            ),
            code="bad_id",
            next_step="Copy it again, whole and alone.",
        )
    return found


def _find_bad(text: str, whole: str) -> tuple[int, str]:
    """The place of the first character that no header takes, from 1, and its name; 0 where all are good.

    :param whole: the text as it was given, in which places are counted.
    """
    for number, character in enumerate(text, 1 + whole.find(text)):
        if not _VISIBLE.match(character) or number > MAX_LENGTH:
            # No key has such a character, so its name tells nothing of the key.
            name = unicodedata.name(character, "").lower() or _UNNAMED.get(character, "not a letter")
            return number, f"U+{ord(character):04X} ({name})" if number <= MAX_LENGTH else "one too many"
    return 0, ""


def unwrap(text: str) -> str:
    """A key without spaces, quotes, the name of the variable, or "Bearer" around it."""
    before = None
    while text != before:
        before = text
        text = _AROUND.sub("", text)
        text = _QUOTED.sub(r"\1", text)
        prefix = _PREFIX.match(text)
        text = text[prefix.end() :] if prefix else text
    return text
