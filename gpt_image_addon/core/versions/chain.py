"""Results that were edited into others: the chain of one, and the forest of all.

Journals are merged with those of other machines, so that a parent may be missing, and jobs may name each
other in a circle: each is looked at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from ..journal.entries import Entry
from ..journal.history import Filter, each, images_of
from ..journal.reader import JournalReader
from ..journal.schema import parent_of

DEEPEST = 1000  # versions that are looked at


@dataclass(frozen=True)
class Version:
    """One result in a chain."""

    job: str
    parent: str
    """The job whose image was edited; empty where it was no edit, or that job is not known here."""
    edit_of: str
    """The same with the number of the image, as `Application.edit_of`."""
    prompt: str
    created: datetime
    """Local time."""
    cost_usd: float | None
    images: tuple[str, ...]
    """Paths of the received images, in order; none where the files were deleted."""
    branches: tuple[str, ...]
    """Jobs of all results that were made from the same parent, oldest first, this one among them."""


def find_versions(journal: JournalReader, job: str) -> list[Version]:
    """The chain of a result, oldest first: what it was made from, itself, and what was made from it.

    Where several were made from one, the chain goes on with the newest.

    :returns: none where there is no such job.
    :raises StorageError: the journal can't be read.
    """
    entry = journal.entry(job)
    if entry is None:
        return []
    seen = {entry.id}
    before = _walk(entry, journal.find_parent, seen)
    after = _walk(entry, lambda one: next(reversed(journal.find_children(one.id)), None), seen)
    return [_version(journal, one) for one in (*reversed(before), entry, *after)]


def find_family(journal: JournalReader, job: str) -> set[str]:
    """The jobs of all results that belong to the same tree of versions as one.

    :raises StorageError: the journal can't be read.
    """
    chain = find_versions(journal, job)
    found: set[str] = set()
    waiting = [version.job for version in chain[:1]]
    while waiting and len(found) < DEEPEST:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting += [child.id for child in journal.find_children(one)]
    return found


def _walk(start: Entry, step: Callable[[Entry], Entry | None], seen: set[str]) -> list[Entry]:
    """What is met step by step, until nothing follows, or only what was met before.

    :param seen: ids of what was met; gets more.
    """
    found: list[Entry] = []
    following = step(start)
    while following is not None and following.id not in seen and len(found) < DEEPEST:
        seen.add(following.id)
        found.append(following)
        following = step(following)
    return found


def _version(journal: JournalReader, entry: Entry) -> Version:
    parent = journal.find_parent(entry)
    alike = journal.find_children(parent.id) if parent is not None else [entry]
    return Version(
        job=entry.id,
        parent=parent.id if parent is not None else "",
        edit_of=entry.application.edit_of or "",
        prompt=entry.request.prompt,
        created=entry.created,
        cost_usd=entry.cost_usd,
        images=tuple(map(str, images_of(journal, entry))),
        branches=tuple(one.id for one in alike),
    )


def walk_forest(entries: Iterable[Entry]) -> Iterator[tuple[int, Entry]]:
    """Jobs as trees of versions, oldest first: each after the one that it was made from.

    :returns: how far each stands below the first of its tree, and the job. One whose parent is not among the
        jobs is the first of a tree, as is the oldest of a circle.
    """
    jobs = sorted(entries, key=lambda one: (one.created, one.id))
    known = {one.id for one in jobs}
    below: dict[str, list[Entry]] = {}
    for one in jobs:
        name = parent_of(one.id, one.application)
        below.setdefault(name if name in known else "", []).append(one)
    seen: set[str] = set()
    for first in (*below.get("", ()), *jobs):  # the second time those in circles
        waiting = [(0, first)]
        while waiting:
            depth, one = waiting.pop()
            if one.id not in seen:
                seen.add(one.id)
                yield depth, one
                waiting += [(depth + 1, child) for child in reversed(below.get(one.id, ()))]


def find_forest(journal: JournalReader, which: Filter) -> Iterator[tuple[int, Entry]]:
    """The jobs that a filter lets through, as `walk_forest` orders them.

    :raises StorageError: the journal can't be read.
    """
    return walk_forest(each(journal, which))
