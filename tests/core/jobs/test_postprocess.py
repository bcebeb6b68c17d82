"""From a result folder to images, tiles and maps."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gpt_image_addon.core.common.threads import FairLock
from gpt_image_addon.core.errors import InvalidResponseError, StorageError
from gpt_image_addon.core.imaging.png_writer import encode_png
from gpt_image_addon.core.jobs.copies import copy_textures
from gpt_image_addon.core.jobs.postprocess import prepare
from gpt_image_addon.core.processes.subprocess_worker import SUBPROCESS
from gpt_image_addon.core.providers.offline.painter import RELIEF, paint
from gpt_image_addon.core.request.models import load_registry
from gpt_image_addon.core.request.normalize import effective_request
from gpt_image_addon.core.request.request import Application, GenerationRequest
from gpt_image_addon.core.request.sizes import parse_size
from gpt_image_addon.core.results.output_files import Outputs
from gpt_image_addon.core.results.store import ImageFile, PreparedResult, thumbnail_of
from gpt_image_addon.core.text.message import Message

MATERIAL = Application(target="material")
BY_MODEL = replace(MATERIAL, height_by_model=True)
TABLE = load_registry()
DICE = np.random.default_rng(1)
REQUEST = GenerationRequest(prompt="cobblestone", provider="openai", model=TABLE.default, size="384x384")
DRAFT = paint("cobblestone", 768, 768)
SHADED, HEIGHT = DRAFT.color[20:532, 33:545, :3], DRAFT.height[20:532, 33:545]
"""A part that does not tile, 512 pixels a side, and its true height."""


def result(root: Path, job: str, images: Sequence[Any], heights: Sequence[Any] = ()) -> Path:
    """A result folder as the worker leaves it."""
    folder = root / "2026-01" / job
    folder.mkdir(parents=True)
    for number, pixels in enumerate(images, 1):
        (folder / f"image-{number}.png").write_bytes(encode_png(pixels))
    for number, plane in enumerate(heights, 1):
        (folder / f"height-{number}.png").write_bytes(encode_png(np.rint(plane * 65535).astype(np.uint16)))
    (folder / "answer.json").write_text(json.dumps({"cost_usd": 0.1, "warnings": []}))
    return folder


def made(
    folder: Path, request: GenerationRequest = REQUEST, application: Application = MATERIAL
) -> PreparedResult:
    return prepare(folder.name, request, application, folder)


def pixels_of(image: ImageFile) -> Any:
    return np.asarray(Image.open(io.BytesIO(image.data)))


def slopes(normal: ImageFile) -> Any:
    """Slopes across and down of a normal map."""
    n = pixels_of(normal).astype(float) / 127.5 - 1
    return np.stack([n[..., 0], n[..., 1]])


@pytest.mark.parametrize("frame", [(12_000, 10_000), (5,), (0, 5), (-4, -4), ()])
def test_a_frame_of_another_machine_does_no_harm(tmp_path: Path, frame: tuple[int, ...]) -> None:
    folder = result(tmp_path, "a", [SHADED])
    found = made(folder, replace(REQUEST, size="512x512"), Application(target="image", camera_frame=frame))
    assert (found.images[0].width, found.images[0].height) == (512, 512)


def test_transparency_is_fitted_without_halos(tmp_path: Path) -> None:
    leaf = np.zeros((512, 512, 4), np.uint8)
    leaf[128:384, 128:384] = (40, 160, 60, 255)
    asked = replace(REQUEST, size="512x512", background="transparent")
    found = made(result(tmp_path, "a", [leaf]), asked, Application(target="image", camera_frame=(200, 200)))
    pixels = pixels_of(found.images[0]).astype(int)
    assert pixels.shape == (200, 200, 4) and pixels[..., 3].min() == 0
    assert np.abs(pixels[..., :3] - (40, 160, 60)).max() <= 16  # 8 bits of little alpha


def test_an_answer_of_another_shape_is_not_fitted(tmp_path: Path) -> None:
    folder = result(tmp_path, "a", [SHADED])
    found = made(folder, replace(REQUEST, size="768x512"), Application(target="image", camera_frame=(90, 60)))
    assert (found.images[0].width, found.images[0].height) == (512, 512)
    assert any("camera's frame" in text for text in found.warnings)


def agreement(normal: ImageFile, true: Any) -> float:
    """Correlation of a normal map's slopes with those of a height."""
    down, across = np.gradient(true.astype(float))
    return float(np.corrcoef(slopes(normal).ravel(), np.stack([-across, down]).ravel())[0, 1])


