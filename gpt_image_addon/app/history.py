"""The half of `api` that looks back: history, spending, and results that wait. Main thread only."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, closing, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.common.arguments import unknown_name
from ..core.errors import GptImageError, InvalidRequestError
from ..core.journal.states import JobState
from ..core.results.folders import month_folders
from ..core.text.message import message
from . import blend_paths, session, settings
from .scheduler import errand

if TYPE_CHECKING:
    from ..core.journal.history import Cleaned, Filter, History, HistoryItem, HistoryPage
    from ..core.journal.journal import Entry, Journal
    from ..core.journal.merge import Merged
    from ..core.journal.reader import JournalReader

_unreadable: dict[Path, set[str]] = {}
"""Jobs that were left out, by state folder: `JournalReader.unreadable` from one look to the next."""


def history(
    *, month: str = "", state: str | None = None, search: str = "", limit: int | None = None
) -> History:
    """What was made and spent: `.spent_usd`, `.reserved_usd`, `.jobs` (newest first), `.results_bytes`.

    Jobs whose rows can't be read are left out; their ids are in `.unreadable`.

    :param month: ``yyyy-mm``; empty for all jobs and the sums of this month.
    :param state: one of `JobState`.
    :param search: text in prompts, models and job ids.
    :raises InvalidRequestError: there is no such state.
    :raises StorageError: the journal can't be read.
    """
    from ..core.journal.history import find_history

    which = _filter(month, state, search, limit)
    with look_at_journal() as journal:
        return find_history(journal, which)


def history_rows(
    *,
    month: str = "",
    state: str | None = None,
    search: str = "",
    limit: int | None = None,
    tree: bool = False,
) -> Iterator[dict[str, Any]]:
    """The jobs of `history` as plain JSON values, one after the other, however many there are.

    :param tree: oldest first, each after the one that it was made from, with its ``depth`` below the first.
    :raises InvalidRequestError: there is no such state.
    :raises StorageError: the journal can't be read; raised by the first one.
    """
    which = _filter(month, state, search, limit)
    return _forest_rows(which) if tree else _rows(which)


def _filter(month: str, state: str | None, search: str, limit: int | None) -> Filter:
    from ..core.journal.history import Filter

    if state and state not in tuple(JobState):
        raise unknown_name(state, JobState.__members__, "state", param="state")
    return Filter(month, (JobState(state),) if state else (), search, limit)


def _rows(which: Filter) -> Iterator[dict[str, Any]]:
    from ..core.journal.history import each, row

    with look_at_journal() as journal:
        yield from map(row, each(journal, which))


def _forest_rows(which: Filter) -> Iterator[dict[str, Any]]:
    from ..core.journal.history import row
    from ..core.versions.chain import find_forest

    with look_at_journal() as journal:
        for depth, entry in find_forest(journal, which):
            yield {**row(entry), "depth": depth}


def unreadable() -> list[str]:
    """Ids of the jobs whose rows in the journal can't be read, as far as they were met by now."""
    with look_at_journal() as journal:
        return sorted(journal.unreadable)


def look_back(
    done: Callable[[HistoryPage | None, GptImageError | None], None],
    *,
    search: str = "",
    states: Collection[JobState] = (),
    favourites: bool = False,
    start: int = 0,
    limit: int | None = None,
) -> None:
    """One page of the history, read in a thread; ``done`` gets it on the main thread.

    :param start: how many jobs, newest first, stand on the pages before.
    :param limit: how many jobs a page has.
    """
    from ..core.journal.history import Filter, read_page

    look = look_at_journal()
    which = Filter(states=states, search=search, limit=limit, favourites=favourites)

    def work() -> HistoryPage:
        with look as journal:
            return read_page(journal, which, start)

    errand(work, done)


def history_item(job: str) -> HistoryItem | None:
    """One job as on the pages of `look_back`; None where there is none.

    :raises StorageError: the journal can't be read.
    """
    from ..core.journal.history import read_item

    with look_at_journal() as journal:
        return read_item(journal, job)


def as_row(entry: Entry) -> dict[str, Any]:
    """A job of the history as plain JSON values."""
    from ..core.journal.history import row

    return row(entry)


def unapplied(*, asks: bool = True) -> list[Entry]:
    """Results that are paid for and in no scene yet, also those that a crash left behind; newest first.

    :param asks: ask servers for answers that were lost, which may take a while; see `ask_servers`.
    :raises StorageError: the journal can't be written.
    """
    from ..core.journal.recovery import recover_all

    recover_all(_journal())
    work = session.prepare_asking() if asks else None
    if work is not None:
        work()
    return _journal().unapplied()


