"""Answers of the Batch API that are odd in one place: everything else is fetched, and what came is kept."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gpt_image_addon import cli
from gpt_image_addon.core.batch import remote, remote_collection
from gpt_image_addon.core.journal.recovery import open_journal
from gpt_image_addon.core.journal.states import JobState
from tests.api_server import ApiServer, faults

FLAGS = ("--via", "batch-api", "--quality", "low", "--model", "gpt-image-2.5-flare", "--size", "816x816")
NAMES = ("a", "b", "c")
BROKEN = b"\xff\xfe"


@pytest.fixture
def run(
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    api_server: ApiServer,
    tmp_path: Path,
) -> Any:
    monkeypatch.setenv("OPENAI_BASE_URL", api_server.base_url)
    monkeypatch.setenv("OPENAI_API_KEY", api_server.api_key)
    monkeypatch.delenv("GPT_IMAGE_PROVIDER", raising=False)
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps({"prompt": name, "id": name}) + "\n" for name in NAMES))

    def command(*argv: str) -> tuple[int, dict[str, Any]]:
        capfd.readouterr()
        code = cli.main(["batch", str(path), *FLAGS, *argv, "--json"])
        return code, json.loads(capfd.readouterr().out.splitlines()[-1])

    return command


def finish(server: ApiServer) -> None:
    """Let every batch of the server end."""
    for batch in server.desk.batches():
        while server.desk.look(batch.facts["id"], server.options)["status"] != "completed":
            pass


def jobs(state: Path) -> dict[str, tuple[str, JobState]]:
    """Id and state of each row's job, by its prompt."""
    journal = open_journal(state)
    try:
        return {entry.request.prompt: (entry.id, entry.state) for entry in journal.entries()}
    finally:
        journal.close()


def tamper(server: ApiServer, change: Callable[[list[bytes]], list[bytes]]) -> None:
    """Change the lines of the only output file."""
    (batch,) = server.desk.batches()
    file = server.desk.file(batch.facts["output_file_id"])
    data = b"".join(change(file.data.splitlines(keepends=True)[::-1]))  # the server keeps no order
    server.desk._files[file.id] = dataclasses.replace(file, data=data)


def states(output: dict[str, Any]) -> dict[str, str]:
    return {row["row"]: row["state"] for row in output["results"]}


Lines = list[bytes]
Change = Callable[[Lines], Lines]


def instead_of_the_first(line: bytes) -> Change:
    return lambda lines: [line + b"\n", *lines[1:]]


def changed(**values: Any) -> Change:
    """The first line with other values."""
    return lambda lines: [json.dumps({**json.loads(lines[0]), **values}).encode() + b"\n", *lines[1:]]


def without(name: str) -> Change:
    def change(lines: Lines) -> Lines:
        found = json.loads(lines[0])
        del found[name]
        return [json.dumps(found).encode() + b"\n", *lines[1:]]

    return change


def in_body(body: Any) -> Change:
    return changed(response={"status_code": 200, "request_id": "r", "body": body})


ODD_LINES: dict[str, tuple[Change, str, bool]] = {
    # what is done, how its row ends, whether the line is kept
    "not JSON": (instead_of_the_first(b"{"), "unknown", True),
    "a number": (instead_of_the_first(b"5"), "unknown", True),
    "a list": (instead_of_the_first(b"[]"), "unknown", True),
    "no custom_id": (without("custom_id"), "unknown", True),
    "a custom_id that is no text": (changed(custom_id={"a": 1}), "unknown", True),
    "a custom_id of nobody": (changed(custom_id="0123456789ab"), "unknown", True),
    "deep": (instead_of_the_first(b'{"a":' * 100_000), "unknown", True),
    "a long number": (instead_of_the_first(b'{"custom_id":' + b"9" * 5000 + b"}"), "unknown", True),
    "an error object": (changed(response=None, error={"code": "x", "message": "no"}), "failed", False),
    "an error that is a text": (changed(response=None, error="no"), "failed", False),
    "an error inside a success": (in_body({"error": {"code": "x", "message": "no"}}), "unknown", True),
    "an answer of another form": (changed(response=[1]), "failed", True),
    "a status that is a text": (changed(response={"status_code": "fine", "body": {}}), "failed", True),
    "no data": (in_body({"created": 1}), "failed", True),
    "data that is a number": (in_body({"data": 5}), "failed", True),
    "an image that is no base64": (in_body({"data": [{"b64_json": "???"}]}), "failed", True),
    "twice": (lambda lines: [lines[0], lines[0], *lines[1:]], "succeeded", True),
    "broken UTF-8 beside": (
        lambda lines: [
            lines[0].replace(b'"status_code"', b'"' + BROKEN + b'": 1, "status_code"'),
            *lines[1:],
        ],
        "succeeded",
        False,
    ),
    "broken UTF-8 alone": (instead_of_the_first(BROKEN), "unknown", True),
    "empty lines": (lambda lines: [b"\n", b"\r\n", *lines, b"\n"], "succeeded", False),
    "a byte order mark": (lambda lines: [b"\xef\xbb\xbf" + lines[0], *lines[1:]], "succeeded", False),
}


