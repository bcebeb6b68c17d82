"""The form of the journal's file: its tables version by version, and how an older file becomes a new one."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from ..common.files import PRIVATE_FILE
from ..common.paths import split_version
from ..errors import StorageError
from ..request.parameters import DEFAULT_SIZE
from ..request.pricing import picture_tokens
from ..request.request import Application, GenerationRequest
from ..text.message import Message, message
from .stored_values import load_object

JOURNAL_FILE = "journal.sqlite3"
BUSY_TIMEOUT = 5.0  # seconds that sqlite waits for another process
OPEN_PAUSE = 0.1  # seconds; a fresh WAL database opened by many at once says "locked" before the timeout
PICO = 1e12
"""The sums of the journal are whole numbers of 1 / `PICO` USD."""


def text_in(column: str, name: str) -> str:
    """A value of a row's JSON column in SQL; sqlite would stop at the first one that is no JSON."""
    return (
        f"CASE WHEN typeof({column}) = 'text' AND json_valid({column})"
        f" THEN ifnull(json_extract({column}, '$.{name}'), '') ELSE '' END"
    )


PROMPT = text_in("request", "prompt")
SEARCHED = f"casefold(CAST(id || char(10) || model || char(10) || {PROMPT} AS BLOB))"

VERSION_1 = """
CREATE TABLE jobs (
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
CREATE INDEX jobs_by_month ON jobs (month);
CREATE INDEX jobs_by_digest ON jobs (digest, state);
CREATE INDEX jobs_by_state ON jobs (state);
"""

VERSION_2 = """
ALTER TABLE jobs ADD COLUMN favourite INTEGER NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN model TEXT NOT NULL DEFAULT '';
ALTER TABLE jobs ADD COLUMN quality TEXT NOT NULL DEFAULT '';
ALTER TABLE jobs ADD COLUMN size TEXT NOT NULL DEFAULT '';
ALTER TABLE jobs ADD COLUMN picture_tokens REAL;
CREATE INDEX jobs_by_look ON jobs (model, quality, size, created) WHERE picture_tokens IS NOT NULL;
CREATE INDEX jobs_by_age ON jobs (created);
"""


VERSION_3 = """
ALTER TABLE jobs ADD COLUMN row TEXT NOT NULL DEFAULT '';
ALTER TABLE jobs ADD COLUMN batch TEXT NOT NULL DEFAULT '';
CREATE INDEX jobs_by_row ON jobs (row, state) WHERE row <> '';
CREATE INDEX jobs_by_batch ON jobs (batch, state) WHERE batch <> '';
CREATE TABLE batches (
    id TEXT PRIMARY KEY,
    created REAL NOT NULL,
    process TEXT NOT NULL,
    server TEXT NOT NULL,
    input_file TEXT NOT NULL DEFAULT '',
    remote TEXT NOT NULL DEFAULT '',
    state TEXT NOT NULL
);
CREATE TABLE pace (name TEXT PRIMARY KEY, free REAL NOT NULL);
"""


def _whole(amount: str) -> str:
    """An amount in SQL as a whole number of 1e-12 USD."""
    return f"CAST(round(min(max(ifnull({amount}, 0), 0), 1e6) * 1e12) AS INTEGER)"


def _sums_changed(sign: str, row: str) -> str:
    """The statement that adds a row to the sums of its month, or takes it out."""
    return (
        f"UPDATE sums SET spent = spent {sign} {_whole(f'{row}.cost_usd')},"
        f" reserved = reserved {sign} {_whole(f'{row}.reserved_usd')},"
        f" bytes = bytes {sign} iif({row}.folder IS NULL, 0,"
        f" CAST(min(max(ifnull({row}.bytes, 0), 0), 1e15) AS INTEGER))"
        f" WHERE month = {row}.month;"
    )


_ADD = f"INSERT OR IGNORE INTO sums VALUES (NEW.month, 0, 0, 0); {_sums_changed('+', 'NEW')}"
_SUBTRACT = _sums_changed("-", "OLD")

