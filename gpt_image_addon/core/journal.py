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
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from .errors import Billed, BudgetExceededError, GptImageError, StorageError
from .processes import ProcessLock, is_alive
from .request import Application, GenerationRequest
from .results import ANSWER_FILE
from .states import JobState

JOURNAL_FILE = "journal.sqlite3"
LOCKS_FOLDER = "processes"
RESULTS_FOLDER = "results"
SCHEMA_VERSION = 1
BUSY_TIMEOUT = 30.0  # seconds that sqlite waits for another process
OPEN_TRIES = 20  # a fresh WAL database opened by many at once says "locked" in spite of the timeout
OPEN_PAUSE = 0.1  # seconds between them

SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    id TEXT PRIMARY KEY,
    state TEXT NOT NULL,
    created REAL NOT NULL,
    updated REAL NOT NULL,
    month TEXT NOT NULL,
    process TEXT NOT NULL,
    digest TEXT NOT NULL,
    request TEXT NOT NULL,
    application TEXT NOT NULL,
    estimated_usd REAL NOT NULL,
    reserved_usd REAL NOT NULL,
    cost_usd REAL,
    usage TEXT,
    request_id TEXT,
    folder TEXT,
    error TEXT,
    billed TEXT NOT NULL DEFAULT 'no'
);
CREATE INDEX IF NOT EXISTS jobs_by_month ON jobs (month);
CREATE INDEX IF NOT EXISTS jobs_by_digest ON jobs (digest, state);
CREATE INDEX IF NOT EXISTS jobs_by_state ON jobs (state);
"""


STORED = (JobState.RECEIVED, JobState.APPLIED)
OPEN = (JobState.QUEUED, JobState.SENDING)


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
    error: Mapping[str, Any] | None
    billed: Billed


class Journal:
    """Opened on a state folder; usable from every thread."""

    def __init__(self, folder: Path) -> None:
        """
        :param folder: the state folder; made where it is missing.
        :raises StorageError: it can't be written, or the journal is damaged.
        """
        self.folder = folder
        self.results = folder / RESULTS_FOLDER
        self._threads = threading.local()
        try:
            self.results.mkdir(parents=True, exist_ok=True)
            self._lock = ProcessLock(folder / LOCKS_FOLDER)
        except OSError as error:
            raise StorageError(
                f"The state folder {folder} can't be written: {error.strerror or error}.",
                next_step="Set GPT_IMAGE_DATA_DIR to another folder.",
            ) from error
        try:
            with self._transaction() as connection:
                self._check_version(connection)
        except BaseException:
            self._lock.release()
            raise
        self.settle_dead()

    def close(self) -> None:
        """Release this process's mark; open rows of it then count as left behind."""
        self._connection().close()
        del self._threads.connection
        self._lock.release()

    def reserve(
        self,
        job: str,
        request: GenerationRequest,
        application: Application,
        digest: str,
        estimated_usd: float,
        budget_usd: float | None = None,
    ) -> None:
        """Add a QUEUED row and set its estimate aside.

        :raises BudgetExceededError: it would not fit this month's budget.
        """
        now = datetime.now()
        with self._transaction() as connection:
            if budget_usd is not None and estimated_usd > 0:
                _check_budget(connection, now, estimated_usd, budget_usd)
            connection.execute(
                "INSERT INTO jobs (id, state, created, updated, month, process, digest, request, application,"
                " estimated_usd, reserved_usd) VALUES (?,?,?,?,?,?,?,?,?,?,?)",
                (
                    job,
                    JobState.QUEUED.value,
                    now.timestamp(),
                    now.timestamp(),
                    _month(now),
                    self._lock.name,
                    digest,
                    json.dumps(request.to_dict(), ensure_ascii=False),
                    json.dumps(application.to_dict(), ensure_ascii=False),
                    estimated_usd,
                    estimated_usd,
                ),
            )

    def sending(self, job: str) -> None:
        """The request is about to leave; on the disk when this returns."""
        self._update(job, durable=True, state=JobState.SENDING.value)

    def received(
        self,
        job: str,
        folder: Path,
        *,
        cost_usd: float | None,
        usage: Mapping[str, Any] | None,
        request_id: str | None,
    ) -> None:
        """The answer lies in ``folder``; the reservation becomes spending."""
        self._update(
            job,
            durable=True,
            state=JobState.RECEIVED.value,
            folder=str(folder.relative_to(self.folder)),
            cost_usd=cost_usd,
            usage=json.dumps(usage),
            request_id=request_id,
            reserved_usd=0.0,
            billed="yes",
        )

    def applied(self, job: str) -> None:
        """The result is in the scene."""
        self._update(job, state=JobState.APPLIED.value)

    def failed(self, job: str, error: GptImageError, *, cancelled: bool = False) -> JobState:
        """The job ended without a result. What may have been billed becomes UNKNOWN and stays set aside."""
        state = JobState.CANCELLED if cancelled else JobState.FAILED
        values: dict[str, Any] = {"reserved_usd": 0.0}
        if error.billed == "maybe":
            state, values = JobState.UNKNOWN, {}
        self._update(
            job,
            durable=True,
            state=state.value,
            error=json.dumps(error.to_dict(), ensure_ascii=False),
            billed=error.billed,
            request_id=error.request_id,
            **values,
        )
        return state

    def settle_dead(self) -> None:
        """Decide the open rows of processes that are gone."""
        locks = self.folder / LOCKS_FOLDER
        for row in self._rows("state IN (?, ?) AND process <> ?", *(s.value for s in OPEN), self._lock.name):
            if is_alive(locks, row["process"]):
                continue
            if row["state"] == JobState.QUEUED.value:
                self._update(row["id"], state=JobState.CANCELLED.value, reserved_usd=0.0)
            elif not self._adopt(row["id"]):
                self._update(row["id"], state=JobState.UNKNOWN.value, billed="maybe")

    def _adopt(self, job: str) -> bool:
        for answer_file in self.results.glob(f"*/{job}/{ANSWER_FILE}"):
            answer = json.loads(answer_file.read_text("utf-8"))
            self.received(
                job,
                answer_file.parent,
                cost_usd=answer.get("cost_usd"),
                usage=answer.get("usage"),
                request_id=answer.get("request_id"),
            )
            return True
        return False

    def entry(self, job: str) -> Entry | None:
        """One row; None where there is none of that id."""
        return next(map(self._entry, self._rows("id = ?", job)), None)

    def entries(self, *states: JobState) -> list[Entry]:
        """The rows in these states (all without any), newest first."""
        where = f"state IN ({','.join('?' * len(states))})" if states else "1"
        return list(
            map(self._entry, self._rows(f"{where} ORDER BY created DESC", *(s.value for s in states)))
        )

    def find_stored(self, digest: str) -> Entry | None:
        """The newest result of an equal request."""
        rows = self._rows(
            "digest = ? AND state IN (?, ?) ORDER BY created DESC LIMIT 1", digest, *(s.value for s in STORED)
        )
        return next(map(self._entry, rows), None)

    def spent_usd(self, when: datetime | None = None) -> float:
        """What the results of a month (this one by default) cost."""
        rows = self._query("SELECT TOTAL(cost_usd) FROM jobs WHERE month = ?", _month(when or datetime.now()))
        return float(rows[0][0])

    def reserved_usd(self, when: datetime | None = None) -> float:
        """What is set aside for requests of a month that run, or whose outcome is unknown."""
        rows = self._query(
            "SELECT TOTAL(reserved_usd) FROM jobs WHERE month = ?", _month(when or datetime.now())
        )
        return float(rows[0][0])

    def _entry(self, row: sqlite3.Row) -> Entry:
        def parsed(column: str) -> Any:
            return json.loads(row[column]) if row[column] else None

        return Entry(
            id=row["id"],
            state=JobState(row["state"]),
            created=datetime.fromtimestamp(row["created"]),
            request=GenerationRequest.from_dict(parsed("request")),
            application=Application.from_dict(parsed("application")),
            estimated_usd=row["estimated_usd"],
            cost_usd=row["cost_usd"],
            usage=parsed("usage"),
            request_id=row["request_id"],
            folder=self.folder / row["folder"] if row["folder"] else None,
            error=parsed("error"),
            billed=row["billed"],
        )

    def _rows(self, where: str, *values: object) -> list[sqlite3.Row]:
        return self._query(f"SELECT * FROM jobs WHERE {where}", *values)

    def _query(self, statement: str, *values: object) -> list[sqlite3.Row]:
        with _storage_errors(self.folder):
            return self._connection().execute(statement, values).fetchall()

    def _update(self, job: str, *, durable: bool = False, **values: object) -> None:
        columns = ", ".join(f"{name} = ?" for name in values)
        with self._transaction(durable=durable) as connection:
            connection.execute(
                f"UPDATE jobs SET {columns}, updated = ? WHERE id = ?", (*values.values(), time.time(), job)
            )

    @contextmanager
    def _transaction(self, *, durable: bool = False) -> Iterator[sqlite3.Connection]:
        """One write transaction.

        :param durable: wait for the disk; without, a power cut may undo the newest steps, which then are
            found again as unapplied results.
        """
        with _storage_errors(self.folder):
            connection = self._connection()
            connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def _connection(self) -> sqlite3.Connection:
        found: sqlite3.Connection | None = getattr(self._threads, "connection", None)
        if found is None:
            found = self._threads.connection = _open(self.folder / JOURNAL_FILE)
        return found

    def _check_version(self, connection: sqlite3.Connection) -> None:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version > SCHEMA_VERSION:
            raise StorageError(
                f"The journal in {self.folder} was written by a newer version of this add-on.",
                next_step="Update the add-on, or set GPT_IMAGE_DATA_DIR to another folder.",
            )
        for statement in filter(str.strip, SCHEMA.split(";")):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def _open(path: Path) -> sqlite3.Connection:
    for attempt in range(OPEN_TRIES):
        try:
            connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT, isolation_level=None)
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA journal_mode = WAL")
            return connection
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or attempt == OPEN_TRIES - 1:
                raise
            time.sleep(OPEN_PAUSE)
    raise AssertionError("unreachable: the last try returns or raises")


@contextmanager
def _storage_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise StorageError(
            f"The journal in {folder} can't be used: {error}.",
            next_step=f"Free the disk, or move {JOURNAL_FILE} away; results stay in {RESULTS_FOLDER}.",
        ) from error


def _check_budget(connection: sqlite3.Connection, now: datetime, usd: float, budget_usd: float) -> None:
    total = "SELECT TOTAL(cost_usd) + TOTAL(reserved_usd) FROM jobs WHERE month = ?"
    used = float(connection.execute(total, (_month(now),)).fetchone()[0])
    if used + usd > budget_usd:
        raise BudgetExceededError(
            f"This could cost ${usd:.4f}; of the monthly budget of ${budget_usd:.2f}, "
            f"${used:.4f} is used or set aside.",
            next_step="Raise the budget, or choose a lower quality or a smaller size.",
        )


def _month(when: datetime) -> str:
    return when.strftime("%Y-%m")
