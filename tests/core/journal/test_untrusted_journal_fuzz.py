"""Journals and result folders that no version of the add-on writes: only our own folder ever changes."""

from __future__ import annotations

import json
import math
import os
import sqlite3
import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from gpt_image_addon.core.errors import GptImageError
from gpt_image_addon.core.journal.history import Filter, clean, export, find_history, read_page, row
from gpt_image_addon.core.journal.journal import Journal
from gpt_image_addon.core.journal.merge import merge
from gpt_image_addon.core.journal.recovery import open_journal, recover_all
from gpt_image_addon.core.journal.schema import JOURNAL_FILE, migrate, open_database
from gpt_image_addon.core.journal.states import JobState
from gpt_image_addon.core.request.request import Application, GenerationRequest
from gpt_image_addon.core.results.output_files import Outputs
from gpt_image_addon.core.results.store import keep, salvage
from tests.core.fuzzing import fuzz

REQUEST = GenerationRequest(prompt="oak", provider="openai", model="m")
MONTH = datetime.now().strftime("%Y-%m")
PRIVATE = b"private"

COLUMNS = (
    *("id", "state", "created", "updated", "month", "process", "digest", "request", "application"),
    *("estimated_usd", "reserved_usd", "cost_usd", "usage", "request_id", "folder", "error", "billed"),
    *("favourite", "model", "quality", "size", "picture_tokens", "row", "batch", "bytes", "searched"),
)
PATHS = st.sampled_from(
    (
        *("..", ".", "", "/", "results", f"results/{MONTH}", f"results/{MONTH}/other", "../../outside"),
        *(
            f"results/{MONTH}/job",
            f"results/{MONTH}/mine",
            "results/../../outside/2026-11/job",
            "mine",
            "MINE",
        ),
        *("OUTSIDE", "OUTSIDE/2026-11/job", "OUTSIDE/gpt-image-job-x/job", "job", "JOB", "job.part"),
        *("C:\\x", "a\x00b", "\ud800", "a" * 300, "CON", MONTH, "2026-11", "2026-13", "../outside"),
    )
)
JSONS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | PATHS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                (
                    *REQUEST.__dataclass_fields__,
                    *Application.__dataclass_fields__,
                    "usage",
                    "files",
                    "output_tokens",
                )
            )
            | PATHS,
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)
TEXTS = st.one_of(
    JSONS.map(json.dumps),
    st.sampled_from(("DEEP LIST", "DEEP OBJECT", "LONG NUMBER", "{", "null", "\ud800")),
)
LONG = {
    "DEEP LIST": "[" * 50_000,
    "DEEP OBJECT": '{"a":' * 50_000,
    "LONG NUMBER": '{"n": ' + "9" * 5000 + "}",
}
"""Texts by the names that stand for them in what a failure prints."""
MONEY = st.sampled_from((0, 0.02, -1, -30000.0, 1e18, math.inf, -math.inf, 5e-324, 10**18, "1", b"1", None))
STATES = st.sampled_from((*JobState, "HALF", "", None, 5))
MOMENTS = st.sampled_from((0, 1.7e9, -1e300, 1e300, math.inf, "now", time.time(), time.time() + 1e7))
VALUES = st.one_of(PATHS, TEXTS, MONEY, STATES, MOMENTS, st.binary(max_size=8))
LIKELY = {
    **dict.fromkeys(("id", "month", "folder", "process"), PATHS),
    **dict.fromkeys(("request", "application", "usage", "error"), TEXTS),
    **dict.fromkeys(("estimated_usd", "reserved_usd", "cost_usd", "picture_tokens", "bytes"), MONEY),
    **dict.fromkeys(("created", "updated"), MOMENTS),
    "state": STATES,
}
ROWS = st.lists(
    st.lists(
        st.sampled_from(COLUMNS).flatmap(
            lambda name: st.tuples(st.just(name), LIKELY.get(name, VALUES) | VALUES)
        ),
        max_size=5,
    ).map(dict),
    max_size=4,
)
PLACES = st.sampled_from(
    (
        *(
            "results",
            f"results/{MONTH}",
            f"results/{MONTH}/job",
            f"results/{MONTH}/job.part",
            "results/x/job",
        ),
        *(
            f"results/{MONTH}/job/{name}"
            for name in ("image-1.png", "image-2.png", "answer.json", "maps", "x")
        ),
        *(f"results/{MONTH}/{name}/answer.json" for name in ("job.part", "planted", "MINE", "mine")),
        *(f"results/{MONTH}/mine/{name}" for name in ("image-2.png", "maps", "maps/x.png")),
        *("results/2026-11", "results/2026-11/job", "references", f"{JOURNAL_FILE}-wal"),
    )
)
OWN_PLACES = PLACES.filter(lambda place: place != "results")
"""Who puts a link in place of the results has moved them to another disk, and may."""
PLANTS, OWN_PLANTS = (
    st.lists(
        st.tuples(places, st.sampled_from(("file", "link", "folder link", "pipe", "folder")), TEXTS),
        max_size=4,
    )
    for places in (PLACES, OWN_PLACES)
)
PLANS = st.tuples(ROWS, PLANTS, ROWS, OWN_PLANTS, st.integers(1, 5))


