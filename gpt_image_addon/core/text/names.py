"""Readable names out of prompts, safe as data-block names and as file names on every system."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from itertools import count, islice

from .message import message
from .plain_text import DEVICE, HIDDEN

NAME_LIMIT = 63  # bytes of UTF-8: the longest data-block name before Blender 5.0
FALLBACK = "ImageFile"
UDIM_TOKEN = "<UDIM>"  # what stands for the number of a tile in a path, for Blender and others

ALIKE = 0.7  # of 1: how much of a mistyped name must be right for a proposal
COMPARED_NAMES = 2000  # a scene may have very many, and each comparison takes a moment

_FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f]+')
_HIDDEN = re.compile(f"[{HIDDEN}]")
_EDGES = " ._-,;'"
_INVISIBLE = "\u200c\u200d"
_JOINERS = "\u200d\ufe0e\ufe0f"


def safe_name(prompt: str, *, limit: int = NAME_LIMIT, fallback: str = FALLBACK) -> str:
    """A name that people recognise and that no system refuses.

    Letters of all scripts stay; what separates folders or drives becomes a space; marks that hide letters or
    turn their direction go; names that Windows keeps for devices get an underscore.

    :param limit: bytes of UTF-8; a longer text is cut after a whole word where there is one.
    :param fallback: what to call a text of which nothing remains.
    """
    text = unicodedata.normalize("NFC", prompt.encode("utf-8", "ignore").decode())
    text = _FORBIDDEN.sub(" ", text)
    text = "".join(" " if c.isspace() else c for c in _HIDDEN.sub("", text) if _is_shown(c))
    text = re.sub(" +", " ", text).strip(_EDGES + _INVISIBLE)
    reserved = DEVICE.match(text)
    if reserved:
        text = f"{reserved[0]}_{text[reserved.end() :]}"
    return _cut(text, limit) or fallback


def number_names(name: str, *, limit: int = NAME_LIMIT) -> Iterator[str]:
    """Safe names out of one, without end: ``oak``, ``oak 2``, ``oak 3``.

    :param limit: bytes of UTF-8 of each.
    """
    yield safe_name(name, limit=limit)
    for number in count(2):
        ending = f" {number}"
        yield safe_name(name, limit=limit - len(ending)) + ending


def _is_shown(character: str) -> bool:
    """Whether it is no control, of no font's own, and none of the numbers that never become characters."""
    lasting = ord(character) & 0xFFFE != 0xFFFE and not 0xFDD0 <= ord(character) <= 0xFDEF
    return lasting and unicodedata.category(character) not in ("Cc", "Co")


def _cut(text: str, limit: int) -> str:
    """At most `limit` bytes, ending with a whole word and a whole character."""
    encoded = text.encode()
    if len(encoded) <= limit:
        return text
    head = encoded[:limit].decode("utf-8", "ignore")
    words, space, _ = head.rpartition(" ")
    if not text[len(head)].isspace() and space and len(words) >= len(head) // 2:
        head = words
    elif _continues(text[len(head)]):
        head = _drop_last_character(head)
    return head.strip(_EDGES + _JOINERS)


def _continues(character: str) -> bool:
    """Whether it belongs to the character before: an accent, a skin tone, half of a joined emoji."""
    return (
        bool(unicodedata.combining(character))
        or character in _JOINERS
        or "\U0001f3fb" <= character <= "\U0001f3ff"
    )


def _drop_last_character(text: str) -> str:
    while text and _continues(text[-1]):
        text = text[:-1]
    return text[:-1]


def suggestion(wanted: str, known: Iterable[str]) -> str:
    """A sentence that names what was probably meant; empty where nothing is like it."""
    from difflib import get_close_matches

    names = {name.casefold(): name for name in islice(known, COMPARED_NAMES)}
    longer = [name for name in names if name.startswith(f"{wanted.casefold()}_")]
    alike = longer or get_close_matches(wanted.casefold(), names, 1, ALIKE)
    return message("Perhaps you meant '{name}'.", name=names[alike[0]]) if alike else ""
