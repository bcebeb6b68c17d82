"""Whole runs of `batch` in processes of their own: killed, resumed, held up, stopped."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gpt_image_addon.core.journal.entries import STORED
from gpt_image_addon.core.journal.recovery import open_journal
from gpt_image_addon.core.journal.states import JobState
from tests.api_server import ApiServer, faults

ROOT = Path(__file__).resolve().parents[2]
KILL_ROWS = int(os.environ.get("KILL_ROWS", "300"))  # 10000 takes some minutes
WORKERS = 16
KILLS = 5
SMALL = ("--size", "816x816", "--quality", "low", "--model", "gpt-image-2.5-flare")

pytestmark = [
    pytest.mark.bpy_module,
    pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows has no SIGKILL"),
]


class Runs:
    """Starts the command on one state folder."""

    def __init__(self, folder: Path, server: ApiServer) -> None:
        self.folder = folder
        self.server = server
        self.state = folder / "state"
        self.manifest = folder / "rows.jsonl"
        self.started: list[subprocess.Popen[str]] = []

    def write(self, count: int, first: int = 0) -> None:
        rows = ({"prompt": f"oak {number}"} for number in range(first, first + count))
        self.manifest.write_text("".join(json.dumps(row) + "\n" for row in rows))

    def start(self, *flags: str) -> subprocess.Popen[str]:
        environment = {
            **os.environ,
            "OPENAI_BASE_URL": self.server.base_url,
            "OPENAI_API_KEY": self.server.api_key,
            "GPT_IMAGE_DATA_DIR": str(self.state),
        }
        command = [sys.executable, "-m", "gpt_image_addon", "batch", str(self.manifest), *SMALL, *flags]
        process = subprocess.Popen(
            [*command, "--json"],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.started.append(process)
        return process

    def run(self, *flags: str) -> tuple[int, dict[str, Any]]:
        return ended(self.start(*flags))


def ended(process: subprocess.Popen[str]) -> tuple[int, dict[str, Any]]:
    out, said = process.communicate(timeout=900)
    assert out.strip(), said
    return process.returncode, json.loads(out.splitlines()[-1])


@pytest.fixture
def runs(tmp_path: Path, api_server: ApiServer) -> Iterator[Runs]:
    made = Runs(tmp_path, api_server)
    yield made
    for process in made.started:
        process.kill()
        process.communicate()


def wait_for(server: ApiServer, condition: Callable[[ApiServer], bool]) -> None:
    assert server.wait_until(condition, timeout=300)


def prompts(server: ApiServer) -> Counter[str]:
    """Of the requests that arrived whole: a process killed while it sends leaves one without a body."""
    return Counter(record.fields["prompt"] for record in server.image_requests if record.fields)


def test_killed_five_times_and_resumed(runs: Runs, api_server: ApiServer) -> None:
    runs.write(KILL_ROWS)
    api_server.options.latency = 0.02
    for kill in range(1, KILLS + 1):
        process = runs.start("--concurrency", str(WORKERS))
        goal = kill * KILL_ROWS // (KILLS + 2)
        wait_for(api_server, lambda server, goal=goal: len(server.image_requests) >= goal)
        process.send_signal(signal.SIGKILL)
        process.wait()
    code, output = runs.run("--concurrency", str(WORKERS))
    assert output["rows"] == KILL_ROWS and output["failed"] == 0
    assert output["succeeded"] + output["skipped"] + output["unknown"] == KILL_ROWS
    assert output["unknown"] <= KILLS * WORKERS
    assert code == (7 if output["unknown"] else 0)
    assert set(prompts(api_server).values()) == {1}, "a row was sent twice"
    unknown = {row["row"] for row in output["results"] if row["state"] == "unknown"}
    if unknown:
        report = Path(output["report"]).read_text().splitlines()
        assert {json.loads(line)["row"] for line in report} == unknown
    check_ledger(runs, api_server, output["unknown"])

    code, output = runs.run("--concurrency", str(WORKERS), "--retry-unknown")
    assert (code, output["unknown"], output["failed"]) == (0, 0, 0)
    assert output["succeeded"] == len(unknown)
    assert len(list((runs.folder / "rows-pictures").glob("*.png"))) == KILL_ROWS
    check_ledger(runs, api_server, len(unknown))


def check_ledger(runs: Runs, server: ApiServer, unknown: int) -> None:
    """What is spent, and what the UNKNOWN rows were billed for, is the server's bill."""
    journal = open_journal(runs.state)
    try:
        entries = journal.entries()
    finally:
        journal.close()
    stored = [entry for entry in entries if entry.state in STORED]
    known = {entry.request_id for entry in stored}
    spent = sum(entry.cost_usd or 0.0 for entry in stored)
    billed = [record for record in server.image_requests if record.billed and record.request_id not in known]
    # What was read from the body that a killed process kept has no request id: those were in the headers.
    from_bodies = Counter(entry.request.prompt for entry in stored if entry.request_id is None)
    lost = []
    for record in billed:
        if from_bodies[record.fields["prompt"]]:
            from_bodies[record.fields["prompt"]] -= 1
        else:
            lost.append(record)
    assert not from_bodies.total(), "nothing is spent for which the server has no request"
    assert spent + sum(record.cost_usd for record in lost) == pytest.approx(server.bill_usd)
    states = Counter(entry.state for entry in entries)
    assert states[JobState.UNKNOWN] == unknown and len(lost) <= unknown
    named = {entry.request.prompt for entry in entries if entry.state is JobState.UNKNOWN}
    assert {record.fields["prompt"] for record in lost} <= named


