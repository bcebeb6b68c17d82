"""What the results take on the disk, as the preferences show it: measured, and cleaned, in a thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ... import api
from ...core.errors import GptImageError
from ...core.text.message import message

if TYPE_CHECKING:
    from ...core.journal.history import Cleaned

_text = ""
_measured: str | None = None
"""The state folder whose results were measured."""


def text(state_folder: str) -> str:
    """One sentence; empty until it is known. The first call for a folder starts the measuring."""
    global _measured
    if _measured != state_folder:
        _measured = state_folder
        _start()
    return _text


def clean(older_than_days: float) -> None:
    """Delete old results, in a thread; never favourites, nor what is in no scene yet.

    :raises GptImageError: the journal can't be opened.
    """
    api.start_cleaning(older_than_days, _cleaned)


def size(number: float) -> str:
    """Bytes for people."""
    megabytes = number / 10**6
    return f"{megabytes:,.1f} MB" if megabytes < 1000 else f"{megabytes / 1000:,.2f} GB"


def _start() -> None:
    try:
        api.measure_results(_answered)
    except GptImageError as error:
        _answered(None, error)


def _answered(taken: int | None, error: GptImageError | None) -> None:
    global _text
    if error is not None or taken is None:
        _text = error.text if error is not None else ""
        return
    _text = message("All results take {size}.", size=size(taken))


def _cleaned(found: Cleaned | None, error: GptImageError | None) -> None:
    global _text, _measured
    if error is not None or found is None:
        _text = error.text if error is not None else ""
        return
    _text = message(
        "{count} results were deleted, {size} freed.", count=len(found.jobs), size=size(found.freed_bytes)
    )
