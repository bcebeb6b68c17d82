"""What the journal costs: each step of a request, with its waits for the disk, and looking back on many jobs.

python benchmarks/bench_journal.py [FOLDER]        a folder on the disk to measure
"""

from __future__ import annotations

import json
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from gpt_image_addon.core.journal.history import (
    SECONDS_A_DAY,
    Filter,
    clean,
    each,
    find,
    find_history,
    read_page,
    row,
)
from gpt_image_addon.core.journal.journal import Journal
from gpt_image_addon.core.journal.reader import JournalReader
from gpt_image_addon.core.journal.recovery import open_journal
from gpt_image_addon.core.journal.states import JobState
from gpt_image_addon.core.request.request import Application, GenerationRequest
from gpt_image_addon.core.results.store import keep

ROUNDS = 100
ENTRIES = 1000
MANY = 100_000
SHOWN = 50  # rows that `history` prints
PAGE = 8  # rows that the panel draws
IMAGE = bytes(3_000_000)  # as heavy as a photograph of 1024 x 1024
REQUEST = GenerationRequest(prompt="weathered oak planks " * 5, provider="openai", model="gpt-image-2")
RELATIVE = f"results/{datetime.now():%Y-%m}/"
SEARCHED = f"{REQUEST.model}\n{REQUEST.prompt}".casefold()
USAGE = {"output_tokens": 196, "input_tokens": 12}


def milliseconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return 1000 * (time.perf_counter() - start)


def report(name: str, times: list[float], remark: str = "") -> None:
    dear = statistics.quantiles(times, n=20)[-1] if len(times) > 1 else times[0]
    print(f"{name:34}{statistics.median(times):9.2f} ms{dear:9.2f} ms  {remark}".rstrip())


def bench_steps(journal: Journal) -> None:
    """One request after the other, as the line takes them."""
    steps: dict[str, tuple[str, Callable[[str], object]]] = {
        "reserve": (
            "main thread",
            lambda job: journal.reserve(job, REQUEST, Application(), REQUEST.digest(), 0.01, 1000.0),
        ),
        "sending": ("worker, synced", journal.sending),
        "keep an image of 3 MB": (
            "worker, synced",
            lambda job: keep(journal.results, job, datetime.now(), {"image-1.png": IMAGE}, {}),
        ),
        "received": (
            "worker, synced",
            lambda job: journal.received(
                job, journal.results / "x" / job, cost_usd=0.006, usage=USAGE, request_id="req_1"
            ),
        ),
        "applied": ("main thread", journal.applied),
    }
    times: dict[str, list[float]] = {name: [] for name in steps}
    for number in range(ROUNDS):
        for name, (_, step) in steps.items():
            times[name].append(milliseconds(lambda: step(f"job-{number}")))  # noqa: B023 - called at once
    for name, (remark, _) in steps.items():
        report(name, times[name], remark)
    rows_only = [sum(some) for some in zip(*(times[n] for n in steps if "keep" not in n), strict=True)]
    report("the journal's part of a request", rows_only)


def bench_looking_back(journal: Journal, folder: Path) -> None:
    """A thousand jobs and their result folders."""
    for number in range(ROUNDS, ENTRIES):
        job = f"job-{number}"
        journal.reserve(job, REQUEST, Application(), REQUEST.digest(), 0.01)
        small = keep(journal.results, job, datetime.now(), {"image-1.png": b"small"}, {})
        journal.sending(job)
        journal.received(job, small.folder, cost_usd=0.006, usage=USAGE, request_id=None)
    cases: dict[str, Callable[[], object]] = {
        f"the newest {SHOWN} as rows": lambda: list(map(row, find(journal, Filter(limit=SHOWN)))),
        f"all {ENTRIES} as rows": lambda: list(map(row, find(journal, Filter()))),
        f"search in {ENTRIES}": lambda: find(journal, Filter(search="walnut")),
        "history with sums and sizes": lambda: find_history(journal, Filter(limit=SHOWN)),
        "a page of the panel": lambda: read_page(journal, Filter(limit=PAGE)),
        "a page of a search": lambda: read_page(journal, Filter(limit=PAGE, search="walnut")),
        "spending of the month": journal.spent_usd,
        "experience for an estimate": lambda: journal.seen("gpt-image-2", "auto", "1024x1024"),
        "open and close": lambda: open_journal(folder).close(),
    }
    for name, call in cases.items():
        report(name, [milliseconds(call) for _ in range(20)])


