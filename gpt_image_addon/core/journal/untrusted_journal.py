"""The rows of a journal that another machine, or a stranger, wrote: read without trusting any of it."""

from __future__ import annotations

import json
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from ..common.paths import is_job_id, is_month
from ..errors import StorageError
from .reader import back_up
from .schema import JOURNAL_FILE, VERSION, describe_job, looks, month_of, open_database, tokens_of, version_of
from .schema import sqlite_errors as journal_errors
from .states import JobState
from .stored_values import (
    ID_LIMIT,
    clean_billed,
    clean_error,
    clean_moment,
    clean_text,
    clean_usage,
    clean_usd,
    load_object,
    sanitize_application,
    sanitize_request,
)

BESIDE = ("-wal", "-shm", "-journal")
"""Files that sqlite opens with a database, where they are there."""


@dataclass(frozen=True)
class SanitizedRow:
    """A job over there."""

    id: str
    state: JobState
    updated: float
    """Seconds since 1970."""
    favourite: bool
    folder: object
    """As the row names it; see `folders.named`."""
    values: Mapping[str, Any]
    """All columns but ``folder`` and ``bytes``, as ours may take them."""


@contextmanager
def open_copy(path: Path) -> Iterator[sqlite3.Connection]:
    """A private copy: the journal over there may be in use, or on a read-only disk.

    :raises StorageError: it can't be read, is none, or a newer version of the add-on wrote it.
    """
    with (
        tempfile.TemporaryDirectory() as folder,
        journal_errors(path.parent),
        closing(open_database(Path(folder) / JOURNAL_FILE)) as copy,
    ):
        back_up(path, copy)
        if version_of(copy) > VERSION:
            raise StorageError(
                f"The journal in {path.parent} was written by a newer version of this add-on.",
                next_step="Update the add-on.",
            )
        copy.execute("PRAGMA trusted_schema = OFF")
        copy.execute("PRAGMA query_only = ON")
        yield copy


def is_journal(path: Path) -> bool:
    """Whether a journal can be opened there: it and what belongs to it are files, no pipes or devices."""
    if not path.is_file():
        return False
    for beside in (path.with_name(path.name + suffix) for suffix in BESIDE):
        if beside.is_symlink() or (beside.exists() and not beside.is_file()):
            return False
    return True


def read_rows(copy: sqlite3.Connection) -> Iterator[SanitizedRow | str]:
    """All rows; for one that can't be taken over its id, as far as it can be told.

    :raises sqlite3.DatabaseError: there is no table of jobs, or it is damaged.
    """
    kind = copy.execute("SELECT type, sql FROM sqlite_master WHERE name = 'jobs'").fetchone()
    if kind is None or kind["type"] != "table" or "VIRTUAL" in str(kind["sql"]).upper().split("(")[0]:
        raise sqlite3.DatabaseError("file is not a database of jobs")
    names = [row["name"] for row in copy.execute("PRAGMA table_xinfo(jobs)") if row["hidden"] == 0]
    columns = ", ".join('"' + name.replace('"', '""') + '"' for name in names)
    for row in copy.execute(f"SELECT {columns} FROM jobs"):
        try:
            yield _read(dict(zip(names, row, strict=True)))
        except (KeyError, ValueError, TypeError, OverflowError, OSError):
            yield clean_text(row["id"] if "id" in names else None, 100) or "?"


def _read(row: Mapping[str, Any]) -> SanitizedRow:
    """A row as ours may take it.

    :raises ValueError: it is none that any version of the add-on writes.
    """
    job, state = row["id"], JobState(row["state"])
    if not is_job_id(job):
        raise ValueError("no id")
    created, updated = clean_moment(row["created"]), clean_moment(row["updated"])
    request = sanitize_request(load_object(row["request"]))
    usage, error = clean_usage(load_object(row["usage"])), clean_error(load_object(row["error"]))
    as_values = request.to_dict()
    estimated, cost, reserved = (
        _read_amount(row[name]) for name in ("estimated_usd", "cost_usd", "reserved_usd")
    )
    values: dict[str, Any] = {
        **describe_job(job, request, sanitize_application(load_object(row["application"]))),
        "state": state.value,
        "created": created,
        "updated": updated,
        "month": row["month"] if is_month(row["month"]) else month_of(datetime.fromtimestamp(created)),
        "process": "",
        "digest": clean_text(row["digest"], ID_LIMIT) or "",
        "estimated_usd": estimated or 0.0,
        "reserved_usd": reserved or 0.0,
        "cost_usd": cost,
        "usage": json.dumps(usage),
        "request_id": clean_text(row["request_id"], ID_LIMIT),
        "error": None if error is None else json.dumps(error, ensure_ascii=False),
        "billed": clean_billed(row["billed"]),
        "favourite": int(row.get("favourite") == 1),
        "size": clean_text(row.get("size"), ID_LIMIT) or looks(as_values)[2],
        "picture_tokens": tokens_of(as_values, usage),
        "row": clean_text(row.get("row"), ID_LIMIT) or "",
        "batch": clean_text(row.get("batch"), ID_LIMIT) or "",
    }
    if state is JobState.SENDING:  # it may still run over there; here nobody will ever know
        values |= {"state": JobState.UNKNOWN.value, "billed": "maybe"}
    found = JobState(values["state"])
    return SanitizedRow(job, found, updated, bool(values["favourite"]), row["folder"], values)


def _read_amount(value: object) -> float | None:
    """:raises ValueError: an amount that no job can have."""
    amount = clean_usd(value)
    if amount is None and value is not None:
        raise ValueError("no amount")
    return amount
