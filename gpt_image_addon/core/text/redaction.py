"""What must not be told: secrets anywhere, and in reports the user's words, files and folders.

Each secret that a process learns of is given to `hide`. From then on no text that passes here holds it, or a
piece of it, in any form in which a server may repeat it.
"""

from __future__ import annotations

import os
import re
import threading
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from pathlib import Path
from typing import Any
from unicodedata import category
from urllib.parse import quote

from .plain_text import clean, repair, shorten

HIDDEN = "…"
MIN_SECRET = 6  # characters; a shorter one would blank out ordinary words
LONGEST_SECRET = 4096  # characters that are looked for
SECRET_PIECE = 8  # characters of a secret that are recognised on their own
WORDS_PIECE = 12  # letters of a prompt that are recognised on their own
WEIGHT = 3  # Latin letters that a character of another script says as much as
MIN_WORDS = 3  # characters; a shorter prompt would blank out half of every sentence
MIN_WORD = 5  # letters of a single word of a prompt that is taken out of what a server said
LONGEST = 20_000  # characters of a text that are looked at
SOMEWHERE = "<path>"
PROMPT = "<prompt>"
ORDINARY = frozenset(
    (
        *("again", "answer", "blocked", "finished", "request", "refused", "server", "system", "safety"),
        *("prompt", "image", "images", "picture", "model", "change", "reference", "parameter", "invalid"),
        *("moderation", "status", "error", "message", "account", "organisation"),
    )
)
"""Words that say what went wrong, whatever prompt they stand in as well."""

_KEY_LIKE = (
    (re.compile(r"\bsk-[\w*-]{4,}"), "sk-…"),
    (re.compile(r"(?i)\b(bearer|api-key:?)\s+[^\s\"',;]+"), r"\1 …"),
    (re.compile(r"\b(Basic)\s+(?=\S*[\d=])[A-Za-z0-9+/=]{8,}"), r"\1 …"),
    (
        re.compile(
            r"(?i)\b(authorization|(?:x-)?api[-_ ]?key(?: provided)?|access[-_]token|password)"
            r"([\"']?\s*[:=]\s*[\"']?)(?!bearer|basic|sk-…|…)[^\s\"',;&}]+"
        ),
        r"\1\2…",
    ),
    (re.compile(r"(\b[a-z][a-z0-9+.-]*://)[^\s/@\"']+@"), r"\1…@"),
)
"""What looks like a secret, whosever it is."""
_BULKY = (
    (re.compile(r"(https?://|\s\"?[A-Z]+ )([^\s\"?]+)\?[^\s\"]*"), r"\1\2?…"),
    (re.compile(r"[A-Za-z0-9+/_=-]{120,}"), HIDDEN),
)
"""The queries of addresses, which may be signed, and images as text."""
_OF_ACCOUNTS = re.compile(r"\b(org|proj)[-_][A-Za-z0-9]{6,}")
_ABSOLUTE = re.compile(
    r"(?<![\w~>:/.\\])(?:/[^\s/'\"<>,;]+){2,}/?|\b[A-Za-z]:[\\/][^\s'\"<>,;]+|\\\\[^\s'\"<>,;]+"
)
_SECRET_NAME = re.compile(
    r"(?i)^OPENAI_|_PROXY$|(?:^|_)(?:API_?)?KEYS?$|TOKEN|SECRET|PASSW|CREDENTIAL|CONNECTION_STRING"
)
_FIELD = re.compile(r"[a-z][a-z0-9_]{0,39}")
_PART_OF_WORD = re.compile(r"[\w*•…%+=~&@$!#|^-]")


