"""What sky the words of a prompt name, as far as its sun goes."""

from __future__ import annotations

import re
from collections.abc import Mapping

CLEAR = "clear"
WORDS: Mapping[str, str] = {
    "night": r"night\w*|midnight|moonlit|moonlight|starry|starlit|stars|milky way|aurora|nacht|nachts|"
    r"nächtlich\w*|mitternacht|mondschein|sternenhimmel|polarlicht\w*",
    "indoor": r"indoors?|interior|studio|room|hall|cave|cellar|innenraum|zimmer|halle|höhle|keller",
    "overcast": r"overcast|cloudy|rain|rainy|raining|storm|stormy|snowfall|bedeckt\w*|bewölkt\w*|wolkig\w*|"
    r"regen|regnerisch\w*|gewitter|sturm",
    "hazy": r"haz[ey]|mist|misty|fog|foggy|dusty|smog|dunst|dunstig\w*|diesig\w*|nebel|neblig\w*|staubig\w*",
}
"""Expressions by the kind of sky; the first that is found decides."""


def read_sky(prompt: str) -> str:
    """The kind of sky that a prompt names; clear where it names none."""
    named = (kind for kind, words in WORDS.items() if re.search(rf"\b(?:{words})\b", prompt.lower()))
    return next(named, CLEAR)
