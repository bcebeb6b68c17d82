"""`batch --via batch-api`: handed in at half price, collected later, nothing twice."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from gpt_image_addon import cli
from gpt_image_addon.app.batch import batches
from gpt_image_addon.core.batch import remote
from gpt_image_addon.core.errors import StorageError
from gpt_image_addon.core.journal.recovery import open_journal
from gpt_image_addon.core.journal.states import JobState
from tests.api_server import ApiServer, faults

FLAGS = ("--via", "batch-api", "--quality", "low", "--model", "gpt-image-2.5-flare")


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, api_server: ApiServer) -> Any:
    monkeypatch.setenv("OPENAI_BASE_URL", api_server.base_url)
    monkeypatch.setenv("OPENAI_API_KEY", api_server.api_key)
    monkeypatch.delenv("GPT_IMAGE_PROVIDER", raising=False)

    def command(path: str, *argv: str) -> tuple[int, dict[str, Any]]:
        capfd.readouterr()
        code = cli.main(["batch", path, *FLAGS, *argv, "--json"])
        return code, json.loads(capfd.readouterr().out.splitlines()[-1])

    return command


@pytest.fixture
def state_folder(tmp_path: Path) -> Path:
    return tmp_path / "state"


def manifest(folder: Path, *rows: Any) -> str:
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def collect(run: Any, path: str, *argv: str) -> tuple[int, dict[str, Any]]:
    """Look until nothing runs any more."""
    for _ in range(10):
        code, output = run(path, "--collect", *argv)
        if not output.get("running"):
            return code, output
    raise AssertionError(output)


def posts(server: ApiServer, path: str) -> int:
    return sum(record.method == "POST" and record.path == path for record in server.requests)


def spent(state: Path) -> float:
    journal = open_journal(state)
    try:
        return journal.spent_usd()
    finally:
        journal.close()


def test_half_price_now_images_later(
    run: Any, api_server: ApiServer, tmp_path: Path, state_folder: Path
) -> None:
    api_server.options.batch_polls = 1
    path = manifest(
        tmp_path, {"prompt": ["oak", "ash"], "id": "{prompt}"}, {"prompt": "pine", "id": "pine", "n": 2}
    )
    priced = run(path, "--dry-run")[1]["high_usd"]
    code, output = run(path)
    assert (code, output["state"], output["running"], output["cost_usd"]) == (0, "running", 3, 0)
    assert api_server.image_requests == [] and posts(api_server, "/v1/batches") == 1
    code, output = run(path)
    assert (code, output["running"]) == (0, 3) and posts(api_server, "/v1/batches") == 1
    code, output = collect(run, path)
    assert (code, output["state"], output["succeeded"]) == (0, "succeeded", 3)
    assert output["cost_usd"] == pytest.approx(api_server.bill_usd) == pytest.approx(spent(state_folder))
    assert 0 < api_server.bill_usd <= priced
    files = {path.name: path.read_bytes() for path in (tmp_path / "rows-pictures").iterdir()}
    assert set(files) == {"oak.png", "ash.png", "pine 1.png", "pine 2.png"}
    assert set(files.values()) == set(api_server.answers.values())
    assert run(path, "--collect")[1]["skipped"] == 3
    assert run(path)[1]["skipped"] == 3 and posts(api_server, "/v1/files") == 1


def test_the_price_is_half(run: Any, tmp_path: Path) -> None:
    path = manifest(tmp_path, {"prompt": "oak"})
    half = run(path, "--dry-run")[1]
    whole = run(path, "--dry-run", "--via", "requests")[1]
    assert half["high_usd"] == pytest.approx(whole["high_usd"] / 2)


def test_edits_go_as_data_urls(run: Any, api_server: ApiServer, tmp_path: Path) -> None:
    Image.new("RGB", (64, 64), "red").save(tmp_path / "a.png")
    mask = Image.new("RGBA", (64, 64), (0, 0, 0, 0))
    mask.paste((0, 0, 0, 255), (0, 0, 32, 64))
    mask.save(tmp_path / "mask.png")
    path = manifest(
        tmp_path, {"prompt": "blue", "references": ["a.png"], "mask": "mask.png"}, {"prompt": "oak"}
    )
    run(path)
    assert posts(api_server, "/v1/batches") == 2  # an endpoint each
    (tmp_path / "a.png").unlink()
    manifest(tmp_path, {"prompt": "oak"})
    code, output = collect(run, path)
    assert (code, output["succeeded"]) == (0, 1)
    assert len(api_server.answers) == 2 and api_server.bill_usd > 0


def test_points_of_rows_go_as_a_markup(run: Any, api_server: ApiServer, tmp_path: Path) -> None:
    Image.new("RGB", (256, 128), "red").save(tmp_path / "a.png")
    path = manifest(tmp_path, {"prompt": "jug", "references": ["a.png"], "points": ["0.3,0.6:brass"]})
    code, _ = run(path)
    (sent,) = [file.data for file in api_server.desk.files() if file.purpose == "batch"]
    body = json.loads(sent)["body"]
    assert code == 0 and len(body["images"]) == 1 and body["prompt"].endswith("do not draw them:\n1: brass")
    assert body["markup"]["image_url"].startswith("data:image/png;base64,") and "points" not in body
    code, output = collect(run, path)
    assert (code, output["succeeded"]) == (0, 1)


def test_rows_that_fail_are_told_apart_and_handed_in_again(
    run: Any, api_server: ApiServer, tmp_path: Path, state_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    api_server.options.batch_expires_after = 1
    path = manifest(tmp_path, *({"prompt": name, "id": name} for name in ("a", "b", "c")))
    run(path)
    code, output = collect(run, path)
    assert (code, output["succeeded"], output["failed"]) == (7, 1, 2)
    errors = {row["row"]: row["error"]["code"] for row in output["results"] if row["error"]}
    assert errors == {"b": "batch_expired", "c": "batch_expired"}
    reported = [json.loads(line)["row"] for line in Path(output["report"]).read_text().splitlines()]
    assert sorted(reported) == ["b", "c"]
    api_server.options.batch_expires_after = None
    assert run(path)[1]["running"] == 2
    assert collect(run, path)[1]["succeeded"] == 2
    assert spent(state_folder) == pytest.approx(api_server.bill_usd)
    assert len(api_server.answers) == 3


def test_a_refused_row_says_why(run: Any, api_server: ApiServer, tmp_path: Path, state_folder: Path) -> None:
    path = manifest(tmp_path, {"prompt": "a", "id": "a"}, {"prompt": "b", "id": "b"})
    run(path)
    journal = open_journal(state_folder)
    job = next(entry.id for entry in journal.entries() if entry.request.prompt == "b")
    journal.close()
    api_server.options.batch_row_errors = {job: "moderation_blocked"}
    code, output = collect(run, path)
    found = {row["row"]: row for row in output["results"]}
    assert code == 7 and found["a"]["state"] == "succeeded"
    assert found["b"]["error"]["type"] == "ModerationError"


def test_a_model_that_is_not_taken(
    run: Any, api_server: ApiServer, tmp_path: Path, state_folder: Path
) -> None:
    api_server.options.batch_refuses = frozenset({"gpt-image-2.5-flare"})
    path = manifest(tmp_path, {"prompt": "a"})
    run(path)
    code, output = collect(run, path)
    assert code == 7 and "not available in the Batch API" in output["results"][0]["error"]["message"]
    journal = open_journal(state_folder)
    assert journal.reserved_usd() == 0
    journal.close()


def test_split_at_the_limits(
    run: Any, api_server: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "MAX_LINES", 2)
    path = manifest(tmp_path, *({"prompt": f"oak {number}"} for number in range(5)))
    assert run(path)[1]["running"] == 5
    assert posts(api_server, "/v1/batches") == 3
    assert collect(run, path)[1]["succeeded"] == 5


def test_split_at_the_bytes(
    run: Any, api_server: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "MAX_BYTES", 300)
    path = manifest(tmp_path, {"prompt": "a"}, {"prompt": "b"}, {"prompt": "c" * 400})
    code, output = run(path)
    assert (code, output["running"], output["failed"]) == (7, 2, 1)
    assert posts(api_server, "/v1/batches") == 2


def test_a_lost_answer_is_found_again(run: Any, api_server: ApiServer, tmp_path: Path) -> None:
    """The batch began, and nobody heard its id."""
    api_server.script(faults.reset("processing", match="/batches"))
    path = manifest(tmp_path, {"prompt": "a"}, {"prompt": "b"})
    assert run(path)[1]["running"] == 2
    code, output = collect(run, path)
    assert (code, output["succeeded"]) == (0, 2)
    assert posts(api_server, "/v1/batches") == 1


@pytest.mark.parametrize("step", ["begin", "note"])
def test_a_death_while_handing_in(
    run: Any,
    api_server: ApiServer,
    tmp_path: Path,
    state_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
) -> None:
    """Before the batch is begun nothing was sent; after it, its id is found on the server."""

    def die(*args: Any, **values: Any) -> None:
        raise SystemError("killed")

    path = manifest(tmp_path, {"prompt": "a"}, {"prompt": "b"})
    with monkeypatch.context() as broken:
        broken.setattr(remote, step, die)
        assert run(path)[0] == 1
    began = posts(api_server, "/v1/batches")
    assert began == (0 if step == "begin" else 1)
    code, output = collect(run, path)
    if began:
        assert (code, output["succeeded"]) == (0, 2)
    else:
        assert (code, output["failed"]) == (7, 2)
        assert run(path)[1]["running"] == 2 and collect(run, path)[1]["succeeded"] == 2
    assert posts(api_server, "/v1/batches") == 1
    journal = open_journal(state_folder)
    assert journal.reserved_usd() == pytest.approx(0) and not journal.entries(JobState.UNKNOWN)
    journal.close()


def test_a_full_disk_while_collecting(
    run: Any, api_server: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gpt_image_addon.core.jobs import worker

    path = manifest(tmp_path, {"prompt": "a"}, {"prompt": "b"}, {"prompt": "c"})
    run(path)
    keep, count = worker.keep, iter(range(10))

    def full(*args: Any) -> Any:
        if next(count) == 1:
            raise StorageError("The disk is full.", billed="yes")
        return keep(*args)

    with monkeypatch.context() as broken:
        broken.setattr(worker, "keep", full)
        outputs = [run(path, "--collect") for _ in range(4)]
        assert outputs[-1][0] == 1 and outputs[-1][1]["error"]["type"] == "StorageError"
    code, output = collect(run, path)
    assert (code, output["succeeded"] + output["skipped"]) == (0, 3)


def test_what_the_batch_api_does_not_offer(run: Any, api_server: ApiServer, tmp_path: Path) -> None:
    path = manifest(tmp_path, {"prompt": "a", "partial_images": 1}, {"prompt": "b", "stream": True})
    code, output = run(path)
    assert (code, output["failed"]) == (7, 2) and api_server.requests == []
    assert run(path, "--via", "requests", "--collect")[0] == 2


def test_a_wrong_key(run: Any, api_server: ApiServer, tmp_path: Path) -> None:
    api_server.script(faults.error("invalid_api_key", match="/files"))
    path = manifest(tmp_path, {"prompt": "a"})
    code, output = run(path)
    assert (code, output["error"]["type"]) == (3, "AuthenticationError")
    assert run(path)[1]["running"] == 1


def test_the_limits_hold(run: Any, tmp_path: Path) -> None:
    assert batches.BATCH_SHARE == 0.5
    path = manifest(tmp_path, *({"prompt": f"oak {number}"} for number in range(4)))
    price = run(path, "--dry-run")[1]["high_usd"]
    code, output = run(path, "--max-cost", str(price * 0.55))
    assert (code, output["running"], output["failed"]) == (7, 2, 2)
