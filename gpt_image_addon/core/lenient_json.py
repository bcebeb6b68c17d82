"""JSON that somebody else wrote: whatever is in it, it is read or it is a ValueError."""

from __future__ import annotations

import json
import math
import re
from typing import Any

MAX_DIGITS = 18  # of a whole number; no count, status or index has more

_DECODER = json.JSONDecoder(parse_constant=lambda _: None)
_HALF_CHARACTER = re.compile("[\ud800-\udfff]")


def read_json(data: bytes) -> Any:
    """A value of JSON, in any of its encodings.

    Half characters, which no file and no database takes, become question marks; whole numbers beyond
    `MAX_DIGITS` become infinite.

    :raises ValueError: it is no JSON, or nested too deep.
    """
    try:
        text = data.decode(json.detect_encoding(data), "replace")
        value = json.loads(text, parse_int=_whole)
        return _mended(value) if "\\u" in text else value
    except RecursionError as error:
        raise ValueError("nested too deep") from error


def load_json(text: str) -> Any:
    """JSON of any depth and with any numbers; NaN and its kin become None.

    :raises ValueError: it is none, or nests too deep.
    """
    try:
        return _DECODER.decode(text)
    except RecursionError:
        raise ValueError("too deep") from None


def clean_text(text: str) -> str:
    """A text without half characters."""
    return _HALF_CHARACTER.sub("?", text)


def _whole(text: str) -> int | float:
    return int(text) if len(text) <= MAX_DIGITS else math.inf


def _mended(value: Any) -> Any:
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, list):
        return [_mended(item) for item in value]
    if isinstance(value, dict):
        return {clean_text(key): _mended(item) for key, item in value.items()}
    return value
