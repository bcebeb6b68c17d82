"""The journal: every job and every cent, in one sqlite file that several Blenders share.

The order of events is what keeps a paid picture from being lost and a request from being paid twice::

    submit   row QUEUED, its estimate reserved, in one transaction with the budget check
    send     row SENDING, on the disk before the first byte leaves
    answer   result folder renamed into place, then row RECEIVED with the true cost
    import   row APPLIED

A row SENDING whose process is gone was either answered (its folder is there: adopted as RECEIVED) or not
(UNKNOWN: it may have been billed, so it is never sent again by itself).
"""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from . import settling
from .commits import Commits
from .errors import Billed, BudgetExceededError, GptImageError, StorageError
from .pricing import Observed, picture_tokens
from .processes import ProcessLock, is_alive
from .request import Application, GenerationRequest
from .rows import Place
from .schema import (
    JOURNAL_FILE,
    described,
    insert,
    migrate,
    month_of,
    open_database,
    read_values,
    storage_errors,
)
from .states import JobState

LOCKS_FOLDER = "processes"
RESULTS_FOLDER = "results"
SEEN_LIMIT = 100  # newest answers that an estimate learns from

_T = TypeVar("_T")

STORED = (JobState.RECEIVED, JobState.APPLIED)
OPEN = (JobState.QUEUED, JobState.SENDING)
MOVES: Mapping[JobState, tuple[JobState, ...]] = {
    JobState.SENDING: (JobState.QUEUED,),
    JobState.RECEIVED: (JobState.SENDING, JobState.UNKNOWN),
    JobState.APPLIED: STORED,
    JobState.FAILED: (*OPEN, JobState.RECEIVED),
    JobState.CANCELLED: (*OPEN, JobState.RECEIVED),
    JobState.UNKNOWN: (JobState.SENDING,),
}
"""The states from which each one is reached; a move from any other changes nothing."""


@dataclass(frozen=True)
class Entry:
    """One row of the journal."""

    id: str
    state: JobState
    created: datetime
    """Local time."""
    request: GenerationRequest
    application: Application
    estimated_usd: float
    cost_usd: float | None
    usage: Mapping[str, Any] | None
    request_id: str | None
    folder: Path | None
    """None where nothing came, or it was cleaned away."""
    error: Mapping[str, Any] | None
    billed: Billed
    favourite: bool = False


