"""Points, from the panel, scripts and the command line to the server, and back."""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest

from gpt_image_addon import api
from gpt_image_addon.app import references, results
from gpt_image_addon.app.diagnostics import bug_report
from gpt_image_addon.core.errors import InvalidRequestError
from gpt_image_addon.core.imaging.formats import decode, encode_png
from gpt_image_addon.core.jobs.estimates import validate_and_price
from gpt_image_addon.core.jobs.uploads import add_points, first_crop, load_uploads
from gpt_image_addon.core.raster.markers import FILL, marker_radius
from gpt_image_addon.core.references.points import POINT_LIMIT
from gpt_image_addon.core.request.models import load_registry
from gpt_image_addon.core.results.folders import ANSWER_FILE
from gpt_image_addon.core.results.output_files import Outputs
from gpt_image_addon.ui.common import state
from gpt_image_addon.ui.points import overlay
from gpt_image_addon.ui.points import values as points
from gpt_image_addon.ui.request import from_job, quote
from tests.api_server import ApiServer
from tests.blender.conftest import Command
from tests.blender.layouts import draw

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


def sent(job: str) -> Any:
    """What must have gone to the server for a job."""
    stored = results.entry(job)
    checked = validate_and_price(stored.request, stored.application, load_registry())
    return add_points(load_uploads(stored.request, first_crop(checked)), checked)


def test_points_go_as_a_markup(run: Command, online: ApiServer, photo: Path) -> None:
    before = photo.read_bytes()
    code, output = run("generate", "a jug", "--reference", photo, *WRITTEN, *FLAGS)
    assert code == 0
    (record,) = online.requests
    assert record.fields["prompt"] == f"a jug\n{MARK}\n{LINES}"
    uploads = sent(output["job"])
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
    uploads = sent(output["job"])
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


def test_points_on_the_part_of_an_image_that_a_mask_sends(
    run: Command, online: ApiServer, tmp_path: Path
) -> None:
    photo, mask = tmp_path / "large.png", tmp_path / "mask.png"
    slope = np.linspace(0, 99, 1600).astype(np.uint8)[:, None, None]  # which does not tile
    photo.write_bytes(encode_png(np.broadcast_to(slope, (1600, 2400, 3)).copy()))
    pixels = np.zeros((1600, 2400, 3), np.uint8)
    pixels[200:600, 300:700] = 255
    mask.write_bytes(encode_png(pixels))
    inside, outside = ("--point", "0.2,0.75:brass"), ("--point", "0.9,0.1:rust")
    image = ("--reference", photo, "--mask", mask, "--target", "image", "--quality", "low")
    code, output = run("generate", "a jug", "--dry-run", *image, *outside, *inside)
    assert code == 0 and output["request"]["points"] == [[0.9, 0.1, "rust"], [0.2, 0.75, "brass"]]
    assert output["prompt"].endswith("do not draw them:\n1: brass")
    job = api.submit(
        "a jug",
        references=[str(photo)],
        mask=str(mask),
        points=[(0.9, 0.1, "rust"), (0.2, 0.75, "brass")],
        target="image",
        quality="low",
    )
    job.wait(60)  # its answer shows another image, and is refused
    (record,) = online.image_requests
    crop = first_crop(job.checked)
    uploads = add_points(load_uploads(job.request, crop), job.checked)
    assert [(file.field, file.sha256) for file in record.files][:2] == [
        ("image[]", hashlib.sha256(upload.data).hexdigest()) for upload in uploads.references
    ]
    assert record.fields["prompt"] == output["prompt"]
    plain, marked = (decode(upload.data) for upload in uploads.references)
    changed = np.abs(plain.astype(int) - marked).max(axis=2) > 60
    rows, columns = np.nonzero(changed)
    place = crop.locate(0.2, 0.75)
    wanted = place[0] * crop.sent[0], (1 - place[1]) * crop.sent[1]
    assert (columns.mean() + 0.5, rows.mean() + 0.5) == pytest.approx(wanted, abs=2)


def test_points_outside_of_what_is_sent_are_left_out(run: Command, tmp_path: Path) -> None:
    photo, mask = tmp_path / "large.png", tmp_path / "mask.png"
    photo.write_bytes(encode_png(np.full((1600, 2400, 3), 99, np.uint8)))
    pixels = np.zeros((1600, 2400, 3), np.uint8)
    pixels[200:600, 300:700] = 255
    mask.write_bytes(encode_png(pixels))
    code, output = run(
        "generate",
        "a jug",
        "--dry-run",
        "--reference",
        photo,
        "--mask",
        mask,
        "--point",
        "0.9,0.1:rust",
        *FLAGS,
    )
    assert code == 0 and "rust" not in output["prompt"]


def test_points_of_a_script(online: ApiServer, photo: Path) -> None:
    job = api.submit("a jug", references=[str(photo)], points=[[0.25, 0.75, "brass"]], target="image")
    assert job.wait(60) and job.error is None
    assert results.entry(job.id).request.points == ((0.25, 0.75, "brass"),)
    for given in (
        [(0.5, 0.5)],
        ["0.5,0.5:x"],
        [(float("nan"), 0, "x")],
        [(0.5, 2, "x")],
        [(0.5, 0.5, "\x1b")],
    ):
        with pytest.raises(InvalidRequestError) as caught:
            api.submit("a jug", references=[str(photo)], points=given)
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


def panel_with(photo: Path, *points: tuple[float, float, str]) -> Any:
    found = values()
    found.prompt, found.provider, found.target = "a jug", "openai", "image"
    bpy.ops.gpt_image.add_reference(kind="file", file=str(photo))
    for x, y, text in points:
        bpy.ops.gpt_image.add_point(x=x, y=y, text=text)
    return found


