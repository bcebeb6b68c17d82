"""How commands end: by signals while something is paid for, and with nobody who listens to what they say."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from gpt_image_addon.core.journal.journal import Entry
from gpt_image_addon.core.journal.recovery import open_journal
from gpt_image_addon.core.journal.states import JobState
from tests.api_server import ApiServer, faults

ROOT = Path(__file__).resolve().parents[2]
OFFLINE = ("--provider", "offline", "--size", "64x64", "--target", "image")
SMALL = ("--size", "816x816", "--quality", "low", "--model", "gpt-image-2.5-flare", "--target", "image")
ENDING = [name for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]

pytestmark = [
    pytest.mark.bpy_module,
    pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="Windows has none of these signals"),
]


def hear_signals() -> None:
    """Whoever runs the tests may have switched some off, as nohup does."""
    for name in ENDING:
        signal.signal(getattr(signal, name), signal.SIG_DFL)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def start(tmp_path: Path, state: Path, api_server: ApiServer) -> Iterator[Callable[..., Any]]:
    """Starts the program, or a shell line in which "$@" stands for it."""
    started: list[subprocess.Popen[bytes]] = []

    def begin(*argv: object, shell: str = "", **values: Any) -> subprocess.Popen[bytes]:
        command: Sequence[str] = [sys.executable, "-m", "gpt_image_addon", *map(str, argv)]
        environment = {
            **os.environ,
            "OPENAI_BASE_URL": api_server.base_url,
            "OPENAI_API_KEY": api_server.api_key,
            "GPT_IMAGE_DATA_DIR": str(state),
            "PYTHONPATH": str(ROOT),
        }
        if shell:
            command = ["sh", "-c", shell, "sh", *command]
        process = subprocess.Popen(
            command,
            cwd=tmp_path,
            env=environment | values.pop("env", {}),
            preexec_fn=hear_signals,
            **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **values},
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def ended(process: subprocess.Popen[bytes]) -> tuple[int, bytes, str]:
    out, err = process.communicate(timeout=120)
    text = (err or b"").decode("utf-8", "replace")
    assert "Traceback" not in text and "Exception ignored" not in text, text
    return process.returncode, out or b"", text


def entries(state: Path) -> list[Entry]:
    journal = open_journal(state)
    try:
        return journal.entries()
    finally:
        journal.close()


@pytest.mark.parametrize("name", ENDING)
def test_a_single_request_is_waited_for(start: Any, state: Path, api_server: ApiServer, name: str) -> None:
    api_server.options.latency = 4.0
    process = start("generate", "oak", *SMALL, "--json")
    assert api_server.wait_until(lambda server: bool(server.image_requests), 60)
    time.sleep(0.3)
    process.send_signal(getattr(signal, name))
    code, out, err = ended(process)
    (entry,) = entries(state)
    assert entry.state is JobState.RECEIVED
    assert entry.folder is not None and list(entry.folder.glob("image-1.*"))
    assert entry.cost_usd == pytest.approx(api_server.bill_usd) and api_server.bill_usd > 0
    error = json.loads(out.splitlines()[-1])["error"]
    assert (code, error["type"], error["billed"]) == (130, "JobCancelled", "yes")
    assert entry.id in error["message"] and "waiting for its answer" in err


def test_the_second_signal_gives_up(start: Any, state: Path, api_server: ApiServer) -> None:
    api_server.script(faults.stall("processing"))
    process = start("generate", "oak", *SMALL, "--json")
    assert api_server.wait_until(lambda server: bool(server.stalled), 60)
    time.sleep(0.3)
    process.send_signal(signal.SIGTERM)
    time.sleep(1.0)
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    code, out, _ = ended(process)
    assert (code, json.loads(out.splitlines()[-1])["error"]["billed"]) == (130, "maybe")
    assert [entry.state for entry in entries(state)] == [JobState.UNKNOWN]


def test_nothing_is_sent_again_after_a_signal(start: Any, state: Path, api_server: ApiServer) -> None:
    """The server has refused, and the next try is some seconds away."""
    api_server.script(*[faults.error("rate_limit_exceeded", headers={"retry-after": "20"})] * 3)
    process = start("generate", "oak", *SMALL, "--json")
    assert api_server.wait_until(lambda server: bool(server.image_requests), 60)
    time.sleep(0.5)
    started = time.monotonic()
    process.send_signal(signal.SIGTERM)
    code, out, _ = ended(process)
    assert time.monotonic() - started < 10 and len(api_server.image_requests) == 1
    assert (code, json.loads(out.splitlines()[-1])["error"]["billed"]) == (130, "no")
    assert [entry.state for entry in entries(state)] == [JobState.CANCELLED]


def test_no_further_request_is_begun(start: Any, state: Path, api_server: ApiServer) -> None:
    api_server.options.latency = 4.0
    process = start("generate", "oak", *SMALL[:-1], "material", "--height-by-model", "--json")
    assert api_server.wait_until(lambda server: bool(server.image_requests), 60)
    time.sleep(0.3)
    process.send_signal(signal.SIGTERM)
    assert ended(process)[0] == 130
    assert len(api_server.image_requests) == 1
    assert [entry.state for entry in entries(state)] == [JobState.RECEIVED]


@pytest.mark.parametrize("name", ENDING)
def test_a_batch_waits_for_what_is_paid(
    start: Any, state: Path, api_server: ApiServer, tmp_path: Path, name: str
) -> None:
    manifest = tmp_path / "rows.jsonl"
    manifest.write_text("".join(json.dumps({"prompt": f"oak {number}"}) + "\n" for number in range(20)))
    api_server.options.latency = 1.0
    process = start("batch", manifest, *SMALL, "--concurrency", 3, "--json")
    assert api_server.wait_until(lambda server: len(server.image_requests) >= 3, 60)
    process.send_signal(getattr(signal, name))
    code, out, _ = ended(process)
    output = json.loads(out.splitlines()[-1])
    sent = len(api_server.image_requests)
    assert (code, output["state"], output["succeeded"], output["unknown"]) == (130, "interrupted", sent, 0)
    assert {entry.state for entry in entries(state)} == {JobState.APPLIED} and sent < 20


def test_a_batch_that_is_given_up_says_that_it_may_have_cost(
    start: Any, api_server: ApiServer, tmp_path: Path
) -> None:
    manifest = tmp_path / "rows.jsonl"
    manifest.write_text('{"prompt": "oak"}\n{"prompt": "ash"}\n')
    api_server.script(faults.stall("processing"), faults.stall("processing"))
    process = start("batch", manifest, *SMALL, "--json")
    assert api_server.wait_until(lambda server: len(server.stalled) == 2, 60)
    process.send_signal(signal.SIGHUP)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    code, out, err = ended(process)
    assert (code, json.loads(out.splitlines()[-1])["error"]["billed"]) == (130, "maybe")
    assert "may have been billed" in err


def test_nohup_keeps_its_meaning(start: Any, state: Path, api_server: ApiServer) -> None:
    api_server.options.latency = 4.0
    process = start("generate", "oak", *SMALL, "--json", shell='trap "" HUP; exec "$@"')
    assert api_server.wait_until(lambda server: bool(server.image_requests), 60)
    process.send_signal(signal.SIGHUP)
    code, out, _ = ended(process)
    assert (code, json.loads(out.splitlines()[-1])["state"]) == (0, "succeeded")


@pytest.mark.parametrize("name", ["SIGINT", *ENDING])
def test_a_verb_that_sends_nothing_ends(start: Any, tmp_path: Path, name: str) -> None:
    """Tiling a large image takes seconds; pressed more than once, too."""
    made = start(
        "generate", "bricks", "--provider", "offline", "--size", "2048x2048", "--target", "image", "--json"
    )
    file = json.loads(ended(made)[1].splitlines()[-1])["images"][0]["file"]
    process = start("maps", file, "--seamless", "--output-dir", tmp_path / "maps", "--json", "-v")
    time.sleep(2.5)
    with contextlib.suppress(ProcessLookupError):
        for _ in range(3):
            process.send_signal(getattr(signal, name))
            time.sleep(0.05)
    code, out, err = ended(process)
    assert code in (130, 0, -getattr(signal, name)), err  # the last: Blender was still being loaded
    if out:
        output = json.loads(out.splitlines()[-1])
        assert output["state"] == ("failed" if code else "succeeded")
        assert not code or output["error"]["billed"] == "no"


ENDS: dict[str, str] = {
    "closed": '"$@" >&-',
    "full": '"$@" > /dev/full',
    "read-only": '"$@" 1< /dev/null',
    "all closed": '"$@" <&- >&- 2>&-',
    "all full": '"$@" > /dev/full 2>&1',
    "no error": '"$@" 2>&- | cat >/dev/null',
}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device")
@pytest.mark.parametrize("kind", ENDS)
def test_a_success_is_one_whatever_hears_of_it(start: Any, state: Path, kind: str) -> None:
    code, _, err = ended(start("generate", "oak", *OFFLINE, "--json", shell=ENDS[kind]))
    assert code == 0
    assert [entry.state for entry in entries(state)] == [JobState.APPLIED]
    if kind in ("closed", "full", "read-only"):
        assert "gpt_image: the JSON could not be printed" in err and len(err.splitlines()) < 8


def test_a_pipe_that_nobody_reads(start: Any, tmp_path: Path) -> None:
    for _ in range(2):
        assert ended(start("generate", "oak", *OFFLINE))[0] == 0
    unread, cut = '{ "$@"; echo $? > code; } | true', '{ "$@"; echo $? > code; } 2>&1 | head -1 > /dev/null'
    for shell, argv in ((unread, ("history", "--json")), (cut, ("history",)), (unread, ("batch", "--help"))):
        (tmp_path / "code").unlink(missing_ok=True)
        _, _, err = ended(start(*argv, shell=shell))
        assert (tmp_path / "code").read_text() == "0\n", err


def test_a_failure_stays_one(start: Any) -> None:
    code, _, err = ended(start("generate", "oak", "--size", "9x9", *OFFLINE[:2], "--json", shell='"$@" >&-'))
    assert code == 4 and "could not be printed" in err


def test_a_report_that_can_not_be_written(start: Any, tmp_path: Path, state: Path) -> None:
    """The folder vanishes while the request is under way."""
    from gpt_image_addon import cli

    folder = tmp_path / "reports"
    folder.mkdir()
    options = cli.parser().parse_args(["models", "--json-file", str(folder / "x.json")])
    folder.rmdir()
    output = {"schema": 1, "state": "succeeded"}
    assert cli._report(options, output, cli.ExitCode.DONE) == 0
    options.json_file = Path("/dev/full")
    assert cli._report(options, output, cli.ExitCode.DONE) == 0
    assert cli._report(options, output, cli.ExitCode.TEMPORARY) == 6


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_characters_that_the_terminal_does_not_have(
    start: Any, state: Path, tmp_path: Path, encoding: str
) -> None:
    """Neither the encoding of a terminal nor a folder whose name is no UTF-8 makes a failure of a success."""
    odd = os.fsdecode(os.fsencode(tmp_path) + b"/\xe4 \xe2\x80\xae")
    process = start(
        *("generate", "橡木 “oak”", *OFFLINE, "--json", "--json-file", "x.json"),
        env={"PYTHONIOENCODING": encoding, "GPT_IMAGE_DATA_DIR": odd},
    )
    code, out, _ = ended(process)
    assert code == 0
    for text in (out.splitlines()[-1].decode(encoding), (tmp_path / "x.json").read_text("utf-8")):
        assert json.loads(text)["state"] == "succeeded"


def test_a_broken_blend_is_a_usage_error(start: Any, tmp_path: Path) -> None:
    (tmp_path / "x.blend").write_bytes(b"BLENDER-v405 no")
    for name in ("x.blend", "none.blend"):
        code, out, err = ended(start("--blend", name, "models", "--json"))
        assert code == 2 and name in json.loads(out.splitlines()[-1])["error"]["message"] and name in err


def test_a_user_without_a_home_is_told(start: Any) -> None:
    """As in containers; `~` of a user that nobody knows is as hard to find."""
    code, out, _ = ended(start("history", "--json", env={"GPT_IMAGE_DATA_DIR": "~nobody-of-that-name/x"}))
    error = json.loads(out.splitlines()[-1])["error"]
    assert (code, error["type"]) == (3, "ConfigurationError") and "GPT_IMAGE_DATA_DIR" in error["message"]
