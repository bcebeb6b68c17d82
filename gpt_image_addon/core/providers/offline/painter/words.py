"""Reading a prompt: its phrases, what it is about, its colours and modifiers. English and German, whole
words only."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Protocol, TypeVar

from .primitives.palette import COLOURS, Colour, from_hex, tone

JOINTS = "of|in|from|out|made|and|aus|von|vom|im|und"
"""What follows still describes the same thing: "planks of oak", "Wand aus Ziegeln"."""
ASIDES = "with|without|on|onto|under|near|behind|against|by|mit|ohne|auf|unter|neben|hinter|vor|bei"
"""What follows is something else: "brick wall with a green door"."""
ACCENTS = (
    "vein, veins, veining, veined, mortar, grout, joint, joints, seam, seams, stitching, "
    "crack, cracks, gap, gaps, ader, adern, äderung, fuge, fugen, mörtel, naht, nähte, riss, risse"
)
"""Words that take the colour before them away from the thing itself: "black marble with gold veins"."""
FIGURES = (
    "stripe, stripes, dots, spots, pattern, border, thread, threads, check, checks, "
    "streifen, punkte, punkten, flecken, muster, faden, fäden, karo, karos"
)
"""Words that make the colour before them the second one: "fabric with red stripes"."""
NOT_MATERIALS = "ice cream, rock band, rock star, rock music, rock n roll, iron man, gold fish"
SHADES = {"dunkel": "dark", "tief": "dark", "dark": "dark", "hell": "light", "light": "light"}
"""Written in front of a colour, also as one word: dunkelblau."""

MODIFIERS: dict[str, str] = {
    "worn": "worn, weathered, aged, old, ancient, vintage, antique, faded, shabby, rustic, distressed, "
    "battered, alt+, uralt+, verwittert+, abgenutzt+, verblichen+, gealtert+, antik+, rustikal+",
    "mossy": "mossy, moss, overgrown, moos, moosig+, bemoost+, moosbewachsen+, ueberwachsen+, bewachsen+",
    "dirty": "dirty, grimy, stained, muddy, grungy, grunge, dusty, filthy, "
    "schmutzig+, dreckig+, fleckig+, verschmutzt+, staubig+",
    "cracked": "cracked, cracks, broken, fractured, shattered, "
    "rissig+, gerissen+, risse, zerbrochen+, gesprungen+",
    "wet": "wet, damp, rainy, soaked, puddle, puddles, nass+, feucht+, pfuetze, pfuetzen",
    "dark": "dark, darker, deep, dunkel, dunkl*",
    "light": "light, lighter, pale, bright, pastel, bleached, helle, heller, helles, hellen, blass+, bleich+",
    "polished": "polished, glossy, shiny, smooth, lacquered, varnished, "
    "poliert+, glaenzend+, glatt+, lackiert+",
    "rusty": "rusty, rusted, corroded, rostig+, verrostet+, korrodiert+",
    "snowy": "snowy, snow covered, frosty, frosted, verschneit+, schneebedeckt+",
}
"""Words that change whatever the prompt is about. `+` takes German endings, `*` any."""


class Named(Protocol):
    """A row of a table that is found by its words."""

    @property
    def name(self) -> str: ...

    @property
    def words(self) -> str: ...

    @property
    def refines(self) -> tuple[str, ...]: ...


Row = TypeVar("Row", bound=Named)


@dataclass(frozen=True)
class Phrase:
    """A piece of the prompt between joints."""

    text: str
    is_aside: bool


@dataclass(frozen=True)
class Reading:
    """What the words of a prompt say about colour and condition."""

    main: Colour | None
    second: Colour | None
    """Another colour of the thing itself, as in "red and white tiles"."""
    accent: Colour | None
    """The colour of its joints, veins or cracks."""
    modifiers: frozenset[str]


@dataclass(frozen=True)
class _Hit:
    start: int
    end: int
    colour: Colour
    is_material: bool
    is_accent: bool
    is_figure: bool
    is_aside: bool


def fold(text: str) -> str:
    """Lower case, umlauts written out, no accents, hyphens as spaces: "Grün-Grau" → "gruen grau"."""
    text = unicodedata.normalize("NFC", text).lower()
    for umlaut, written in (("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("ß", "ss")):
        text = text.replace(umlaut, written)
    text = "".join(char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char))
    return re.sub(r"[-_/'\u2019]+", " ", text)


def phrases(prompt: str) -> tuple[Phrase, ...]:
    """The prompt cut at punctuation, joints and asides, folded."""
    text = _pattern(NOT_MATERIALS).sub(" ", fold(prompt))
    found = []
    aside = False
    for piece in re.split(rf"([^\w\s]+|\b(?:{JOINTS}|{ASIDES})\b)", text):
        if re.fullmatch(ASIDES, piece):
            aside = True
        elif re.fullmatch(r"[^\w\s]+", piece):
            aside = False
        elif piece.strip() and not re.fullmatch(JOINTS, piece):
            found.append(Phrase(" ".join(piece.split()), aside))
    return tuple(found)


def best_match(parts: Sequence[Phrase], table: Sequence[Row]) -> Row | None:
    """The row that the prompt is about.

    The first phrase that names any row decides, asides last; in it the last word, as in "stone brick wall",
    and of two that end together the longer. A row that refines that one wins over it wherever it stands in
    the phrase.
    """
    for part in sorted(parts, key=lambda part: part.is_aside):
        hits = [
            (match.end(), match.end() - match.start(), row)
            for row in table
            for match in _pattern(row.words).finditer(part.text)
        ]
        if hits:
            chosen = max(hits, key=lambda hit: hit[:2])[2]
            return next((row for _, _, row in hits if chosen.name in row.refines), chosen)
    return None


def names_any(text: str, tables: Iterable[str]) -> bool:
    """Whether a folded text holds a word of one of these lists."""
    return any(_pattern(words).search(text) for words in tables)


def read(parts: Sequence[Phrase]) -> Reading:
    """Colours and modifiers. Colours said outright win over those a material implies; asides lend only
    accents."""
    modifiers = {
        name for name, words in MODIFIERS.items() for part in parts if _pattern(words).search(part.text)
    }
    hits = [hit for part in parts for hit in _colours(part)]
    own = [hit for hit in hits if not (hit.is_accent or hit.is_figure or hit.is_aside)]
    said = [hit.colour for hit in own if not hit.is_material]
    implied = [hit.colour for hit in own if hit.is_material]
    figures = [hit.colour for hit in hits if hit.is_figure] + said[1:]
    accents = [hit.colour for hit in hits if hit.is_accent]
    if said:
        # A shade is already mixed into a colour that was said: "dunkelblau" is not darkened twice.
        modifiers -= {"dark", "light"}
    return Reading(_first(said + implied), _first(figures), _first(accents), frozenset(modifiers))


def _first(colours: Sequence[Colour]) -> Colour | None:
    return colours[0] if colours else None


def _colours(part: Phrase) -> list[_Hit]:
    hits = []
    for named in COLOURS:
        for match in _pattern(named.words, tuple(SHADES)).finditer(part.text):
            colour = from_hex(named.hex)
            words_before = part.text[: match.start()].split()[-1:]
            shade = SHADES.get(match.group("prefix") or "".join(words_before))
            if shade:
                colour = tone(colour, -0.35 if shade == "dark" else 0.4, 0.85)
            after = " ".join(part.text[match.end() :].split()[:2])
            is_accent, is_figure = (bool(_pattern(words).search(after)) for words in (ACCENTS, FIGURES))
            hits.append(_Hit(*match.span(), colour, named.is_material, is_accent, is_figure, part.is_aside))
    hits.sort(key=lambda hit: (hit.start, -hit.end))
    return [
        hit
        for hit in hits
        if not any(o.start <= hit.start and hit.end <= o.end and o is not hit for o in hits)
    ]


@cache
def _pattern(words: str, prefixes: tuple[str, ...] = ()) -> re.Pattern[str]:
    alternatives = []
    for word in sorted((fold(word).strip() for word in words.split(",")), key=len, reverse=True):
        stem = re.escape(word.strip("+*")).replace(r"\ ", r"\s+")
        head = r"\w*" if word.startswith("*") else ""
        tail = r"\w*" if word.endswith("*") else r"(?:e[rsnm]?)?" if word.endswith("+") else ""
        alternatives.append(head + stem + tail)
    prefix = f"(?P<prefix>{'|'.join(prefixes)})?" if prefixes else ""
    return re.compile(rf"\b{prefix}(?:{'|'.join(alternatives)})\b")
