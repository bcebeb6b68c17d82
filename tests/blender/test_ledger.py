"""The money and the history in a real Blender: estimate, limits, history, recover, and what is unknown."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import bpy
import pytest

from gpt_image_addon import api
from gpt_image_addon.app import session, settings
from gpt_image_addon.core.errors import BudgetExceededError, ConfigurationError, InvalidRequestError
from gpt_image_addon.core.journal.recovery import open_journal
from gpt_image_addon.core.journal.states import JobState
from gpt_image_addon.core.request.request import Application, GenerationRequest
from gpt_image_addon.core.results.body_file import BodyFile
from gpt_image_addon.core.results.store import keep
from tests.api_server import ApiServer, faults

OFFLINE = ("--provider", "offline", "--size", "256x256")
ONLINE = ("--provider", "openai", "--size", "816x816", "--target", "image")
VARIABLES = (
    "GPT_IMAGE_MAX_COST_USD",
    "GPT_IMAGE_MONTHLY_BUDGET_USD",
)


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Without limits, and with a state of its own from the first to the last line."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    api.close()
    yield
    api.close()


def state_folder() -> Path:
    return settings.load().state_folder


def crash_after_answer(job: str = "crashed", target: str = "material") -> None:
    """A state folder as a Blender leaves it that dies between the answer and its import."""
    journal = open_journal(state_folder())
    result = api.generate("oak", provider="offline", size="64x64", target="image")
    request = GenerationRequest(prompt="oak", provider="openai", model="gpt-image-2", quality="low")
    application = Application(target=target, scene_uid=12345, object_uid=67890)
    journal.reserve(job, request, application, request.digest(), 0.05)
    journal.sending(job)
    facts = {"request": request.to_dict(), "cost_usd": 0.03, "usage": None, "request_id": "req_1"}
    keep(
        journal.results, job, datetime.now(), {"image-1.png": Path(result.images[0].file).read_bytes()}, facts
    )
    journal.close()
    api.close()
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)


def test_estimate_needs_no_key_and_sends_nothing(run: Any) -> None:
    code, output = run("estimate", "oak", "--quality", "low", "--model", "gpt-image-2.5-flare", "--n", "2")
    assert (code, output["state"], output["schema"]) == (0, "succeeded", 1)
    assert output["exact"] and output["estimated_usd"] == output["high_usd"]
    assert 2 * 0.0058 < output["low_usd"] <= output["likely_usd"] <= output["high_usd"] < 2 * 0.0061
    code, output = run("estimate", "oak")
    assert code == 0 and not output["exact"] and output["high_usd"] > 10 * output["low_usd"]
    assert run("estimate", "oak", "--size", "1920x1080")[0] == 4


def test_estimate_and_generate_agree(run: Any, online: ApiServer) -> None:
    flags = ("oak", *ONLINE, "--quality", "low", "--model", "gpt-image-2.5-flare")
    code, estimated = run("estimate", *flags)
    assert code == 0
    code, generated = run("generate", *flags)
    assert code == 0 and generated["estimated_usd"] == estimated["estimated_usd"]
    assert estimated["low_usd"] <= generated["cost_usd"] <= estimated["high_usd"]


def test_a_camera_reference_is_priced(run: Any) -> None:
    bpy.context.scene.camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    bpy.context.scene.collection.objects.link(bpy.context.scene.camera)
    flags = ("estimate", "oak", "--quality", "low", "--model", "gpt-image-2.5-flare")
    shown = ("--reference", "camera", "--reference-kind", "none")  # words about it cost something, too
    plain, imaged = run(*flags)[1], run(*flags, *shown)[1]
    assert imaged["high_usd"] - plain["high_usd"] == pytest.approx(48 * 27 * 8e-6)  # 1536x864


def test_max_cost_stops_before_sending(run: Any, online: ApiServer) -> None:
    code, output = run("generate", "oak", *ONLINE, "--quality", "low", "--max-cost", "0.001")
    assert code == 5 and output["error"]["type"] == "BudgetExceededError"
    assert "--max-cost" in output["error"]["message"] and output["error"]["billed"] == "no"
    assert online.image_requests == []
    assert run("history")[1]["jobs"] == []
    assert run("generate", "oak", *ONLINE, "--quality", "low", "--max-cost", "0.05")[0] == 0
    assert run("generate", "oak", *ONLINE, "--max-cost", "nan")[0] == 4
    assert run("generate", "oak", *OFFLINE, "--max-cost", "0")[0] == 0


def test_an_unattended_run_has_a_ceiling(
    run: Any, online: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    dear = ("generate", "oak", *ONLINE, "--quality", "max", "--model", "gpt-image-2.5-flare", "--n", "10")
    code, output = run(*dear)
    assert code == 5 and "unattended" in output["error"]["message"]
    assert online.image_requests == []
    monkeypatch.setenv("GPT_IMAGE_MAX_COST_USD", "0.01")
    code, output = run(*dear)
    assert code == 5 and "GPT_IMAGE_MAX_COST_USD" in output["error"]["message"]
    monkeypatch.setenv("GPT_IMAGE_MAX_COST_USD", "3")
    assert run(*dear)[0] == 0
    monkeypatch.setenv("GPT_IMAGE_MAX_COST_USD", "much")
    code, output = run(*dear)
    assert code == 3 and "GPT_IMAGE_MAX_COST_USD" in output["error"]["message"]


@pytest.mark.parametrize(
    ("values", "max_cost", "expected"),
    [
        ({}, None, None),
        ({"unattended": True}, None, settings.UNATTENDED_MAX_COST_USD),
        ({"unattended": True}, 2.0, 2.0),
        ({"unattended": True, "max_cost_usd": 5.0}, None, 5.0),
        ({"max_cost_usd": 5.0}, None, 5.0),
        ({"max_cost_usd": 5.0}, 0.0, 0.0),
    ],
)
def test_which_limit_holds(values: dict[str, Any], max_cost: float | None, expected: float | None) -> None:
    limits = settings.Settings(**values, monthly_budget_usd=9.0).limits(max_cost)
    assert (limits.max_cost_usd, limits.monthly_budget_usd) == (expected, 9.0)


@pytest.mark.parametrize("max_cost", [-1.0, float("nan"), float("inf")])
def test_a_limit_is_an_amount(max_cost: float) -> None:
    with pytest.raises(InvalidRequestError):
        settings.Settings().limits(max_cost)


def test_the_monthly_budget_stops_before_sending(
    run: Any, online: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GPT_IMAGE_MONTHLY_BUDGET_USD", "0.001")
    code, output = run("generate", "oak", *ONLINE, "--quality", "low")
    assert code == 5 and "budget" in output["error"]["message"]
    assert online.image_requests == []


def test_an_amount_that_is_none_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPT_IMAGE_MONTHLY_BUDGET_USD", "nan")
    with pytest.raises(ConfigurationError, match="GPT_IMAGE_MONTHLY_BUDGET_USD"):
        settings.load()


def test_history_tells_what_was_made_and_spent(run: Any, online: ApiServer) -> None:
    for prompt in ("oak", "birch"):
        assert run("generate", prompt, *ONLINE, "--quality", "low")[0] == 0
    code, output = run("history")
    assert code == 0 and set(output) >= {
        "schema",
        "state",
        "spent_usd",
        "reserved_usd",
        "jobs",
        "results_bytes",
    }
    assert output["spent_usd"] == pytest.approx(online.bill_usd)
    assert [(row["prompt"], row["state"]) for row in output["jobs"]] == [
        ("birch", "APPLIED"),
        ("oak", "APPLIED"),
    ]
    assert [row["prompt"] for row in run("history", "--search", "OAK")[1]["jobs"]] == ["oak"]
    assert len(run("history", "--limit", "1")[1]["jobs"]) == 1
    assert run("history", "--state", "unknown")[1]["jobs"] == []
    assert run("history", "--month", "2001-01")[1]["spent_usd"] == 0
    assert [
        run("history", *wrong)[0] for wrong in (("--month", "may"), ("--state", "odd"), ("--dry-run",))
    ] == [2] * 3


def test_history_cleans_and_keeps_favourites(run: Any) -> None:
    jobs = [run("generate", prompt, *OFFLINE)[1]["job"] for prompt in ("oak", "birch")]
    assert run("history", "--favourite", jobs[0])[0] == 0
    time.sleep(0.01)
    code, output = run("history", "--clean-older-than", "0", "--dry-run")
    told = output["cleaned"]
    assert code == 0 and told["jobs"] == [jobs[1]] and told["dry_run"] and told["freed_bytes"] > 0
    code, output = run("history", "--clean-older-than", "0")
    assert output["cleaned"] == {**told, "dry_run": False}
    assert [row["folder"] is None for row in output["jobs"]] == [True, False]
    assert run("history", "--favourite", "nobody")[0] == 4


def test_history_merges(run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    job = run("generate", "oak", *OFFLINE)[1]["job"]
    here = state_folder()
    monkeypatch.setenv("GPT_IMAGE_DATA_DIR", str(tmp_path / "there"))
    code, output = run("history", "--merge", str(here))
    assert code == 0 and output["merged"]["added"] == 1 and output["jobs"][0]["job"] == job
    assert Path(output["jobs"][0]["folder"]).is_relative_to(tmp_path / "there")
    assert run("history", "--merge", str(here))[1]["merged"]["added"] == 0
    assert run("history", "--merge", str(tmp_path / "nowhere"))[0] == 4


def test_recover_lists_what_waits(run: Any, online: ApiServer) -> None:
    crash_after_answer()
    online.script(faults.reset("processing"))
    assert run("generate", "lost", *ONLINE, "--quality", "low")[0] == 6
    code, output = run("recover")
    assert code == 0
    assert [row["job"] for row in output["jobs"]] == ["crashed"]
    assert [(row["prompt"], row["billed"]) for row in output["unknown"]] == [("lost", "maybe")]


def test_recover_applies_in_the_scene(run: Any, tmp_path: Path) -> None:
    crash_after_answer()
    blend = tmp_path / "x.blend"
    code, output = run("recover", "--all", "--output", str(blend))
    assert code == 0 and output["blend"] == str(blend)
    assert [(found["job"], found["cost_usd"]) for found in output["recovered"]] == [("crashed", 0.03)]
    assert bpy.data.materials[output["recovered"][0]["material"]].use_fake_user
    assert run("recover")[1]["jobs"] == []
    assert run("history")[1]["spent_usd"] == 0.03
    bpy.ops.wm.open_mainfile(filepath=str(blend))
    assert output["recovered"][0]["material"] in bpy.data.materials


def test_recover_exports(run: Any, tmp_path: Path) -> None:
    crash_after_answer()
    code, output = run("recover", "crashed", "--export", str(tmp_path / "out"))
    assert code == 0
    (copy,) = output["recovered"][0]["files"]
    assert Path(copy).parent == tmp_path / "out" and Path(copy).stat().st_size > 0
    assert list(bpy.data.images) == []
    assert run("recover")[1]["jobs"] == []


def test_recover_says_what_it_can_not(run: Any, online: ApiServer, tmp_path: Path) -> None:
    crash_after_answer()
    code, output = run("recover", "nobody")
    assert code == 4 and output["error"]["code"] == "no_such_job"
    code, output = run("recover", "crashed", "nobody")
    assert (code, output["state"]) == (7, "incomplete")
    assert len(output["recovered"]) == 1 and output["failed"][0]["job"] == "nobody"
    assert run("recover", "crashed", "--all")[0] == 2
    assert run("recover", "--all", "--export", "x", "--output", str(tmp_path / "x.blend"))[0] == 2
    online.script(faults.reset("processing"))
    assert run("generate", "lost", *ONLINE, "--quality", "low")[0] == 6
    lost = run("recover")[1]["unknown"][0]["job"]
    code, output = run("recover", lost)
    assert code == 4 and output["error"]["code"] == "no_result" and "UNKNOWN" in output["error"]["message"]


def test_the_unknown_is_sent_again_only_on_the_users_word(run: Any, online: ApiServer) -> None:
    flags = ("generate", "oak", *ONLINE, "--quality", "low")
    online.script(faults.reset("processing"))
    assert run(*flags)[0] == 6
    code, output = run(*flags)
    assert (code, output["error"]["code"], output["error"]["billed"]) == (6, "outcome_unknown", "maybe")
    assert len(online.image_requests) == 1
    code, output = run(*flags, "--retry-unknown")
    assert code == 0 and len(online.image_requests) == 2
    code, output = run(*flags, "--reuse")
    assert code == 0 and len(online.image_requests) == 2
    code, output = run(*flags)
    assert code == 0 and len(online.image_requests) == 3
    assert any("already made" in warning for warning in output["warnings"])


def test_the_interface_can_ask_about_an_earlier_request(online: ApiServer) -> None:
    wanted = {"provider": "openai", "size": "816x816", "quality": "low"}
    assert api.earlier("oak", **wanted) is None
    online.script(faults.reset("processing"))
    api.submit("oak", target="image", **wanted).wait(10)
    found = api.earlier("oak", **wanted)
    assert found is not None and found.state is JobState.UNKNOWN
    api.submit("oak", target="image", retry_unknown=True, **wanted).wait(10)
    found = api.earlier("oak", **wanted)
    assert found is not None and found.state is JobState.APPLIED


def test_a_result_that_can_not_be_noted_is_applied_all_the_same(online: ApiServer) -> None:
    online.script(faults.stall("processing"))
    job = api.submit("oak", target="image", provider="openai", size="816x816", quality="low")
    assert online.wait_until(lambda server: bool(server.stalled))
    session.journal(settings.load()).query("DROP TABLE jobs")
    online.release()
    assert job.wait(10)
    result = api.result_of(job)
    assert result.images[0].name in bpy.data.images
    assert any("paid" in warning for warning in result.warnings)
    assert any("recovery" in warning for warning in result.warnings)


def test_prices_are_shown_without_a_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("GPT_IMAGE_DATA_DIR", str(tmp_path / "file" / "inside"))
    assert api.estimate("oak", quality="low").high_usd > 0


def test_python_takes_the_same_limits(online: ApiServer) -> None:
    with pytest.raises(BudgetExceededError):
        api.generate("oak", provider="openai", quality="low", max_cost=0.001)
    assert api.history().jobs == ()


def test_corrupt_rows_are_named_and_the_others_shown(run: Any) -> None:
    for prompt in ("oak", "birch"):
        assert run("generate", prompt, *OFFLINE)[0] == 0
    journal = open_journal(state_folder())
    with journal.transaction() as connection:
        connection.execute("UPDATE jobs SET request = '{' WHERE json_extract(request, '$.prompt') = 'oak'")
    (bad,) = [row["id"] for row in journal.query("SELECT id FROM jobs WHERE request = '{'")]
    journal.close()
    code, output = run("history")
    assert (code, output["unreadable"]) == (0, [bad])
    assert [row["prompt"] for row in output["jobs"]] == ["birch"]
    code, output = run("recover", bad)
    assert code != 0 and output["error"]["code"] == "journal_row"


def test_a_strangers_rows_are_named(run: Any, tmp_path: Path) -> None:
    other = open_journal(tmp_path / "other")
    for job in ("good", "bad"):
        other.reserve(job, GenerationRequest(prompt=job, provider="openai"), Application(), "d", 0.5)
        other.sending(job)
    with other.transaction() as connection:
        connection.execute("UPDATE jobs SET reserved_usd = -5 WHERE id = 'bad'")
    other.close()
    code, output = run("history", "--merge", str(tmp_path / "other"))
    assert (code, output["merged"]) == (0, {"added": 1, "updated": 0, "copied_bytes": 0, "refused": ["bad"]})


def test_only_files_of_ours_are_deleted(run: Any, tmp_path: Path) -> None:
    from gpt_image_addon.app import results

    result = api.generate("oak", provider="offline", size="64x64", target="image")
    folder = Path(result.images[0].file).parent
    (folder / "notes.txt").write_text("mine")
    results.delete(result.job)
    assert [path.name for path in folder.iterdir()] == ["notes.txt"]


def test_an_answer_of_which_only_the_body_was_kept_comes_into_the_scene(run: Any) -> None:
    """The process was killed between the last byte of the answer and its images."""
    image = Path(api.generate("oak", provider="offline", size="64x64", target="image").images[0].file)
    document = {"data": [{"b64_json": base64.b64encode(image.read_bytes()).decode()}]}
    journal = open_journal(state_folder())
    request = GenerationRequest(prompt="oak", provider="openai", model="gpt-image-2", quality="low")
    journal.reserve("killed", request, Application(target="image"), request.digest(), 0.05)
    journal.sending("killed")
    received = BodyFile(journal.results, "killed")
    received.write(json.dumps(document).encode())
    received._close()
    journal.close()
    api.close()
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    code, output = run("recover", "--all")
    assert (code, output["state"]) == (0, "succeeded"), output
    (found,) = bpy.data.images
    assert tuple(found.size) == (64, 64)
    assert api.history().spent_usd == pytest.approx(0.05)
    code, output = run("recover")
    assert (code, output["jobs"]) == (0, [])


LOOKS = (("doctor",), ("doctor", "--report", "report.zip"), ("history",), ("history", "--search", "oak"))


@pytest.mark.parametrize("verb", LOOKS, ids=" ".join)
def test_looking_writes_nothing(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verb: tuple[str, ...]
) -> None:
    state = tmp_path / "state"
    monkeypatch.setenv("GPT_IMAGE_DATA_DIR", str(state))
    monkeypatch.chdir(tmp_path)
    assert run(*verb)[0] in (0, 3)  # a doctor finds no key
    assert not state.exists()
    journal = open_journal(state)
    journal.reserve("dead", GenerationRequest(prompt="oak"), Application(), "digest", 0.05)
    journal.sending("dead")
    journal.close()
    before = {path: path.stat().st_mtime_ns for path in state.rglob("*")}
    code, output = run(*verb, "--overwrite") if "--report" in verb else run(*verb)
    assert code in (0, 3)
    assert [job["state"] for job in output.get("jobs", ())] in ([], ["SENDING"])
    assert {path: path.stat().st_mtime_ns for path in state.rglob("*")} == before


def test_a_lost_journal_is_made_again_by_whoever_looks(run: Any) -> None:
    result = api.generate("oak", provider="offline", size="64x64", target="image")
    api.close()
    for path in state_folder().glob("journal.sqlite3*"):
        path.unlink()
    code, output = run("history")
    assert (code, [job["job"] for job in output["jobs"]]) == (0, [result.job])