def fill(journal: Journal) -> None:
    """A hundred thousand jobs of this month, each with its folder."""
    month = journal.results / datetime.now().strftime("%Y-%m")
    names = [f"many-{number}" for number in range(MANY)]
    for name in names:
        (month / name).mkdir(parents=True)
    columns = "state, updated, month, process, digest, request, application, estimated_usd, reserved_usd, "
    columns += "cost_usd, usage, billed, model, quality, size, bytes"
    with journal.transaction() as connection:
        connection.executemany(
            f"INSERT INTO jobs (id, created, searched, folder, {columns}) SELECT ?, ?, ?, ?, {columns}"
            " FROM jobs WHERE id = 'job-1'",
            [
                (name, time.time() - 40 * SECONDS_A_DAY + number, f"{name}\n{SEARCHED}", f"{RELATIVE}{name}")
                for number, name in enumerate(names)
            ],
        )


def bench_many(journal: Journal) -> None:
    """What must stay quick with so many jobs, and what is allowed to take its time."""
    fill(journal)
    page, searched = Filter(limit=PAGE), Filter(limit=PAGE, search="walnut")

    def check_budget() -> None:
        journal.reserve("budget", REQUEST, Application(), "d", 0.001, 1e9)

    def remove() -> None:
        with journal.transaction() as connection:
            connection.execute("DELETE FROM jobs WHERE id = 'budget'")

    print(f"\nwith {MANY} jobs")
    times = []
    for _ in range(20):
        times.append(milliseconds(check_budget))
        remove()
    report("reserve, with the budget check", times, "at most 2 ms")
    cases: dict[str, tuple[str, Callable[[], object]]] = {
        "history --limit 5": ("at most 50 ms", lambda: find_history(journal, Filter(limit=5))),
        "a page of the panel": ("at most 50 ms", lambda: read_page(journal, page)),
        "a page of failed jobs": (
            "",
            lambda: read_page(journal, Filter(limit=PAGE, states=(JobState.FAILED,))),
        ),
        "a search that finds nothing": (
            "at most 100 ms",
            lambda: find_history(journal, Filter(search="zebra")),
        ),
        "a page of a search": ("at most 100 ms", lambda: read_page(journal, searched)),
    }
    for name, (remark, call) in cases.items():
        report(name, [milliseconds(call) for _ in range(20)], remark)
    report("clean --dry-run", [milliseconds(lambda: clean(journal, 10, dry_run=True)) for _ in range(3)])
    before = peak_megabytes()
    took = milliseconds(lambda: sum(len(json.dumps(row(entry))) for entry in each(journal, Filter())))
    report("all as JSON, one by one", [took], f"{peak_megabytes() - before:.0f} MB more, at most 200 MB")


def bench_closed(folder: Path) -> None:
    """Looking into a journal that nobody has open, as a command does."""

    def look() -> None:
        reader = JournalReader(folder)
        find_history(reader, Filter(limit=5))
        reader.close()

    report("history --limit 5, closed", [milliseconds(look) for _ in range(20)], "at most 50 ms")


def peak_megabytes() -> float:
    """The most memory that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as name:
        folder = Path(name)
        journal = open_journal(folder)
        print(f"{'step':34}{'median':>12}{'95 %':>12}")
        bench_steps(journal)
        bench_looking_back(journal, folder)
        bench_many(journal)
        journal.close()
        bench_closed(folder)


if __name__ == "__main__":
    main()