def degrees_off(normal: ImageFile, relief: Any) -> float:
    """Mean angle between a normal map and the normals of a relief in pixels that tiles."""
    across, down = (
        (np.roll(relief, -1, axis) - np.roll(relief, 1, axis)) / 2 for axis in (1, 0)
    )  # central differences
    true = np.stack([-across, down, np.ones_like(across)], -1)
    true /= np.linalg.norm(true, axis=-1, keepdims=True)
    found = pixels_of(normal).astype(float) / 127.5 - 1
    found /= np.linalg.norm(found, axis=-1, keepdims=True)
    return float(np.degrees(np.arccos(np.clip((true * found).sum(-1), -1, 1))).mean())


@pytest.mark.parametrize("size", ["1024x1024", "512x512", "2000x1000", "1920x1080"])
def test_a_seamless_request_asks_for_more_pixels(size: str) -> None:
    request = replace(REQUEST, size=size, seamless=True)
    sent, _ = effective_request(request, TABLE)
    rule = TABLE.size_rule(TABLE.get(request.model))
    wanted, asked = parse_size(size), parse_size(sent.size)
    assert rule.problem(*asked) is None
    assert all(a >= 1.25 * w for a, w in zip(asked, wanted, strict=True))
    assert replace(sent, size=size) == request


def test_other_requests_are_sent_as_they_are() -> None:
    for request in (
        REQUEST,
        replace(REQUEST, seamless=True, size="auto"),
        replace(REQUEST, seamless=True, provider="offline"),
    ):
        assert effective_request(request, TABLE) == (request, ())


def test_it_is_said_beforehand_that_a_tile_will_be_enlarged() -> None:
    sent, notes = effective_request(replace(REQUEST, seamless=True, size="3840x2160"), TABLE)
    assert parse_size(sent.size)[0] <= 3840
    assert "enlarged" in notes[0]


def test_a_seamless_image_is_cut_to_its_size_and_the_received_bytes_stay(tmp_path: Path) -> None:
    folder = result(tmp_path, "job", [SHADED, SHADED[::-1]])
    before = {p.name: p.read_bytes() for p in folder.glob("image-*")}
    prepared = made(folder, replace(REQUEST, seamless=True))
    assert {p.name: p.read_bytes() for p in folder.glob("image-*")} == before
    for number, image in enumerate(prepared.images, 1):
        assert (image.width, image.height) == (384, 384)
        assert image.received_file == str(folder / f"image-{number}.png")
        assert Path(image.file).read_bytes() == image.data != before[f"image-{number}.png"]
        assert {"tile_seam_ratio", "tile_coherence", "tile_good"} <= set(image.facts)
    assert {(m.width, m.height) for m in prepared.maps.values()} == {(384, 384)}


def test_why_an_image_is_no_tile_can_be_said_in_another_language(tmp_path: Path) -> None:
    small = np.zeros((8, 8, 3), np.uint8)
    prepared = made(result(tmp_path, "job", [small]), replace(REQUEST, seamless=True), Application("image"))
    (warning,) = (text for text in prepared.warnings if "seamless" in text)
    assert isinstance(warning, Message)
    assert warning.say(lambda text: text.replace("The image", "Das Bild")).startswith(
        "Das Bild cobblestone has"
    )


def test_a_poor_tile_is_said(tmp_path: Path) -> None:
    patches = DICE.integers(0, 255, (17, 17, 3), np.uint8).repeat(32, 0).repeat(32, 1)[9:521, 9:521]
    prepared = made(result(tmp_path, "job", [patches]), replace(REQUEST, seamless=True))
    assert not prepared.images[0].facts["tile_good"]
    assert any("seams" in warning for warning in prepared.warnings)


def test_an_offline_draft_is_left_as_it_is_and_scored(tmp_path: Path) -> None:
    draft = paint("red brick wall", 384, 384)
    request = replace(REQUEST, provider="offline", model="offline-draft", seamless=True)
    prepared = made(result(tmp_path, "job", [draft.color], [draft.height]), request)
    image = prepared.images[0]
    assert image.source == ""
    assert "tile_seam_ratio" in image.facts
    assert degrees_off(prepared.maps["normal"], draft.height * RELIEF * 384) < 1.5
    assert prepared.maps["height"].facts["relief"] == pytest.approx(RELIEF)
    assert np.array_equal(pixels_of(prepared.maps["base_color"]), draft.color[..., :3])


