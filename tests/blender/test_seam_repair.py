"""Seams repainted by the model, through all faces, against the local server."""

from __future__ import annotations

import hashlib
import io
from functools import cache
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from PIL import Image

from gpt_image_addon import api
from gpt_image_addon.core.errors import BudgetExceededError, InvalidRequestError, MissingApiKeyError
from gpt_image_addon.core.providers.offline.painter import paint
from gpt_image_addon.ui.request import quote
from tests.api_server import ApiServer, faults
from tests.blender.conftest import Command
from tests.blender.scene_fixtures import cube

SIZE = "400x400"
FLAGS = ("--quality", "low", "--size", SIZE, "--seamless")


@cache
def planks() -> Image.Image:
    """Boards whose ends no cut makes meet."""
    return Image.fromarray(paint("weathered oak planks", 1024, 1024).color[150:662, 205:717, :3])


@pytest.fixture(autouse=True)
def clean(factory_file: None, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "GPT_IMAGE_PROVIDER"):
        monkeypatch.delenv(name, raising=False)
    api.close()


@pytest.fixture
def online(online: ApiServer) -> ApiServer:
    """A model that paints boards, and repaints masked parts well."""
    online.options.image = planks()
    online.options.repaint = "repaired"
    return online


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """The boards, on the disk."""
    path = tmp_path / "boards.png"
    planks().save(path)
    return path


def pixels(path: str | Path) -> Any:
    with Image.open(path) as image:
        return np.asarray(image)


def digest(path: str | Path) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def plain_tile(run: Command, online: ApiServer) -> Any:
    """The tile that a request without repair makes; forgotten afterwards."""
    _, output = run("generate", "planks", *FLAGS)
    found = pixels(output["images"][0]["processed"])
    online.books.requests.clear()
    return found


def test_poor_seams_are_repainted_in_a_job_of_its_own(run: Command, online: ApiServer) -> None:
    cut = plain_tile(run, online)
    _, plain = run("estimate", "planks", *FLAGS)
    _, priced = run("estimate", "planks", *FLAGS, "--repair-seams")
    assert priced["low_usd"] == plain["low_usd"]
    assert priced["estimated_usd"] > 1.5 * plain["estimated_usd"]
    code, output = run("generate", "planks", *FLAGS, "--repair-seams")
    assert code == 0
    image_file, repair = online.requests
    assert (image_file.path, repair.path) == ("/v1/images/generations", "/v1/images/edits")
    assert [file.field for file in repair.files] == ["image", "mask"]
    assert repair.fields["size"] == "816x816"
    assert repair.fields["prompt"].endswith("planks") and "masked" in repair.fields["prompt"]
    (image,) = output["images"]
    assert image["sha256"] == image_file.answers[0] == digest(image["file"])
    assert any("repainted the seams" in warning for warning in output["warnings"])
    found = pixels(image["processed"])
    changed = (found != cut).any(-1)
    assert found.shape == cut.shape and 0.02 < changed.mean() < 0.45
    assert output["cost_usd"] == pytest.approx(online.bill_usd)
    assert output["cost_usd"] <= output["estimated_usd"] == pytest.approx(priced["estimated_usd"])
    _, history = run("history")
    rows = {row["job"]: row for row in history["jobs"]}
    assert rows[f"{output['job']}-seams-1"]["cost_usd"] == pytest.approx(repair.cost_usd)
    assert {row["state"] for row in rows.values()} == {"APPLIED"}


def test_good_seams_are_not_sent_and_not_paid(run: Command, online: ApiServer) -> None:
    online.options.image = Image.fromarray(paint("mossy cobblestone", 1024, 1024).color[30:790, 45:805, :3])
    code, output = run("generate", "cobblestone", *FLAGS, "--repair-seams")
    assert code == 0
    assert [record.path for record in online.requests] == ["/v1/images/generations"]
    assert output["cost_usd"] == pytest.approx(online.bill_usd)


def test_each_poor_image_is_one_request(run: Command, online: ApiServer) -> None:
    _, one = run("estimate", "planks", *FLAGS, "--repair-seams")
    _, three = run("estimate", "planks", *FLAGS, "--repair-seams", "--n", 3)
    assert three["estimated_usd"] > 2.5 * one["estimated_usd"]
    code, output = run("generate", "planks", *FLAGS, "--repair-seams", "--n", 2)
    assert code == 0
    assert [record.path.rsplit("/", 1)[1] for record in online.requests] == ["generations", "edits", "edits"]
    assert output["cost_usd"] == pytest.approx(online.bill_usd)


