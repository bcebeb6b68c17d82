"""An image and its height in one request: what is sent, and what becomes of right and wrong sheets."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gpt_image_addon.core.errors import InvalidRequestError
from gpt_image_addon.core.imaging.pixels import fit_color, read_pixels
from gpt_image_addon.core.imaging.png_writer import encode_png
from gpt_image_addon.core.jobs.estimates import validate_and_price
from gpt_image_addon.core.jobs.postprocess import prepare
from gpt_image_addon.core.providers.offline.painter import paint
from gpt_image_addon.core.request.models import load_registry
from gpt_image_addon.core.request.request import Application, GenerationRequest
from gpt_image_addon.core.results.store import PreparedResult
from gpt_image_addon.core.textures.height_sheet import split_sheet

TABLE = load_registry()
BY_MODEL = Application(target="material", height_by_model=True)
REQUEST = GenerationRequest(prompt="cobblestone", provider="openai", model=TABLE.default, quality="low")
SHEET = replace(REQUEST, height_sheet=True)
DRAFT = paint("cobblestone", 448, 448)
COLOR, HEIGHT = DRAFT.color[20:340, 33:353, :3], DRAFT.height[20:340, 33:353]
GREY = np.repeat((HEIGHT * 255).astype(np.uint8)[..., None], 3, 2)


def made(root: Path, pixels: Any, seamless: bool = False, size: str = "320x320") -> PreparedResult:
    folder = root / "2026-01" / "job"
    folder.mkdir(parents=True)
    (folder / "image-1.png").write_bytes(encode_png(np.ascontiguousarray(pixels)))
    (folder / "answer.json").write_text(json.dumps({"cost_usd": 0.1, "warnings": []}))
    request = replace(SHEET, size="240x240" if seamless else size, seamless=seamless)
    return prepare("job", request, BY_MODEL, folder)


def beside(right: Any) -> Any:
    return np.concatenate([COLOR, right], 1)


def test_one_request_is_priced_and_sent_in_place_of_two() -> None:
    for seamless, size in ((False, "2048x1024"), (True, "2688x1344")):
        two = validate_and_price(replace(REQUEST, seamless=seamless), BY_MODEL, TABLE)
        one = validate_and_price(replace(SHEET, seamless=seamless), BY_MODEL, TABLE)
        assert one.sent.size == size and "height map" in one.prompt and "height map" not in two.prompt
        assert one.price.further_usd == 0 < two.price.further_usd
        assert one.price.high_usd < two.price.high_usd


@pytest.mark.parametrize(
    "changes",
    [{"size": "2048x2048"}, {"size": "auto"}, {"background": "transparent"}, {"partial_images": 1}],
)
def test_where_no_sheet_fits_there_are_two_requests_and_it_is_said(changes: dict[str, Any]) -> None:
    two = validate_and_price(replace(REQUEST, **changes), BY_MODEL, TABLE)
    one = validate_and_price(replace(SHEET, **changes), BY_MODEL, TABLE)
    assert (one.sent, one.prompt, one.price) == (two.sent, two.prompt, two.price)
    assert any("one sheet" in text for text in one.warnings)


def test_a_sheet_without_a_wish_for_its_height_is_refused() -> None:
    with pytest.raises(InvalidRequestError, match="height_by_model"):
        validate_and_price(SHEET, Application(target="material"), TABLE)


@pytest.mark.parametrize("seamless", [False, True])
@pytest.mark.parametrize("moved", [(0, 0), (3, -2)])
def test_a_right_sheet_is_split_and_its_height_used(
    moved: tuple[int, int], seamless: bool, tmp_path: Path
) -> None:
    sheet = beside(np.roll(GREY, moved, (0, 1)))
    prepared = made(tmp_path, sheet, seamless)
    (image,) = prepared.images
    side = 240 if seamless else 320
    assert (image.width, image.height) == (side, side)
    with Image.open(image.received_file) as received:
        assert received.size == (640, 320)
    assert not any("not used" in text for text in prepared.warnings)
    assert {(one.width, one.height) for one in prepared.maps.values()} == {(side, side)}


@pytest.mark.parametrize(
    ("right", "said"),
    [
        (paint("brown leather", 320, 320).height[..., None].repeat(3, 2) * 255, "does not fit"),
        (COLOR, "in colors"),
        (COLOR.mean(-1, keepdims=True).repeat(3, 2), "repeats the image"),
        (np.full_like(COLOR, 128), "does not fit"),
        (paint("autumn leaves", 320, 320).color[..., :3], "in colors"),
    ],
)
def test_a_wrong_height_is_not_used_and_it_is_said(right: Any, said: str, tmp_path: Path) -> None:
    prepared = made(tmp_path, beside(right.astype(np.uint8)))
    assert (prepared.images[0].width, prepared.images[0].height) == (320, 320)
    assert any(said in text and "not used" in text for text in prepared.warnings)
    assert "normal" in prepared.maps


def test_an_answer_of_one_images_shape_is_left_whole(tmp_path: Path) -> None:
    prepared = made(tmp_path, fit_color(COLOR, (576, 576)), size="576x576")
    assert prepared.images[0].source == "" and prepared.images[0].width == 576
    assert any("no sheet" in text for text in prepared.warnings)


@pytest.mark.parametrize(
    ("between", "moved", "joint"),
    [([], 0, None), ([], 0, 312), ([], 4, None), ([128, 255, 128], 0, None), ([0, 0, 0, 0], 2, 316)],
)
def test_the_border_is_found_and_what_lies_between_is_left_out(
    between: list[int], moved: int, joint: int | None
) -> None:
    """Nothing of the other half, and nothing of a gap, is in a half; a joint beside it is no border.

    :param moved: columns that the border lies to the right of the middle.
    """
    left = np.ascontiguousarray(DRAFT.color[20:340, 33 : 353 + moved, :3])
    if joint is not None:
        left[::2, joint : joint + 2] = 60
    right = GREY[:, : 320 - len(between) - moved]
    halves = split_sheet(np.concatenate([left, gap(between), right], 1))
    for found, true in ((halves.color, left), (halves.height, right)):
        true = fit_color(np.ascontiguousarray(true), (320, 320)).astype(int)
        assert np.abs(found.astype(int) - true).mean() < 0.5


def gap(columns: list[int]) -> Any:
    """Columns of one grey each, between the halves."""
    return np.tile(np.uint8(columns)[None, :, None], (320, 1, 3))


@pytest.mark.parametrize("between", [[], [128, 255, 128]])
def test_each_half_tiles_by_itself(between: list[int], tmp_path: Path) -> None:
    """Neither the color nor the height of a tile goes on in the other half."""
    whole = np.concatenate([COLOR, gap(between), GREY[:, : 320 - len(between)]], 1)
    prepared = made(tmp_path, whole, seamless=True)
    assert not any("not used" in text for text in prepared.warnings)
    for image in (prepared.images[0], prepared.maps["height"]):
        tile = read_pixels(image.data, "")[..., :3].astype(float)
        assert tile.shape[:2] == (240, 240)
        for axis in (0, 1):
            steps = np.abs(np.diff(tile, axis=axis, append=tile.take([0], axis))).mean(axis=(1 - axis, 2))
            assert steps[-1] < 2 * np.median(steps)