class Journal:
    """Opened on a state folder; usable from every thread."""

    def __init__(self, folder: Path) -> None:
        """
        :param folder: the state folder; made where it is missing.
        :raises StorageError: it can't be written, or the journal is damaged.
        """
        self.folder = folder
        self.results = folder / RESULTS_FOLDER
        self.locks = folder / LOCKS_FOLDER
        self._threads = threading.local()
        try:
            self.results.mkdir(parents=True, exist_ok=True)
            self._lock = ProcessLock(self.locks)
        except OSError as error:
            raise StorageError(
                f"The state folder {folder} can't be written: {error.strerror or error}.",
                next_step="Set GPT_IMAGE_DATA_DIR to another folder.",
            ) from error
        try:
            with storage_errors(folder):
                self._commits = Commits(folder / JOURNAL_FILE)
            with self.transaction() as connection:
                version = migrate(connection, folder)
            settling.settle_dead(self)
            if version == 0:  # the journal before this one was moved away, or the results came from elsewhere
                settling.adopt_strangers(self)
        except BaseException:
            self._lock.release()
            raise

    @property
    def process(self) -> str:
        """The name under which this process's rows stand."""
        return self._lock.name

    def close(self) -> None:
        """Release this process's mark; open rows of it then count as left behind."""
        self._connection().close()
        del self._threads.connection
        self._commits.close()
        self._lock.release()

    def reserve(
        self,
        job: str,
        request: GenerationRequest,
        application: Application,
        digest: str,
        estimated_usd: float,
        budget_usd: float | None = None,
        place: Place | None = None,
        further_usd: float = 0.0,
    ) -> None:
        """Add a QUEUED row and set its estimate aside.

        :param estimated_usd: with that of its further requests, each with a row of its own later.
        :param place: where in a batch it belongs.
        :param further_usd: what of it is for further requests.
        :raises BudgetExceededError: it would not fit this month's budget.
        :raises RowTakenError: another process has begun the same row of a batch meanwhile.
        """
        now = datetime.now()
        found = place or Place()
        values = dict(
            **described(request, application),
            id=job,
            state=JobState.QUEUED.value,
            created=now.timestamp(),
            updated=now.timestamp(),
            month=month_of(now),
            process=self.process,
            digest=digest,
            estimated_usd=estimated_usd - further_usd,
            reserved_usd=estimated_usd,
            row=found.row,
            batch=found.batch,
        )

        def work(connection: sqlite3.Connection) -> None:
            found.check(connection)
            if budget_usd is not None and estimated_usd > 0:
                _check_budget(connection, now, estimated_usd, budget_usd)
            insert(connection, **values)

        self._write(work)

    def sending(self, job: str, size: str | None = None) -> None:
        """The request is about to leave; on the disk when this returns.

        :param size: the size that is asked for, where it is not that of the request.
        :raises StorageError: it can't be noted, or the row is not QUEUED any more: then nothing may be sent.
        """
        values = {"size": size} if size else {}
        if not self._move(job, JobState.SENDING, durable=True, **values):
            raise StorageError(
                f"Job {job} was taken for dead by another process; nothing was sent.", code="journal"
            )

    def received(
        self,
        job: str,
        folder: Path,
        *,
        cost_usd: float | None,
        usage: Mapping[str, Any] | None,
        request_id: str | None,
    ) -> bool:
        """The answer lies in ``folder``; the reservation becomes spending.

        :returns: whether this call changed the row; another process may have adopted the answer before.
        """
        entry = self.entry(job)
        if entry is None:
            return False
        return self._move(
            job,
            JobState.RECEIVED,
            durable=True,
            folder=self.relative(folder),
            cost_usd=cost_usd,
            usage=json.dumps(usage),
            picture_tokens=picture_tokens(usage, entry.request.n, entry.request.partial_images),
            request_id=request_id,
            reserved_usd=0.0,
            billed="yes",
        )

    def applied(self, job: str) -> None:
        """The result is in the scene."""
        self._move(job, JobState.APPLIED)

    def failed(self, job: str, error: GptImageError, *, cancelled: bool = False) -> JobState:
        """The job ended without a result. What may have been billed becomes UNKNOWN and stays set aside; what
        was billed for sure counts as spent, by its estimate where no answer says more."""
        values: dict[str, Any] = {
            "error": json.dumps(error.to_dict(), ensure_ascii=False),
            "billed": error.billed,
        }
        if error.request_id:
            values["request_id"] = error.request_id
        state = JobState.CANCELLED if cancelled else JobState.FAILED
        if error.billed == "maybe":
            state = JobState.UNKNOWN
        else:
            values["reserved_usd"] = 0.0
            entry = self.entry(job)
            if error.billed == "yes" and entry is not None and entry.cost_usd is None:
                values["cost_usd"] = entry.estimated_usd
        self._move(job, state, durable=True, **values)
        return state

    def cancel_dead(self, job: str) -> None:
        """A row whose process died before it sent anything."""
        self._move(job, JobState.CANCELLED, reserved_usd=0.0)

    def unknown(self, job: str) -> None:
        """A row whose process died between the request and the answer."""
        self._move(job, JobState.UNKNOWN, durable=True, billed="maybe")

    def set_favourite(self, job: str, favourite: bool = True) -> bool:
        """Mark a job so that it is never cleaned away.

        :returns: whether there is such a job.
        """
        with self.transaction() as connection:
            statement = "UPDATE jobs SET favourite = ? WHERE id = ?"
            return connection.execute(statement, (favourite, job)).rowcount == 1

    def left_behind(self) -> Iterator[tuple[str, JobState]]:
        """The open rows of processes that are gone."""
        for row in self.rows("state IN (?, ?) AND process <> ? AND batch = ''", *OPEN, self.process):
            if not is_alive(self.locks, row["process"]):
                yield row["id"], JobState(row["state"])

    def entry(self, job: str) -> Entry | None:
        """One row; None where there is none of that id."""
        return next(map(self.read, self.rows("id = ?", job)), None)

    def entries(self, *states: JobState) -> list[Entry]:
        """The rows in these states (all without any), newest first."""
        where = f"state IN ({','.join('?' * len(states))})" if states else "1"
        return self.find(where, *states)

    def find(self, where: str, *values: object, limit: int = -1) -> list[Entry]:
        """The rows that a condition in SQL holds for, newest first.

        :param limit: how many at most; -1 for all.
        """
        rows = self.rows(f"{where} ORDER BY created DESC, id LIMIT ?", *values, limit)
        return [self.read(row) for row in rows]

    def find_stored(self, digest: str) -> Entry | None:
        """The newest result of an equal request whose files are kept."""
        found = self.find("digest = ? AND state IN (?, ?) AND folder IS NOT NULL", digest, *STORED, limit=1)
        return found[0] if found else None

    def find_unknown(self, digest: str) -> Entry | None:
        """The newest equal request that was sent, where its outcome is unknown."""
        found = self.find("digest = ? AND state IN (?, ?, ?)", digest, *STORED, JobState.UNKNOWN, limit=1)
        return found[0] if found and found[0].state is JobState.UNKNOWN else None

    def unapplied(self) -> list[Entry]:
        """Results that wait for a scene, without those that another living process is about to apply."""
        waiting = self.rows("state = ? ORDER BY created DESC", JobState.RECEIVED)
        return [
            self.read(row)
            for row in waiting
            if row["process"] == self.process or not is_alive(self.locks, row["process"])
        ]

    def seen(self, model: str, quality: str, size: str) -> Observed | None:
        """Output tokens a picture of the newest answers to such requests."""
        row = self.query(
            "SELECT COUNT(*), AVG(picture_tokens), MIN(picture_tokens), MAX(picture_tokens) FROM ("
            "SELECT picture_tokens FROM jobs WHERE model = ? AND quality = ? AND size = ?"
            " AND picture_tokens IS NOT NULL ORDER BY created DESC LIMIT ?)",
            model,
            quality,
            size,
            SEEN_LIMIT,
        )[0]
        return Observed(*row) if row[0] else None

    def spent_usd(self, month: str = "") -> float:
        """What the results of a month (``yyyy-mm``; this one by default) cost."""
        return self._total("cost_usd", month)

    def reserved_usd(self, month: str = "") -> float:
        """What is set aside for requests of a month that run, or whose outcome is unknown."""
        return self._total("reserved_usd", month)

    def _total(self, column: str, month: str) -> float:
        statement = f"SELECT TOTAL({column}) FROM jobs WHERE month = ?"
        return float(self.query(statement, month or month_of(datetime.now()))[0][0])

    def relative(self, folder: Path) -> str:
        """A folder as rows name it: below the state folder, so that this may move; elsewhere absolute."""
        inside = folder.is_relative_to(self.folder)
        return (folder.relative_to(self.folder) if inside else folder).as_posix()

    def read(self, row: sqlite3.Row) -> Entry:
        """A row of the file as a value."""

        def parsed(column: str) -> Any:
            return json.loads(row[column]) if row[column] else None

        return Entry(
            id=row["id"],
            state=JobState(row["state"]),
            created=datetime.fromtimestamp(row["created"]),
            request=read_values(GenerationRequest, parsed("request")),
            application=read_values(Application, parsed("application")),
            estimated_usd=row["estimated_usd"],
            cost_usd=row["cost_usd"],
            usage=parsed("usage"),
            request_id=row["request_id"],
            folder=self.folder / row["folder"] if row["folder"] else None,
            error=parsed("error"),
            billed=row["billed"],
            favourite=bool(row["favourite"]),
        )

    def rows(self, where: str, *values: object) -> list[sqlite3.Row]:
        """Rows as they are in the file, by a condition in SQL."""
        return self.query(f"SELECT * FROM jobs WHERE {where}", *values)

    def query(self, statement: str, *values: object) -> list[sqlite3.Row]:
        """The rows that a statement gives.

        :raises StorageError: the journal can't be read.
        """
        with storage_errors(self.folder):
            return self._connection().execute(statement, values).fetchall()

    def _move(self, job: str, state: JobState, *, durable: bool = False, **values: object) -> bool:
        """Bring a row into a state, unless it is in one from which there is no way there."""
        allowed = MOVES[state]
        columns = "".join(f", {name} = ?" for name in values)
        statement = (
            f"UPDATE jobs SET state = ?, updated = ?{columns}"
            f" WHERE id = ? AND state IN ({','.join('?' * len(allowed))})"
        )
        given = (state, time.time(), *values.values(), job, *allowed)
        return self._write(lambda connection: connection.execute(statement, given).rowcount == 1, durable)

    def _write(self, work: Callable[[sqlite3.Connection], _T], durable: bool = False) -> _T:
        """One write transaction, shared with those of other threads; see `Commits.write`.

        :raises StorageError: the journal can't be written.
        """
        with storage_errors(self.folder):
            return self._commits.write(work, durable=durable)

    @contextmanager
    def transaction(self, *, durable: bool = False) -> Iterator[sqlite3.Connection]:
        """One write transaction.

        :param durable: wait for the disk; without, a power cut may undo the newest steps, which then are
            found again as unapplied results.
        :raises StorageError: the journal can't be written.
        """
        with storage_errors(self.folder), self._commits.transaction(durable=durable) as connection:
            yield connection

    def _connection(self) -> sqlite3.Connection:
        found: sqlite3.Connection | None = getattr(self._threads, "connection", None)
        if found is None:
            with storage_errors(self.folder):
                found = self._threads.connection = open_database(self.folder / JOURNAL_FILE)
        return found


def _check_budget(connection: sqlite3.Connection, now: datetime, usd: float, budget_usd: float) -> None:
    total = "SELECT TOTAL(cost_usd) + TOTAL(reserved_usd) FROM jobs WHERE month = ?"
    used = float(connection.execute(total, (month_of(now),)).fetchone()[0])
    if used + usd > budget_usd:
        raise BudgetExceededError(
            f"This could cost ${usd:.4f}; of the monthly budget of ${budget_usd:.2f}, "
            f"${used:.4f} is used or set aside.",
            next_step="Raise the budget, or choose a lower quality or a smaller size.",
        )