@pytest.mark.parametrize(
    ("how", "reason"), [("wrong", "do not fit"), ("unchanged", "changed nothing along the seams")]
)
def test_an_answer_that_is_no_better_is_paid_and_not_used(
    run: Command, online: ApiServer, how: str, reason: str
) -> None:
    cut = plain_tile(run, online)
    online.options.repaint = how
    code, output = run("generate", "planks", *FLAGS, "--repair-seams")
    assert code == 0
    assert any(reason in warning for warning in output["warnings"])
    assert np.array_equal(pixels(output["images"][0]["processed"]), cut)
    assert output["cost_usd"] == pytest.approx(sum(record.cost_usd for record in online.requests))


@pytest.mark.parametrize(
    ("step", "edits"),
    [
        (faults.error("moderation_blocked"), 1),
        (faults.error("server_error"), 3),
        (faults.answer("not_an_image"), 1),
        (faults.answer("one_corrupt"), 1),
        (faults.reset("processing"), 1),
    ],
)
def test_the_cut_is_kept_where_the_repair_fails(
    run: Command, online: ApiServer, step: Any, edits: int
) -> None:
    cut = plain_tile(run, online)
    online.script(faults.ok(), *[step] * 3)
    code, output = run("generate", "planks", *FLAGS, "--repair-seams")
    assert code == 0
    assert len(online.requests) == 1 + edits
    assert any("seams" in warning and "repainted" in warning for warning in output["warnings"])
    assert np.array_equal(pixels(output["images"][0]["processed"]), cut)


def test_a_repair_that_is_cancelled_leaves_the_cut(online: ApiServer) -> None:
    online.script(faults.ok(), faults.stall("processing"))
    job = api.submit("planks", quality="low", size=SIZE, seamless=True, repair_seams=True)
    while not online.stalled:
        job.wait(0.05)
    job.cancel()
    assert job.wait(30)
    result = api.result_of(job)
    assert any("could not be repainted" in warning for warning in result.warnings)
    assert pixels(result.images[0].processed).shape == (400, 400, 3)
    assert len(online.requests) == 2


