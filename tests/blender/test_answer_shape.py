"""The shape of an answer: that of the first reference, fitted to the camera's frame where it shows that."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from PIL import Image

from gpt_image_addon import api
from gpt_image_addon.app import references
from gpt_image_addon.core.errors import InvalidRequestError
from gpt_image_addon.ui.request import generate, quote
from tests.api_server import ApiServer
from tests.blender.scene_fixtures import camera, cube

PAID: dict[str, Any] = {"provider": "openai", "quality": "low", "target": "image"}
MODEL = "gpt-image-2.5-flare"


@pytest.fixture(autouse=True)
def fresh(factory_file: None) -> Iterator[None]:
    api.close()
    quote.forget()
    yield
    api.close()


@pytest.fixture
def wide(tmp_path: Path) -> str:
    return saved(tmp_path / "wide.png", (1920, 1080))


def saved(path: Path, size: tuple[int, int]) -> str:
    Image.new("RGB", size, (120, 90, 60)).save(path)
    return str(path)


def sizes(server: ApiServer) -> list[str]:
    return [record.fields["size"] for record in server.image_requests]


def scene(width: int, height: int, percentage: int = 100, pixel_aspect: float = 1.0) -> None:
    """A cube before a camera with this frame."""
    render = bpy.context.scene.render
    render.resolution_x, render.resolution_y, render.resolution_percentage = width, height, percentage
    render.pixel_aspect_x = pixel_aspect
    cube()
    camera()


def test_the_command_line_asks_for_the_shape_of_the_first_reference(
    run: Any, online: ApiServer, wide: str, tmp_path: Path
) -> None:
    square = saved(tmp_path / "square.png", (64, 64))
    flags = ("--reference", wide, "--reference", square, "--quality", "low", "--target", "image")
    code, planned = run("generate", "oak", *flags, "--size", "like", "--model", MODEL, "--dry-run")
    assert (code, planned["request"]["size"], sizes(online)) == (0, "1360x768", [])
    code, estimated = run("estimate", "oak", *flags, "--size", "1360x768", "--model", MODEL)
    assert planned["high_usd"] == estimated["high_usd"]
    code, made = run("generate", "oak", *flags, "--size", "like", "--model", MODEL)
    assert (code, sizes(online)) == (0, ["1360x768"])
    assert made["estimated_usd"] == planned["high_usd"]
    assert (made["images"][0]["width"], made["images"][0]["height"]) == (1360, 768)
    code, rows = run("history")
    assert rows["jobs"][0]["size"] == "1360x768"


def test_without_a_size_scripts_stay_square(run: Any, online: ApiServer, wide: str) -> None:
    assert run("generate", "oak", "--reference", wide, "--quality", "low", "--target", "image")[0] == 0
    assert sizes(online) == ["1024x1024"]


def test_the_detail_can_be_named(online: ApiServer, wide: str) -> None:
    api.generate("oak", size="like:2048x2048", references=[wide], **PAID)
    assert sizes(online) == ["1904x1072"]


@pytest.mark.parametrize("content", [None, b"no image"])
def test_an_image_that_cannot_be_read_is_refused_before_anything_is_sent(
    run: Any, online: ApiServer, tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "gone.png"
    if content is not None:
        path.write_bytes(content)
    code, output = run("generate", "oak", "--size", "like", "--reference", path)
    assert (code, sizes(online)) == (4, [])
    assert str(path) in output["error"]["message"]


def test_like_needs_a_reference(run: Any, online: ApiServer) -> None:
    code, output = run("generate", "oak", "--size", "like")
    assert (code, output["error"]["param"], sizes(online)) == (4, "size", [])


def test_an_equal_request_is_found_by_the_size_it_was_sent_with(online: ApiServer, wide: str) -> None:
    first = api.generate("oak", size="like", references=[wide], **PAID)
    again = api.generate("oak", size="like", references=[wide], reuse=True, **PAID)
    named = api.generate("oak", size="1360x768", references=[wide], reuse=True, **PAID)
    assert {first.job, again.job, named.job} == {first.job} and len(sizes(online)) == 1
    found = api.earlier("oak", size="like", references=[wide], **PAID)
    assert found is not None and found.id == first.job


def test_rows_of_a_batch_have_their_own_shape(run: Any, online: ApiServer, wide: str, tmp_path: Path) -> None:
    tall = saved(tmp_path / "tall.png", (600, 1800))
    rows = [{"prompt": "oak", "reference": wide}, {"prompt": "oak", "reference": tall}]
    manifest = tmp_path / "rows.jsonl"
    manifest.write_text("".join(json.dumps({**row, "size": "like"}) + "\n" for row in rows))
    code, planned = run("batch", manifest, "--quality", "low", "--dry-run")
    assert (code, sorted(group["size"] for group in planned["groups"])) == (0, ["1360x768", "576x1728"])
    for _ in range(2):  # the second time all is there
        code, output = run("batch", manifest, "--quality", "low", "--output-dir", tmp_path / "out")
        assert (code, output["succeeded"] + output["skipped"]) == (0, 2)
        assert sorted(sizes(online)) == ["1360x768", "576x1728"]


def test_the_operator_takes_it(online: ApiServer, wide: str) -> None:
    bpy.ops.gpt_image.add_reference(kind="file", file=wide)
    assert bpy.ops.gpt_image.generate(prompt="oak", size="like", **PAID) == {"FINISHED"}
    assert sizes(online) == ["1360x768"]


def test_the_default_of_the_panel_is_the_shape_of_the_reference(online: ApiServer, wide: str) -> None:
    values = bpy.context.scene.gpt_image
    values.prompt, values.provider, values.target, values.quality = "oak", "openai", "image", "low"
    assert quote.price_now(bpy.context.scene).size == "1024x1024"
    bpy.ops.gpt_image.add_reference(kind="file", file=wide)
    shown = quote.price_now(bpy.context.scene)
    assert shown.size == "1360x768"
    checked = generate.prepare_request(bpy.context, {}).checked
    assert (checked.sent.size, checked.price.high_usd) == (shown.size, shown.high_usd)
    values.size = "1024x1024"
    assert quote.price_now(bpy.context.scene).size == "1024x1024"


def test_the_panel_knows_the_size_before_a_camera_is_captured(online: ApiServer) -> None:
    scene(1600, 1200)
    values = bpy.context.scene.gpt_image
    values.prompt, values.provider, values.target = "oak", "openai", "image"
    bpy.ops.gpt_image.add_reference(kind="camera")
    assert quote.price_now(bpy.context.scene).size == "1152x864"
    prepared = generate.prepare_request(bpy.context, {})
    assert (prepared.checked.sent.size, prepared.application.camera_frame) == ("1152x864", (1600, 1200))


def test_drafts_take_the_shape_too(wide: str) -> None:
    found = api.generate("oak", provider="offline", target="image", size="like", references=[wide])
    image = found.images[0]
    assert abs(image.width / image.height - 16 / 9) < 0.005
    assert 0.94 * 1024**2 <= image.width * image.height <= 1024**2


@pytest.mark.parametrize(
    ("frame", "percentage", "pixel_aspect", "sent", "expected"),
    [
        ((1920, 1080), 100, 1.0, "1360x768", (1920, 1080)),
        ((1921, 1081), 50, 1.0, "1360x768", (960, 540)),
        ((720, 576), 100, 2.0, "1600x640", (720, 576)),
    ],
)
def test_an_answer_to_a_camera_is_fitted_to_its_frame(
    online: ApiServer,
    frame: tuple[int, int],
    percentage: int,
    pixel_aspect: float,
    sent: str,
    expected: tuple[int, int],
) -> None:
    scene(*frame, percentage, pixel_aspect)
    found = api.generate("oak", references=["camera"], size="like", **PAID)
    (image,) = found.images
    assert sizes(online) == [sent]
    assert tuple(bpy.data.images[image.name].size) == expected == (image.width, image.height)
    with Image.open(image.file) as received:
        assert f"{received.width}x{received.height}" == sent
    assert image.processed is not None and image.processed != image.file


def test_it_is_the_whole_answer_that_is_fitted(online: ApiServer) -> None:
    scene(320, 180)
    image = api.generate("oak", references=["depth"], size="like", **PAID).images[0]
    assert image.processed is not None
    with Image.open(image.file) as received, Image.open(image.processed) as fitted:
        assert fitted.size == (320, 180)
        small = received.convert("RGB").resize((32, 18), Image.Resampling.BOX)
        same = fitted.convert("RGB").resize((32, 18), Image.Resampling.BOX)
        assert np.abs(np.asarray(small, float) - np.asarray(same, float)).mean() < 3


def test_a_shape_that_is_not_the_frames_is_left_alone(online: ApiServer) -> None:
    scene(2000, 400)
    found = api.generate("oak", references=["camera"], size="like", **PAID)
    assert (found.images[0].width, found.images[0].height) == (1728, 576)
    assert any("2000x400" in warning for warning in found.warnings)
    square = api.generate("oak", references=["camera"], size="1024x1024", **PAID)
    assert (square.images[0].width, square.images[0].height) == (1024, 1024)
    assert not any("frame" in warning for warning in square.warnings)


def test_a_material_keeps_the_models_pixels(online: ApiServer) -> None:
    scene(320, 180)
    found = api.generate(
        "oak", references=["camera"], size="like", target="material", provider="openai", quality="low"
    )
    assert found.images[0].width > 1000


def test_a_recovered_result_is_fitted_again(online: ApiServer) -> None:
    scene(320, 180)
    job = api.generate("oak", references=["camera"], size="like", **PAID).job
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    again = api.recover(job)
    again.finish_waiting()
    image = api.result_of(again).images[0]
    assert (image.width, image.height) == (320, 180) and len(sizes(online)) == 1


@pytest.mark.parametrize("frame", [(0, 10), (10,), (20_000, 20_000)])
def test_a_frame_that_no_image_fits_is_refused(frame: tuple[int, ...], wide: str) -> None:
    with pytest.raises(InvalidRequestError, match="camera_frame"):
        api.plan("oak", provider="offline", references=[wide], camera_frame=frame)


def test_the_frame_is_what_the_scene_renders() -> None:
    scene(1921, 1081, 33)
    assert references.camera_frame() == (633, 356)
    scene(65536, 65536)
    assert references.camera_frame() is None
