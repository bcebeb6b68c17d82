"""What a model table written by somebody must look like; it is checked whole before any of it is used."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from ..errors import InvalidRequestError
from .sizes import AUTO, parse_size

TEXT_LIMIT = 200  # characters of an id, a name or a date
NUMBER_LIMIT = 10**12
COUNT_LIMIT = 1000  # rows of each part

SIZES_OF_A_TABLE = 3
"""Output tokens of a square, a tall and a wide image."""

Check = Callable[[Any], bool]


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= TEXT_LIMIT and (value == "" or value.isprintable())


def _is_day(value: Any) -> bool:
    try:
        return isinstance(value, str) and bool(date.fromisoformat(value))
    except ValueError:
        return False


def _is_number(value: Any) -> bool:
    good = isinstance(value, int | float) and not isinstance(value, bool)
    return good and 0 <= value <= NUMBER_LIMIT  # neither NaN nor infinite


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= NUMBER_LIMIT


def _is_size(value: Any) -> bool:
    try:
        return isinstance(value, str) and bool(parse_size(value))
    except InvalidRequestError:
        return False


def _none_or(check: Check) -> Check:
    return lambda value: value is None or check(value)


def _list_of(check: Check) -> Check:
    return lambda value: isinstance(value, list) and len(value) <= COUNT_LIMIT and all(map(check, value))


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


MODEL: Mapping[str, Check] = {
    "id": lambda value: _is_text(value) and value != "",
    "provider": _is_text,
    "snapshots": _list_of(_is_text),
    "released": lambda value: value == "" or _is_day(value),
    "shutdown": _none_or(_is_day),
    "replacement": _none_or(_is_text),
    "size_rule": _is_text,
    "prices": _is_text,
    "output_tokens": _is_text,
    "qualities": _list_of(_is_text),
    "complexities": _list_of(_is_text),
    "transparent": lambda value: value in ("yes", "no", "preview"),
    "markup": _is_flag,
    "vector": _is_flag,
    "input_fidelities": _list_of(_is_text),
}
SIZE_RULE: Mapping[str, Check] = {
    "sizes": _list_of(_is_size),
    "multiple": _is_count,
    "max_edge": _is_count,
    "min_edge": _is_count,
    "max_ratio": lambda value: _is_number(value) and value >= 1,
    "min_pixels": _is_count,
    "max_pixels": _is_count,
    "experimental_above": _none_or(_is_count),
}
TABLES: Mapping[str, str] = {
    "size_rule": "size_rules",
    "prices": "prices_usd_per_million",
    "output_tokens": "output_tokens",
}
"""Where in the table a model's row points to."""


def check_table(table: Mapping[str, Any], prices: frozenset[str]) -> None:
    """Check a whole table.

    :param prices: kinds of tokens that need a price.
    :raises ValueError: the first thing that is wrong, as the end of a sentence.
    """
    if not _is_day(table["collected"]):
        raise ValueError("collected is not a date such as 2026-11-22")
    for row in table["models"]:
        _check_row(f"the model {row.get('id')!r:.60}", row, MODEL)
        for name, part in TABLES.items():
            if row.get(name, "") not in ("", *table[part]):
                raise ValueError(f"{part} has no {row[name]!r:.60} of the model {row['id']}")
        if row.get("prices") and not row.get("output_tokens"):
            raise ValueError(f"the model {row['id']} has prices and no output_tokens")
        unpriced = _list_unpriced(row, table["output_tokens"].get(row.get("output_tokens", "")))
        if unpriced:
            raise ValueError(f"the output_tokens of the model {row['id']} lack {unpriced[0]!r:.60}")
    if table["default"] not in {row["id"] for row in table["models"]}:
        raise ValueError(f"the default {table['default']!r:.60} is none of the models")
    for name, rule in table["size_rules"].items():
        _check_row(f"the size rule {name:.60}", rule, SIZE_RULE)
    for name, found in table["prices_usd_per_million"].items():
        _check_row(f"the prices {name:.60}", found, dict.fromkeys(prices, _is_number))
        if prices - set(found):
            raise ValueError(f"the prices {name:.60} lack {min(prices - set(found))}")
    for name, found in table["output_tokens"].items():
        _check_tokens(f"the output_tokens {name:.60}", found)


def _list_unpriced(row: Mapping[str, Any], tokens: Any) -> list[str]:
    """Qualities that a model takes and whose tokens nobody knows; with ``auto`` alone all take the same."""
    known = (tokens.get("factor") or tokens.get("table")) if isinstance(tokens, dict) else None
    if not isinstance(known, dict) or AUTO in known:
        return []
    return [quality for quality in row.get("qualities", ()) if quality not in known]


def _check_row(what: str, row: Any, checks: Mapping[str, Check]) -> None:
    if not isinstance(row, dict):
        raise ValueError(f"{what} is no JSON object")
    for name, value in row.items():
        if name not in checks:
            raise ValueError(f"{what} has {name!r:.60}, which nothing uses")
        if not checks[name](value):
            raise ValueError(f"{what} has a wrong {name}")


def _check_tokens(what: str, found: Any) -> None:
    counts: Check = _list_of(_is_number)
    kinds: Mapping[str, Check] = {
        "factor": _is_count,
        "uncertain": _is_number,
        "table": lambda value: counts(value) and len(value) == SIZES_OF_A_TABLE,
    }
    if not isinstance(found, dict) or not ("factor" in found or "table" in found):
        raise ValueError(f"{what} has neither factor nor table")
    for kind, by_quality in found.items():
        if kind not in kinds or not isinstance(by_quality, dict) or not by_quality:
            raise ValueError(f"{what} has a wrong {kind!r:.60}")
        if not all(map(kinds[kind], by_quality.values())):
            raise ValueError(f"{what} has a wrong number in {kind}")
