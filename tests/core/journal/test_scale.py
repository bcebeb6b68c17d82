"""What is asked often costs the same with many rows as with few, counted in what sqlite does for it."""

from __future__ import annotations

import sys
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest

from gpt_image_addon.core.journal.history import (
    BY_AGE,
    ORDER,
    Filter,
    clean,
    condition,
    each,
    find,
    find_history,
    read_page,
)
from gpt_image_addon.core.journal.journal import Journal
from gpt_image_addon.core.journal.recovery import open_journal
from gpt_image_addon.core.request.request import Application, GenerationRequest
from gpt_image_addon.core.results.store import keep

REQUEST = GenerationRequest(prompt="oak", provider="openai", model="gpt-image-2", quality="low")
FEW, MANY = 20, 2000
MORE = """
INSERT INTO jobs ({columns})
WITH RECURSIVE n(i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM n WHERE i < {last})
SELECT {values} FROM jobs, n WHERE id = 'first'
"""


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    found = open_journal(tmp_path / "state")
    found.reserve("first", REQUEST, Application(), REQUEST.digest(), 0.5)
    found.sending("first")
    folder = keep(found.results, "first", datetime.now(), {"image-1.png": b"x"}, {}).folder
    found.received("first", folder, cost_usd=0.02, usage=None, request_id=None)
    found.applied("first")
    fill(found, 1, FEW)
    yield found
    found.close()


def fill(journal: Journal, first: int, last: int) -> None:
    """Copy the first row, so that there are so many; each is older than the one before."""
    columns = [row["name"] for row in journal.query("PRAGMA table_info(jobs)")]
    changed = {
        "id": "'job-' || i",
        "created": "created - i",
        "folder": "'results/' || month || '/job-' || i",
        "searched": "'job-' || i || searched",
    }
    values = ", ".join(changed.get(name, name) for name in columns)
    with journal.transaction() as connection:
        connection.execute(MORE.format(columns=", ".join(columns), first=first, last=last, values=values))


def steps(journal: Journal, work: Callable[[], object]) -> int:
    """How many instructions of its own machine sqlite carries out."""
    count = 0

    def step() -> int:
        nonlocal count
        count += 1
        return 0

    connections = (journal._connection(), journal._commits._connection)
    for connection in connections:
        connection.set_progress_handler(step, 1)
    work()
    for connection in connections:
        connection.set_progress_handler(None, 0)
    return count


def reserve(journal: Journal, job: str) -> None:
    journal.reserve(job, REQUEST, Application(), "digest", 0.01, budget_usd=1e6)


ASKED: dict[str, Callable[[Journal], object]] = {
    "the newest": lambda journal: find(journal, Filter(limit=5)),
    "the sums": lambda journal: (journal.spent_usd(), journal.reserved_usd(), journal.results_bytes()),
    "the history's head": lambda journal: find_history(journal, Filter(limit=5)),
    "one job": lambda journal: journal.entry("first"),
    "an equal one": lambda journal: (journal.find_lost("other"), journal.find_stored("other")),
    "what is open": lambda journal: list(journal.left_behind()),
}


@pytest.mark.parametrize("asked", ASKED)
def test_what_is_asked_often_reads_no_more_rows_than_it_gives(journal: Journal, asked: str) -> None:
    few = steps(journal, lambda: ASKED[asked](journal))
    fill(journal, FEW + 1, MANY)
    many = steps(journal, lambda: ASKED[asked](journal))
    assert few > 0 and many < few + 100


def test_the_budget_is_checked_without_the_rows_of_the_month(journal: Journal) -> None:
    """Inside the write lock, in which all other processes wait."""
    reserve(journal, "a")
    few = steps(journal, lambda: reserve(journal, "b"))
    fill(journal, FEW + 1, MANY)
    assert journal.spent_usd() == pytest.approx(0.02 * (MANY + 1))
    many = steps(journal, lambda: reserve(journal, "c"))
    assert few > 50 and many < few + 100


@pytest.mark.parametrize(
    "which", [Filter(search="oak"), Filter(favourites=True), Filter(month="2026-11"), Filter()]
)
def test_a_filter_is_answered_by_one_index_alone(journal: Journal, which: Filter) -> None:
    where, values = condition(journal, which)
    asked = f"EXPLAIN QUERY PLAN SELECT rowid FROM {BY_AGE} WHERE {where} {ORDER}"
    plan = [row["detail"] for row in journal.query(asked, *values)]
    assert len(plan) == 1 and "USING COVERING INDEX jobs_by_age" in plan[0]


def test_a_page_reads_its_own_requests_alone(journal: Journal) -> None:
    """A request may be long; those of other pages are not even opened."""
    fill(journal, FEW + 1, MANY)
    with journal.transaction() as connection:
        connection.execute("UPDATE jobs SET request = zeroblob(100000) WHERE id NOT IN ('first', 'job-1')")
    journal.close()
    again = open_journal(journal.folder)
    tracemalloc.start()
    assert [seen.job for seen in read_page(again, Filter(limit=2)).jobs] == ["first", "job-1"]
    assert [entry.id for entry in find(again, Filter(limit=2, search="oak"))] == ["first", "job-1"]
    assert tracemalloc.get_traced_memory()[1] < 2 * 10**6
    tracemalloc.stop()
    again.close()


def test_all_jobs_come_one_after_the_other(journal: Journal) -> None:
    fill(journal, FEW + 1, MANY)
    list(each(journal, Filter(limit=5)))
    tracemalloc.start()
    assert sum(1 for _ in each(journal, Filter())) == MANY + 1
    streamed = tracemalloc.get_traced_memory()[1]
    tracemalloc.reset_peak()
    whole = list(each(journal, Filter()))
    assert len(whole) == MANY + 1 and streamed < tracemalloc.get_traced_memory()[1] / 2
    tracemalloc.stop()


class Looks:
    """Counts the folders that are listed; what listens to Python stays for ever, so there is one."""

    count = 0
    counting = False


def _hear(event: str, _: object) -> None:
    Looks.count += Looks.counting and event == "os.scandir"


sys.addaudithook(_hear)


def test_what_a_cleaning_would_free_is_known_without_a_look_at_each_folder(journal: Journal) -> None:
    fill(journal, FEW + 1, 200)
    (month,) = journal.results.iterdir()
    for number in range(1, 201):
        (month / f"job-{number}").mkdir()
    Looks.count, Looks.counting = 0, True
    cleaned = clean(journal, -1, dry_run=True)
    Looks.counting = False
    assert len(cleaned.jobs) == 201 and cleaned.freed_bytes > 200
    assert 1 <= Looks.count < 10
