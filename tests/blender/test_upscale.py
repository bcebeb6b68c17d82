"""Upscaling through all faces, against the local server."""

from __future__ import annotations

import io
import subprocess
import sys
import time
from functools import cache
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from PIL import Image, ImageFilter

from gpt_image_addon import api
from gpt_image_addon.core.errors import InvalidRequestError, JobCancelled
from gpt_image_addon.core.providers.offline.painter import paint
from gpt_image_addon.core.upscaling.canvas import Canvas, enlarge
from gpt_image_addon.core.upscaling.plan import plan_tiles
from tests.api_server import ApiServer, faults
from tests.blender.conftest import Command
from tests.blender.scene_fixtures import cube

ROOT = Path(__file__).resolve().parents[2]
FLAGS = ("--quality", "low")
WIDTH, HEIGHT = 2200, 704  # too wide for one request


@cache
def truth() -> Any:
    """A surface at the size that is asked for, with room for other contrast."""
    pixels = paint("red brick wall", 2304, 2304).color[:HEIGHT, :WIDTH, :3].astype(np.float32)
    return np.rint(30 + pixels * (190 / 255)).astype(np.uint8)


@cache
def small() -> Any:
    return np.asarray(Image.fromarray(truth()).reduce(2))


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "wall.png"
    Image.fromarray(small()).save(path)
    return path


def answers(change: Any = lambda pixels: pixels) -> Any:
    """What a model with the truth before its eyes answers: moved by a pixel, and a little brighter."""
    canvas = Canvas(small(), wraps=False)
    tiles = plan_tiles((WIDTH, HEIGHT), api_rule(), wraps=False)
    sent = [canvas.sent(tile) for tile in tiles]

    def edit(reference: bytes, mask: bytes | None) -> Image.Image:
        assert mask is None
        with Image.open(io.BytesIO(reference)) as image:
            asked = np.asarray(image)
        (number,) = (n for n, one in enumerate(sent) if np.array_equal(one, asked))
        box = tiles[number].box
        part = truth()[box.top : box.bottom, box.left : box.right]
        moved = np.roll(part, (1, -1), (0, 1)).astype(np.float32) * 1.04
        return Image.fromarray(change(np.clip(moved, 0, 255).astype(np.uint8)))

    return edit


def api_rule() -> Any:
    from gpt_image_addon.app import models, settings

    table = models.find_registry(settings.load(with_key=False))
    return table.size_rule(table.get(table.default))


def pixels(path: str | Path) -> Any:
    with Image.open(path) as image:
        return np.asarray(image)


def error(found: Any) -> float:
    return float(np.abs(found.astype(float) - truth()).mean())


def test_each_part_is_a_request_and_the_image_is_sharper(
    run: Command, online: ApiServer, photo: Path, tmp_path: Path
) -> None:
    online.options.edits = answers()
    out = tmp_path / "large.png"
    code, priced = run("upscale", photo, out, *FLAGS, "--prompt", "bricks", "--dry-run")
    assert code == 0 and priced["requests"] == 2 and priced["width"] == WIDTH
    assert not online.requests and not out.exists()
    code, made = run("upscale", photo, out, *FLAGS, "--prompt", "bricks")
    assert code == 0, made
    assert (made["width"], made["height"], made["requests"], made["resampled"]) == (WIDTH, HEIGHT, 2, 0)
    assert len(online.requests) == 2 and all(record.path == "/v1/images/edits" for record in online.requests)
    for record in online.requests:
        assert [file.field for file in record.files] == ["image[]", "image[]"]
        assert "image 1" in record.fields["prompt"] and record.fields["prompt"].endswith("bricks")
    assert made["cost_usd"] == pytest.approx(online.bill_usd) and made["cost_usd"] <= made["estimated_usd"]
    assert made["estimated_usd"] == pytest.approx(priced["estimated_usd"])
    assert error(pixels(out)) < 0.7 * error(enlarge(small(), (WIDTH, HEIGHT), wraps=False))
    _, history = run("history")
    assert {row["job"] for row in history["jobs"]} == set(made["jobs"])
    assert {row["state"] for row in history["jobs"]} == {"APPLIED"}


