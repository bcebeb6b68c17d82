"""The `curves` target: drawings as curves, from requests, from stored results and from files."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import addon_utils
import bpy
import pytest

from gpt_image_addon import api
from gpt_image_addon.core.errors import InvalidRequestError, InvalidResponseError
from gpt_image_addon.core.jobs.postprocess import prepare
from gpt_image_addon.core.request.request import Application, GenerationRequest
from gpt_image_addon.scene.objects.svg_importer import IMPORTER
from gpt_image_addon.ui.results import result_menu
from tests.api_server import ApiServer
from tests.blender.layouts import draw
from tests.core.vector.hostile import REFUSED, svg

KINDS = ("collections", "curves", "materials", "objects", "images")
LOGO = svg(
    '<rect width="100" height="50" fill="#102040"/><circle cx="30" cy="25" r="10" fill="#f80"/>'
    '<circle cx="70" cy="25" r="10" fill="#f80"/><circle cx="30" cy="25" r="5" fill="#102040"/>'
    '<path d="M5 45h90" stroke="lime" stroke-width="4" fill="none"/>'
)


def counts() -> dict[str, int]:
    return {kind: len(getattr(bpy.data, kind)) for kind in KINDS}


@pytest.fixture
def logo(tmp_path: Path) -> Path:
    file = tmp_path / "logo.svg"
    file.write_bytes(LOGO)
    return file


def extent(obj: bpy.types.Object) -> tuple[float, ...]:
    """What a curve takes up, as faces, in world space: lowest and highest x, y, z."""
    bpy.context.view_layer.update()
    shown = obj.evaluated_get(bpy.context.evaluated_depsgraph_get())
    points = [shown.matrix_world @ vertex.co for vertex in shown.to_mesh().vertices]
    found = tuple(
        value for axis in range(3) for value in (min(p[axis] for p in points), max(p[axis] for p in points))
    )
    shown.to_mesh_clear()
    return found


def test_a_file_becomes_curves_by_color_and_layer(logo: Path) -> None:
    made = api.make_curves(logo, drawing_size=2.0)
    head, *curves = (bpy.data.objects[name] for name in made.objects)
    assert head.name == made.object == "logo" and all(obj.parent == head for obj in curves)
    assert len(curves) == 4 and [len(obj.data.splines) for obj in curves] == [1, 2, 1, 1]
    colors = {obj.active_material.name for obj in curves}
    assert set(made.materials) == colors == {"logo #102040", "logo #ff8800", "logo #00ff00"}
    assert curves[0].active_material == curves[3].active_material
    heights = [obj.location.z for obj in curves]
    assert heights == pytest.approx([0, 0.002, 0.002, 0.004])
    low_x, high_x, low_y, high_y, low_z, high_z = extent(curves[0])
    assert (high_x - low_x, high_z - low_z) == pytest.approx((2, 1), rel=1e-3)
    assert high_y - low_y == pytest.approx(0, abs=1e-4)
    assert counts()["collections"] == 0 and counts()["materials"] == 3


def test_thickness_and_bevel_stay_within_the_outline(logo: Path) -> None:
    made = api.make_curves(logo, extrude=0.1, bevel=0.02)
    plate, band = (bpy.data.objects[made.objects[number]] for number in (1, 3))
    low_x, high_x, low_y, high_y, *_ = extent(plate)
    assert (high_x - low_x, high_y - low_y) == pytest.approx((1, 0.1), abs=2e-3)
    strokes = [
        bpy.data.objects[name] for name in made.objects[1:] if bpy.data.objects[name].data.dimensions == "3D"
    ]
    (stroke,) = strokes
    low_x, high_x, low_y, high_y, low_z, high_z = extent(stroke)
    assert (high_x - low_x, high_z - low_z) == pytest.approx((0.9, 0.04), abs=2e-3)
    assert low_y < min(extent(plate)[2], extent(band)[2]) + 1e-3


def test_the_importer_is_off_afterwards_where_it_was(logo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refreshed: list[object] = []
    monkeypatch.setattr(addon_utils, "extensions_refresh", lambda **how: refreshed.append(how))
    was_on = addon_utils.check(IMPORTER)[1]
    for is_on in (False, True):
        (addon_utils.enable if is_on else switch_off)(IMPORTER)
        api.make_curves(logo)
        assert addon_utils.check(IMPORTER)[1] == is_on
    if not was_on:
        switch_off(IMPORTER)
    assert not refreshed  # it removes the wheels of extensions that are on for the session alone


def switch_off(name: str) -> None:
    addon_utils.disable(name, refresh_handled=True)


@pytest.mark.parametrize("name", ["script", "entity bomb", "too many segments", "truncated", "nothing"])
def test_a_hostile_file_changes_nothing(tmp_path: Path, name: str) -> None:
    file = tmp_path / "hostile.svg"
    file.write_bytes(REFUSED[name][0])
    before = counts()
    with pytest.raises(InvalidRequestError) as caught:
        api.make_curves(file)
    assert REFUSED[name][1] in caught.value.message and caught.value.next_step
    assert counts() == before


def test_values_out_of_range_are_refused(logo: Path) -> None:
    for values in ({"bevel": 0.1}, {"drawing_size": 0.0}, {"extrude": 0.1, "bevel": 0.06}):
        with pytest.raises(InvalidRequestError):
            api.make_curves(logo, **values)
    with pytest.raises(InvalidRequestError):
        api.make_curves(logo.with_name("missing.svg"))


def test_a_draft_becomes_a_logo_and_can_be_recovered(run: Any, tmp_path: Path) -> None:
    flags = ("--provider", "offline", "--extrude", "0.05")
    code, output = run("generate", "red star logo on navy", "--target", "curves", *flags)
    assert code == 0 and output["images"][0]["format"] == "svg" and len(output["objects"]) >= 3
    assert output["object"] == "red star logo on navy" and output["material"] in bpy.data.materials
    assert Path(output["images"][0]["processed"]).read_bytes().startswith(b"<svg")
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    code, _ = run("recover", output["job"])
    assert code == 0 and len(bpy.data.curves) == len(output["objects"]) - 1


@pytest.mark.parametrize(
    ("parameters", "has"),
    [
        ({"output_format": "svg"}, {"Use as Curves"}),
        ({"n": 2, "size": "64x64"}, {"Use as Sprite"}),
        ({"size": "64x64"}, set()),
    ],
)
def test_a_results_menu_offers_what_can_be_made_of_it(parameters: dict[str, Any], has: set[str]) -> None:
    job = api.submit("a star", target="image", provider="offline", **parameters)
    assert job.wait(10)
    context = SimpleNamespace(**{result_menu.JOB_STRING: job.id})
    menu = draw(result_menu.GPT_IMAGE_MT_result, context=context).said
    assert {"Use as Curves", "Use as Sprite"} & set(menu) == has and "Use as Image" in menu


def test_an_answer_is_drawn_where_the_account_has_svg(run: Any, online: ApiServer) -> None:
    model = ("--model", "gpt-image-2.6-flare", "--quality", "low", "--svg-model", "gpt-6")
    code, output = run("generate", "a logo", "--target", "curves", *model)
    assert code == 0 and output["images"][0]["name"] == "" and len(bpy.data.curves) >= 2
    assert len(online.image_requests) == 1 and not len(bpy.data.images)
    code, _ = run("recover", output["job"], "--target", "image")
    assert code == 0 and not len(bpy.data.images)


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--model", "gpt-image-1-mini"), "svg"),
        (("--output-format", "png"), "output format svg"),
        (("--svg-model", "gpt-6", "--n", "2"), "alone"),
    ],
)
def test_without_a_drawing_nothing_is_sent(
    run: Any, online: ApiServer, flags: tuple[str, ...], said: str
) -> None:
    code, output = run("generate", "a logo", "--target", "curves", *flags)
    assert code == 4 and said in output["error"]["message"] and not online.image_requests


def test_an_account_without_svg_is_told_what_it_can_do(run: Any, online: ApiServer) -> None:
    online.options.previews = frozenset()
    model = ("--model", "gpt-image-2.6-flare", "--quality", "low", "--svg-model", "gpt-6")
    code, output = run("generate", "a logo", "--target", "curves", *model)
    assert (code, output["error"]["param"], output["error"]["billed"]) == (4, "output_format", "no")
    assert "without a request" in output["error"]["message"] and not len(bpy.data.curves)


def test_an_image_can_not_become_curves(run: Any, online: ApiServer) -> None:
    code, output = run("generate", "oak", "--target", "image", "--quality", "low")
    before = counts()
    code, other = run("recover", output["job"], "--target", "curves")
    assert code != 0 and "only a drawing (SVG) can become curves" in str(other) and counts() == before


def test_a_hostile_answer_is_kept_and_not_drawn(tmp_path: Path) -> None:
    folder = tmp_path / "2026-01" / "abc"
    folder.mkdir(parents=True)
    (folder / "image-1.svg").write_bytes(REFUSED["script"][0])
    (folder / "answer.json").write_text("{}")
    with pytest.raises(InvalidResponseError) as caught:
        prepare("abc", GenerationRequest("logo", "offline"), Application(target="curves"), folder)
    assert caught.value.billed == "yes" and "image-1.svg" in caught.value.next_step