def plant(folder: Path, outside: Path, plants: list[tuple[str, str, str]]) -> None:
    """Put files, links and pipes where ours could be; what stands there goes."""
    for place, kind, text in plants:
        path = folder / place
        if any(above.is_symlink() for above in path.parents):
            continue  # a link of before
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.is_dir() and not path.is_symlink():
                path.rename(path.with_name(f"{path.name} {os.urandom(4).hex()}"))
            path.unlink(missing_ok=True)
            if kind == "file":
                path.write_text(LONG.get(text, text), "utf-8", "replace")
            elif kind == "link":
                path.symlink_to(outside / "image-1.png")
            elif kind == "folder link":
                path.symlink_to(outside / "2026-11" / "job" if path.name == "job" else outside)
            elif kind == "pipe":
                os.mkfifo(path)
            else:
                path.mkdir()
        except OSError:  # below a pipe or a file of before
            continue


def change(connection: sqlite3.Connection, outside: Path, rows: list[dict[str, Any]]) -> None:
    """Copies of the row ``job``, changed."""
    connection.row_factory = sqlite3.Row
    found = connection.execute("SELECT * FROM jobs WHERE id = 'job'").fetchone()
    for number, changes in enumerate(rows):
        values = {**dict(found), "id": f"job-{number}"}
        values |= {name: value for name, value in changes.items() if name in values}
        for name, value in values.items():
            if isinstance(value, str):
                values[name] = (
                    LONG.get(value, value)
                    .replace("OUTSIDE", str(outside))
                    .encode("utf-8", "replace")
                    .decode()
                )
            elif isinstance(value, int) and abs(value) >= 2**63:
                values[name] = 0
        marks = ", ".join("?" * len(values))
        try:
            connection.execute(
                f"INSERT OR REPLACE INTO jobs ({', '.join(values)}) VALUES ({marks})", tuple(values.values())
            )
        except sqlite3.IntegrityError:  # a NULL where none may be
            continue


def received(journal: Journal, job: str) -> None:
    journal.reserve(job, REQUEST, Application(), REQUEST.digest(), 0.5)
    journal.sending(job)
    facts = {"request": REQUEST.to_dict(), "created": datetime.now().isoformat(), "cost_usd": 0.25}
    folder = keep(journal.results, job, datetime.now(), {"image-1.png": job.encode()}, facts).folder
    journal.received(job, folder, cost_usd=0.25, usage={"output_tokens": 5}, request_id="req")