def test_what_was_answered_is_not_paid_twice(
    run: Command, online: ApiServer, photo: Path, tmp_path: Path
) -> None:
    """The second part is refused: nothing is written, and the next run asks for that part alone."""
    online.options.edits = answers()
    online.script(faults.ok(), faults.error("moderation_blocked"))
    out = tmp_path / "large.png"
    with api.using(concurrency=1):
        code, failed = run("upscale", photo, out, *FLAGS)
    assert code == 4 and not out.exists()
    assert "1 of 2 parts are answered" in failed["error"]["message"]
    paid = online.bill_usd
    assert paid > 0
    code, made = run("upscale", photo, out, *FLAGS)
    assert code == 0 and made["requests"] == 2
    assert 0 < made["cost_usd"] == pytest.approx(online.bill_usd - paid)
    _, priced = run("upscale", photo, out, *FLAGS, "--dry-run")
    assert made["estimated_usd"] < 0.6 * priced["estimated_usd"]
    bill, again = online.bill_usd, tmp_path / "again.png"
    code, made = run("upscale", photo, again, *FLAGS, "--max-cost", 0)
    assert (code, made["cost_usd"], online.bill_usd) == (0, 0.0, bill)
    assert again.read_bytes() == out.read_bytes()


@pytest.mark.bpy_module
def test_a_killed_run_is_taken_up_again(run: Command, online: ApiServer, photo: Path, tmp_path: Path) -> None:
    online.options.edits = answers()
    online.script(faults.ok(), faults.stall("processing"))
    out = tmp_path / "large.png"
    process = subprocess.Popen(
        [sys.executable, "-m", "gpt_image_addon", "upscale", photo, out, *FLAGS, "--json"],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert online.wait_until(lambda server: bool(server.stalled) and server.bill_usd > 0, 90)
        time.sleep(1.0)
    finally:
        process.kill()
        process.wait()
    paid = online.bill_usd
    code, lost = run("upscale", photo, out, *FLAGS)
    assert (code, lost["error"]["code"], online.bill_usd) == (6, "outcome_unknown", paid)
    code, made = run("upscale", photo, out, *FLAGS, "--retry-unknown")
    assert (code, made["requests"], made["resampled"]) == (0, 2, 0)
    assert made["cost_usd"] == pytest.approx(online.bill_usd - paid) and made["cost_usd"] < 1.2 * paid


def test_soft_answers_leave_a_resample_and_say_so(
    run: Command, online: ApiServer, photo: Path, tmp_path: Path
) -> None:
    def soften(pixels: Any) -> Any:
        return np.asarray(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(1.4)))

    online.options.edits = answers(soften)
    out, local = tmp_path / "large.png", tmp_path / "local.png"
    code, made = run("upscale", photo, out, *FLAGS)
    assert (code, made["resampled"]) == (0, 2)
    assert sum("no sharper than a resample" in warning for warning in made["warnings"]) == 2
    sent = len(online.requests)
    code, made = run("upscale", photo, local, "--local")
    assert (code, made["requests"], made["cost_usd"], len(online.requests)) == (0, 0, 0.0, sent)
    assert np.array_equal(pixels(out), pixels(local))