def test_a_models_height_makes_better_normals(tmp_path: Path) -> None:
    folder = result(tmp_path, "job", [SHADED])
    alone = made(folder)
    # What a model answers: its own size, a little blurred and a pixel aside.
    grey = (np.roll(HEIGHT, (1, 1), (0, 1)) * 255).astype(np.uint8)
    answer = np.asarray(Image.fromarray(grey).resize((1024, 1024)).convert("RGB"))
    result(tmp_path, "job-height", [answer])
    fused = made(folder, application=BY_MODEL)
    assert fused.follow_up_jobs == ("job-height",)
    assert agreement(fused.maps["normal"], HEIGHT) > agreement(alone.maps["normal"], HEIGHT) + 0.1
    assert made(folder).maps["normal"].data == alone.maps["normal"].data  # only where it was asked for


def test_a_models_height_is_cut_along_with_its_image(tmp_path: Path) -> None:
    folder = result(tmp_path, "job", [SHADED])
    result(tmp_path, "job-height", [(HEIGHT * 255).astype(np.uint8)])
    request = replace(REQUEST, seamless=True)
    prepared = made(folder, request, BY_MODEL)
    plain = made(folder, request)
    found, expected = (pixels_of(p.images[0]).astype(int) for p in (prepared, plain))
    assert np.abs(found - expected).mean() < 0.1  # 16 bits on the way: the cut may differ by a pixel
    height = pixels_of(prepared.maps["height"]).astype(float)
    assert height.shape == (384, 384)
    for axis in (0, 1):
        steps = np.abs(np.diff(height, axis=axis, append=height.take([0], axis))).mean(axis=1 - axis)
        assert steps[-1] < 2 * steps[:-1].max()
    assert prepared.maps["normal"].data != plain.maps["normal"].data


@pytest.mark.parametrize("answer", ["wrong", "broken"])
def test_a_height_that_does_not_fit_is_not_used_and_it_is_said(answer: str, tmp_path: Path) -> None:
    folder = result(tmp_path, "job", [SHADED])
    alone = made(folder)
    other = result(tmp_path, "job-height", [paint("brown leather", 512, 512).color[..., 0]])
    if answer == "broken":
        (other / "image-1.png").write_bytes(b"rubbish")
    prepared = made(folder, application=BY_MODEL)
    assert any("not used" in warning for warning in prepared.warnings)
    assert {k: p.data for k, p in prepared.maps.items()} == {k: p.data for k, p in alone.maps.items()}


def test_copies_get_directx_normals_and_packed_maps(tmp_path: Path) -> None:
    copies = tmp_path / "copies"
    application = replace(MATERIAL, textures_dir=str(copies), convention="DIRECTX", pack="gltf_orm")
    prepared = made(result(tmp_path, "job", [SHADED]), application=application)
    assert copy_textures(prepared, application, Outputs()) == ()
    names = {p.name for p in copies.iterdir()}
    assert names == {"cobblestone.png", "cobblestone_orm.png"} | {
        f"cobblestone_{kind}.png" for kind in ("base_color", "normal", "roughness", "height", "metallic")
    }
    own, copy = pixels_of(prepared.maps["normal"]), np.asarray(Image.open(copies / "cobblestone_normal.png"))
    assert np.array_equal(copy[..., 1], 255 - own[..., 1])
    assert np.array_equal(copy[..., 0], own[..., 0])


def test_true_displacement_gets_a_16_bit_height(tmp_path: Path) -> None:
    folder = result(tmp_path, "job", [SHADED])
    assert made(folder, application=replace(MATERIAL, displacement="true")).maps["height"].data[24] == 16
    assert made(folder).maps["height"].data[24] == 8


def test_with_a_window_another_process_makes_the_same_and_thumbnails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = replace(REQUEST, seamless=True)
    folder = result(tmp_path, "job", [SHADED, SHADED[:256]])
    application = replace(MATERIAL, textures_dir=str(tmp_path / "copies"), pack="gltf_orm")
    alone = made(folder, request, application)
    assert alone.packed and not list(tmp_path.rglob("thumbnail-*")) and not SUBPROCESS.open
    monkeypatch.setattr(FairLock, "enabled", True)
    try:
        assert made(folder, request, application) == alone
        assert SUBPROCESS.open
    finally:
        SUBPROCESS.close()
    for image_file in alone.images:
        for file in map(Path, (image_file.received_file, image_file.file)):
            with Image.open(thumbnail_of(file)) as small, Image.open(file) as large:
                assert max(small.size) == 256
                wide, high = (256 * side / max(large.size) for side in large.size)
                assert small.size == (round(wide), round(high))
                mean = [np.asarray(image.convert("RGB")).mean() for image in (small, large)]
                assert mean[0] == pytest.approx(mean[1], abs=1)