VERSION_4 = f"""
CREATE TABLE outputs (path TEXT PRIMARY KEY, owner TEXT NOT NULL, sha256 TEXT NOT NULL);
ALTER TABLE jobs ADD COLUMN bytes INTEGER;
ALTER TABLE jobs ADD COLUMN searched TEXT;
DROP INDEX jobs_by_age;
CREATE INDEX jobs_by_age ON jobs (created DESC, id, state, favourite, month, searched);
CREATE INDEX jobs_not_searchable ON jobs (id) WHERE searched IS NULL;
CREATE INDEX jobs_not_measured ON jobs (id) WHERE bytes IS NULL AND folder IS NOT NULL;
CREATE TABLE sums (
    month TEXT PRIMARY KEY,
    spent INTEGER NOT NULL,
    reserved INTEGER NOT NULL,
    bytes INTEGER NOT NULL
);
CREATE TRIGGER jobs_added AFTER INSERT ON jobs BEGIN {_ADD} END;
CREATE TRIGGER jobs_removed AFTER DELETE ON jobs BEGIN {_SUBTRACT} END;
CREATE TRIGGER jobs_changed AFTER UPDATE OF month, cost_usd, reserved_usd, folder, bytes ON jobs
BEGIN {_SUBTRACT} {_ADD} END;
"""
"""``outputs`` are files that we wrote outside the state folder. ``sums`` are kept by triggers, so that the
budget is checked without reading the rows of a month; they are whole numbers of 1e-12 USD, so that adding and
subtracting leaves no remainder. ``jobs_by_age`` holds all that a look at the history chooses by."""


VERSION_5 = """
ALTER TABLE jobs ADD COLUMN parent TEXT NOT NULL DEFAULT '';
CREATE INDEX jobs_by_parent ON jobs (parent, created) WHERE parent <> '';
"""
"""``parent`` is the job whose image was edited, as the application says it in ``edit_of``."""


def _fill_version_2(connection: sqlite3.Connection) -> None:
    """What later estimates learn from, out of the requests and usages that are there."""
    for row in connection.execute("SELECT id, request, usage FROM jobs").fetchall():
        request = load_object(row["request"]) or {}
        connection.execute(
            "UPDATE jobs SET model = ?, quality = ?, size = ?, picture_tokens = ? WHERE id = ?",
            (*looks(request), tokens_of(request, load_object(row["usage"])), row["id"]),
        )


def looks(request: Mapping[str, Any]) -> tuple[str, str, str]:
    """Model, quality and size of a stored request."""
    found = (request.get("model", ""), request.get("quality", "auto"), request.get("size", DEFAULT_SIZE))
    model, quality, size = (text if isinstance(text, str) else "" for text in found)
    return model, quality, size


def tokens_of(request: Mapping[str, Any], usage: Mapping[str, Any] | None) -> float | None:
    """Output tokens of one image by a stored request and its usage; None where those say nothing."""
    n, partial = request.get("n", 1), request.get("partial_images", 0)
    return picture_tokens(usage, n, partial) if type(n) is type(partial) is int and n > 0 else None


def _fill_version_4(connection: sqlite3.Connection) -> None:
    """The sums of the rows that are there, and the texts that are searched."""
    spent, reserved = (f"CAST(TOTAL({_whole(name)}) AS INTEGER)" for name in ("cost_usd", "reserved_usd"))
    connection.execute(f"INSERT INTO sums SELECT month, {spent}, {reserved}, 0 FROM jobs GROUP BY month")
    make_searchable(connection)


def make_searchable(connection: sqlite3.Connection) -> None:
    """Fill the column that is searched where it is empty."""
    connection.execute(f"UPDATE jobs SET searched = {SEARCHED} WHERE searched IS NULL")


MIGRATIONS: tuple[tuple[str, Callable[[sqlite3.Connection], None] | None], ...] = (
    (VERSION_1, None),
    (VERSION_2, _fill_version_2),
    (VERSION_3, None),
    (VERSION_4, _fill_version_4),
    (VERSION_5, None),
)
"""The statements, and where needed the code, that lead from each version to the next."""
VERSION = len(MIGRATIONS)


