"""Poles of worlds repainted by the model, through all faces, against the local server."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bpy
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from gpt_image_addon import api
from gpt_image_addon.core.errors import APIConnectionError, BudgetExceededError, InvalidRequestError
from gpt_image_addon.core.panorama.wrap import edge_step
from gpt_image_addon.ui.editing.repair_poles import GPT_IMAGE_OT_repair_poles
from gpt_image_addon.ui.request import quote
from gpt_image_addon.ui.results import card
from gpt_image_addon.ui.results.chosen import Chosen
from tests.api_server import ApiServer, faults
from tests.blender.conftest import Command
from tests.blender.layouts import Layout
from tests.blender.test_equal_requests import Button
from tests.panoramas import pinched
from tools.sky_truth import read_exr

SIZE = "1280x640"
VALUES: dict[str, Any] = {"target": "world", "provider": "openai", "quality": "low", "size": SIZE}
FLAGS = ("--target", "world", "--quality", "low", "--size", SIZE, "--sky", "night")


@pytest.fixture(autouse=True)
def clean(factory_file: None, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "GPT_IMAGE_PROVIDER"):
        monkeypatch.delenv(name, raising=False)
    api.close()
    quote.forget()


@pytest.fixture
def online(online: ApiServer) -> ApiServer:
    """A model that paints panoramas, and repaints masked parts well."""
    online.options.image = pinched()
    online.options.repaint = "repaired"
    return online


def light(result: api.Result) -> NDArray[np.float32]:
    return read_exr(result.maps["environment"])


def steps(result: api.Result) -> float:
    """How far colors jump over the edge, in times of how far they usually do."""
    return edge_step(np.clip(light(result), 0, 1) * 255)


def finish(job: api.Job) -> api.Result:
    job.finish_waiting()
    return api.result_of(job)


def rows_changed(before: NDArray[np.float32], after: NDArray[np.float32]) -> tuple[bool, bool, bool]:
    """Whether two lights differ above 60°, between, and below -60°."""
    rows = np.abs(after - before).max((1, 2)) > 1e-4
    edge = -(-len(rows) // 6)
    return bool(rows[:edge].any()), bool(rows[edge:-edge].any()), bool(rows[-edge:].any())


def find_item(job: str) -> Any:
    """A job's row of the history."""
    return next(entry for entry in api.history().jobs if entry.id == job)


def unrepaired() -> api.Result:
    return api.generate("spots", sky="night", **VALUES)


def test_both_poles_are_repainted_in_jobs_of_their_own(run: Command, online: ApiServer) -> None:
    _, plain = run("estimate", "spots", *FLAGS)
    _, priced = run("estimate", "spots", *FLAGS, "--repair-poles")
    assert priced["low_usd"] == plain["low_usd"]
    assert priced["estimated_usd"] > 1.5 * plain["estimated_usd"]
    code, output = run("generate", "spots", *FLAGS, "--repair-poles")
    assert code == 0
    first, up, down = online.requests
    assert (first.path, up.path, down.path) == ("/v1/images/generations", *["/v1/images/edits"] * 2)
    assert [file.field for file in up.files] == ["image", "mask"]
    assert "straight up" in up.fields["prompt"] and "straight down" in down.fields["prompt"]
    assert up.fields["prompt"].endswith("spots")
    assert output["world"]["repaired_poles"] == ["up", "down"]
    assert output["cost_usd"] == pytest.approx(online.bill_usd)
    assert output["cost_usd"] <= output["estimated_usd"] == pytest.approx(priced["estimated_usd"])
    rows = {row["job"]: row for row in run("history")[1]["jobs"]}
    assert rows[f"{output['job']}-pole-up-1"]["cost_usd"] == pytest.approx(up.cost_usd)
    assert {row["state"] for row in rows.values()} == {"APPLIED"}
    assert output["images"][0]["sha256"] == first.answers[0], "the panorama itself stays"
    recovered = finish(api.recover(output["job"]))
    repaired = light(recovered)
    assert recovered.world is not None and recovered.world["repaired_poles"] == ["up", "down"]
    assert recovered.world["pole_spread"] <= 0.05 and steps(recovered) <= 3
    smoothed = light(finish(api.relight(output["job"], repair_poles=False)))
    assert rows_changed(smoothed, repaired) == (True, False, True)
    assert len(online.requests) == 3