def test_with_a_window_a_bad_image_is_refused_as_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = result(tmp_path, "job", [SHADED])
    (folder / "image-1.png").write_bytes(b"rubbish")
    monkeypatch.setattr(FairLock, "enabled", True)
    try:
        with pytest.raises(InvalidResponseError, match="no image that can be used") as raised:
            made(folder)
        assert SUBPROCESS.open
    finally:
        SUBPROCESS.close()
    assert raised.value.billed == "yes" and str(folder) in raised.value.next_step


def test_an_image_that_vanishes_is_a_storage_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = result(tmp_path, "job", [SHADED])
    prepared = made(folder)
    monkeypatch.setattr(FairLock, "enabled", True)
    monkeypatch.setattr(SUBPROCESS, "call", lambda *args: prepared)
    (folder / "image-1.png").unlink()
    with pytest.raises(StorageError, match="job could not be read"):
        made(folder)


@pytest.mark.parametrize(
    "answer",
    [
        "[]",
        "{",
        json.dumps({"warnings": 5, "request_id": ["x"], "cost_usd": -3, "created": {"a": 1}}),
        json.dumps({"warnings": [5, {"a": []}, "Kept."]}),
    ],
)
def test_whatever_is_written_beside_an_image_it_is_prepared(tmp_path: Path, answer: str) -> None:
    folder = result(tmp_path, "a", [SHADED])
    (folder / "answer.json").write_text(answer)
    found = made(folder, application=Application(target="image"))
    assert len(found.images) == 1 and all(isinstance(fact, str | float) for fact in found.facts.values())
    assert found.facts["prompt"] == "cobblestone" and found.facts.get("cost_usd", 0) >= 0
    assert list(found.warnings) == (["Kept."] if "Kept." in answer else [])


def test_an_image_of_a_provider_of_others_is_prepared(tmp_path: Path) -> None:
    request = replace(REQUEST, provider="elsewhere")
    found = made(result(tmp_path, "a", [SHADED]), request, Application(target="image"))
    assert found.facts["provider"] == "elsewhere"


@pytest.mark.parametrize("original", [encode_png(SHADED), encode_png(SHADED)[:200], None])
@pytest.mark.parametrize("mask", [b"no image", None])
def test_an_edit_whose_mask_a_death_left_out_is_prepared(
    tmp_path: Path, original: bytes | None, mask: bytes | None
) -> None:
    """The image is written before what it is put back into."""
    folder = result(tmp_path, "a", [SHADED])
    for name, data in (("original.png", original), ("mask.png", mask)):
        if data is not None:
            (folder / name).write_bytes(data)
    request = replace(REQUEST, references=("/somewhere.png",), mask="/mask.png")
    found = made(folder, request, Application(target="image"))
    assert np.array_equal(pixels_of(found.images[0]), SHADED)
    assert any("not put back" in warning for warning in found.warnings)


@pytest.mark.parametrize("height", [b"no image", encode_png(SHADED)])
def test_a_height_that_is_none_is_left_out(tmp_path: Path, height: bytes) -> None:
    folder = result(tmp_path, "a", [SHADED])
    (folder / "height-1.png").write_bytes(height)
    found = made(folder)
    assert found.maps["height"] and any("height" in warning for warning in found.warnings)


def test_a_drawing_of_an_endless_size_is_a_drawing(tmp_path: Path) -> None:
    folder = result(tmp_path, "a", [])
    (folder / "image-1.svg").write_text(f'<svg viewBox="0 0 {"9" * 400} 1"></svg>')
    found = made(folder, application=Application(target="image"))
    assert (found.images[0].width, found.images[0].height) == (0, 0)


def test_an_image_knows_what_it_was_received_as(tmp_path: Path) -> None:
    (tmp_path / "image-1.webp").write_bytes(b"received")
    made_of_it = ImageFile("oak", b"made", "/x/oak.png", "png", 8, 8, source=str(tmp_path / "image-1.webp"))
    assert made_of_it.has_pixels and made_of_it.received_format == "webp"
    assert made_of_it.received_file == str(tmp_path / "image-1.webp")
    assert made_of_it.sha256 == sha256(b"received").hexdigest()
    as_it_came = ImageFile("oak", b"drawn", "/x/oak.svg", "svg", 8, 8)
    assert not as_it_came.has_pixels and as_it_came.received_format == "svg"
    assert (as_it_came.received_file, as_it_came.sha256) == ("/x/oak.svg", sha256(b"drawn").hexdigest())
