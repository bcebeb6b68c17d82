"""Which result the card shows: the one that was chosen in the list, or the newest that was asked for."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from ... import api
from ...app import history, inpainting, results
from ...app.editing import further_edits, versions
from ...core.errors import GptImageError
from ...core.request.providers import find_provider
from ..common import state
from ..common.translate import translate
from ..request import quote

if TYPE_CHECKING:
    from ...api import Task
    from ...core.journal.history import HistoryItem
    from ...core.request.normalize import CheckedRequest
    from ...core.versions.chain import Version

SOME_CHANGE = "a change"
"""Stands for what is not written yet: the price needs it."""
SHOWN_AT_ONCE = 4
"""Variations beside each other; the rest are on further pages."""


@dataclass
class Chosen:
    """What the card shows."""

    task: Task | None = None
    """Of this session."""
    item: HistoryItem | None = None
    """Its row of the history; of a job of another session the only thing that is known."""
    before: str = ""
    """File of the image whose place the result took; empty where there is none."""
    has_before: bool = False
    """Whether it took the place of an image in this file; of what was painted there is no such file."""
    page: int = 0
    """Of the variations."""
    versions: tuple[Version, ...] = ()
    """The chain that it belongs to, oldest first."""
    branches: tuple[tuple[str, str], ...] = ()
    """Job and prompt of the results that were made from the same one, where there are several."""
    edit_usd: float = 0.0
    """What one more edit of it costs at most; 0 where that is not known, or nothing."""
    newest: Task | None = None
    """The last task that was seen: one after it chooses itself."""

    @property
    def job(self) -> str:
        """Its id; empty where nothing is chosen."""
        if self.task is not None:
            return self.task.id
        return self.item.job if self.item is not None else ""

    @property
    def images(self) -> tuple[str, ...]:
        """Paths of the images that are there."""
        if isinstance(self.task, api.Job):
            prepared = self.task.prepared if self.task.applied is not None else None
            if prepared is None:
                return ()
            return prepared.answers or tuple(image.file for image in prepared.images)
        return self.item.images if self.item is not None else ()

    @property
    def used(self) -> int:
        """Which of them is shown; 0 for the first."""
        return results.shown_number(self.job)

    @property
    def place(self) -> int:
        """Its place in the chain, from 0; -1 where it is in none."""
        return next((place for place, one in enumerate(self.versions) if one.job == self.job), -1)

    @property
    def pages(self) -> int:
        """Of variations."""
        return max(1, -(-len(self.images) // SHOWN_AT_ONCE))


def current() -> Chosen:
    """What is chosen now; it changes."""
    return state.part(Chosen)


def choose(job: str, tasks: Sequence[Task], items: Sequence[HistoryItem]) -> None:
    """Show a job.

    :param tasks: those of this session.
    :param items: rows of the history that are at hand.
    """
    task = next((task for task in reversed(tasks) if task.id == job), None)
    item = next((item for item in items if item.job == job), None)
    if task is None and item is None:  # a version that stands on another page
        item = history.history_item(job)
    _show(task, item)


def _show(task: Task | None, item: HistoryItem | None) -> None:
    chosen = current()
    chosen.task, chosen.item, chosen.page = task, item, 0
    look_before()


def look_before() -> None:
    """Find the image before the one that is shown, its versions, and what an edit costs.

    Reading a folder or the journal is nothing for a draw function.
    """
    chosen = current()
    chosen.before = inpainting.before(chosen.job) if chosen.job else ""
    chosen.has_before = bool(chosen.job) and inpainting.has_before(chosen.job)
    chosen.versions, chosen.branches, chosen.edit_usd = (), (), 0.0
    if not chosen.images:
        return
    with contextlib.suppress(GptImageError):  # where the journal can't be read, there is no chain to show
        chosen.versions = tuple(versions.versions(chosen.job))
        alike = chosen.versions[chosen.place].branches
        if len(alike) > 1:
            chosen.branches = tuple((job, results.entry(job).request.prompt) for job in alike)
        api.errand(further_edits.plan_edit(chosen.job, SOME_CHANGE), partial(_keep_price, chosen.job))


def _keep_price(job: str, checked: CheckedRequest | None, error: GptImageError | None) -> None:
    chosen = current()
    if checked is not None and chosen.job == job:
        chosen.edit_usd = checked.price.high_usd


def follow(tasks: Sequence[Task], ended: Sequence[Task]) -> None:
    """A new request chooses itself, and so does local work that failed.

    :param tasks: those of this session.
    :param ended: those that have ended just now.
    """
    chosen = current()
    fresh = tasks[tasks.index(chosen.newest) + 1 :] if chosen.newest in tasks else tasks
    chosen.newest = tasks[-1] if tasks else None
    failed = [task for task in ended if task.error is not None]
    for task in (*(task for task in fresh if isinstance(task, api.Job)), *failed):
        if task is not chosen.task:
            _show(task, None)
    if chosen.task in ended:
        look_before()


def refresh(items: Sequence[HistoryItem]) -> None:
    """Take over what the history says now of the job that is shown; without one, show the newest."""
    chosen = current()
    if not chosen.job and items:
        _show(None, items[0])
        return
    chosen.item = next((item for item in items if item.job == chosen.job), chosen.item)


def forget_task(job: str) -> None:
    """Show of a job only what the history knows: its files are gone."""
    chosen = current()
    if chosen.job == job:
        chosen.task = chosen.item = None


def mark_favourite(job: str, favourite: bool) -> None:
    """Show the mark at once."""
    item = current().item
    if item is not None and item.job == job:
        current().item = dataclasses.replace(item, favourite=favourite)


def cost(cost_usd: float | None, provider: str) -> str:
    """What a result cost, for people; empty where nobody knows."""
    if find_provider(provider).is_draft:
        return translate("draft")
    return quote.usd(cost_usd) if cost_usd is not None else ""