def most_in_a_window(times: list[float], seconds: float) -> int:
    times = sorted(times)
    return max(sum(1 for t in times if start <= t < start + seconds) for start in times)


def test_three_processes_share_one_rate(runs: Runs, api_server: ApiServer) -> None:
    """The server allows 42 in its minute of 6 s and refuses the 43rd; each process was told of 6 a second for
    all. Without that, the 60 would come at once."""
    window, allowed = 6.0, 42
    runs.write(60)
    api_server.options.minute = window
    api_server.options.requests_per_minute = allowed
    processes = [
        runs.start("--images-per-minute", "360", "--part", f"{part}/3", "--concurrency", "8")
        for part in (1, 2, 3)
    ]
    for process in processes:
        code, output = ended(process)
        assert code == 0, output
        assert (output["succeeded"], output["failed"]) == (20, 0)
    assert Counter(record.status for record in api_server.image_requests) == {200: 60}
    assert most_in_a_window([record.received_at for record in api_server.image_requests], window) <= allowed


def test_a_refusal_slows_all_processes(runs: Runs, api_server: ApiServer) -> None:
    """Nobody was told of the limit: the waits that the server names are kept by everybody."""
    runs.write(60)
    api_server.options.minute = 1.0
    api_server.options.requests_per_minute = 12
    processes = [runs.start("--part", f"{part}/3", "--concurrency", "8") for part in (1, 2, 3)]
    for process in processes:
        code, output = ended(process)
        assert (code, output["succeeded"], output["failed"], output["unknown"]) == (0, 20, 0, 0)
    answered = [record for record in api_server.image_requests if record.status == 200]
    refused = [record for record in api_server.image_requests if record.status == 429]
    assert len(answered) == 60 and set(prompts(api_server)) == {f"oak {number}" for number in range(60)}
    assert len(answered) + len(refused) == len(api_server.image_requests)
    assert refused


def test_ctrl_c_waits_for_what_is_paid(runs: Runs, api_server: ApiServer) -> None:
    runs.write(40)
    api_server.options.latency = 0.5
    process = runs.start("--concurrency", "4")
    wait_for(api_server, lambda server: len(server.image_requests) >= 4)
    process.send_signal(signal.SIGINT)
    code, output = ended(process)
    assert (code, output["state"]) == (130, "interrupted")
    sent = len(api_server.image_requests)
    assert output["succeeded"] == sent < 40 and output["unfinished"] == 40 - sent
    assert output["cost_usd"] == pytest.approx(api_server.bill_usd)
    assert (output["failed"], output["unknown"]) == (0, 0)


def test_a_second_ctrl_c_gives_up_and_names_what_may_be_billed(runs: Runs, api_server: ApiServer) -> None:
    runs.write(10)
    api_server.script(*[faults.stall("processing") for _ in range(4)])
    process = runs.start("--concurrency", "4")
    wait_for(api_server, lambda server: len(server.stalled) == 4)
    process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    assert ended(process)[0] == 130
    api_server.release()
    code, output = runs.run()
    assert (code, output["unknown"], output["succeeded"]) == (7, 4, 6)


def test_one_row_is_sent_once_by_two_processes(runs: Runs, api_server: ApiServer) -> None:
    runs.write(30)
    api_server.options.latency = 0.05
    first, second = runs.start(), runs.start()
    outputs = [ended(first)[1], ended(second)[1]]
    assert set(prompts(api_server).values()) == {1} and len(prompts(api_server)) == 30
    assert sum(output["succeeded"] for output in outputs) == 30
    assert runs.run()[1]["skipped"] == 30


def test_a_wrong_key_ends_the_run(runs: Runs, api_server: ApiServer) -> None:
    runs.write(50)
    api_server.options.latency = 0.05
    api_server.script(*[faults.error("invalid_api_key") for _ in range(2)])
    code, output = runs.run("--concurrency", "2")
    assert (code, output["state"], output["error"]["type"]) == (3, "failed", "AuthenticationError")
    assert output["failed"] + output["succeeded"] + output["unfinished"] == 50
    assert output["unfinished"] > 40
    assert output["cost_usd"] == pytest.approx(api_server.bill_usd)
