"""Sentences in the user's language, also those that were made elsewhere with names and numbers in them.

The rooms below speak English and know no Blender. Here their sentences are recognised by the templates of the
translation tables, where ``{}`` stands for what was filled in.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache, lru_cache

import bpy

from . import translations

_END = re.compile(r"(?<=[.!]) (?=\S)")
"""Between two sentences."""


def translate(text: str) -> str:
    """A text as the user's Blender says it; as it is where nobody translated it. Quick enough for drawing."""
    view = bpy.context.preferences.view
    language = bpy.app.translations.locale if view.use_translate_interface else ""
    return _said(language, text)


@lru_cache(maxsize=512)
def _said(language: str, text: str) -> str:
    """:param language: what the answer depends on."""
    return translated(text, bpy.app.translations.pgettext_iface)


def translated(text: str, say: Callable[[str], str]) -> str:
    """A text in another language, sentence by sentence as far as there are translations.

    :param say: the translation of a text without anything filled in; the text itself where there is none.
    """
    whole = _sentence(text, say)
    if whole is not None:
        return whole
    for gap in _END.finditer(text):
        first = _sentence(text[: gap.start()], say)
        if first is not None:
            return f"{first} {translated(text[gap.end() :], say)}"
    return text


def _sentence(text: str, say: Callable[[str], str]) -> str | None:
    """The translation of one sentence; None where there is none."""
    for end in ("", "."):  # a sentence may be made of a part that has no full stop yet
        part = text.removesuffix(end) if end else text
        if text.endswith(end) and say(part) != part:
            return f"{say(part)}{end}"
    for pattern, template in _templates():
        found = pattern.fullmatch(text)
        parts = [_sentence(part, say) for part in found.groups()] if found else []
        if found and (say(template) != template or any(parts)):
            filled = (new or old for new, old in zip(parts, found.groups(), strict=True))
            return say(template).format(*filled)
    return None


@cache
def _templates() -> tuple[tuple[re.Pattern[str], str], ...]:
    """Every template with what it matches; the longest first, for it says the most."""
    texts = {text for table in translations.load().values() for _, text in table if "{}" in text}
    ordered = sorted(texts, key=lambda text: (-len(text), text))
    return tuple(
        (re.compile("(.+?)".join(map(re.escape, text.split("{}"))), re.DOTALL), text) for text in ordered
    )
