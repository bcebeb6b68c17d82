"""What is open while the add-on works: the journal, and the scheduler of its jobs.

Main thread only, but for `load_usage_history`.
"""

from __future__ import annotations

import atexit
import dataclasses
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import bpy

from ..core.errors import GptImageError, StorageError
from ..core.jobs.job import Task
from ..core.journal.states import JobState
from ..core.request.providers import find_provider
from ..core.text.log import get_logger
from . import models, scheduler
from .scheduler import Scheduler
from .settings import Settings, key_to_hide
from .settings import load as load_settings

if TYPE_CHECKING:  # loaded on first use: enabling the add-on must not take long
    from ..core.jobs.durations import Durations
    from ..core.jobs.worker import Worker
    from ..core.journal.journal import Entry, Journal
    from ..core.request.models import Registry
    from ..core.request.pricing import Observed, UsageHistory
    from ..core.results.output_files import Outputs

log = get_logger(__name__)


@dataclass(frozen=True)
class Session:
    """What lives from the first use of a state folder to `close`."""

    journal: Journal
    scheduler: Scheduler
    durations: Durations
    chosen_images: dict[str, int]
    """Which image of a job of another session is meant, by its id."""


_session: Session | None = None


def open_session(settings: Settings) -> Session:
    """The session of the settings' state folder; opened on first use.

    :raises StorageError: its journal can't be opened.
    """
    found = _session
    if found is None or found.journal.folder != settings.state_folder:
        found = _open(settings)
    found.scheduler.queue.concurrency = settings.concurrency
    found.scheduler.applier.save = settings.storage == "save"
    found.scheduler.applier.turn_views = settings.turn_views
    found.scheduler.applier.show_first = settings.show_first
    return found


def _open(settings: Settings) -> Session:
    global _session
    from ..core.jobs.durations import DURATIONS_FILE, Durations
    from ..core.journal.recovery import open_journal

    if _session is not None:
        close()
    durations = Durations(settings.state_folder / DURATIONS_FILE)
    # Called on workers too, so the settings are those of the opening.
    read_body = partial(_read_body, settings)
    journal = open_journal(settings.state_folder, read_body)
    scheduler.current = Scheduler(journal)
    _session = Session(journal, scheduler.current, durations, {})
    if not bpy.app.binary_path:  # the bpy module may hang at its end while a worker waits
        atexit.unregister(close)
        atexit.register(close)
    return _session


def make_worker(journal: Journal, registry: Registry, settings: Settings) -> Worker:
    """What sends requests, or reads what came of them before."""
    from ..core.jobs.worker import Worker

    return Worker(journal, registry, settings.connection(), settings.monthly_budget_usd)


def _read_body(settings: Settings, journal: Journal, entry: Entry) -> bool:
    """
    :param settings: perhaps without the key; nothing is sent, but no file may hold it.
    """
    with_key = dataclasses.replace(settings, api_key=settings.api_key or key_to_hide())
    return make_worker(journal, models.find_registry(with_key), with_key).recover_body(entry)


def prepare_asking() -> Callable[[], int] | None:
    """What asks the servers of jobs that are UNKNOWN for their answers, which costs nothing.

    :returns: work for any thread, which says how many it has found; None where nobody can be asked.
    """
    settings = load_settings(with_key=False)
    journal = open_session(settings).journal
    entries = [entry for entry in journal.entries(JobState.UNKNOWN) if _may_ask(settings, entry)]
    if not entries:
        return None
    worker = make_worker(journal, models.find_registry(settings), settings)
    return lambda: sum(map(worker.find_answer, entries))


def _may_ask(settings: Settings, entry: Entry) -> bool:
    if not find_provider(entry.request.provider).finds_jobs:
        return False
    try:
        settings.check_provider(entry.request.provider)
    except GptImageError as error:
        log.info("Nobody asks for job %s: %s", entry.id, error.text)
        return False
    return True


def close() -> None:
    """Cancel what runs, end workers and timer, and release the journal; the next use opens it again."""
    global _session
    scheduler.stop_ticking()
    if _session is None:
        return
    ended = _session.scheduler.close()
    scheduler.stop_ticking()  # a worker may have come to the helping process meanwhile
    if ended:  # a worker that still runs needs the journal
        _session.journal.close()
    _session = scheduler.current = None


def journal(settings: Settings) -> Journal:
    """The open journal.

    :raises StorageError: it can't be opened.
    """
    return open_session(settings).journal


def find_open_journal(settings: Settings) -> Journal | None:
    """The journal, where this session has opened it for work already; whoever looks need not open it."""
    found = _session
    return found.journal if found is not None and found.journal.folder == settings.state_folder else None


def entry(job: str) -> Entry | None:
    """The journal's row of a job of this session; None where it can't be read."""
    try:
        return _session.journal.entry(job) if _session is not None else None
    except StorageError as error:
        log.warning("Job %s: %s", job, error.text)
        return None


def load_usage_history(settings: Settings) -> UsageHistory:
    """What the journal knows of earlier answers; a price is shown without it, too. Runs in any thread.

    It only looks: a session is opened by what sends or makes something, on the main thread.
    """
    found = find_open_journal(settings)

    def seen(model: str, quality: str, size: str) -> Observed | None:
        from ..core.journal.reader import JournalReader

        try:
            if found is not None:
                return found.seen(model, quality, size)
            with closing(JournalReader(settings.state_folder)) as reader:
                return reader.seen(model, quality, size)
        except StorageError as error:
            log.warning("Estimates can't learn: %s", error.text)
            return None

    return seen


def outputs(*, overwrite: bool = False) -> Outputs:
    """Where files outside the state folder are written; without the journal it knows none of ours.

    :param overwrite: the user said that whatever stands there may go.
    """
    from ..core.results.output_files import Outputs

    try:
        return Outputs(journal(load_settings(with_key=False)), overwrite)
    except GptImageError as error:
        log.warning("Files of ours can't be told apart: %s", error.text)
        return Outputs(None, overwrite)


def jobs() -> tuple[Task, ...]:
    """The jobs of this session, oldest first."""
    return tuple(_session.scheduler.jobs) if _session is not None else ()


def chosen_image(job: str) -> int:
    """Which image of a job of another session was chosen; 0 for the first."""
    return _session.chosen_images.get(job, 0) if _session is not None else 0


def choose_image(job: str, number: int) -> None:
    """Mean this image of a job of another session from now on.

    :raises StorageError: the journal can't be opened.
    """
    open_session(load_settings(with_key=False)).chosen_images[job] = number


def waiting() -> list[Task]:
    """The jobs that are not begun, next first."""
    return _session.scheduler.queue.waiting() if _session is not None else []


def forget_finished() -> None:
    """Take the jobs that are done off the list; their results stay."""
    if _session is not None:
        _session.scheduler.jobs = [job for job in jobs() if not job.done]


def forget(task: Task) -> None:
    """Take one job off the list."""
    if _session is not None:
        _session.scheduler.jobs = [job for job in jobs() if job is not task]


def cancel(job: str | None = None) -> None:
    """Stop a job, or all of them. Results that have arrived are kept.

    :param job: its id.
    """
    for found in jobs():
        if _session is not None and not found.done and job in (None, found.id):
            _session.scheduler.cancel(found)


def move(job: str, step: int) -> None:
    """Let a job that is not begun begin earlier (negative step) or later."""
    for found in jobs():
        if _session is not None and found.id == job:
            _session.scheduler.move(found, step)