def test_the_budget_is_for_the_repair_too(online: ApiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    values = {"quality": "low", "size": SIZE, "seamless": True, "provider": "openai"}
    one = api.estimate("planks", **values).high_usd
    monkeypatch.setenv("GPT_IMAGE_MONTHLY_BUDGET_USD", str(1.5 * one))
    with pytest.raises(BudgetExceededError):
        api.generate("planks", repair_seams=True, **values)
    assert online.requests == []


def test_height_and_repair_go_together(online: ApiServer) -> None:
    cube()
    result = api.generate(
        "planks",
        target="material",
        quality="low",
        size=SIZE,
        seamless=True,
        repair_seams=True,
        height_by_model=True,
    )
    assert len(online.requests) == 3
    assert result.cost_usd == pytest.approx(online.bill_usd)
    assert {pixels(file).shape[:2] for file in result.maps.values()} == {(400, 400)}


@pytest.mark.parametrize("flags", [("--height-by-model", "--target", "material"), ("--repair-seams",)])
def test_without_usage_each_request_is_counted_once(run: Command, online: ApiServer, flags: Any) -> None:
    cube()
    online.script(*[faults.answer("no_usage")] * 2)
    _, output = run("generate", "planks", *FLAGS, *flags)
    assert len(online.requests) == 2
    assert output["cost_usd"] == pytest.approx(output["estimated_usd"])
    assert run("history")[1]["spent_usd"] == pytest.approx(output["estimated_usd"])


def test_only_seamless_images_are_repaired(run: Command, online: ApiServer) -> None:
    code, output = run("generate", "planks", "--quality", "low", "--repair-seams")
    assert (code, output["error"]["param"]) == (4, "repair_seams")
    assert online.requests == []


def test_drafts_have_no_seams_to_repair(run: Command) -> None:
    code, output = run("generate", "planks", *FLAGS, "--repair-seams", "--provider", "offline")
    assert (code, output["cost_usd"], output["estimated_usd"]) == (0, 0, 0)
    assert any("tile by nature" in warning for warning in output["warnings"])


def test_an_image_on_the_disk_is_cut_and_repaired(
    run: Command, online: ApiServer, photo: Path, tmp_path: Path
) -> None:
    run("tile", photo, tmp_path / "cut.png")
    flags = ("--repair-seams", "--quality", "low", "--description", "oak planks")
    code, priced = run("tile", photo, tmp_path / "out.png", *flags, "--dry-run")
    assert (code, priced["state"]) == (0, "dry_run")
    assert not (tmp_path / "out.png").exists() and not online.requests
    code, output = run("tile", photo, tmp_path / "out.png", *flags)
    assert code == 0 and output["repaired"]
    (record,) = online.requests
    assert record.path == "/v1/images/edits" and record.fields["prompt"].endswith("oak planks")
    assert output["cost_usd"] == pytest.approx(record.cost_usd)
    assert output["cost_usd"] <= output["estimated_usd"] == pytest.approx(priced["estimated_usd"])
    changed = (pixels(output["file"]) != pixels(tmp_path / "cut.png")).any(-1)
    assert 0.02 < changed.mean() < 0.45
    assert run("history")[1]["jobs"][0]["job"] == output["job"]
    assert not bpy.data.images


@pytest.mark.parametrize("step", [faults.error("moderation_blocked"), faults.answer("not_an_image")])
def test_the_cut_is_on_the_disk_where_the_repair_fails(
    run: Command, online: ApiServer, photo: Path, tmp_path: Path, step: Any
) -> None:
    run("tile", photo, tmp_path / "cut.png")
    online.script(step)
    code, output = run("tile", photo, tmp_path / "out.png", "--repair-seams", "--quality", "low")
    assert (code, output["repaired"]) == (0, False)
    assert any("cut is kept" in warning for warning in output["warnings"])
    assert (tmp_path / "out.png").read_bytes() == (tmp_path / "cut.png").read_bytes()


def test_a_cancelled_repair_leaves_the_cut_on_the_disk(
    online: ApiServer, photo: Path, tmp_path: Path
) -> None:
    online.script(faults.stall("processing"))
    job = api.submit_tile(photo, tmp_path / "out.png", repair_seams=True, quality="low")
    assert (tmp_path / "out.png").is_file()
    while not online.stalled:
        job.wait(0.05)
    job.cancel()
    assert job.wait(30)
    result = api.tile_result(job)
    assert not result.repaired and any("cut is kept" in warning for warning in result.warnings)


def test_what_tiles_already_is_not_sent(run: Command, online: ApiServer, tmp_path: Path) -> None:
    Image.fromarray(paint("mossy cobblestone", 256, 256).color).save(tmp_path / "draft.png")
    _, priced = run("tile", tmp_path / "draft.png", tmp_path / "out.png", "--repair-seams", "--dry-run")
    assert priced["high_usd"] == 0
    code, output = run("tile", tmp_path / "draft.png", tmp_path / "out.png", "--repair-seams")
    assert (code, output["unchanged"], output["repaired"], output["job"]) == (0, True, False, None)
    assert online.requests == []


def test_the_offline_provider_says_that_it_only_cuts(run: Command, photo: Path, tmp_path: Path) -> None:
    code, output = run("tile", photo, tmp_path / "out.png", "--repair-seams", "--provider", "offline")
    assert (code, output["repaired"], output["cost_usd"]) == (0, False, 0)
    assert any("offline provider can't repaint" in warning for warning in output["warnings"])
    assert (tmp_path / "out.png").is_file()


def test_a_repair_that_may_not_be_sent_writes_nothing(photo: Path, tmp_path: Path, online: ApiServer) -> None:
    with pytest.raises(BudgetExceededError):
        api.make_tile(photo, tmp_path / "out.png", repair_seams=True, quality="low", max_cost=0.0001)
    with api.using(api_key=""), pytest.raises(MissingApiKeyError):
        api.make_tile(photo, tmp_path / "out.png", repair_seams=True)
    with pytest.raises(InvalidRequestError, match="belongs to repair_seams"):
        api.make_tile(photo, tmp_path / "out.png", quality="low")
    with pytest.raises(InvalidRequestError, match="no parameter"):
        api.make_tile(photo, tmp_path / "out.png", repair_seams=True, colour="red")
    assert [path.name for path in tmp_path.glob("*.png")] == [photo.name]
    assert online.requests == []


def test_the_button_of_the_panel_counts_the_repair(online: ApiServer) -> None:
    scene = bpy.context.scene
    values = scene.gpt_image
    values.prompt, values.quality, values.seamless, values.provider = "planks", "low", True, "openai"
    plain = quote.current(scene).high_usd
    values.repair_seams = True
    assert quote.current(scene).high_usd > 1.5 * plain
    values.seamless = False
    assert quote.current(scene).high_usd < plain


def test_a_repaired_result_is_recovered_with_its_repair(run: Command, online: ApiServer) -> None:
    _, output = run("generate", "planks", *FLAGS, "--repair-seams")
    before = pixels(output["images"][0]["processed"])
    job = api.recover(output["job"])
    assert job.wait(30) and job.error is None
    data = bytes(bpy.data.images[job.applied.images[0]].packed_file.data)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(data))), before)
    assert len(online.requests) == 2
