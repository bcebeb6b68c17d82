"""Points, from the panel, scripts and the command line to the server, and back."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest

from gpt_image_addon import api
from gpt_image_addon.app import results
from gpt_image_addon.core.errors import InvalidRequestError
from gpt_image_addon.core.imaging.formats import decode, encode_png
from gpt_image_addon.core.jobs.uploads import load_uploads, with_points
from gpt_image_addon.core.raster.markers import FILL, marker_radius
from gpt_image_addon.core.results.folders import ANSWER_FILE
from gpt_image_addon.ui.request import quote
from tests.api_server import ApiServer
from tests.blender.conftest import Command

FLAGS = ("--target", "image", "--quality", "low", "--size", "1024x1024")
POINTS = ((0.25, 0.75, "make this handle brass"), (0.8, 0.2, "add a dent"))
WRITTEN = ("--point", "0.25,0.75:make this handle brass", "--point", "0.8,0.2: add a dent")
MARK = "The numbered circles mark places in image 1; do not draw them:"
LINES = "1: make this handle brass\n2: add a dent"
OLDER = "gpt-image-2"
"""A model that takes no markup."""


@pytest.fixture(autouse=True)
def fresh(factory_file: None) -> None:
    api.close()
    quote.forget()


@pytest.fixture(params=[(768, 432), (400, 640)], ids=["wide", "portrait"])
def photo(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    width, height = request.param
    path.write_bytes(encode_png(np.full((height, width, 3), 99, np.uint8)))
    return path


def values() -> Any:
    return bpy.context.scene.gpt_image


def is_marked(pixels: np.ndarray, at: tuple[float, float]) -> bool:
    """Whether there is a circle around a place, and nothing farther from it."""
    height, width = pixels.shape[:2]
    x, y, radius = at[0] * width, (1 - at[1]) * height, marker_radius(width, height)
    around = [(x + dx * 0.8 * radius, y + dy * 0.8 * radius) for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1))]
    beyond = [(x + dx * 1.6 * radius, y) for dx in (1, -1)]

    def is_filled(place: tuple[float, float]) -> bool:
        return bool(np.abs(pixels[int(place[1]), int(place[0]), :3].astype(int) - FILL).max() < 12)

    return all(map(is_filled, around)) and not any(map(is_filled, beyond))


def sent(job: str, takes_markup: bool) -> Any:
    """What must have gone to the server for a job."""
    request = results.entry(job).request
    return with_points(load_uploads(request), request, takes_markup=takes_markup)


def test_points_go_as_a_markup(run: Command, online: ApiServer, photo: Path) -> None:
    before = photo.read_bytes()
    code, output = run("generate", "a jug", "--reference", photo, *WRITTEN, *FLAGS)
    assert code == 0
    (record,) = online.requests
    assert record.fields["prompt"] == f"a jug\n{MARK}\n{LINES}"
    uploads = sent(output["job"], takes_markup=True)
    assert [(file.field, file.sha256) for file in record.files] == [
        ("image", hashlib.sha256(before).hexdigest()),
        ("markup", hashlib.sha256(uploads.markup.data).hexdigest()),
    ]
    pixels = decode(uploads.markup.data)
    assert pixels.shape == (*decode(before).shape[:2], 4) and (pixels[..., 3] == 0).mean() > 0.95
    assert all(is_marked(pixels, (x, y)) for x, y, _ in POINTS)
    assert photo.read_bytes() == before
    stored = results.entry(output["job"]).request
    assert stored.points == POINTS and stored.references == (str(photo),) and stored.markup is None
    answer = Path(output["images"][0]["file"]).parent / ANSWER_FILE
    assert json.loads(answer.read_text())["request"]["points"] == [list(point) for point in POINTS]


def test_points_go_as_a_marked_copy_where_no_markup_is_taken(
    run: Command, online: ApiServer, photo: Path
) -> None:
    other = photo.with_name("other.png")
    other.write_bytes(encode_png(np.full((64, 64, 3), 7, np.uint8)))
    both = ("--reference", photo, "--reference", other)
    code, output = run("generate", "a jug", *both, *WRITTEN, "--model", OLDER, *FLAGS)
    assert code == 0
    (record,) = online.requests
    copied = f"Image 3 is a copy of image 1 with numbered circles. {MARK}"
    assert record.fields["prompt"] == f"a jug\n{copied}\n{LINES}"
    uploads = sent(output["job"], takes_markup=False)
    hashes = [hashlib.sha256(upload.data).hexdigest() for upload in uploads.references]
    assert [(file.field, file.sha256) for file in record.files] == [("image[]", one) for one in hashes]
    assert hashes[0] == hashlib.sha256(photo.read_bytes()).hexdigest() and len(hashes) == 3
    pixels, plain = decode(uploads.references[2].data), decode(photo.read_bytes())
    assert pixels.shape == plain.shape and (pixels == plain).mean() > 0.95
    assert all(is_marked(pixels, (x, y)) for x, y, _ in POINTS)


def test_points_beside_a_mask_go_as_a_marked_copy(run: Command, online: ApiServer, photo: Path) -> None:
    mask = photo.with_name("mask.png")
    pixels = np.zeros_like(decode(photo.read_bytes()))
    pixels[100:300, 100:300] = 255
    mask.write_bytes(encode_png(pixels))
    code, _ = run("generate", "a jug", "--reference", photo, "--mask", mask, *WRITTEN, *FLAGS)
    assert code == 0
    (record,) = online.requests
    assert [file.field for file in record.files] == ["image[]", "image[]", "mask"]
    assert record.fields["prompt"].startswith("a jug\nImage 2 is a copy of image 1 with numbered circles.")


def test_points_of_a_script(online: ApiServer, photo: Path) -> None:
    job = api.submit("a jug", references=[str(photo)], points=[[0.25, 0.75, "brass"]], target="image")
    assert job.wait(60) and job.error is None
    assert results.entry(job.id).request.points == ((0.25, 0.75, "brass"),)
    for points in (
        [(0.5, 0.5)],
        ["0.5,0.5:x"],
        [(float("nan"), 0, "x")],
        [(0.5, 2, "x")],
        [(0.5, 0.5, "\x1b")],
    ):
        with pytest.raises(InvalidRequestError) as caught:
            api.submit("a jug", references=[str(photo)], points=points)
        assert caught.value.param == "points"
    assert len(online.image_requests) == 1


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("brass", "can't be read"),
        ("nan,0:brass", "can't be read"),
        ("0.5,1.5:brass", "outside the image"),
        ("0.5,0.5:", "has no text"),
        ("0.5,0.5:a\tb", "line break or control character"),
    ],
)
def test_hostile_points_of_the_command_line_send_nothing(
    run: Command, online: ApiServer, photo: Path, written: str, said: str
) -> None:
    code, output = run("generate", "oak", "--reference", photo, "--point", written, *FLAGS)
    assert code == 4 and said in output["error"]["message"] and online.requests == []


def test_a_dry_run_prices_the_circles(run: Command, online: ApiServer, photo: Path) -> None:
    def price(*flags: object) -> float:
        code, output = run("generate", "oak", "--dry-run", "--reference", photo, *flags, *FLAGS)
        assert code == 0
        return float(output["estimated_usd"])

    assert price(*WRITTEN) > price() + 0.001 and online.requests == []