def test_points_of_the_panel_are_sent_and_recalled(online: ApiServer, photo: Path) -> None:
    panel_with(photo, *POINTS)
    assert bpy.ops.gpt_image.generate() == {"FINISHED"}
    job = api.jobs()[-1]
    for kept, wanted in zip(job.request.points, POINTS, strict=True):
        assert (kept[:2], kept[2]) == (pytest.approx(wanted[:2], abs=1e-6), wanted[2])
    (record,) = online.image_requests
    assert [file.field for file in record.files] == ["image", "markup"]
    bpy.ops.gpt_image.clear_references()
    assert not len(values().points)
    from_job.fill_panel(values(), results.entry(job.id))
    assert points.read(values()) == job.request.points


def test_the_price_counts_points_before_they_say_anything(online: ApiServer, photo: Path) -> None:
    found = panel_with(photo)
    before = quote.current(bpy.context.scene)
    bpy.ops.gpt_image.add_point(x=0.5, y=0.5)
    unsaid = quote.current(bpy.context.scene)
    assert unsaid.high_usd > before.high_usd + 0.001
    assert unsaid.problem == "Write what should happen at point 1." and not before.problem
    found.points[0].text = "make it brass"
    said = quote.current(bpy.context.scene)
    assert said.problem == "" and said.high_usd > unsaid.high_usd
    found.points[0].text = " "
    with pytest.raises(RuntimeError, match="Point 1 has no text"):
        bpy.ops.gpt_image.generate()
    assert online.requests == []


def test_points_go_when_another_reference_becomes_the_first(photo: Path) -> None:
    found = panel_with(photo, *POINTS)
    bpy.ops.gpt_image.add_reference(kind="file", file=str(photo))
    bpy.ops.gpt_image.add_reference(kind="file", file=str(photo))
    bpy.ops.gpt_image.move_reference(step=-1)
    bpy.ops.gpt_image.remove_reference()
    assert len(found.points) == len(POINTS) and len(found.references) == 2
    found.reference_index = 1
    bpy.ops.gpt_image.move_reference(step=-1)
    assert not len(found.points)
    bpy.ops.gpt_image.add_point(text="x")
    found.reference_index = 0
    bpy.ops.gpt_image.remove_reference()
    assert not len(found.points) and len(found.references) == 1


def test_without_references_points_are_not_sent(online: ApiServer, photo: Path) -> None:
    found = panel_with(photo, *POINTS)
    found.references.clear()
    assert points.parameters(found) == {} and points.find_problem(found) is None


def test_points_are_bounded_and_removed_by_their_number(photo: Path) -> None:
    found = panel_with(photo, *[(0.5, 0.5, str(number)) for number in range(POINT_LIMIT)])
    with pytest.raises(RuntimeError, match="20 points are the limit"):
        bpy.ops.gpt_image.add_point(text="one more")
    bpy.ops.gpt_image.remove_point(number=2)
    assert [point.text for point in found.points][:3] == ["0", "2", "3"]
    assert bpy.ops.gpt_image.remove_point(number=POINT_LIMIT) == {"CANCELLED"}
    bpy.ops.gpt_image.clear_points()
    assert not len(found.points) and not bpy.ops.gpt_image.clear_points.poll()


def test_the_panel_has_a_row_for_each_point(photo: Path) -> None:
    panel_with(photo, *POINTS)
    layout = draw(bpy.types.GPT_IMAGE_PT_main_view3d)
    assert layout.operators.count("gpt_image.remove_point") == len(POINTS)
    assert {"gpt_image.place_points", "gpt_image.clear_points"} <= set(layout.operators)


def test_points_are_drawn_only_where_a_file_has_some(photo: Path) -> None:
    shown = state.part(overlay.Overlay)
    assert not shown.handlers
    panel_with(photo, *POINTS)
    assert set(shown.handlers) == set(overlay.SPACES)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    assert not shown.handlers


@pytest.mark.parametrize("size", [(600, 200), (100, 256)])
def test_the_thumbnail_has_the_circles(tmp_path: Path, size: tuple[int, int]) -> None:
    path = tmp_path / "photo.png"
    path.write_bytes(encode_png(np.full((size[1], size[0], 3), 99, np.uint8)))
    made = references.marked_thumbnail(str(path), [(0.25, 0.75)])()
    assert made.shape[2] == 4 and max(made.shape) <= 256
    height, width = made.shape[:2]
    red, green, blue = made[int(0.25 * height), int(0.25 * width - 0.8 * 0.08 * (width * height) ** 0.5), :3]
    assert red > 0.8 and green < 0.2 and blue < 0.4 and made[-1, -1, 0] < 0.5
    path.write_bytes(b"no image")
    assert references.marked_thumbnail(str(path), [(0.25, 0.75)])() is None


def test_a_report_does_not_say_what_points_say(online: ApiServer, photo: Path) -> None:
    job = api.submit(
        "a jug", references=[str(photo)], points=[(0.5, 0.5, "the secret lever")], target="image"
    )
    assert job.wait(60)
    path = bug_report.write_report(photo.with_name("report.zip"), [], Outputs())
    with zipfile.ZipFile(path) as report:
        texts = [report.read(name).decode() for name in report.namelist()]
    assert any(job.id in text for text in texts) and not any("secret lever" in text for text in texts)


def test_a_draft_gets_no_circles(photo: Path) -> None:
    pixels = np.zeros((64, 96, 3), np.uint8)
    pixels[:, 48:] = 200
    photo.write_bytes(encode_png(pixels))
    made = []
    for given in ((), POINTS):
        job = api.submit(
            "rust", provider="offline", references=[str(photo)], points=given, target="image", size="256x256"
        )
        assert job.wait(60) and job.error is None
        made.append(Path(results.files(job.id)[0]).read_bytes())
    assert made[0] == made[1]