@pytest.mark.parametrize("kind", ODD_LINES)
def test_an_odd_line_leaves_the_others_alone(
    run: Any, api_server: ApiServer, tmp_path: Path, kind: str
) -> None:
    change, ends, kept = ODD_LINES[kind]
    run()
    finish(api_server)
    tamper(api_server, change)
    code, output = run("--collect")
    assert states(output) == {"a": ends, "b": "succeeded", "c": "succeeded"}
    assert code == (0 if ends == "succeeded" and not kept else 7)
    assert len(output["problems"]) == kept
    folder = tmp_path / "state" / "batches"
    for problem in output["problems"]:
        raw = Path(problem["file"])
        assert raw.is_relative_to(folder) and raw.stat().st_mode & 0o077 == 0
        file = api_server.desk.file(api_server.desk.batches()[0].facts["output_file_id"])
        assert raw.read_bytes() == file.data.splitlines()[problem["line"] - 1]
    if not kept:
        assert not list(folder.rglob("*.*"))
    # Once more: nothing is fetched again, and nothing stands in the way any longer.
    asked = len(api_server.requests)
    code, output = run("--collect")
    assert states(output) == {"a": ends.replace("succeeded", "skipped"), "b": "skipped", "c": "skipped"}
    assert output["problems"] == [] and len(api_server.requests) == asked


