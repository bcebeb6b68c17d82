"""The journal: every job and every cent, in one sqlite file that several Blenders share.

The order of events is what keeps a paid image from being lost and a request from being paid twice::

    submit   row QUEUED, its estimate reserved, in one transaction with the budget check
    send     row SENDING, on the disk before the first byte leaves
    answer   result folder renamed into place, then row RECEIVED with the true cost
    import   row APPLIED

A row SENDING whose process is gone was either answered (its folder is there: adopted as RECEIVED) or not
(UNKNOWN: it may have been billed, so it is never retried automatically, unless it was free).
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from ..common.files import is_private, keep_private, make_private_folder
from ..common.process_lock import ProcessLock, is_alive
from ..errors import BudgetExceededError, GptImageError, StorageError
from ..request.request import Application, GenerationRequest
from ..results.folders import measure, month_folders, named
from ..text.log import get_logger
from ..text.message import message
from .entries import MOVES, OPEN, BatchPosition
from .entries import Entry as Entry
from .reader import LOCKS_FOLDER, NOT_MEASURED, NOT_SEARCHABLE, RESULTS_FOLDER, JournalReader
from .schema import (
    JOURNAL_FILE,
    PICO,
    VERSION,
    describe_job,
    insert,
    make_searchable,
    migrate,
    month_of,
    open_database,
    sqlite_errors,
    tokens_of,
    version_of,
)
from .states import JobState
from .stored_values import load_object
from .writer import GroupCommitWriter

PRIVATE = (LOCKS_FOLDER, RESULTS_FOLDER, "references", "durations.json", "models.json", "styles.json")
"""What lies in a state folder beside the journal."""
MEASURED_AT_ONCE = 1000  # result folders whose sizes are noted together

log = get_logger(__name__)

_T = TypeVar("_T")


class Journal(JournalReader):
    """Opened on a state folder for work; usable from every thread."""

    def __init__(self, folder: Path) -> None:
        """
        :param folder: the state folder; made where it is missing.
        :raises StorageError: it can't be written, or the journal is damaged.
        """
        super().__init__(folder)
        self.read_body: Callable[[Journal, Entry], bool] | None = None
        """See `recovery.open_journal`."""
        try:
            make_private_folder(self.results)
            make_private_folder(self.locks)
            self._lock = ProcessLock(self.locks)
        except OSError as error:
            raise StorageError(
                message(
                    "The state folder {folder} can't be written: {reason}.",
                    folder=folder,
                    reason=error.strerror or error,
                ),
                next_step="Set GPT_IMAGE_DATA_DIR to another folder.",
            ) from error
        try:
            with sqlite_errors(folder):
                self._commits = GroupCommitWriter(folder / JOURNAL_FILE)
        except BaseException:
            self._lock.release()
            raise
        try:
            with contextlib.suppress(OSError):  # a folder that can't be listed, or a file gone meanwhile
                self._keep_private()
            self.is_new = self._bring_up() == 0
            """It was not there before: moved away, or the results came from elsewhere."""
        except BaseException:
            self.close()
            raise

    def _bring_up(self) -> int:
        """Bring the tables to the newest version; returns the one before."""
        with sqlite_errors(self.folder):
            version = version_of(self._connection())
        if version != VERSION:  # else nobody who writes just now is to be waited for
            with self.transaction() as connection:
                version = migrate(connection, self.folder)
        return version

    def _keep_private(self) -> None:
        """What is in the state folder is nobody else's business, also where an older version left it open."""
        if not is_private(self.locks.joinpath(self._lock.file_name).lstat().st_mode):
            return  # a disk without modes
        names = {path.name for path in self.folder.iterdir()}
        ours = {name for name in names if name in PRIVATE or name.startswith(JOURNAL_FILE)}
        open_ones = [self.folder / name for name in ours] + list(month_folders(self.results))
        if names == ours:  # else it was somebody's folder before it was ours, such as a home
            open_ones.append(self.folder)
        for path in sorted(open_ones, key=lambda path: -len(path.parts)):
            if not is_private(path.lstat().st_mode):
                keep_private(path)

    @property
    def process(self) -> str:
        """The name under which this process's rows stand."""
        return self._lock.name

    def close(self) -> None:
        """Release this process's mark; open rows of it then count as left behind."""
        super().close()
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
        place: BatchPosition | None = None,
        further_usd: float = 0.0,
    ) -> None:
        """Add a QUEUED row and set its estimate aside.

        :param estimated_usd: with that of its follow-up requests, each with a row of its own later.
        :param place: where in a batch it belongs.
        :param further_usd: what of it is for follow-up requests.
        :raises BudgetExceededError: it would not fit this month's budget.
        :raises RowTakenError: another process has begun the same row of a batch meanwhile.
        """
        now = datetime.now()
        found = place or BatchPosition()
        values = dict(
            **describe_job(job, request, application),
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

    def check_budget(self, usd: float, budget_usd: float | None) -> None:
        """Whether several requests together can still be paid for; each reserves its own share later.

        :raises BudgetExceededError: this month's budget does not allow it.
        """
        if budget_usd is not None and usd > 0:
            with self.transaction() as connection:
                _check_budget(connection, datetime.now(), usd, budget_usd)

    def sending(self, job: str, size: str | None = None) -> None:
        """The request is about to leave; on the disk when this returns.

        :param size: the size that is asked for, where it is not that of the request.
        :raises StorageError: it can't be noted, or the row is not QUEUED any more: then nothing may be sent.
        """
        values = {"size": size} if size else {}
        if not self._move(job, JobState.SENDING, durable=True, **values):
            raise StorageError(
                message("Another process assumed job {job} had crashed; nothing was sent.", job=job),
                code="journal",
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
        rows = self.rows("id = ?", job)
        if not rows:
            return False
        return self._move(
            job,
            JobState.RECEIVED,
            durable=True,
            folder=self.relative(folder),
            bytes=measure(folder),
            cost_usd=cost_usd,
            usage=_dump(usage),
            picture_tokens=tokens_of(load_object(rows[0]["request"]) or {}, usage),
            request_id=request_id,
            reserved_usd=0.0,
            billed="yes",
        )

    def applied(self, job: str) -> None:
        """The result is in the scene; what was made of it on the way lies beside it by now."""
        rows = self.rows("id = ? AND folder IS NOT NULL", job)
        folder = named(self.results, job, rows[0]["folder"]) if rows else None
        values: dict[str, Any] = {"bytes": measure(folder)} if folder is not None else {}
        self._move(job, JobState.APPLIED, **values)

    def failed(self, job: str, error: GptImageError, *, cancelled: bool = False) -> JobState:
        """The job ended without a result. What may have been billed becomes UNKNOWN and stays set aside; what
        was billed for sure counts as spent, by its estimate where no answer says more."""
        values: dict[str, Any] = {
            "error": _dump(error.to_dict()),
            "billed": error.billed,
        }
        if error.request_id:
            values["request_id"] = error.request_id
        state = JobState.CANCELLED if cancelled else JobState.FAILED
        if error.billed == "maybe":
            state = JobState.UNKNOWN
        else:
            values["reserved_usd"] = 0.0
        if error.billed == "yes":
            # On the connection that is open: a process without file handles opens no other one.
            statement = "SELECT ifnull(cost_usd, estimated_usd) FROM jobs WHERE id = ?"
            found = self._write(lambda connection: connection.execute(statement, (job,)).fetchone())
            values["cost_usd"] = found[0] if found is not None else None
        self._move(job, state, durable=True, **values)
        return state

    def cancel_dead(self, job: str) -> None:
        """A row whose process died before it sent anything."""
        self._move(job, JobState.CANCELLED, reserved_usd=0.0)

    def unknown(self, job: str) -> None:
        """A row whose process died between the request and the answer; what is free was not billed."""
        found = self.query("SELECT estimated_usd FROM jobs WHERE id = ?", job)
        is_free = bool(found) and found[0]["estimated_usd"] == 0
        self._move(job, JobState.UNKNOWN, durable=True, billed="no" if is_free else "maybe")

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

    def unapplied(self) -> list[Entry]:
        """Results that wait for a scene, without those that another living process is about to apply."""
        waiting = self.rows("state = ? ORDER BY created DESC", JobState.RECEIVED)
        return list(
            self.readable(
                row
                for row in waiting
                if row["process"] == self.process or not is_alive(self.locks, row["process"])
            )
        )

    def results_bytes(self) -> int:
        """Bytes of all results; those whose sizes are not noted yet are measured, and noted, now.

        :raises StorageError: the journal can't be read or written.
        """
        while rows := self.query(f"SELECT rowid, id, folder FROM {NOT_MEASURED} LIMIT ?", MEASURED_AT_ONCE):
            # By number: an id that a broken disk left may not be found again, and this would never end.
            folders = ((row["rowid"], named(self.results, row["id"], row["folder"])) for row in rows)
            sizes = [(measure(folder) if folder else 0, number) for number, folder in folders]
            with self.transaction() as connection:
                connection.executemany("UPDATE jobs SET bytes = ? WHERE rowid = ?", sizes)
        return super().results_bytes()

    def searched_column(self) -> str:
        """See `JournalReader.searched_column`; rows that lack it are filled."""
        if self.query(NOT_SEARCHABLE):
            with self.transaction() as connection:
                make_searchable(connection)
        return super().searched_column()

    def note_output(self, path: str, owner: str, sha256: str) -> None:
        """See `OutputRecords.note_output`."""
        with self.transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO outputs VALUES (?, ?, ?)", (path, owner, sha256))

    def take_undelivered(self, digest: str) -> Entry | None:
        """The newest equal result that its process paid for and did not deliver; now this process does.

        One result goes to one caller, however many processes ask at once.
        """
        rows = self.rows(
            "digest = ? AND state = ? AND folder IS NOT NULL ORDER BY created DESC",
            digest,
            JobState.RECEIVED,
        )
        for row in rows:
            process = row["process"]
            if process == self.process or is_alive(self.locks, process):
                continue
            for entry in self.readable([row]):
                if entry.folder is not None and entry.folder.is_dir() and self._take_over(entry.id, process):
                    return entry
        return None

    def _take_over(self, job: str, process: object) -> bool:
        """Whether a result that was that process's is this one's now."""
        statement = "UPDATE jobs SET process = ? WHERE id = ? AND process = ? AND state = ?"
        values = (self.process, job, process, JobState.RECEIVED)
        with self.transaction() as connection:
            return connection.execute(statement, values).rowcount == 1

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
        """One write transaction, shared with those of other threads; see `GroupCommitWriter.write`.

        :raises StorageError: the journal can't be written.
        """
        with sqlite_errors(self.folder):
            return self._commits.write(work, durable=durable)

    @contextmanager
    def transaction(self, *, durable: bool = False) -> Iterator[sqlite3.Connection]:
        """One write transaction.

        :param durable: wait for the disk; without, a power cut may undo the newest steps, which then are
            found again as unapplied results.
        :raises StorageError: the journal can't be written.
        """
        with sqlite_errors(self.folder), self._commits.transaction(durable=durable) as connection:
            yield connection

    def _open(self) -> sqlite3.Connection:
        return open_database(self.folder / JOURNAL_FILE)


def _check_budget(connection: sqlite3.Connection, now: datetime, usd: float, budget_usd: float) -> None:
    total = "SELECT TOTAL(spent) + TOTAL(reserved) FROM sums WHERE month = ?"
    used = float(connection.execute(total, (month_of(now),)).fetchone()[0]) / PICO
    if used + usd > budget_usd:
        raise BudgetExceededError(
            message(
                "This could cost ${usd}; of the monthly budget of ${budget}, ${used} is spent or reserved.",
                usd=f"{usd:.4f}",
                budget=f"{budget_usd:.2f}",
                used=f"{used:.4f}",
            ),
            next_step="Raise the budget, or choose a lower quality or a smaller size.",
        )


def _dump(values: Mapping[str, Any] | None) -> str:
    """JSON for a column, without halves of characters, which sqlite does not take."""
    return json.dumps(values, ensure_ascii=False).encode("utf-8", "replace").decode()
