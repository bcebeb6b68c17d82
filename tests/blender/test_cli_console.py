"""What the command line tells people: help, progress in a terminal only, loudness, and Ctrl-C."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from gpt_image_addon import cli
from gpt_image_addon.cli import reference
from gpt_image_addon.cli.console import bar
from gpt_image_addon.core.errors import ExitCode
from tests.api_server import ApiServer, faults

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "gpt_image_addon").rglob("*.py"))
DRAFT = ("generate", "red bricks", "--provider", "offline", "--size", "512x512", "--target", "image")


@contextmanager
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Stderr is a terminal; what was drawn on it is in the list afterwards."""
    ours, theirs = os.openpty()
    monkeypatch.setenv("TERM", "xterm")
    drawn: list[str] = []
    pieces: list[bytes] = []

    def read() -> None:
        while True:
            try:
                piece = os.read(ours, 4096)
            except OSError:  # the other end is closed
                return
            pieces.append(piece)

    reader = threading.Thread(target=read)
    reader.start()
    with monkeypatch.context() as patch, os.fdopen(theirs, "w") as stream:
        patch.setattr(sys, "stderr", stream)
        yield drawn
    reader.join(10)
    os.close(ours)
    drawn.append(b"".join(pieces).decode())


@pytest.fixture
def slow(api_server: ApiServer, monkeypatch: pytest.MonkeyPatch) -> ApiServer:
    """A server that lets one wait long enough to see it."""
    monkeypatch.setenv("OPENAI_BASE_URL", api_server.base_url)
    monkeypatch.setenv("OPENAI_API_KEY", api_server.api_key)
    api_server.options.latency = 0.8
    return api_server


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo terminals in Python")
def test_a_bar_in_a_terminal(slow: ApiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    with terminal(monkeypatch) as drawn:
        assert cli.main(["generate", "oak", "--target", "image", "--quality", "low"]) == 0
    lines = drawn[0].split("\r")
    bars = [line for line in lines if line.startswith("[##--")]
    assert bars and all("Waiting for the image" in line and "10%" in line for line in bars)
    last = re.split(r"[\r\n]+", drawn[0].strip())[-1]
    assert last.startswith("oak: ") and last.endswith(".png"), "the bar is gone when the result is told"


def test_no_progress_outside_a_terminal(slow: ApiServer, capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["generate", "oak", "--target", "image", "--quality", "low"]) == 0
    told = capfd.readouterr().err
    assert told.startswith("oak: ") and told.count("\n") == 1


def test_verbose_tells_each_step_once(slow: ApiServer, capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["generate", "oak", "--target", "image", "--quality", "low", "-v"]) == 0
    assert capfd.readouterr().err.count("[ 10%] Waiting for the image") == 1
    slow.script(faults.error("slow_down"), faults.ok())
    assert cli.main(["generate", "ash", "--target", "image", "--quality", "low", "-v"]) == 0
    told = capfd.readouterr().err
    assert told.count("[ 10%] Trying again in ") == 1
    assert "DEBUG gpt_image_addon.core.http.client: POST http://127.0.0.1" in told
    assert slow.api_key not in told


def test_quiet_tells_only_what_went_wrong(slow: ApiServer, capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["generate", "oak", "--target", "image", "--quality", "low", "-q"]) == 0
    assert capfd.readouterr().err == ""
    slow.script(faults.error("moderation_blocked"))
    assert cli.main(["generate", "birch", "--target", "image", "--quality", "low", "-q"]) == 4
    assert capfd.readouterr().err.splitlines() == [
        "gpt_image: The safety system blocked the request at the prompt (violence). "
        "Change the prompt or the reference; the same request will be refused again."
    ]


def test_loudness_ends_with_the_command(capfd: pytest.CaptureFixture[str]) -> None:
    import logging

    cli.main(["models", "-v"])
    logger = logging.getLogger("gpt_image_addon")
    assert (logger.handlers, logger.level, logger.propagate) == ([], logging.NOTSET, True)
    assert cli.main(["models", "-q", "-v"]) == 2


@pytest.mark.parametrize(
    ("share", "text", "width", "line"),
    [
        (0.0, "Waiting", 80, "[--------------------]   0%    7 s  Waiting"),
        (0.5, "Preview 1", 80, "[##########----------]  50%    7 s  Preview 1"),
        (7.0, "Done", 80, "[####################] 100%    7 s  Done"),
        (0.5, "a sentence that is cut", 40, "[##########----------]  50%    7 s  a se"),
    ],
)
def test_bars(share: float, text: str, width: int, line: str) -> None:
    assert bar(share, text, 7.2, width).rstrip() == line[: width - 1].rstrip()


@pytest.mark.parametrize("verb", cli.VERBS)
def test_help_teaches(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Every flag is explained, and every verb has examples that parse."""
    parser = cli.parser()
    (verbs,) = (action for action in parser._actions if action.dest == "verb")
    flags = verbs.choices[verb]._actions
    assert [action.dest for action in flags if not action.help] == []
    assert cli.main([verb, "--help"]) == 0
    told = capsys.readouterr().out
    assert "examples:" in told and "keys of the JSON object: schema, state, " in told
    assert verbs.choices[verb].description
    for arguments, what in reference.EXAMPLES[verb]:
        assert what and parser.parse_args([verb, *shlex.split(arguments)])


def test_the_programs_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--help"]) == 0
    told = capsys.readouterr().out
    assert all(f"  {code:<4} " in told for code in ExitCode)
    assert all(verb in told for verb in cli.VERBS)


def test_every_variable_is_explained() -> None:
    """What the sources read is what the manual names."""
    found = {
        name
        for path in SOURCES
        if path.name != "manual.py"
        for name in re.findall(r"\b(?:OPENAI|COMFY|GPT_IMAGE)_[A-Z_]+\b", path.read_text("utf-8"))
        if not name.startswith(("GPT_IMAGE_OT", "GPT_IMAGE_PT", "GPT_IMAGE_PG", "GPT_IMAGE_AP"))
        and not re.match(r"GPT_IMAGE_[A-Z]{2}_", name)
        and not name.endswith("_")
    }
    assert found == set(reference.ENVIRONMENT)


def test_every_exit_code_is_explained() -> None:
    assert set(reference.EXIT_CODES) == set(ExitCode)


def interrupt(ready: Callable[[subprocess.Popen[str]], Any], *argv: str) -> tuple[int, dict[str, Any], str]:
    """Run the program, press Ctrl-C when it is ready for that; its code, JSON and remaining words."""
    command = [sys.executable, "-m", "gpt_image_addon", *argv, "--json", "--verbose"]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert ready(process)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=60)
        finally:
            process.kill()
    return process.returncode, json.loads(out.splitlines()[-1]), err


def check_interrupted(found: tuple[int, dict[str, Any], str], billed: str, words: str) -> None:
    code, output, told = found
    assert (code, output["state"]) == (130, "failed")
    assert (output["error"]["type"], output["error"]["billed"]) == ("JobCancelled", billed)
    assert "gpt_image: Interrupted." in told and words in told
    assert "Traceback" not in told


@pytest.mark.bpy_module
def test_ctrl_c_while_nothing_is_open(slow: ApiServer) -> None:
    slow.script(faults.error("rate_limit_exceeded"), faults.error("rate_limit_exceeded"))
    found = interrupt(
        lambda process: any("Trying again in 12 s" in line for line in process.stderr), "generate", "oak"
    )
    check_interrupted(found, "no", "Nothing was billed.")


@pytest.mark.bpy_module
def test_ctrl_c_while_the_server_works(slow: ApiServer, capsys: pytest.CaptureFixture[str]) -> None:
    slow.script(faults.stall("processing"))
    found = interrupt(
        lambda process: slow.wait_until(lambda server: bool(server.stalled), 60), "generate", "oak"
    )
    check_interrupted(found, "maybe", "It may have been billed")
    assert cli.main(["recover", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out.splitlines()[-1])["unknown"]) == 1


@pytest.mark.bpy_module
def test_ctrl_c_offline_costs_nothing() -> None:
    flags = ("--provider", "offline", "--size", "3840x2160", "--n", "10")
    found = interrupt(
        lambda process: any("Waiting for the image" in line for line in process.stderr),
        *("generate", "red bricks", *flags),
    )
    check_interrupted(found, "no", "Nothing was billed.")
