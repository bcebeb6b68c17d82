"""What the journal costs: each step of a request, with its waits for the disk, and looking back on many jobs.

python benchmarks/bench_journal.py [FOLDER]        a folder on the disk to measure
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from gpt_image_addon.core.glance import glance
from gpt_image_addon.core.history import Filter, find, look, row
from gpt_image_addon.core.journal import Journal
from gpt_image_addon.core.request import Application, GenerationRequest
from gpt_image_addon.core.results import keep

ROUNDS = 100
ENTRIES = 1000
SHOWN = 50  # rows that `history` prints
PAGE = 8  # rows that the panel draws
PICTURE = bytes(3_000_000)  # as heavy as a photograph of 1024 x 1024
REQUEST = GenerationRequest(prompt="weathered oak planks " * 5, provider="openai", model="gpt-image-2")
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
        "keep a picture of 3 MB": (
            "worker, synced",
            lambda job: keep(journal.results, job, datetime.now(), {"image-1.png": PICTURE}, {}),
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
        "history with sums and sizes": lambda: look(journal, Filter(limit=SHOWN)),
        "a page of the panel": lambda: glance(journal, Filter(limit=PAGE)),
        "a page of a search": lambda: glance(journal, Filter(limit=PAGE, search="walnut")),
        "spending of the month": journal.spent_usd,
        "experience for an estimate": lambda: journal.seen("gpt-image-2", "auto", "1024x1024"),
        "open and close": lambda: Journal(folder).close(),
    }
    for name, call in cases.items():
        report(name, [milliseconds(call) for _ in range(20)])


def main() -> None:
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as name:
        folder = Path(name)
        journal = Journal(folder)
        print(f"{'step':34}{'median':>12}{'95 %':>12}")
        bench_steps(journal)
        bench_looking_back(journal, folder)
        journal.close()


if __name__ == "__main__":
    main()
