"""Upscaling through all faces, against the local server."""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gpt_image_addon.core.providers.offline.painter import paint
from gpt_image_addon.core.upscaling.canvas import Canvas, enlarge
from gpt_image_addon.core.upscaling.plan import plan_tiles
from tests.api_server import ApiServer
from tests.blender.conftest import Command

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
