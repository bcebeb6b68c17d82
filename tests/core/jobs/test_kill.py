"""Processes that are killed in the middle of everything: nothing paid is lost, nothing is paid twice."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from gpt_image_addon.core.jobs.postprocess import prepare
from gpt_image_addon.core.journal.entries import STORED
from gpt_image_addon.core.journal.journal import Entry, Journal
from gpt_image_addon.core.journal.recovery import open_journal, recover_all
from gpt_image_addon.core.journal.states import JobState
from tests.api_server import ApiServer

ROOT = Path(__file__).resolve().parents[3]
CHILD = "tests.core.kill_child"
STEPS = (
    "reserve",
    "sending",
    "generate",
    "send",
    "keep",
    "finish",
    "received",
    "prepare",
    "applied",
    "settle",
)
FILES_WRITTEN = 3  # answer.json and two images
LINE_KILLS = 120
TIMED_KILLS = 60

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows has neither fork nor SIGKILL")


@dataclass
class Nursery:
    """Starts runs and keeps what they said."""

    process: subprocess.Popen[str]
    state: Path
    on_disk: set[str] = field(default_factory=set)
    """Hashes of the images that were written and synced before the death."""
    kills: int = 0
    runs: int = 0
    lines: int = 0

    def run(self, *kill: Any) -> None:
        assert self.process.stdin and self.process.stdout
        self.runs += 1
        print(json.dumps({"prompt": f"oak {self.runs}", "kill": kill}), file=self.process.stdin, flush=True)
        for line in self.process.stdout:
            word, *rest = line.split(maxsplit=1)
            assert word != "ERROR", rest
            if word == "ON_DISK":
                self.on_disk.add(rest[0].strip())
            elif word == "LINES":
                self.lines = int(rest[0])
            elif word == "END":
                self.kills += int(rest[0]) == signal.SIGKILL
                return
        raise AssertionError("the nursery itself died")


@pytest.fixture
def nursery(tmp_path: Path, api_server: ApiServer) -> Iterator[Nursery]:
    state = tmp_path / "state"
    command = [sys.executable, "-m", CHILD, str(state), api_server.base_url, api_server.api_key]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield Nursery(process, state)
        assert process.stdin
        process.stdin.close()


def check(nursery: Nursery, server: ApiServer) -> Counter[JobState]:
    """What must hold after any number of deaths; returns how the jobs ended."""
    journal = open_journal(nursery.state)
    try:
        assert journal.query("PRAGMA integrity_check")[0][0] == "ok"
        recover_all(journal)
        entries = {entry.request.prompt: entry for entry in journal.entries()}
        whole = [record for record in server.image_requests if record.fields]
        assert not any(record.billed for record in server.image_requests if not record.fields)
        records = {record.fields["prompt"]: record for record in whole}
        assert len(records) == len(whole), "a request was sent twice"
        assert set(records) <= set(entries), "a request was sent without a row"
        for prompt, entry in entries.items():
            check_entry(entry, records.get(prompt))
        check_images(nursery, journal)
        known = [records[prompt] for prompt, entry in entries.items() if entry.state in STORED]
        assert journal.spent_usd() == pytest.approx(sum(record.cost_usd for record in known))
        lost = [r for r in records.values() if r.billed and entries[r.fields["prompt"]].state not in STORED]
        assert {entries[r.fields["prompt"]].state for r in lost} <= {JobState.UNKNOWN}
        assert journal.spent_usd() + sum(r.cost_usd for r in lost) == pytest.approx(server.bill_usd)
        assert not list(journal.results.glob("*/*.part"))
        return Counter(entry.state for entry in entries.values())
    finally:
        journal.close()


def check_entry(entry: Entry, record: Any) -> None:
    """A job's end agrees with what the server saw of it."""
    if entry.state in STORED:
        assert record is not None and record.billed and entry.request_id == record.request_id
        assert entry.cost_usd == pytest.approx(record.cost_usd)
        assert entry.folder is not None
        prepared = prepare(entry.id, entry.request, entry.application, entry.folder)
        assert {image.sha256 for image in prepared.images} <= set(record.answers)
    elif entry.state is JobState.UNKNOWN:
        assert entry.billed == "maybe"
    else:
        assert entry.state is JobState.CANCELLED and record is None


def check_images(nursery: Nursery, journal: Journal) -> None:
    """Every image that was whole on the disk can be recovered."""
    found = set()
    for entry in journal.entries(*STORED):
        assert entry.folder is not None
        prepared = prepare(entry.id, entry.request, entry.application, entry.folder)
        found |= {image.sha256 for image in prepared.images}
    assert nursery.on_disk and nursery.on_disk <= found


def test_killed_at_each_step(nursery: Nursery, api_server: ApiServer) -> None:
    kills = [("step", when, step, 1) for step in STEPS for when in ("before", "after")]
    kills += [("step", when, "write", n + 1) for n in range(FILES_WRITTEN) for when in ("before", "after")]
    for kill in kills:
        nursery.run(*kill)
    assert nursery.kills == len(kills) == 26
    ends = check(nursery, api_server)
    assert set(ends) == {JobState.CANCELLED, JobState.UNKNOWN, JobState.RECEIVED, JobState.APPLIED}


def test_killed_at_any_line(nursery: Nursery, api_server: ApiServer) -> None:
    nursery.run("none")  # makes the journal; the others find it
    nursery.run("line", 0)
    assert nursery.lines > 3 * LINE_KILLS
    for number in range(LINE_KILLS):
        nursery.run("line", 1 + number * (nursery.lines - 1) // LINE_KILLS)
    assert nursery.kills >= 100  # the number of lines varies a little
    check(nursery, api_server)


def test_killed_at_any_time(nursery: Nursery, api_server: ApiServer) -> None:
    nursery.run("none")
    dice = random.Random(3)
    for _ in range(TIMED_KILLS):
        nursery.run("time", dice.uniform(0.0, 0.12))
    assert nursery.kills > 0
    check(nursery, api_server)