def test_a_huge_line_stays_out_of_memory(
    run: Any, api_server: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gpt_image_addon.core.providers.openai import batch_api

    monkeypatch.setattr(batch_api, "MAX_LINE_TEXT", 10_000)
    run()
    finish(api_server)
    job = jobs(tmp_path / "state")["a"][0]
    huge = b'{"custom_id": "%b", "x": "%b"}' % (job.encode(), b"x" * 10**7)
    tamper(api_server, instead_of_the_first(huge))
    code, output = run("--collect")
    assert (code, states(output)) == (7, {"a": "failed", "b": "succeeded", "c": "succeeded"})
    (problem,) = output["problems"]
    assert problem["job"] == job and "too long" in problem["message"]
    assert Path(problem["file"]).read_bytes() == huge
    row = next(row for row in output["results"] if row["row"] == "a")
    assert problem["file"] in row["error"]["message"]


def test_a_forgotten_batch_leaves_the_others_alone(
    run: Any, api_server: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "MAX_LINES", 1)
    run()
    finish(api_server)
    name, lost = next(iter(api_server.desk._batches.items()))
    del api_server.desk._batches[name]
    code, output = run("--collect")
    assert (code, output["state"]) == (7, "incomplete")
    assert states(output) == {"a": "unknown", "b": "succeeded", "c": "succeeded"}
    assert [problem["batch"] for problem in output["problems"]] == [name]
    # It was another key that did not know the batch: nothing paid is lost.
    api_server.desk._batches[name] = lost
    code, output = run("--collect")
    assert (code, states(output)) == (0, {"a": "succeeded", "b": "skipped", "c": "skipped"})
    assert len(api_server.answers) == 3


def test_a_batch_is_not_looked_for_for_ever(
    run: Any, api_server: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run()
    api_server.desk._batches.clear()
    monkeypatch.setattr(remote_collection, "LOOK_FOR_SECONDS", -1.0)
    assert len(run("--collect")[1]["problems"]) == 1
    asked = len(api_server.requests)
    code, output = run("--collect")
    assert (code, output["unknown"], output["problems"], len(api_server.requests)) == (7, 3, [], asked)


def test_a_missing_file_of_answers_leaves_the_others_alone(
    run: Any, api_server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "MAX_LINES", 1)
    run()
    finish(api_server)
    api_server.desk.delete(api_server.desk.batches()[0].facts["output_file_id"])
    code, output = run("--collect")
    assert (code, states(output)) == (7, {"a": "unknown", "b": "succeeded", "c": "succeeded"})


ODD_STATES: dict[str, Any] = {
    "no status": {"status": None},
    "a status that is new": {"status": "paused"},
    "a status that is a number": {"status": 5},
}


@pytest.mark.parametrize("kind", ODD_STATES)
def test_a_batch_in_an_odd_state_still_runs(
    run: Any, api_server: ApiServer, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(remote, "MAX_LINES", 1)
    run()
    finish(api_server)
    facts = api_server.desk.batches()[0].facts
    before = dict(facts)
    facts.update(ODD_STATES[kind])
    code, output = run("--collect")
    assert (code, states(output)) == (0, {"a": "running", "b": "succeeded", "c": "succeeded"})
    facts.update(before)
    assert states(run("--collect")[1])["a"] == "succeeded"


@pytest.mark.parametrize("errors", [5, "no", [], {"data": 5}, {"data": [5]}, {"data": [{"code": [1]}]}])
def test_a_refused_batch_with_odd_reasons(
    run: Any, api_server: ApiServer, monkeypatch: pytest.MonkeyPatch, errors: Any
) -> None:
    monkeypatch.setattr(remote, "MAX_LINES", 1)
    run()
    finish(api_server)
    api_server.desk.batches()[0].facts.update(status="failed", errors=errors, output_file_id=None)
    code, output = run("--collect")
    assert (code, states(output)) == (7, {"a": "failed", "b": "succeeded", "c": "succeeded"})


def test_a_server_that_fails_for_one_batch(
    run: Any, api_server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its rows are still running then; the exit code says: later."""
    monkeypatch.setattr(remote, "MAX_LINES", 1)
    run()
    finish(api_server)
    api_server.script(faults.error("gateway_timeout", match="/batches/"))
    code, output = run("--collect")
    assert (code, output["state"]) == (6, "failed")
    assert sorted(states(output).values()) == ["running", "succeeded", "succeeded"]
    assert (run("--collect")[0], len(api_server.answers)) == (0, 3)


def test_a_wrong_key_ends_the_collection(run: Any, api_server: ApiServer) -> None:
    run()
    finish(api_server)
    api_server.script(faults.error("invalid_api_key", match="/batches"))
    code, output = run("--collect")
    assert (code, output["error"]["type"], output["running"]) == (3, "AuthenticationError", 3)
    assert run("--collect")[1]["succeeded"] == 3


@pytest.mark.parametrize("body", [b"[]", b"{", b"{}", b'{"id": 5}', b'{"a":' * 100_000, b'{"id": "a\\nb"}'])
def test_an_unreadable_answer_to_a_new_batch_is_not_paid_twice(
    run: Any, api_server: ApiServer, monkeypatch: pytest.MonkeyPatch, body: bytes
) -> None:
    """The batch began, and its id did not arrive."""
    from gpt_image_addon.core.providers.openai import batch_api

    send = batch_api.send

    def garbled(connection: Any, method: str, path: str, *args: Any, **values: Any) -> Any:
        reply = send(connection, method, path, *args, **values)
        return dataclasses.replace(reply, body=body) if (method, path) == ("POST", "/batches") else reply

    with monkeypatch.context() as broken:
        broken.setattr(batch_api, "send", garbled)
        assert run()[1]["running"] == 3
    assert run()[1]["running"] == 3
    finish(api_server)
    code, output = run("--collect")
    assert (code, output["succeeded"]) == (0, 3)
    assert len(api_server.desk.batches()) == 1


def test_a_line_answers_no_row_of_another_batch(
    run: Any, api_server: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "MAX_LINES", 1)
    run()
    first = api_server.desk.batches()[0]
    while api_server.desk.look(first.facts["id"], api_server.options)["status"] != "completed":
        pass
    file = api_server.desk.file(first.facts["output_file_id"])
    line = json.loads(file.data) | {"custom_id": jobs(tmp_path / "state")["c"][0]}
    api_server.desk._files[file.id] = dataclasses.replace(file, data=json.dumps(line).encode())
    code, output = run("--collect")
    assert (code, states(output)) == (7, {"a": "unknown", "b": "running", "c": "running"})
    assert "No row asked for it." in output["problems"][0]["message"]
