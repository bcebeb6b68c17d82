"""Frames of images and GIFs, how they are laid over each other, and the sheet that they become."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from gpt_image_addon.core.animation import sheet as sheets
from gpt_image_addon.core.animation.frames import GHOSTS, find_starts, read_frames
from gpt_image_addon.core.animation.registration import register
from gpt_image_addon.core.animation.sheet import GAP, make_sheet
from gpt_image_addon.core.errors import InvalidRequestError

COLORS = ("red", "lime", "blue")


def disc(
    color: str, center: tuple[int, int], size: tuple[int, int] = (96, 64), radius: int = 12
) -> Image.Image:
    image = Image.new("RGBA", size)
    (x, y), radius = center, 12
    ImageDraw.Draw(image).ellipse((x - radius, y - radius, x + radius, y + radius), color)
    return image


def encoded(image: Image.Image, form: str = "PNG", **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, form, **options)
    return stream.getvalue()


def gif(frames: list[Image.Image], durations: list[int], disposal: int = 2) -> bytes:
    options = {"duration": durations, "loop": 0, "disposal": disposal}
    return encoded(frames[0], "GIF", save_all=True, append_images=frames[1:], **options)


def test_a_gif_keeps_its_uneven_times_and_its_alpha() -> None:
    data = gif([disc(color, (20 + 25 * n, 30)) for n, color in enumerate(COLORS)], [200, 50, 350])
    frames = read_frames([("hop.gif", data)], 100)
    assert frames.durations_ms == (200, 50, 350) and frames.size == (96, 64) and not frames.notes
    for number, (frame, color) in enumerate(zip(frames.pixels, COLORS, strict=True)):
        assert tuple(frame[30, 20 + 25 * number]) == Image.new("RGBA", (1, 1), color).getpixel((0, 0))
        assert frame[5, 5, 3] == 0


def test_ghosts_are_said() -> None:
    data = gif([disc(color, (20 + 25 * n, 30)) for n, color in enumerate(COLORS)], [100] * 3, disposal=1)
    assert read_frames([("hop.gif", data)], 100).notes == (GHOSTS,)


def test_images_of_several_sizes_stand_in_the_middle() -> None:
    files = [("a", encoded(disc("red", (48, 32)))), ("b", encoded(disc("red", (16, 16), (32, 32))))]
    frames = read_frames(files, 125)
    assert frames.durations_ms == (125, 125)
    assert (frames.pixels[0][..., 3] == frames.pixels[1][..., 3]).mean() > 0.99


@pytest.mark.parametrize(
    "files",
    [
        [("one.png", encoded(disc("red", (30, 30))))],
        [("broken.gif", b"GIF89a\0\0")],
        [("a.png", encoded(disc("red", (30, 30)))), ("b.png", b"no image")],
        [("truncated.gif", gif([disc(color, (30, 30)) for color in COLORS], [100] * 3)[:200])],
    ],
)
def test_what_is_no_animation_is_refused(files: list[tuple[str, bytes]]) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        read_frames(files, 100)
    assert caught.value.message.endswith(".")


def test_times_add_up_before_they_are_rounded() -> None:
    assert find_starts([200] * 5, 24) == [0, 5, 10, 14, 19, 24]
    assert find_starts([1, 1, 1], 24) == [0, 1, 2, 3]
    assert find_starts([1000, 500], 29.97) == [0, 30, 45]


def test_images_are_laid_over_the_first() -> None:
    places = [(40, 30), (47, 26), (33, 35)]
    frames = [np.asarray(disc("red", place)) for place in places]
    moved, shifts = register(frames)
    assert shifts == [(0, 0), (-7, 4), (7, -5)]
    assert all((frame == frames[0]).all() for frame in moved)


def test_opaque_images_are_laid_by_their_brightness() -> None:
    noise = np.random.default_rng(1).integers(0, 255, (80, 90, 4), np.uint8)
    noise[..., 3] = 255
    moved, shifts = register([noise[5:69, 5:79].copy(), noise[2:66, 9:83].copy()])
    assert shifts[1] == (4, -3) and moved[1][..., 3].min() == 255
    assert (moved[0][8:-8, 8:-8] == moved[1][8:-8, 8:-8]).all()


def test_what_is_not_alike_stays_where_it_is() -> None:
    dice = np.random.default_rng(2)
    frames = [dice.integers(0, 255, (64, 64, 4), np.uint8) for _ in range(2)]
    assert register(frames)[1] == [(0, 0), (0, 0)]
    empty = np.zeros((32, 32, 4), np.uint8)
    assert register([empty, empty])[1] == [(0, 0), (0, 0)]


def test_the_table_says_where_each_frame_lies() -> None:
    files = [(color, encoded(disc(color, (20, 20), (40, 60)))) for color in (*COLORS, "white", "black")]
    frames = read_frames(files, 80)
    sheet = make_sheet(frames)
    table = json.loads(sheet.to_json("walk"))
    height, width = sheet.pixels.shape[:2]
    assert table["meta"]["size"] == {"w": width, "h": height} and table["meta"]["image"] == "walk.png"
    for (name, row), pixels in zip(table["frames"].items(), frames.pixels, strict=True):
        at = row["frame"]
        cut = sheet.pixels[at["y"] : at["y"] + at["h"], at["x"] : at["x"] + at["w"]]
        assert row["duration"] == 80 and name.startswith("walk ")
        assert (cut[..., 3] == pixels[..., 3]).all() and (cut[20, 20] == pixels[20, 20]).all()
        assert (cut[2, 2, :3] == pixels[20, 20, :3]).all(), "color is spread under what is clear"
    assert max(width, height) < 3 * (60 + 2 * GAP) + 1


def test_a_sheet_that_would_be_too_large_is_reduced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheets, "LARGEST", 256)
    files = [(str(n), encoded(Image.new("RGBA", (300, 100), (n, 0, 0, 255)))) for n in range(12)]
    sheet = sheets.make_sheet(read_frames(files, 80))
    assert max(sheet.pixels.shape) <= 256 and len(sheet.notes) == 1
    left, top = sheet.place(11)
    assert tuple(sheet.pixels[top, left]) == (11, 0, 0, 255)