def make_foreign(folder: Path, outside: Path, rows: list[dict[str, Any]], version: int) -> None:
    journal = open_journal(folder)
    received(journal, "job")
    journal.applied("job")
    journal.close()
    connection = open_database(folder / JOURNAL_FILE)
    migrate(connection, folder)
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        connection.execute(f"DROP TRIGGER {name}")
    change(connection, outside, rows)
    connection.execute(f"PRAGMA user_version = {version}")
    connection.close()


def tree(folder: Path) -> dict[str, bytes | str | None]:
    return {
        str(path.relative_to(folder)): str(path.readlink())
        if path.is_symlink()
        else path.read_bytes()
        if path.is_file()
        else None
        for path in folder.rglob("*")
    }


def check(plan: tuple[Any, Any, Any, Any, int]) -> None:
    """Whatever the plan says, nothing but our state folder changes, and nothing paid is lost."""
    rows, plants, own_rows, own_plants, version = plan
    with tempfile.TemporaryDirectory() as name:
        base = Path(name)
        outside, state, foreign = base / "outside", base / "ours" / "state", base / "foreign"
        for place in (outside, outside / "2026-11" / "job", outside / "gpt-image-job-x" / "job"):
            place.mkdir(parents=True, exist_ok=True)
            (place / "image-1.png").write_bytes(PRIVATE)
            (place / "answer.json").write_text("{}")
        make_foreign(foreign, outside, rows, version)
        plant(foreign, outside, plants)
        journal = open_journal(state)
        received(journal, "mine")
        spent = journal.spent_usd()
        before = tree(outside), tree(foreign / "results")
        attempt(lambda: merge(journal, foreign))
        check_kept(journal, spent)
        if not journal.rows("id = 'job'"):
            received(journal, "job")
        with journal.transaction() as connection:
            change(connection, outside, [{**changes, "favourite": 0} for changes in own_rows])
        plant(state, outside, own_plants)
        spent_now = journal.spent_usd()
        for part in journal.results.glob("*/*.part"):
            attempt(lambda part=part: salvage(part))
        attempt(lambda: recover_all(journal))
        look_back(journal, base)
        attempt(lambda: clean(journal, -1, dry_run=True))
        attempt(lambda: clean(journal, -1))
        assert journal.spent_usd() >= spent_now
        journal.close()
        attempt(lambda: open_journal(state).close())
        assert (tree(outside), tree(foreign / "results")) == before
        assert {path.name for path in base.iterdir()} <= {"outside", "ours", "foreign", "out"}
        assert [path.name for path in state.parent.iterdir()] == ["state"]
        for places in (base / "out", state):
            found = tree(places).items()
            assert not [path for path, data in found if data == PRIVATE and not (places / path).is_symlink()]


def attempt(step: Any) -> None:
    """What can't be done is told in our own words."""
    try:
        step()
    except GptImageError as error:
        assert error.message


def check_kept(journal: Journal, spent: float) -> None:
    """What we had before is as it was."""
    entry = journal.entry("mine")
    assert (
        entry is not None
        and entry.folder is not None
        and entry.state in (JobState.RECEIVED, JobState.APPLIED)
    )
    assert (entry.folder / "image-1.png").read_bytes() == b"mine"
    assert journal.spent_usd() >= spent and journal.reserved_usd() >= 0
    assert journal.unreadable == set()


def look_back(journal: Journal, base: Path) -> None:
    """Every way to show the rows, and to take images out."""
    attempt(lambda: read_page(journal, Filter(limit=3, search="o")))
    found = find_history(journal, Filter())
    for entry in found.jobs:
        json.dumps(row(entry), ensure_ascii=False)
        assert entry.cost_usd is None or not math.isnan(entry.cost_usd)
    assert found.spent_usd >= 0 and found.reserved_usd >= 0 and found.results_bytes >= 0
    for entry in found.jobs[:3]:
        attempt(lambda entry=entry: export(journal, entry.id, base / "out", Outputs(journal)))


def test_untrusted_journals() -> None:
    fuzz(check, PLANS, examples=40)