class _Pieces:
    """Recognises texts, and longer pieces of them, wherever they stand."""

    def __init__(self, length: int) -> None:
        self._length = length
        self._by_length: Mapping[int, frozenset[str]] = {}

    def add(self, forms: Iterable[str]) -> None:
        """Recognise these from now on, whichever thread asks."""
        found = {length: set(pieces) for length, pieces in self._by_length.items()}
        for form in forms:
            compact, _ = _compact(form)
            length = min(self._length, len(compact))
            if length:
                found.setdefault(length, set()).update(_windows(compact, length))
        self._by_length = {length: frozenset(pieces) for length, pieces in found.items()}

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Where they begin and end in a text, in order; spaces and invisible marks within do not matter."""
        if not self._by_length:
            return
        compact, places = _compact(text)
        hit = bytearray(len(compact))
        for length, pieces in self._by_length.items():
            for start, window in enumerate(_windows(compact, length)):
                if window in pieces:
                    hit[start : start + length] = b"\x01" * length
        for run in re.finditer(b"\x01+", hit):
            yield places[run.start()], places[run.end() - 1] + 1


def _compact(text: str) -> tuple[str, list[int]]:
    """A text in small letters without gaps, each with its weight, and where they stand in the text."""
    kept = [
        (character.lower()[:1], place)
        for place, character in enumerate(text)
        if not character.isspace()
        for _ in range(1 if character.isascii() else WEIGHT if category(character) not in ("Cc", "Cf") else 0)
    ]
    return "".join(character for character, _ in kept), [place for _, place in kept]


def _windows(text: str, length: int) -> Iterator[str]:
    return (text[start : start + length] for start in range(len(text) - length + 1))


def _replace(text: str, spans: Iterable[tuple[int, int]], shown: str) -> str:
    parts, end = [], 0
    for first, last in spans:
        if last <= end:
            continue
        parts += [text[end : max(first, end)], shown]
        end = last
    return "".join([*parts, text[end:]])


def _readable_forms(text: str) -> Iterator[str]:
    """A text as it may come back: as it is, or encoded for an address or as JSON."""
    yield text
    yield quote(text.encode("utf-8", "surrogatepass"), safe="")
    yield text.encode("ascii", "backslashreplace").decode().replace("\\x", "\\u00")


def _forms(text: str) -> Iterator[str]:
    """A secret as it may come back, also where nobody could read it."""
    data = text.encode("utf-8", "surrogatepass")
    yield from _readable_forms(text)
    yield "".join(f"%{byte:02x}" for byte in data)
    yield "".join(f"\\u{ord(character):04x}" for character in text)
    yield text.replace("\\", "\\\\").replace('"', '\\"').replace("/", "\\/")
    yield escape(text)
    yield data.hex()
    for before, unsure in ((0, 0), (1, 2), (2, 3)):  # bytes in front, and characters that they have a part in
        whole = 8 * (before + len(data)) // 6
        encoded = b64encode(bytes(before) + data).decode()[unsure:whole]
        yield encoded
        yield encoded.replace("+", "-").replace("/", "_")


_learning = threading.Lock()
_known: frozenset[str] = frozenset()
_secrets = _Pieces(SECRET_PIECE)


def hide(secret: str) -> None:
    """Never show this text, or a piece of it, in any form."""
    global _known
    secret = secret.strip()[:LONGEST_SECRET]
    if len(secret) < MIN_SECRET or secret in _known:
        return
    with _learning:  # of two threads that learn of one each, neither may drop the other's
        _secrets.add(form for form in _forms(secret) if len(form) >= MIN_SECRET)
        _known |= {secret}


def redact(text: str) -> str:
    """A text without secrets: those that are known, and what looks like one."""
    text = _replace(text, (_whole_word(text, *span) for span in _secrets.spans(text)), HIDDEN)
    for pattern, replacement in _KEY_LIKE:
        text = pattern.sub(replacement, text)
    return text


def _whole_word(text: str, first: int, last: int) -> tuple[int, int]:
    """A piece of a secret with what is left of it on both sides."""
    while first > 0 and _PART_OF_WORD.match(text[first - 1]):
        first -= 1
    while last < len(text) and _PART_OF_WORD.match(text[last]):
        last += 1
    return first, last


def redact_bulk(text: str) -> str:
    """As `redact`, and without the queries of addresses and whole images."""
    text = redact(text)
    for pattern, replacement in _BULKY:
        text = pattern.sub(replacement, text)
    return text


def show(text: object, limit: int) -> str:
    """The one door for what people, journals and terminals get of any text: a clean line without secrets.

    :param limit: characters that are shown.
    """
    whole = text if isinstance(text, str) else str(text)
    return shorten(redact(clean(whole[:LONGEST])), limit)


def describe_error(error: BaseException) -> str:
    """An unexpected error in words; its ``repr`` might hold a whole request."""
    return show(f"{type(error).__name__}: {error}".rstrip(": .\n"), 500)


def environment_without_secrets() -> dict[str, str]:
    """The environment for a process that needs no key: without it, and without other secrets."""
    return {
        name: value
        for name, value in os.environ.items()
        if not _SECRET_NAME.search(name) and redact(value[:LONGEST]) == value
    }


class Redaction:
    """Makes texts fit for a report to strangers.

    Known folders get a name, every other absolute path becomes ``<path>``.
    """

    def __init__(
        self,
        folders: Mapping[str, Path],
        words: Iterable[str] = (),
        files: Iterable[str] = (),
        names: Mapping[str, str] | None = None,
    ) -> None:
        """
        :param folders: by the name to show, such as ``~``; of nested ones the inner first.
        :param words: texts that are replaced wherever they stand, such as prompts; pieces of them, too.
        :param files: paths that are replaced, spaces and all, and so are the names of their files.
        :param names: single words, such as the user's name, with what is shown instead.
        """
        told = {text.strip() for text in words if len(text.strip()) >= MIN_WORDS}
        long = {text for text in told if len(_compact(text)[0]) >= WORDS_PIECE}
        replaced = {text: SOMEWHERE for text in files if text}
        replaced |= {name: "<file>" for text in files for name in _names_of(text)}
        replaced |= dict.fromkeys(long, PROMPT)
        for name, folder in folders.items():
            for form in dict.fromkeys((folder, folder.resolve())):
                replaced |= {str(form): name, form.as_posix(): name}
        self._replace = sorted(replaced.items(), key=lambda item: -len(item[0]))
        whole = dict.fromkeys(sorted(told - long, key=len, reverse=True), PROMPT)
        whole |= {word: shown for word, shown in (names or {}).items() if len(word) >= MIN_WORDS}
        self._whole = [(_standing_alone(word), shown) for word, shown in whole.items()]
        self._pieces = _Pieces(WORDS_PIECE)
        self._pieces.add(form for text in long for form in _readable_forms(text))

    def text(self, text: str) -> str:
        """One text."""
        text = repair(text)
        for found, shown in self._replace:
            text = text.replace(found, shown)
        text = _ABSOLUTE.sub(SOMEWHERE, redact_bulk(text))
        text = _replace(text, self._pieces.spans(text), PROMPT)
        for word, shown in self._whole:
            text = word.sub(shown, text)
        return _OF_ACCOUNTS.sub(r"\1-…", text)

    def _key(self, key: str) -> str:
        """Names of fields stay, whatever the user is called."""
        return key if _FIELD.fullmatch(key) else self.text(key)

    def value(self, value: Any) -> Any:
        """A value of JSON, its keys included."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self._key(str(key)): self.value(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(item) for item in value]
        return value


def _standing_alone(words: str) -> re.Pattern[str]:
    """A short text where it is not a part of a longer word."""
    spaced = r"\s+".join(map(re.escape, words.split()))
    return re.compile(rf"(?i)(?<!\w){spaced}(?!\w)")


def _names_of(path: str) -> Iterator[str]:
    """How texts may name a file: with its ending, and without it where that says something."""
    name = re.split(r"[/\\]", path)[-1]
    stem = name.rpartition(".")[0]
    if len(name) > MIN_WORDS:
        yield name
    if len(stem) > MIN_WORD and stem.lower() not in ORDINARY:
        yield stem


def without_words(text: str, words: str) -> str:
    """A server's sentence without the single words of a prompt, which it may have picked out.

    :param words: the prompt.
    """
    picked = {word.lower() for word in re.findall(r"\w+", words) if len(word) >= MIN_WORD} - ORDINARY
    return re.sub(r"\w+", lambda word: PROMPT if word[0].lower() in picked else word[0], text)
