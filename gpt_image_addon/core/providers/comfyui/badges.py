"""What a paid node says of its price before it is run, and what of that is kept for estimates.

The badge is a formula; the table of ranges in it, by model and quality, is all that is read of it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from ...common.files import PRIVATE_FILE, read_file, replace_file
from ...common.paths import state_folder
from ...errors import StorageError
from ...text.json_reader import parse_json
from ...text.log import get_logger

log = get_logger(__name__)

MODEL_PREFIX = "comfy-"
"""What the model table puts before the names that the node has."""
Range = tuple[float, float]
"""USD an image, least and most."""
Table = Mapping[str, Mapping[str, Range]]
"""By model, as the node names it, and quality."""
FILE = "comfyui-prices.json"
FILE_BYTES = 10**6
MARK = "$ranges"
MAX_FORMULA = 100_000  # characters
MAX_ROWS = 64
MAX_USD = 100.0
BUILT_IN: Table = {
    "gpt-image-2": {"low": (0.0048, 0.019), "medium": (0.041, 0.168), "high": (0.165, 0.67)},
}
"""As the node of ComfyUI 0.30 says it."""


def read_badge(description: Mapping[str, Any]) -> Table:
    """The table in the badge of a class; empty where it has none that can be read.

    :param description: what the server says of the class.
    """
    badge = description.get("price_badge")
    formula = badge.get("expr") if isinstance(badge, dict) else None
    if not isinstance(formula, str) or len(formula) > MAX_FORMULA:
        return {}
    start = formula.find("{", formula.find(MARK))
    if MARK not in formula or start < 0:
        return {}
    try:
        return _read_table(parse_json(formula[start : _find_end(formula, start)]))
    except ValueError:
        return {}


def _find_end(text: str, start: int) -> int:
    """Where the object that begins there ends.

    :raises ValueError: nowhere.
    """
    depth = 0
    for at in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        if not depth:
            return at + 1
    raise ValueError("an object without an end")


def _read_table(found: Any) -> Table:
    table: dict[str, dict[str, Range]] = {}
    for model, row in list(found.items())[:MAX_ROWS] if isinstance(found, dict) else ():
        for quality, pair in list(row.items())[:MAX_ROWS] if isinstance(row, dict) else ():
            if (
                isinstance(pair, list)
                and len(pair) == 2
                and all(map(_is_amount, pair))
                and pair[0] <= pair[1]
            ):
                table.setdefault(model, {})[quality] = (float(pair[0]), float(pair[1]))
    return table


def _is_amount(found: object) -> bool:
    return isinstance(found, int | float) and not isinstance(found, bool) and 0 < found <= MAX_USD


def find_prices() -> Table:
    """All that is known: what servers have said, and what is built in where they said less."""
    path = state_folder() / FILE
    try:
        return _read_kept(path, path.stat().st_mtime_ns)
    except OSError:
        return BUILT_IN


@lru_cache(maxsize=4)
def _read_kept(path: Path, changed: int) -> Table:
    """:param changed: when, in nanoseconds; what the answer depends on."""
    try:
        return _merge(_read_table(parse_json(read_file(path, FILE_BYTES))), BUILT_IN)
    except (OSError, ValueError):
        return BUILT_IN


def keep_prices(said: Table) -> None:
    """Keep what a server says, where that is news; a folder that can't be written is no reason to stop."""
    known = find_prices()
    merged = _merge(said, known)
    if merged == known:
        return
    try:
        replace_file(state_folder() / FILE, json.dumps(merged, indent=1).encode(), PRIVATE_FILE)
    except (OSError, StorageError) as error:
        log.info("The prices of ComfyUI's nodes can't be kept: %s", error)


def _merge(said: Table, known: Table) -> Table:
    """Both; of what both have the higher upper end counts, so that no server makes anything cheap."""
    table = {model: dict(row) for model, row in known.items()}
    for model, row in said.items():
        for quality, pair in row.items():
            before = table.setdefault(model, {}).get(quality)
            if before is None or pair[1] > before[1]:
                table[model][quality] = pair
    return table