def ask_servers(done: Callable[[int, GptImageError | None], None]) -> bool:
    """Ask servers for answers that were lost, on a thread; ``done`` gets their number on the main thread.

    :returns: whether there is anything to ask.
    :raises StorageError: the journal can't be written.
    """
    from ..core.journal.recovery import recover_orphans

    recover_orphans(_journal())
    work = session.prepare_asking()
    if work is not None:
        errand(work, lambda found, error: done(found or 0, error))
    return work is not None


def unknown() -> list[Entry]:
    """Requests that were sent and got no answer: they may have been billed. Newest first."""
    return _journal().entries(JobState.UNKNOWN)


def export_result(job: str, folder: Path | str, *, overwrite: bool = False) -> list[str]:
    """Copy the images of a stored result, exactly as they were received, and count it as applied.

    :param overwrite: replace whatever has the name of a copy; without, the copy gets another name.
    :returns: the paths of the copies.
    :raises InvalidRequestError: there is no such job, or it has no files.
    :raises StorageError: the folder can't be written.
    """
    from ..core.journal.history import export

    target = blend_paths.resolve(folder, "folder")
    outputs = session.outputs(overwrite=overwrite)
    return [str(path) for path in export(_journal(), job, target, outputs)]


def set_favourite(job: str, favourite: bool = True) -> None:
    """Mark a job so that its files are never cleaned away, or take the mark off.

    :raises InvalidRequestError: there is no such job.
    """
    if not _journal().set_favourite(job, favourite):
        raise InvalidRequestError(message("There is no job {job}.", job=job), code="no_such_job", param="job")


def clean_results(older_than_days: float, *, dry_run: bool = False) -> Cleaned:
    """Delete the files of old results, never of favourites or unapplied ones: `.jobs` and `.freed_bytes`.

    :raises InvalidRequestError: the age is below 0.
    :raises StorageError: the journal can't be written.
    """
    from ..core.journal.history import clean

    _check_age(older_than_days)
    return clean(_journal(), older_than_days, dry_run=dry_run)


def start_cleaning(
    older_than_days: float, done: Callable[[Cleaned | None, GptImageError | None], None]
) -> None:
    """As `clean_results`, in a thread; ``done`` gets on the main thread what went.

    :raises InvalidRequestError: the age is below 0.
    :raises StorageError: the journal can't be opened.
    """
    from ..core.journal.history import clean

    _check_age(older_than_days)
    journal = _journal()
    errand(lambda: clean(journal, older_than_days), done)


def measure_results(done: Callable[[int | None, GptImageError | None], None]) -> None:
    """Find out in a thread how many bytes all results take; ``done`` gets them on the main thread."""
    look = look_at_journal()

    def work() -> int:
        with look as journal:
            return journal.results_bytes()

    errand(work, done)


def merge_journal(source: Path | str) -> Merged:
    """Take over jobs and results of another machine's state folder: `.added`, `.updated`, `.copied_bytes`.

    Rows that this add-on can't have written are left out; their ids are in `.refused`.

    :raises InvalidRequestError: there is no journal.
    :raises StorageError: it can't be read, or ours can't be written.
    """
    from ..core.journal.merge import merge

    return merge(_journal(), blend_paths.resolve(source, "merge"))


def _check_age(days: float) -> None:
    """Below 0 not even what is being made now would be too young."""
    if days < 0:
        raise InvalidRequestError(
            message("An age in days must be 0 or more, not {days}.", days=f"{days:g}"),
            param="older_than_days",
        )


def look_at_journal() -> AbstractContextManager[JournalReader]:
    """The journal to look at: where this session has not opened it for work, nothing is written.

    :raises StorageError: it is lost, and can't be made anew.
    """
    from ..core.journal.reader import JournalReader

    found = settings.load(with_key=False)
    journal = session.find_open_journal(found)
    if journal is None and _is_lost(found.state_folder):
        journal = session.journal(found)
    if journal is not None:
        return nullcontext(journal)
    return closing(JournalReader(found.state_folder, _unreadable.setdefault(found.state_folder, set())))


def _is_lost(folder: Path) -> bool:
    """Whether there are results without a journal: it is made anew from them, whatever it is wanted for."""
    from ..core.journal.reader import RESULTS_FOLDER
    from ..core.journal.schema import JOURNAL_FILE

    return not (folder / JOURNAL_FILE).exists() and any(month_folders(folder / RESULTS_FOLDER))


def _journal() -> Journal:
    return session.journal(settings.load(with_key=False))