def test_the_world_of_the_scene_is_repaired_at_a_price_that_is_shown(online: ApiServer) -> None:
    assert not bpy.ops.gpt_image.repair_poles.poll()
    made = unrepaired()
    smoothed, before = light(made), bpy.context.scene.world
    asked: list[Any] = []
    context = SimpleNamespace(
        scene=bpy.context.scene,
        window_manager=SimpleNamespace(invoke_props_dialog=lambda operator, **how: asked.append(how)),
    )
    button = Button(GPT_IMAGE_OT_repair_poles)
    button.bl_label = GPT_IMAGE_OT_repair_poles.bl_label
    button.invoke(context, None)
    high = api.estimate_pole_repair(made.job).high_usd
    assert asked and not button.retry_unknown and quote.usd(high) in button._told[0]
    assert len(online.requests) == 1, "nothing is sent by asking"
    assert bpy.ops.gpt_image.repair_poles() == {"FINISHED"}
    paid = [record.cost_usd for record in online.requests[1:]]
    assert len(paid) == 2 and sum(paid) <= high
    layout, repair = Layout(), next(job for job in api.jobs() if job.result_of)
    card._draw_actions(layout, Chosen(task=repair, item=find_item(made.job)), is_narrow=True)
    (again,) = (text for text in layout.said if text.startswith("Another One"))
    assert again.endswith(quote.usd(made.estimated_usd)), "the panorama, and not its poles"
    world = bpy.context.scene.world
    assert world != before and world["gpt_image_job"] == made.job
    assert rows_changed(smoothed, light(made)) == (True, False, True)
    bpy.ops.gpt_image.correct_world(world_strength=2.0)
    assert len(online.requests) == 3, "what was repainted is not paid for again"
    assert rows_changed(smoothed, light(made)) == (True, False, True), "a corrected world keeps its poles"
    button.invoke(context, None)
    assert "nothing is sent" in button._told[0]


def test_what_is_refused_or_lost_changes_nothing_and_costs_once(online: ApiServer) -> None:
    online.options.repaint = "unchanged"
    made = unrepaired()
    world = bpy.context.scene.world
    online.script(faults.error("moderation_blocked"))
    job = api.repair_poles(made.job)
    job.finish_waiting()
    assert job.error is not None and bpy.context.scene.world == world
    online.script(faults.ok(), faults.reset("processing"))
    result = finish(api.repair_poles(made.job))
    assert any("could not be repainted" in text for text in result.warnings)
    assert any("changed nothing straight up" in text for text in result.warnings)
    sent = len(online.requests)
    with pytest.raises(APIConnectionError, match="may have been billed"):
        api.repair_poles(made.job)
    assert len(online.requests) == sent == 4
    finish(api.repair_poles(made.job, retry_unknown=True))
    assert len(online.requests) == 5, "the pole that was answered is not asked for again"
    assert "straight down" in online.requests[-1].fields["prompt"]


def test_a_repair_that_was_cut_off_goes_on_and_uses_only_what_fits(online: ApiServer) -> None:
    made = unrepaired()
    before = light(made)
    online.options.repaint = "wrong"
    online.script(faults.ok(), faults.stall("processing"))
    job = api.repair_poles(made.job)
    while not online.stalled:
        job.wait(0.05)
    api.close()
    online.script()
    result = finish(api.repair_poles(made.job, retry_unknown=True))
    ups = ["straight up" in record.fields["prompt"] for record in online.requests[1:]]
    assert ups == [True, False, False], "what was answered is not asked for again"
    assert result.world is not None and result.world["repaired_poles"] == []
    assert sum("does not fit the panorama" in text for text in result.warnings) == 2
    assert np.array_equal(light(result), before)


