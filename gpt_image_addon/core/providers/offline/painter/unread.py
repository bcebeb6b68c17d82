"""What a draft will not show of a prompt: it knows surfaces, no things.

Careful rather than complete: a word is only named where it is a thing beyond doubt. English and German.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from .decals import SHAPES
from .families import FAMILIES
from .primitives.palette import COLOURS
from .words import MODIFIERS, Phrase, fold, names_any, phrases

THINGS = (
    "animal bird cat kitten dog puppy horse pony cow pig sheep goat chicken rooster goose lion tiger "
    "panther wolf fox rabbit squirrel deer elephant giraffe monkey gorilla panda koala frog toad lizard "
    "crocodile snake turtle tortoise shark whale dolphin octopus penguin owl eagle parrot pigeon "
    "butterfly spider dinosaur dragon unicorn mermaid fairy witch wizard zombie vampire ghost skeleton "
    "robot cyborg android alien monster goblin orc dwarf angel demon superhero man men woman women boy "
    "girl child children person people soldier knight pirate ninja samurai astronaut policeman fireman "
    "doctor nurse teacher student prince princess selfie car truck lorry bicycle bike motorcycle "
    "motorbike scooter tractor helicopter airplane aeroplane submarine pizza burger hamburger sandwich "
    "cake cupcake cookie hotdog sushi banana strawberry guitar piano violin trumpet smartphone laptop "
    "skateboard"
)
GERMAN_THINGS = (
    "vogel voegel katze kater kaetzchen hund welpe pferd kuh kuehe schwein schaf ziege huhn huehner "
    "hahn loewe tiger wolf woelfe fuchs fuechse hase kaninchen eichhoernchen hirsch elefant giraffe "
    "affe gorilla frosch froesche eidechse krokodil schlange schildkroete delfin krake pinguin eule "
    "adler papagei taube schmetterling spinne dinosaurier drache einhorn meerjungfrau hexe zauberer "
    "zombie vampir gespenst skelett roboter monster kobold elfe zwerg engel daemon superheld mann "
    "maenner frau maedchen kinder soldat ritter pirat astronaut polizist feuerwehrmann lehrer prinz "
    "prinzessin lastwagen fahrrad fahrraeder motorrad motorraeder traktor hubschrauber flugzeug pizza "
    "hamburger kuchen torte banane erdbeere gitarre klavier geige laptop"
)
"""Things, folded as prompts are."""
ARTICLES = "a an the one some ein eine einen einem einer der die das den dem des"
GENERIC = (
    "texture textures material materials surface surfaces seamless tileable tiling background image "
    "images picture pictures photo photograph photography painting drawing sketch illustration render "
    "rendering concept portrait scene view style look pattern patterns closeup close macro detail "
    "details detailed highly very ultra realistic photorealistic quality high resolution pbr noise "
    "abstract gradient plain simple color colour colors colours wall walls floor floors textur texturen "
    "oberflaeche oberflaechen nahtlos nahtlose hintergrund bild foto gemaelde zeichnung muster farbe "
    "farben wand waende boden sehr"
)
"""Words that say nothing about what is shown."""
_ARTICLE = frozenset(ARTICLES.split())
_SILENT = _ARTICLE | frozenset(GENERIC.split())
_QUALITIES = (*MODIFIERS.values(), *(colour.words for colour in COLOURS))
_THING = re.compile(
    rf"\b(?:(?:{THINGS.replace(' ', '|')})(?:s|es)?|(?:{GERMAN_THINGS.replace(' ', '|')})(?:e|n|en|er|s)?)\b"
)
_NEXT_THING = re.compile(
    rf"\b(?:{ARTICLES.replace(' ', '|')}|his|her|its|their|who|that|which|is|are|has|\w+ing)\b"
)
"""After one of these another thing is described: "cat wearing a leather hat"."""
_ADJECTIVE = re.compile(r"\w+(?:ful|ous|ive|ish|less|able|ible|ical|isch\w*|ig|ige\w?|lich\w*|ed|ly)")
_MAN_MADE = re.compile(r"\bman[- ]?made\b", re.IGNORECASE)


def find_unread(prompt: str, *, transparent: bool = False) -> str | None:
    """What a draft of `prompt` lacks: a word as it stands there, "" where it knows none, or None for nothing.

    :param transparent: a decal is cut out, and those have shapes.
    """
    parts = phrases(_MAN_MADE.sub(" ", prompt))
    shapes = SHAPES if transparent else ()
    surfaces = [row.words for row in FAMILIES]
    known = surfaces + [shape.words for shape in shapes]
    # A plain shape is no more than the ground of something: a cat's badge shows a cat.
    thing = next(_things(parts, surfaces + [shape.words for shape in shapes if shape.refines]), None)
    if thing is None and any(names_any(part.text, known) for part in parts):
        return None
    thing = thing or next(_heads(parts), None)
    if thing is not None:
        return next((own for own in re.findall(r"[^\W_]+", prompt) if fold(own) == thing), thing)
    return "" if any(_says_something(word) for part in parts for word in part.text.split()) else None


def _things(parts: Sequence[Phrase], known: Sequence[str]) -> Iterator[str]:
    """Things beyond doubt, without those that only describe what is known: "dog fur", "fur of a dog"."""
    after_known = False
    for part in parts:
        if not after_known or part.is_aside:
            for match in _THING.finditer(part.text):
                if not names_any(_up_to_next(part.text[match.end() :]), known):
                    yield match.group()
        after_known = names_any(part.text, known)


def _heads(parts: Sequence[Phrase]) -> Iterator[str]:
    """What articles stand before."""
    for part in parts:
        article, *words = part.text.split()
        head = _up_to_next(" ".join(words)).split()[-1:] if article in _ARTICLE else []
        if head and len(head[0]) > 2 and _says_something(head[0]) and not _ADJECTIVE.fullmatch(head[0]):
            yield head[0]


def _up_to_next(text: str) -> str:
    """What is said of one thing."""
    found = _NEXT_THING.search(text)
    return text[: found.start()] if found else text


def _says_something(word: str) -> bool:
    """Whether a word is more than a color, a condition, or talk about images."""
    return word.isalpha() and word not in _SILENT and not names_any(word, _QUALITIES)
