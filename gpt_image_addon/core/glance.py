"""A look back for the interface: the newest jobs with their first pictures, and the month's spending."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .history import Filter, find
from .results import PICTURE_STEM
from .states import JobState

if TYPE_CHECKING:
    from .journal import Entry, Journal

LIMIT = 1000  # jobs; older ones are found by a search


@dataclass(frozen=True)
class Seen:
    """One job."""

    entry: Entry
    picture: str
    """Path of the first picture; empty where there is none."""


@dataclass(frozen=True)
class Glance:
    """What `glance` finds."""

    spent_usd: float
    """This month."""
    reserved_usd: float
    jobs: tuple[Seen, ...]
    """Newest first."""


def glance(
    journal: Journal, search: str = "", states: Collection[JobState] = (), favourites: bool = False
) -> Glance:
    """The jobs that a search lets through; usable from every thread.

    :param search: text in prompts, models and job ids.
    :param states: only these; all where there are none.
    :raises StorageError: the journal can't be read.
    """
    found = [
        entry
        for entry in find(journal, Filter(search=search))
        if (not states or entry.state in states) and (entry.favourite or not favourites)
    ]
    seen = tuple(Seen(entry, _first_picture(entry)) for entry in found[:LIMIT])
    return Glance(journal.spent_usd(), journal.reserved_usd(), seen)


def _first_picture(entry: Entry) -> str:
    if entry.folder is None:
        return ""
    return min(map(str, entry.folder.glob(f"{PICTURE_STEM}1.*")), default="")