def test_what_can_not_be_repaired_is_said_and_not_sent(run: Command, online: ApiServer) -> None:
    made = unrepaired()
    world = bpy.context.scene.world
    with pytest.raises(BudgetExceededError):
        api.repair_poles(made.job, max_cost=0.0001)
    with pytest.raises(InvalidRequestError):
        api.repair_poles("0123456789ab")
    with pytest.raises(InvalidRequestError):
        api.repair_poles(made.job, sun="two")
    assert bpy.context.scene.world == world and len(online.requests) == 1
    draft = ("dunes", "--target", "world", "--provider", "offline", "--size", "256x128", "--repair-poles")
    code, output = run("generate", *draft)
    assert (code, output["cost_usd"]) == (0, 0)
    assert any("can't repaint poles" in text for text in output["warnings"])
    with pytest.raises(InvalidRequestError, match="can't repaint poles"):
        api.repair_poles(output["job"])
    assert len(online.requests) == 1


def test_an_even_sky_is_not_asked_for(online: ApiServer) -> None:
    online.options.image = Image.linear_gradient("L").resize((512, 256)).convert("RGB")
    result = api.generate("clear sky", repair_poles=True, **VALUES)
    assert len(online.requests) == 1 and result.cost_usd == pytest.approx(online.bill_usd)


def test_a_stored_panorama_that_is_reused_gets_its_poles_and_pays_for_them_alone(
    run: Command, online: ApiServer
) -> None:
    made = run("generate", "spots", *FLAGS)[1]
    again = ("generate", "spots", *FLAGS, "--repair-poles", "--reuse")
    _, whole = run("generate", "spots", *FLAGS, "--repair-poles", "--dry-run")
    _, priced = run(*again, "--dry-run")
    assert 0 < priced["high_usd"] < whole["high_usd"] and any("poles" in text for text in priced["warnings"])
    code, refused = run(*again, "--max-cost", "0.0001")
    assert code == 5 and len(online.requests) == 1, refused
    code, output = run(*again)
    assert code == 0 and output["world"]["repaired_poles"] == ["up", "down"], output
    assert output["job"] == made["job"] and len(online.requests) == 3
    paid = sum(record.cost_usd for record in online.requests[1:])
    assert output["cost_usd"] == pytest.approx(online.bill_usd) and paid <= priced["high_usd"]
    assert run(*again, "--dry-run")[1]["high_usd"] == 0
    code, output = run(*again)
    assert code == 0 and output["world"]["repaired_poles"] == ["up", "down"] and len(online.requests) == 3
    assert run("history")[1]["spent_usd"] == pytest.approx(online.bill_usd)


@pytest.mark.bpy_module
def test_what_was_paid_before_a_death_between_the_poles_is_used_and_paid_once(
    run: Command, online: ApiServer
) -> None:
    online.script(faults.ok(), faults.ok(), faults.stall("processing"))
    command = ("generate", "spots", *FLAGS, "--repair-poles")
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    with subprocess.Popen([sys.executable, "-m", "gpt_image_addon", *command], env=environment) as process:
        while not online.stalled:
            assert process.poll() is None
            time.sleep(0.05)
        process.kill()
    assert process.returncode == -signal.SIGKILL
    online.script()
    (row,) = (row for row in run("history")[1]["jobs"] if row["state"] == "RECEIVED")
    code, output = run("recover", row["job"])
    assert code == 0, output
    assert output["recovered"][0]["world"]["repaired_poles"] == ["up"] and len(online.requests) == 3
    code, refused = run(*command, "--reuse")
    assert code != 0 and "may have been billed" in refused["error"]["message"] and len(online.requests) == 3
    code, output = run(*command, "--reuse", "--retry-unknown")
    assert code == 0 and output["world"]["repaired_poles"] == ["up", "down"], output
    ups = ["straight up" in record.fields["prompt"] for record in online.requests[1:]]
    assert ups == [True, False, False], "what was answered before the death is not asked for again"