def test_checks_come_before_anything_is_sent(
    run: Command, online: ApiServer, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "large.png"
    code, failed = run("upscale", photo, out, "--max-cost", "0.01")
    assert (code, failed["error"]["code"]) == (5, "max_cost_exceeded")
    monkeypatch.setenv("GPT_IMAGE_MONTHLY_BUDGET_USD", "0.03")
    code, failed = run("upscale", photo, out, *FLAGS)
    assert (code, failed["error"]["type"]) == (5, "BudgetExceededError")
    monkeypatch.delenv("GPT_IMAGE_MONTHLY_BUDGET_USD")
    assert run("upscale", photo, tmp_path / "large.exr", *FLAGS)[0] == 4
    assert run("upscale", photo, photo, *FLAGS)[0] == 4
    assert run("upscale", tmp_path / "none.png", out, *FLAGS)[0] == 4
    assert run("upscale", photo, out, "--provider", "offline")[0] == 4
    assert run("upscale", photo, out, "--local", "--quality", "low")[0] == 2
    assert run("upscale", photo, out, "--scale", "3")[0] == 2
    out.write_bytes(b"mine")
    assert run("upscale", photo, out, *FLAGS)[0] == 4
    assert out.read_bytes() == b"mine" and not online.requests
    with pytest.raises(InvalidRequestError, match="2, 4 or 8"):
        api.upscale(photo, out, scale=5)


def test_four_times_is_two_passes(run: Command, online: ApiServer, tmp_path: Path) -> None:
    def sharpen(reference: bytes, mask: bytes | None) -> Image.Image:
        with Image.open(io.BytesIO(reference)) as image:
            return image.convert("RGB").filter(ImageFilter.UnsharpMask(2.0, 200, 0))

    online.options.edits = sharpen
    photo, out = tmp_path / "wall.png", tmp_path / "large.jpg"
    Image.fromarray(small()[:256, :256]).save(photo)
    _, priced = run("upscale", photo, out, *FLAGS, "--scale", 4, "--dry-run")
    assert priced["requests_by_pass"] == [1, 1] and priced["width"] == 1024
    code, made = run("upscale", photo, out, *FLAGS, "--scale", 4)
    assert (code, made["requests"], made["resampled"], len(online.requests)) == (0, 2, 0, 2)
    assert pixels(out).shape == (1024, 1024, 3)
    _, priced = run("upscale", photo, out, *FLAGS, "--scale", 8, "--dry-run")
    assert sum(priced["requests_by_pass"]) == 3 and any("invented" in text for text in priced["warnings"])


def test_the_operator_makes_an_image(online: ApiServer, photo: Path) -> None:
    image = bpy.data.images.load(str(photo))
    assert bpy.ops.gpt_image.upscale(image=image.name, scale="2", local=True) == {"FINISHED"}
    (made,) = (other for other in bpy.data.images if other is not image)
    assert tuple(made.size) == (WIDTH, HEIGHT) and not online.requests
    online.options.edits = answers()
    bpy.context.scene.gpt_image.quality = "low"
    assert bpy.ops.gpt_image.upscale(image=image.name, scale="2") == {"FINISHED"}
    assert len(online.requests) == 2 and len(bpy.data.images) == 3


def test_cancelling_sends_nothing_more(online: ApiServer, photo: Path, tmp_path: Path) -> None:
    online.options.edits = answers()
    online.script(faults.ok(), faults.stall("processing"))
    with api.using(concurrency=1):
        task = api.submit_upscale(photo, tmp_path / "large.png", quality="low")
        while not online.stalled:
            task.wait(0.1)
        task.cancel()
        assert task.wait(30)
    assert isinstance(task.error, JobCancelled) and "1 of 2" in (task.error.next_step or "")
    assert len(online.image_requests) == 2 and not (tmp_path / "large.png").exists()


def images_by_kind(material: str) -> dict[str, bpy.types.Image]:
    tree = bpy.data.materials[material].node_tree
    return {node["gpt_image_kind"]: node.image for node in tree.nodes if "gpt_image_kind" in node}


def test_maps_follow_their_base_color_onto_all_faces(factory_file: None, online: ApiServer) -> None:
    made = api.generate("red brick wall", provider="offline", size="256x256", target="material")
    copy = bpy.data.materials[made.material].copy()
    cube().data.materials.append(copy)
    old, other = images_by_kind(made.material), bpy.data.images.new("mine", 64, 64)
    of_user = copy.node_tree.nodes.new("ShaderNodeTexImage")
    of_user.image = other
    before = {image.name: tuple(image.size) for image in old.values()}
    assert len(old) > 3
    result = api.upscale(old["base_color"], scale=2, local=True)
    assert set(result.materials) == {made.material, copy.name}
    for name in result.materials:
        shown = images_by_kind(name)
        assert shown.keys() == old.keys() and shown["base_color"].name == result.image
        assert {tuple(image.size) for image in shown.values()} == {(512, 512)}
        assert shown["normal"].colorspace_settings.is_data and shown["normal"].packed_file
    assert of_user.image == other and set(before.values()) == {(256, 256)}
    assert not online.requests


def test_undo_brings_image_maps_and_material_back(factory_file: None, online: ApiServer) -> None:
    """In background nothing pushes steps but the test itself; with a window, `push_undo` does."""

    def seen() -> dict[str, Any]:
        nodes = bpy.data.materials[made.material].node_tree.nodes
        images = {image.name: hash(bytes(image.packed_file.data)) for image in bpy.data.images}
        shown = {
            kind: (image.name, images[image.name]) for kind, image in images_by_kind(made.material).items()
        }
        return {"images": images, "shown": shown, "nodes": sorted(node.name for node in nodes)}

    made = api.generate("red brick wall", provider="offline", size="256x256", target="material")
    cube().data.materials.append(bpy.data.materials[made.material])
    bpy.ops.ed.undo_push(message="made")
    before = seen()
    result = api.upscale(images_by_kind(made.material)["base_color"], scale=2, local=True)
    assert result.materials == (made.material,)
    bpy.ops.ed.undo_push(message="upscaled")
    after = seen()
    assert not set(after["shown"].values()) & set(before["shown"].values())
    assert bpy.ops.ed.undo() == {"FINISHED"}
    assert seen() == before
    assert {tuple(image.size) for image in images_by_kind(made.material).values()} == {(256, 256)}
    assert bpy.ops.ed.redo() == {"FINISHED"}
    assert seen() == after


def test_maps_stay_where_a_file_is_written(factory_file: None, online: ApiServer, tmp_path: Path) -> None:
    made = api.generate("red brick wall", provider="offline", size="256x256", target="material")
    base = images_by_kind(made.material)["base_color"]
    result = api.upscale(base, tmp_path / "large.png", scale=2, local=True)
    assert result.materials == () and images_by_kind(made.material)["base_color"] == base
