"""Masked edits, headless: what is sent of an image, and what comes back of it."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from gpt_image_addon import api
from gpt_image_addon.app import references
from gpt_image_addon.core.editing import edit_files
from gpt_image_addon.core.imaging import decoding, formats, pillow_settings
from gpt_image_addon.core.imaging.image_reader import hash_image_file
from gpt_image_addon.core.imaging.png_writer import encode_png
from gpt_image_addon.core.imaging.stored_pixels import read_png
from gpt_image_addon.core.pasting.image_source import inspect_source
from gpt_image_addon.core.textures.writer import is_tile
from gpt_image_addon.ui.request import confirm, generate, quote
from tests.api_server import ApiServer
from tests.core.editing import simulated

Pixels = NDArray[Any]
QUALITY = ("--provider", "openai", "--quality", "low", "--target", "image")
SIZE = (1400, 1000)


def texture(size: tuple[int, int] = SIZE, channels: int = 3, dtype: Any = np.uint8) -> Pixels:
    """Noise at several scales, which tells by itself how it lies."""
    dice = np.random.default_rng(5)
    width, height = size
    levels = np.zeros((height, width, channels))
    for cells in (9, 40, 160):
        coarse = dice.uniform(0, 255, (cells, cells, channels)).astype(np.uint8)
        planes = [
            Image.fromarray(coarse[..., i]).resize(size, Image.Resampling.BICUBIC) for i in range(channels)
        ]
        levels += np.dstack([np.asarray(plane, np.float32) for plane in planes]) / 3
    top = np.iinfo(dtype).max
    return np.rint(np.clip(levels / 255, 0, 1) * top).astype(dtype)


def mask_of(folder: Path, *boxes: tuple[int, int, int, int], size: tuple[int, int] = SIZE) -> Path:
    mask = Image.new("L", size, 0)
    for box in boxes:
        mask.paste(255, box)
    mask.save(folder / "mask.png")
    return folder / "mask.png"


def follow(mistakes: simulated.Wrong) -> Any:
    """A server whose edits follow the mask, with these mistakes."""

    def edit(first: bytes, mask: bytes | None) -> Image.Image:
        with Image.open(io.BytesIO(first)) as opened:
            pixels = np.asarray(opened.convert("RGB"))
        assert mask is not None
        with Image.open(io.BytesIO(mask)) as opened:
            free = np.asarray(opened.convert("RGBA"))[..., 3] < 128
        return Image.fromarray(simulated.answer(pixels, free, mistakes).pixels)

    return edit


@pytest.fixture
def edit(run: Any, online: ApiServer, tmp_path: Path) -> Iterator[Any]:
    def command(image: Path, mask: Path, *flags: object) -> tuple[int, dict[str, Any]]:
        return run(  # type: ignore[no-any-return]
            *("generate", "a red door", "--reference", image, "--mask", mask, *QUALITY),
            *("--textures-dir", tmp_path / "copies", *flags),
        )

    yield command
    online.options.edits = None


def copy_in(folder: Path) -> Path:
    (copy,) = (folder / "copies").iterdir()
    return copy


@pytest.mark.parametrize(
    ("channels", "dtype"), [(3, np.uint8), (4, np.uint8), (3, np.uint16), (4, np.uint16)]
)
def test_only_the_part_is_sent_and_only_the_mask_changes(
    edit: Any, online: ApiServer, tmp_path: Path, channels: int, dtype: Any
) -> None:
    before = texture(channels=channels, dtype=dtype)
    if channels == 4:
        before[..., 3] = np.maximum(before[..., 3], np.iinfo(dtype).max - 40)
    (tmp_path / "a.png").write_bytes(encode_png(before))
    box, sent = (700, 500, 900, 640), []
    answer = follow(simulated.wrong(3, hard=channels == 3 and dtype == np.uint8))

    def note_sizes(first: bytes, mask: bytes | None) -> Image.Image:
        sent.extend(Image.open(io.BytesIO(data)).size for data in (first, mask or b""))
        return answer(first, mask)

    online.options.edits = note_sizes
    code, output = edit(tmp_path / "a.png", mask_of(tmp_path, box))
    assert code == 0, output
    (request,) = online.image_requests
    width, height = map(int, request.fields["size"].split("x"))
    assert width < SIZE[0] and height < SIZE[1] and width * height >= 655_360
    assert sent == [(width, height), (width, height)]
    after = read_png(copy_in(tmp_path).read_bytes(), SIZE)
    assert (after.shape, after.dtype) == (before.shape, before.dtype)
    changed = (after != before).any(-1)
    left, top, right, bottom = box
    outside = changed.copy()
    outside[top:bottom, left:right] = False
    assert not outside.any() and changed[top + 20 : bottom - 20, left + 20 : right - 20].mean() > 0.9
    if channels == 4:
        assert np.array_equal(after[..., 3], before[..., 3])


def test_regions_far_apart_are_a_request_each(edit: Any, online: ApiServer, tmp_path: Path) -> None:
    before = texture((3000, 1000))
    Image.fromarray(before).save(tmp_path / "a.png")
    boxes = [(100, 300, 200, 400), (2700, 500, 2820, 640)]
    mask = mask_of(tmp_path, *boxes, size=(3000, 1000))
    price = edit(tmp_path / "a.png", mask, "--dry-run")[1]["high_usd"]
    code, output = edit(tmp_path / "a.png", mask)
    assert code == 0, output
    assert len(online.image_requests) == 2 and price >= online.bill_usd > 0
    changed = (np.asarray(Image.open(copy_in(tmp_path))) != before).any(-1)
    for left, top, right, bottom in boxes:
        assert changed[top:bottom, left:right].mean() > 0.5
        changed[top:bottom, left:right] = False
    assert not changed.any()
    code, again = edit(tmp_path / "a.png", mask, "--reuse")
    assert code == 0 and again["job"] == output["job"] and len(online.image_requests) == 2


def test_an_answer_of_something_else_is_refused_and_kept(
    edit: Any, run: Any, online: ApiServer, tmp_path: Path
) -> None:
    online.options.edits = lambda first, mask: Image.fromarray(texture((900, 700))[::-1, ::-1])
    before = texture()
    Image.fromarray(before).save(tmp_path / "a.png")
    bytes_before = (tmp_path / "a.png").read_bytes()
    mask = mask_of(tmp_path, (700, 500, 900, 640))
    code, output = edit(tmp_path / "a.png", mask)
    error = output["error"]
    assert (code, error["code"], error["billed"]) == (6, "edit_mismatch", "yes")
    (entry,) = api.history().jobs
    job = entry.id
    assert "--accept" in error["message"] and job in error["message"]
    assert (tmp_path / "a.png").read_bytes() == bytes_before and not (tmp_path / "copies").exists()
    assert edit(tmp_path / "a.png", mask)[1]["error"]["code"] == "billed_without_result"
    assert len(online.image_requests) == 1
    code, output = run("recover", job, "--accept")
    assert code == 0, output
    (image,) = output["recovered"][0]["images"]
    folder = Path(image["file"]).parent
    after = np.asarray(Image.open(next((folder / "processed").iterdir())))
    assert after.shape == before.shape and (after != before).any()
    (row,) = (entry for entry in api.history().jobs if entry.id == job)
    assert row.state.name == "APPLIED" and len(online.image_requests) == 1


def test_accepting_at_once(edit: Any, online: ApiServer, tmp_path: Path) -> None:
    online.options.edits = lambda first, mask: Image.fromarray(texture((900, 700))[::-1, ::-1])
    Image.fromarray(texture()).save(tmp_path / "a.png")
    assert edit(tmp_path / "a.png", mask_of(tmp_path, (700, 500, 900, 640)), "--accept")[0] == 0


def test_a_plain_surround_is_not_refused(edit: Any, tmp_path: Path) -> None:
    Image.new("RGB", SIZE, (120, 130, 140)).save(tmp_path / "a.png")
    code, output = edit(tmp_path / "a.png", mask_of(tmp_path, (700, 500, 900, 640)))
    assert code == 0, output
    assert any("no texture" in warning for warning in output["warnings"])


def test_a_jpeg_gets_a_png_beside_it(edit: Any, tmp_path: Path) -> None:
    Image.fromarray(texture()).save(tmp_path / "a.jpg", quality=90)
    stored = np.asarray(Image.open(tmp_path / "a.jpg"))
    mask = mask_of(tmp_path, (700, 500, 900, 640))
    code, output = edit(tmp_path / "a.jpg", mask)
    assert code == 0 and any("PNG" in warning for warning in output["warnings"])
    copy = copy_in(tmp_path)
    changed = (np.asarray(Image.open(copy)) != stored).any(-1)
    changed[500:640, 700:900] = False
    assert copy.suffix == ".png" and not changed.any()


@pytest.mark.parametrize("ending", ["tif", "bmp", "tga"])
def test_a_copy_has_the_format_of_its_image(edit: Any, tmp_path: Path, ending: str) -> None:
    Image.fromarray(texture()).save(tmp_path / f"a.{ending}")
    code, output = edit(tmp_path / f"a.{ending}", mask_of(tmp_path, (700, 500, 900, 640)))
    assert code == 0, output
    assert copy_in(tmp_path).suffix == f".{ending}"


def test_an_image_that_lies_on_its_side(edit: Any, tmp_path: Path) -> None:
    before = texture()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.rot90(before)).save(tmp_path / "a.png", exif=exif)
    code, output = edit(tmp_path / "a.png", mask_of(tmp_path, (700, 500, 900, 640)))
    assert code == 0, output
    changed = (np.asarray(Image.open(copy_in(tmp_path))) != before).any(-1)
    assert changed[520:620, 720:880].mean() > 0.9
    changed[500:640, 700:900] = False
    assert not changed.any()


def test_all_of_the_image_is_sent_where_asked_for(edit: Any, online: ApiServer, tmp_path: Path) -> None:
    before = texture()
    Image.fromarray(before).save(tmp_path / "a.png")
    code, output = edit(tmp_path / "a.png", mask_of(tmp_path, (700, 500, 900, 640)), "--whole-image")
    assert code == 0, output
    width, height = map(int, online.image_requests[0].fields["size"].split("x"))
    assert width / height == pytest.approx(1.4, rel=0.02)
    changed = (np.asarray(Image.open(copy_in(tmp_path))) != before).any(-1)
    changed[500:640, 700:900] = False
    assert not changed.any()


def test_a_given_size_is_the_size_sent(edit: Any, online: ApiServer, tmp_path: Path) -> None:
    Image.fromarray(texture()).save(tmp_path / "a.png")
    mask = mask_of(tmp_path, (700, 500, 900, 640))
    assert edit(tmp_path / "a.png", mask, "--size", "1536x1024")[0] == 0
    assert online.image_requests[0].fields["size"] == "1536x1024"


def test_a_crop_goes_across_the_border_of_a_tile(edit: Any, online: ApiServer, tmp_path: Path) -> None:
    half = texture((700, 500))
    before = np.vstack([np.hstack([half, half[:, ::-1]]), np.hstack([half[::-1], half[::-1, ::-1]])])
    Image.fromarray(before).save(tmp_path / "a.png")
    seen: list[Pixels] = []
    online.options.edits = lambda first, mask: (
        seen.append(np.asarray(Image.open(io.BytesIO(first)).convert("RGB"))),  # type: ignore[func-returns-value]
        follow(simulated.wrong(3, hard=False))(first, mask),
    )[1]
    mask = mask_of(tmp_path, (0, 450, 60, 550), (1340, 450, 1400, 550))
    code, output = edit(tmp_path / "a.png", mask)
    assert code == 0, output
    assert len(online.image_requests) == 1  # one region, across the border
    after = np.asarray(Image.open(copy_in(tmp_path)))
    changed = (after != before).any(-1)
    assert changed[470:530, 20:40].mean() > 0.9 and changed[470:530, 1360:1380].mean() > 0.9
    changed[450:550, :60] = changed[450:550, 1340:] = False
    assert not changed.any()


def test_a_tile_beyond_the_limits_is_not_looked_at_as_a_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    half = texture((200, 160))
    whole = np.vstack([np.hstack([half, half[:, ::-1]]), np.hstack([half[::-1], half[::-1, ::-1]])])
    Image.fromarray(whole).save(tmp_path / "a.png")
    source = inspect_source(tmp_path / "a.png", "a.png")
    assert is_tile(source)
    monkeypatch.setattr(pillow_settings, "MAX_PIXELS", 1000)
    assert not is_tile(source)


def test_the_image_may_be_gone_when_the_answer_comes(edit: Any, online: ApiServer, tmp_path: Path) -> None:
    Image.fromarray(texture()).save(tmp_path / "a.png")
    mask, answers = mask_of(tmp_path, (700, 500, 900, 640)), follow(simulated.wrong(3, hard=False))

    def lose(first: bytes, sent: bytes | None) -> Image.Image:
        (tmp_path / "a.png").unlink()
        mask.unlink()
        return answers(first, sent)  # type: ignore[no-any-return]

    online.options.edits = lose
    code, output = edit(tmp_path / "a.png", mask)
    assert code == 0, output
    assert np.asarray(Image.open(copy_in(tmp_path))).shape == (SIZE[1], SIZE[0], 3)


def test_a_large_image_that_is_gone_is_told(
    edit: Any, online: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edit_files, "MOST_COPIED", 0)
    Image.fromarray(texture()).save(tmp_path / "a.png")
    answers = follow(simulated.wrong(3, hard=False))

    def change(first: bytes, sent: bytes | None) -> Image.Image:
        Image.new("RGB", SIZE).save(tmp_path / "a.png")
        return answers(first, sent)  # type: ignore[no-any-return]

    online.options.edits = change
    code, output = edit(tmp_path / "a.png", mask_of(tmp_path, (700, 500, 900, 640)))
    assert code == 0 and any("was changed since" in warning for warning in output["warnings"])


def test_rows_of_a_batch_are_edited_alike(run: Any, edit: Any, online: ApiServer, tmp_path: Path) -> None:
    Image.fromarray(texture()).save(tmp_path / "a.png")
    mask_of(tmp_path, (700, 500, 900, 640))
    row = {"prompt": "a red door", "references": ["a.png"], "mask": "mask.png", "id": "a", "quality": "low"}
    (tmp_path / "rows.jsonl").write_text(json.dumps(row) + "\n")
    code, output = run("batch", tmp_path / "rows.jsonl", "--provider", "openai")
    assert code == 0, output
    changed = (np.asarray(Image.open(tmp_path / "rows-pictures" / "a.png")) != texture()).any(-1)
    changed[500:640, 700:900] = False
    assert not changed.any() and len(online.image_requests) == 1


def test_an_image_larger_than_answers_may_be(
    edit: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (decoding, formats, pillow_settings):
        monkeypatch.setattr(module, "MAX_PIXELS", 1_000_000)
    before = texture()
    Image.fromarray(before).save(tmp_path / "a.png")
    code, output = edit(tmp_path / "a.png", mask_of(tmp_path, (700, 500, 900, 640)))
    assert code == 0, output
    changed = (np.asarray(Image.open(copy_in(tmp_path))) != before).any(-1)
    assert changed.any()
    changed[500:640, 700:900] = False
    assert not changed.any()


def test_a_result_larger_than_answers_may_be_is_edited_further(
    run: Any, edit: Any, online: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (decoding, formats, pillow_settings):
        monkeypatch.setattr(module, "MAX_PIXELS", 1_300_000)
    online.options.edits = follow(simulated.wrong(3, hard=False))
    Image.fromarray(texture()).save(tmp_path / "a.png")
    code, first = edit(tmp_path / "a.png", mask_of(tmp_path, (700, 500, 900, 640)))
    assert code == 0, first
    before = np.asarray(Image.open(copy_in(tmp_path)))
    mask = mask_of(tmp_path, (200, 200, 400, 340))
    words = ("generate", "a blue door", "--edit-of", first["job"], "--mask", mask, *QUALITY)
    code, second = run(*words, "--textures-dir", tmp_path / "second")
    assert code == 0, second
    (copy,) = (tmp_path / "second").iterdir()
    changed = (np.asarray(Image.open(copy)) != before).any(-1)
    assert changed.any()
    changed[200:340, 200:400] = False
    assert not changed.any() and references.size_of(str(copy)) == SIZE


def test_a_price_above_the_one_that_was_shown_is_asked_about(online: ApiServer, tmp_path: Path) -> None:
    Image.fromarray(texture((3000, 1000))).save(tmp_path / "a.png")
    values = bpy.context.scene.gpt_image
    values.prompt, values.provider, values.target, values.quality = "oak", "openai", "image", "low"
    bpy.ops.gpt_image.add_reference(kind="file", file=str(tmp_path / "a.png"))
    values.mask = "image"
    for boxes, is_asked in (
        (((100, 300, 200, 400),), False),
        (((100, 300, 200, 400), (2700, 500, 2820, 640)), True),
    ):
        values.mask_image = bpy.data.images.load(str(mask_of(tmp_path, *boxes, size=(3000, 1000))))
        prepared = generate.prepare_request(bpy.context, {})
        shown_usd = quote.price_now(bpy.context.scene).high_usd
        asked = confirm.question(prepared, {}, shown_usd)
        assert len(prepared.checked.crops) == len(boxes) and shown_usd > 0
        assert (asked.dear_usd if asked else 0.0) == (prepared.checked.price.high_usd if is_asked else 0.0)
    assert not online.image_requests


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("mask", ["file", "rectangle", "two regions"])
def test_the_price_that_is_shown_is_that_of_what_is_sent(
    online: ApiServer, tmp_path: Path, mask: str, whole: bool
) -> None:
    Image.fromarray(texture((3000, 1000))).save(tmp_path / "a.png")
    values = bpy.context.scene.gpt_image
    values.prompt, values.provider, values.target, values.quality = "oak", "openai", "image", "low"
    bpy.ops.gpt_image.add_reference(kind="file", file=str(tmp_path / "a.png"))
    values.mask, values.whole_image = mask if mask == "rectangle" else "file", whole
    values.mask_rectangle = (0.02, 0.02, 0.9, 0.9)
    boxes = [(1200, 300, 2200, 900), (10, 10, 90, 90)][: 2 if mask == "two regions" else 1]
    values.mask_file = str(mask_of(tmp_path, *boxes, size=(3000, 1000)))
    shown = quote.price_now(bpy.context.scene)
    checked = generate.prepare_request(bpy.context, {}).checked
    assert shown.error is None
    assert shown.high_usd == checked.price.high_usd > 0
    assert not online.image_requests


def test_a_gray_image(edit: Any, tmp_path: Path) -> None:
    before = texture()[..., 0]
    Image.fromarray(before).save(tmp_path / "a.png")
    code, output = edit(tmp_path / "a.png", mask_of(tmp_path, (700, 500, 900, 640)))
    assert code == 0, output
    after = np.asarray(Image.open(copy_in(tmp_path)))
    changed = after != before
    changed[500:640, 700:900] = False
    assert after.shape == before.shape and not changed.any()


def test_an_edit_is_applied_again_from_what_was_kept(
    edit: Any, run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.fromarray(texture()).save(tmp_path / "a.png")
    code, output = edit(tmp_path / "a.png", mask_of(tmp_path, (700, 500, 900, 640)))
    assert code == 0, output
    (made,) = (tmp_path / "state").rglob("processed/*.png")
    before = made.read_bytes()
    made.unlink()
    (tmp_path / "a.png").unlink()
    monkeypatch.setattr(edit_files, "fit_answer", None)  # nothing is aligned again
    assert run("recover", output["job"])[0] == 0
    assert made.read_bytes() == before


def test_the_answer_of_a_stranger_names_no_file(
    edit: Any, run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A journal of another machine brings `answer.json`, too."""
    monkeypatch.setattr(edit_files, "MOST_COPIED", 0)
    Image.fromarray(texture()).save(tmp_path / "a.png")
    code, output = edit(tmp_path / "a.png", mask_of(tmp_path, (700, 500, 900, 640)))
    assert code == 0, output
    (answer,) = (tmp_path / "state").rglob("answer.json")
    facts = json.loads(answer.read_text())
    assert "a.png" not in json.dumps(facts["edit"])
    Image.fromarray(255 - texture()).save(tmp_path / "mine.png")
    facts["edit"] |= {"file": str(tmp_path / "mine.png"), "sha256": hash_image_file(tmp_path / "mine.png")}
    answer.write_text(json.dumps(facts))
    code, output = run("recover", output["job"])
    assert code == 0 and any("was changed since" in warning for warning in output["recovered"][0]["warnings"])
