"""Which material a description names, and how rough and metallic that material is.

The table is ``materials.json``. Standard library only.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

# What comes after one of these describes something beside the material: "sand with rocks", "Holz auf Beton".
_ASIDE = re.compile(
    r"[,;.:()\n]|\b(?:with|on|in|under|near|beside|behind|against|without|like|for|at|and|over|"
    r"mit|auf|im|unter|neben|hinter|ohne|wie|für|am|an|und|über|vor)\b"
)
_GERMAN_ENDINGS = ("", "e", "en", "n", "er", "ern", "s", "es")
_GERMAN_JOINTS = ("", "s", "n", "en", "e", "es", "er")


@dataclass(frozen=True)
class MaterialGuess:
    """What a description says about a surface."""

    name: str | None
    """The material's name in the table; None when none was recognised."""
    label: str
    """What people read."""
    roughness: float
    """Mean, 0..1, as Principled BSDF takes it."""
    roughness_range: float
    """How far roughness varies over the surface, from its low to its high."""
    metallic: float
    """Mean, 0..1."""
    known: bool
    slope: float = 0.25
    """Root mean square slope of the relief: 0.01 for polished stone, 0.09 for a floor, 0.5 for brickwork."""
    metres: float | None = None
    """What an image of it usually spans, and a draft does; None where nothing is known."""
    depth_mm: float = 6.0
    """What its relief usually measures from the deepest to the highest, in millimetres."""


def guess_material(description: str) -> MaterialGuess:
    """The material that `description` (English or German) names, or the neutral default.

    Whole words count, in singular or plural, and German compounds with a common second part (Ziegelmauer).
    The longest phrase wins over its parts. Of several materials the last one before the first "with", "on",
    comma and the like is meant: in "gold leather on wood" that is leather. Rust, verdigris and painted metal
    overrule what lies beneath them; words for a use rather than a stuff (tile, road) give way to others.
    """
    table = _table()
    text = _normalize(description)
    parts = _ASIDE.split(text)
    for part in (*parts, text):
        found = list(_named(part))
        overruling = [hit for hit in found if hit[0] in table["overruling"]]
        strong = [hit for hit in found if hit[1] not in table["weak"]]
        if found:
            return _guess(table["by_name"][(overruling or strong or found)[-1][0]], known=True)
    return _guess(table["unknown"], known=False)


def _guess(row: dict[str, Any], known: bool) -> MaterialGuess:
    return MaterialGuess(
        name=row.get("name"),
        label=row["label"],
        roughness=row["roughness"],
        roughness_range=row["roughness_range"],
        metallic=row["metallic"],
        known=known,
        slope=row["slope"],
        metres=row["metres"],
        depth_mm=row["depth_mm"],
    )


def _normalize(text: str) -> str:
    """Lower case, ß as ss, hyphens as spaces, umlauts kept."""
    return re.sub(r"[-_/\s]+", " ", text.casefold()).strip()


def _named(part: str) -> Iterator[tuple[str, str]]:
    """The materials named in `part` with their words, left to right, the longest phrase at each place."""
    words = re.findall(r"[^\W\d_]+", part)
    phrases = _table()["phrases"]
    longest = max(len(phrase.split()) for phrase in phrases)
    i = 0
    while i < len(words):
        for n in range(min(longest, len(words) - i), 0, -1):
            phrase = " ".join(words[i : i + n])
            name = phrases.get(phrase) or (_compound(phrase) if n == 1 else None)
            if name:
                yield name, phrase
                break
        i += n


def _compound(word: str) -> str | None:
    """The material of a German compound such as Ziegelmauer or Eichenholzdielen, if it is one."""
    table = _table()
    for i in range(3, len(word) - 2):
        if word[i:] in table["heads"] and word[:i] in table["stems"]:
            name: str = table["stems"][word[:i]]
            return name
    return None


@cache
def _table() -> dict[str, Any]:
    """``materials.json`` with every form of every word, looked up by that form."""
    raw = json.loads((Path(__file__).parent / "materials.json").read_text(encoding="utf-8"))
    phrases: dict[str, str] = {}
    stems: dict[str, str] = {}
    for row in raw["materials"]:  # words before their forms: Eisen is iron, not a case of Eis
        for word in row["en"] + row["de"]:
            phrases[_normalize(word)] = row["name"]
        for word in row["de"]:
            stems[_normalize(word)] = row["name"]
    for row in raw["materials"]:
        for form in (form for word in row["en"] for form in _english_forms(word)):
            phrases.setdefault(form, row["name"])
        for form in (form for word in row["de"] for form in _german_forms(word, _GERMAN_ENDINGS)):
            phrases.setdefault(form, row["name"])
        for form in (form for word in row["de"] for form in _german_forms(word, _GERMAN_JOINTS)):
            stems.setdefault(form, row["name"])
    weak = {form for word in raw["weak_words"] for form in _english_forms(word)}
    return {
        "phrases": phrases,
        "stems": stems,
        "heads": {form for head in raw["german_heads"] for form in _german_forms(head, _GERMAN_ENDINGS)},
        "weak": weak | {form for word in raw["weak_words"] for form in _german_forms(word, _GERMAN_ENDINGS)},
        "by_name": {row["name"]: row for row in raw["materials"]},
        "unknown": raw["unknown"],
        "overruling": raw["overruling"],
    }


def _english_forms(word: str) -> set[str]:
    """An English word and its plurals."""
    plain = _normalize(word)
    return {plain, plain + "s", plain + "es", plain[:-1] + "ies" if plain.endswith("y") else plain}


def _german_forms(word: str, endings: tuple[str, ...]) -> set[str]:
    """A German word with all `endings`, also as it is written without umlauts."""
    plain = _normalize(word)
    flat = plain.replace("ä", "ae").replace("ö", "oe").replace("ü", "ue")
    return {spelling + ending for spelling in (plain, flat) for ending in endings}
