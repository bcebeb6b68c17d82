"""JSON that somebody else wrote: whatever is in it, it is read or it is a ValueError."""

from __future__ import annotations

import json
import math
import re
from typing import Any

MAX_DIGITS = 18  # of a whole number; no count, status or index has more
MAX_DEPTH = 64  # of lists and objects in one another; no answer, manifest or table needs ten
TOO_DEEP = "it is nested too deeply"
MAX_SHOWN = 60  # characters of a key in an error

_HALF_CHARACTER = re.compile("[\ud800-\udfff]")


def read_json(data: bytes) -> Any:
    """A value of JSON, in any of its encodings.

    Half characters, which no file and no database takes, become question marks; whole numbers beyond
    `MAX_DIGITS` become infinite.

    :raises ValueError: it is no JSON, or nested deeper than `MAX_DEPTH`.
    """
    text = data.decode(json.detect_encoding(data), "replace")
    value = parse_json(text, parse_int=_parse_whole)
    return _mend(value) if "\\u" in text else value


def load_json(text: str) -> Any:
    """JSON with any numbers; NaN and its kin become None.

    :raises ValueError: it is none, or nested deeper than `MAX_DEPTH`.
    """
    return parse_json(text, parse_constant=lambda _: None)


def parse_json(text: str | bytes, **hooks: Any) -> Any:
    """`json.loads`, with the same bound on the depth in every Python.

    Each Python has a depth of its own at which it gives up, and what one reads another can't write.

    :param hooks: as `json.loads` takes them.
    :raises ValueError: `TOO_DEEP`, or a number of thousands of digits.
    :raises json.JSONDecodeError: it is no JSON.
    """
    try:
        value = json.loads(text, **hooks)
    except RecursionError:
        raise ValueError(TOO_DEEP) from None
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        inner = [node for node in level if isinstance(node, (dict, list))]
        level = [item for node in inner for item in (node.values() if isinstance(node, dict) else node)]
        if not level:
            return value
    raise ValueError(TOO_DEEP)


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An ``object_pairs_hook`` for what people write: `json` itself keeps the last of two equal keys, unsaid.

    :raises ValueError: a key is there twice.
    """
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {key[:MAX_SHOWN]!r} is there twice")
        found[key] = value
    return found


def replace_half_characters(text: str) -> str:
    """A text without half characters."""
    return _HALF_CHARACTER.sub("?", text)


def _parse_whole(text: str) -> int | float:
    return int(text) if len(text) <= MAX_DIGITS else math.inf


def _mend(value: Any) -> Any:
    if isinstance(value, str):
        return replace_half_characters(value)
    if isinstance(value, list):
        return [_mend(item) for item in value]
    if isinstance(value, dict):
        return {replace_half_characters(key): _mend(item) for key, item in value.items()}
    return value
