"""What the results take on the disk, as the preferences show it: measured, and cleaned, in a thread."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from ... import api
from ...core.errors import GptImageError
from ...core.text.message import message
from ..common import state

if TYPE_CHECKING:
    from ...core.journal.history import Cleaned


@dataclass
class DiskUsage:
    """What is known."""

    text: str = ""
    measured: str | None = None
    """The state folder whose results were measured."""


def text(state_folder: str) -> str:
    """One sentence; empty until it is known. The first call for a folder starts the measuring."""
    usage = state.part(DiskUsage)
    if usage.measured != state_folder:
        usage.measured = state_folder
        _start(usage)
    return usage.text


def clean(older_than_days: float) -> None:
    """Delete old results, in a thread; never favourites, nor what is in no scene yet.

    :raises GptImageError: the journal can't be opened.
    """
    api.start_cleaning(older_than_days, partial(_take_cleaned, state.part(DiskUsage)))


def size(number: float) -> str:
    """Bytes for people."""
    megabytes = number / 10**6
    return f"{megabytes:,.1f} MB" if megabytes < 1000 else f"{megabytes / 1000:,.2f} GB"


def _start(usage: DiskUsage) -> None:
    try:
        api.measure_results(partial(_take_answer, usage))
    except GptImageError as error:
        _take_answer(usage, None, error)


def _take_answer(usage: DiskUsage, taken: int | None, error: GptImageError | None) -> None:
    if error is not None or taken is None:
        usage.text = error.text if error is not None else ""
        return
    usage.text = message("All results take {size}.", size=size(taken))


def _take_cleaned(usage: DiskUsage, found: Cleaned | None, error: GptImageError | None) -> None:
    if error is not None or found is None:
        usage.text = error.text if error is not None else ""
        return
    usage.text = message(
        "{count} results were deleted, {size} freed.", count=len(found.jobs), size=size(found.freed_bytes)
    )