def version_of(connection: sqlite3.Connection) -> int:
    """The version of a journal's tables; 0 for a file that was just made."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def migrate(connection: sqlite3.Connection, folder: Path) -> int:
    """Bring the tables to the newest version, inside the caller's transaction.

    :returns: the version before; 0 for a file that was just made.
    :raises StorageError: a newer version of the add-on wrote the file.
    """
    before = version_of(connection)
    if before > VERSION:
        raise StorageError(
            message("The journal in {folder} was written by a newer version of this add-on.", folder=folder),
            next_step="Update the add-on, or set GPT_IMAGE_DATA_DIR to another folder.",
        )
    for script, fill in MIGRATIONS[before:]:
        for statement in _statements(script):
            connection.execute(statement)
        if fill is not None:
            fill(connection)
    if before < VERSION:
        connection.execute(f"PRAGMA user_version = {VERSION}")
    return before


def _statements(script: str) -> Iterator[str]:
    """One after the other; a semicolon inside a trigger ends none."""
    statement = ""
    for piece in script.split(";"):
        statement += piece + ";"
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    if statement.strip(" \n;"):
        yield statement


def open_database(path: Path, *, shared: bool = False) -> sqlite3.Connection:
    """A connection that reports its rows by name and leaves transactions to the caller.

    :param shared: several threads use it, one at a time.
    :raises sqlite3.DatabaseError: it can't be opened, or is no database.
    """
    until = time.monotonic() + BUSY_TIMEOUT
    with contextlib.suppress(OSError):  # there already, or sqlite says why not; its other files follow it
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, PRIVATE_FILE))
    while True:
        connection = sqlite3.connect(
            path, timeout=BUSY_TIMEOUT, isolation_level=None, check_same_thread=not shared
        )
        try:
            prepare_connection(connection)
            connection.execute("PRAGMA journal_mode = WAL")
            return connection
        except sqlite3.OperationalError as error:
            connection.close()
            if "locked" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(OPEN_PAUSE)
        except BaseException:
            connection.close()
            raise


def prepare_connection(connection: sqlite3.Connection) -> None:
    """Let a connection report its rows by name, take broken texts, and know our functions."""
    connection.row_factory = sqlite3.Row
    connection.text_factory = functools.partial(str, encoding="utf-8", errors="replace")
    connection.create_function("casefold", 1, _casefold, deterministic=True)


def _casefold(text: bytes) -> str:
    """For all scripts; sqlite's own lower() knows ASCII only."""
    return text.decode("utf-8", "replace").casefold()


@contextmanager
def sqlite_errors(folder: Path) -> Iterator[None]:
    """Turn what sqlite says inside the block into one sentence.

    :raises StorageError: the journal can't be read or written, or is damaged.
    """
    try:
        yield
    except sqlite3.DatabaseError as error:
        problem, next_step = _plainly(error)
        raise StorageError(
            message(
                "The journal {path} {problem} ({reason}).",
                path=folder / JOURNAL_FILE,
                problem=problem,
                reason=error,
            ),
            code="journal",
            next_step=next_step,
        ) from error


def _plainly(error: sqlite3.DatabaseError) -> tuple[str, str]:
    said = str(error).lower()
    if "locked" in said or "busy" in said:
        return Message("is in use by another program"), "Try again when that one has let go of it."
    if "readonly" in said:
        return Message("can't be written"), "Make it writable, or set GPT_IMAGE_DATA_DIR to another folder."
    if "full" in said or "disk i/o" in said:
        return Message("can't be written"), "Free space on its disk."
    if "not a database" in said or "malformed" in said:
        return Message("is damaged"), "Move it away: a new one is made, and finds the results again."
    return Message("can't be used"), "Look at the folder's permissions and its disk."


def insert(connection: sqlite3.Connection, **values: object) -> bool:
    """Add a row; one of the same id stays as it is.

    :returns: whether it is new.
    """
    columns, marks = ", ".join(values), ", ".join("?" * len(values))
    statement = f"INSERT OR IGNORE INTO jobs ({columns}) VALUES ({marks})"
    return connection.execute(statement, tuple(values.values())).rowcount == 1


def describe_job(job: str, request: GenerationRequest, application: Application) -> dict[str, object]:
    """The columns that say what was asked for."""
    return {
        "id": job,
        "searched": f"{job}\n{request.model}\n{request.prompt}".casefold(),
        "request": json.dumps(request.to_dict(), ensure_ascii=False),
        "application": json.dumps(application.to_dict(), ensure_ascii=False),
        "model": request.model,
        "quality": request.quality,
        "size": request.size,
        "parent": parent_of(job, application),
    }


def parent_of(job: str, application: Application) -> str:
    """The job whose image a job edits; empty where there is none. None is its own."""
    found = split_version(application.edit_of)
    return found[0] if found is not None and found[0] != job else ""


def month_of(when: datetime) -> str:
    """The month as rows and folders name it."""
    return when.strftime("%Y-%m")
