"""Objects painted as a camera shows them, headless, against the local server."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from PIL import Image

from gpt_image_addon import api
from gpt_image_addon.scene.projection.unwrap import smart_unwrap
from gpt_image_addon.scene.targets import replacement
from gpt_image_addon.scene.transaction import Transaction
from gpt_image_addon.ui.request import from_job, generate, quote
from tests.api_server import ApiServer
from tests.blender import painted_scenes as scenes
from tests.blender.scene_fixtures import description

GREY = 231  # of a surface without a material, in sRGB
QUALITY = ("--quality", "low", "--provider", "openai")


@pytest.fixture
def server(online: ApiServer) -> Iterator[ApiServer]:
    online.options.edits = scenes.painted()
    yield online
    online.options.edits = None


@dataclass(frozen=True)
class Measured:
    """How an object shows the answer, by points that Blender's own rays know."""

    decibels: float
    """Where it is well seen and painted over what was there."""
    painted: float
    """Share of what is well seen that is."""
    wrong: float
    """Share of all points that show something else than the answer, what was there, or a mix of both."""
    imprinted: float
    """Share of what is hidden that is painted."""


def measure(obj: Any, camera: Any, image: Any, before: Any = GREY) -> Measured:
    """
    :param before: what was there, at the points.
    """
    uv, place, kind = scenes.seen_samples(obj, camera)
    found = scenes.sampled(scenes.pixels_of(image), uv)
    wanted = scenes.wave(place[:, 0], place[:, 1])
    well, hidden = kind == scenes.WELL, kind == scenes.HIDDEN
    assert well.sum() > 20
    way = wanted - before
    share = np.clip(((found - before) * way).sum(axis=1) / (way**2).sum(axis=1), 0, 1)
    rest = np.abs(found - before - share[:, None] * way).max(axis=1)
    full = well & (share > 0.98)
    changed = np.abs(found - before).max(axis=1) > 2
    return Measured(
        scenes.decibels(found[full], wanted[full]),
        float(full.sum() / well.sum()),
        float((rest > 40).mean()),
        float(changed[hidden].mean()) if hidden.any() else 0.0,
    )


def paint(run: Any, objects: str, *flags: object, prompt: str = "copper") -> dict[str, Any]:
    code, output = run("texture", prompt, "--objects", objects, *QUALITY, "--texture-size", 512, *flags)
    assert code == 0, output
    return output  # type: ignore[no-any-return]


def pixels(name: str) -> Any:
    return np.rint(scenes.pixels_of(bpy.data.images[name])).astype(int)


def test_a_view_is_painted_where_it_is_seen(run: Any, server: ApiServer, tmp_path: Path) -> None:
    camera = scenes.camera((0, -6, 0.5))
    obj = scenes.suzanne()
    output = paint(run, "Suzanne", "--texture-size", 1024, "--output", tmp_path / "a.blend")
    (request,) = server.image_requests
    (view,), (image,) = output["views"], output["images"]
    assert request.fields["size"] == "{}x{}".format(*view["size"]) and request.fields["n"] == "1"
    assert view["used"] and view["score"] > 0.999 and view["shift_px"] == [0, 0]
    assert view["rectangle"] == [0, 0, *view["size"]] and view["coverage"] == output["coverage"] > 0.2
    assert output["gap_share"] == pytest.approx(1 - output["coverage"], abs=1e-3)
    assert (image["width"], image["height"]) == (1024, 1024) and output["objects"] == ["Suzanne"]
    assert output["cost_usd"] == pytest.approx(server.bill_usd) and Path(output["blend"]).is_file()
    assert obj.active_material.name == output["material"]
    found = measure(obj, camera, bpy.data.images[image["name"]])
    assert found.decibels > 58 and found.painted > 0.98, found
    assert found.wrong == 0 and found.imprinted <= 0.006, found


@pytest.mark.parametrize(
    ("lens", "size"),
    [
        ({"type": "ORTHO", "ortho_scale": 3.5}, (1200, 900)),
        ({"shift_x": 0.2, "shift_y": -0.1}, (1200, 900)),
        ({}, (1600, 600)),
        ({"sensor_fit": "VERTICAL"}, (600, 1400)),
    ],
)
def test_the_guide_is_what_blender_renders(
    run: Any, server: ApiServer, tmp_path: Path, lens: Any, size: tuple[int, int]
) -> None:
    sent: list[bytes] = []
    answer = scenes.painted()
    server.options.edits = lambda first, mask: sent.append(first) or answer(first, mask)
    scenes.camera((1, -6, 1), **lens)
    scenes.suzanne(scale=(-1, 1, 1))
    scene = bpy.context.scene
    scene.render.resolution_x, scene.render.resolution_y = size
    output = paint(run, "Suzanne")
    guide = np.asarray(Image.open(io.BytesIO(sent[0])).convert("RGB"))
    width, height = output["views"][0]["size"]
    assert guide.shape == (height, width, 3)
    scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = (
        width,
        height,
        100,
    )
    scene.render.engine, scene.render.film_transparent = "BLENDER_WORKBENCH", True
    scene.display.render_aa = "OFF"
    scene.render.image_settings.color_mode = "RGBA"
    scene.render.filepath = str(tmp_path / "seen.png")
    bpy.ops.render.render(write_still=True)
    seen = np.asarray(Image.open(tmp_path / "seen.png"))[..., 3] > 127
    differs = seen != scenes.outline(guide)
    assert differs.sum() < 2e-4 * seen.size
    levels = np.abs(guide.astype(int) - guide[0, 0].astype(int)).max(axis=-1)
    assert (
        levels[scenes.outline(guide)].min() >= 24
        and len(np.unique(guide[~scenes.outline(guide)], axis=0)) == 1
    )


def test_an_image_that_is_there_keeps_name_size_and_what_is_not_seen(run: Any, server: ApiServer) -> None:
    camera = scenes.camera((0, -6, 0.5))
    obj = scenes.suzanne()
    unwrapped(obj)
    image = scenes.textured(obj, size=(700, 500))
    before = pixels("Paint")
    output = paint(run, "Suzanne")
    assert [one["name"] for one in output["images"]] == ["Paint"]
    after = pixels("Paint")
    assert after.shape == before.shape and bpy.data.images["Paint"].packed_file
    changed = (after != before).any(axis=-1)
    assert 0.05 < changed.mean() < 0.6
    uv, _, kind = scenes.seen_samples(obj, camera)
    hidden = scenes.sampled(changed.astype(float)[..., None], uv[kind == scenes.HIDDEN])
    assert (hidden > 0).mean() < 0.05  # beside faces that are seen lie margins
    assert image.name == "Paint before" and np.array_equal(pixels("Paint before"), before)
    replacement.revert(output["job"])
    assert np.array_equal(pixels("Paint"), before)


def unwrapped(obj: Any) -> None:
    with Transaction() as changes:
        smart_unwrap(obj, changes)


def test_nothing_behind_or_beside_is_painted(run: Any, server: ApiServer) -> None:
    scenes.camera((0, -4, 1.6), (0, 0, 0.5))
    parts = scenes.table()
    bpy.ops.mesh.primitive_plane_add(size=8, location=(0, 3, 0), rotation=(np.pi / 2, 0, 0))
    wall = bpy.context.object
    scenes.textured(wall, "Wall")
    before = pixels("Wall")
    output = paint(run, ",".join(part.name for part in parts))
    assert np.array_equal(pixels("Wall"), before)
    assert len(output["images"]) == len(parts) and output["objects"] == [part.name for part in parts]
    camera = bpy.context.scene.camera
    for part, image in zip(parts, output["images"], strict=True):
        found = measure(part, camera, bpy.data.images[image["name"]])
        assert found.decibels > 55 and found.wrong == 0 and found.imprinted <= 0.006, (part.name, found)


def test_what_shares_an_image_keeps_its_own_texels(run: Any, server: ApiServer) -> None:
    scenes.camera((0, -6, 0.5))
    bpy.ops.mesh.primitive_plane_add(rotation=(np.pi / 2, 0, 0))
    left = bpy.context.object
    bpy.ops.mesh.primitive_plane_add(rotation=(np.pi / 2, 0, 0), location=(0, 4, 0))
    right = bpy.context.object
    for obj, shift in ((left, 0.0), (right, 0.5)):
        layer = obj.data.uv_layers[0]
        for corner in layer.uv:
            corner.vector = (corner.vector[0] * 0.5 + shift, corner.vector[1])
    image = scenes.textured(left)
    scenes.wear(right, image)
    before = pixels("Paint")
    output = paint(run, left.name)
    changed = (pixels("Paint") != before).any(axis=-1)
    assert changed[:, :256].mean() > 0.9 and not changed[:, 256:].any()
    assert any(f"'{right.name}'" in warning for warning in output["warnings"])


def test_selected_faces_alone_are_painted(run: Any, server: ApiServer) -> None:
    scenes.camera((3, -5, 2))
    bpy.ops.mesh.primitive_cube_add()
    obj = bpy.context.object
    unwrapped_cube(obj)
    scenes.textured(obj)
    for face in obj.data.polygons:
        face.select = face.normal.y < -0.9
    before = pixels("Paint")
    paint(run, obj.name, "--faces", "selected")
    changed = (pixels("Paint") != before).any(axis=-1)
    (front,) = [face for face in obj.data.polygons if face.select]
    corners = np.array([obj.data.uv_layers[0].uv[loop].vector for loop in front.loop_indices])
    (left, low), (right, high) = np.ceil(corners.min(axis=0) * 512), np.floor(corners.max(axis=0) * 512)
    inside = np.zeros_like(changed)
    inside[512 - int(high) : 512 - int(low), int(left) : int(right)] = True
    assert changed[inside].mean() > 0.9
    owned = np.zeros_like(changed)
    for face in obj.data.polygons:
        if not face.select:
            place = np.array([obj.data.uv_layers[0].uv[loop].vector for loop in face.loop_indices])
            (x0, y0), (x1, y1) = (
                np.ceil(place.min(axis=0) * 512 + 0.5),
                np.floor(place.max(axis=0) * 512 - 0.5),
            )
            owned[512 - int(y1) : 512 - int(y0), int(x0) : int(x1)] = True
    assert not changed[owned].any()


def unwrapped_cube(obj: Any) -> None:
    obj.data.uv_layers.remove(obj.data.uv_layers[0])
    unwrapped(obj)


def test_an_answer_that_lies_aside_is_moved_back(run: Any, server: ApiServer) -> None:
    camera = scenes.camera((0, -6, 0.5))
    obj = scenes.suzanne()

    def aside(answer: Any, seen: Any) -> Any:
        return np.roll(answer, (-3, 4), (0, 1))

    server.options.edits = scenes.painted(aside)
    output = paint(run, "Suzanne")
    (view,) = output["views"]
    assert view["shift_px"] == pytest.approx([4, -3], abs=0.5) and view["score"] > 0.99
    found = measure(obj, camera, bpy.data.images[output["images"][0]["name"]])
    assert found.decibels > 40 and found.wrong == 0, found


def test_an_answer_that_shows_something_else_is_kept_and_not_used(
    run: Any, server: ApiServer, tmp_path: Path
) -> None:
    scenes.camera((0, -6, 0.5))
    obj = scenes.suzanne()
    unwrapped(obj)
    scenes.textured(obj)
    before = description(), pixels("Paint")
    server.options.edits = scenes.painted(lambda answer, seen: np.roll(answer, 300, 1))
    code, output = run("texture", "copper", "--objects", "Suzanne", *QUALITY)
    assert (code, output["error"]["type"], output["error"]["billed"]) == (6, "EditMismatchError", "yes")
    assert description() == before[0] and np.array_equal(pixels("Paint"), before[1])
    (job,) = api.history().jobs
    assert job.cost_usd and any(job.folder.glob("image-1.*"))
    code, output = run("texture", "--again", job.id, "--accept")
    assert code == 0 and output["views"][0]["used"] and len(server.image_requests) == 1
    assert not np.array_equal(pixels("Paint"), before[1])


def test_a_stored_answer_is_applied_again_and_nothing_is_sent(run: Any, server: ApiServer) -> None:
    scenes.camera((0, -6, 0.5))
    obj = scenes.suzanne()
    unwrapped(obj)
    scenes.textured(obj)
    before = pixels("Paint")
    first = paint(run, "Suzanne", "--feather", 1)
    sharp = pixels("Paint")
    code, output = run("texture", "--again", first["job"], "--feather", 60)
    assert code == 0 and output["cost_usd"] == first["cost_usd"], output
    soft = pixels("Paint")
    assert not np.array_equal(soft, sharp)
    assert np.abs(soft - before).sum() < np.abs(sharp - before).sum()
    assert run("texture", "--again", first["job"], "--feather", 1)[0] == 0
    assert np.array_equal(pixels("Paint"), sharp) and len(server.image_requests) == 1
    replacement.revert(first["job"])
    assert np.array_equal(pixels("Paint"), before)


def test_what_was_not_applied_is_recovered_in_another_session(
    run: Any, server: ApiServer, tmp_path: Path
) -> None:
    scenes.camera((0, -6, 0.5))
    obj = scenes.suzanne()
    unwrapped(obj)
    scenes.textured(obj)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"))
    first = paint(run, "Suzanne")
    wanted = pixels("Paint")
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "a.blend"))
    bpy.data.objects["Suzanne"].location.x = 0.7  # it is painted as it was seen
    code, output = run("recover", first["job"])
    assert code == 0, output
    assert np.array_equal(pixels("Paint"), wanted) and len(server.image_requests) == 1


def remeshed() -> str:
    scenes.suzanne().modifiers.new("Remesh", "REMESH")
    return "Suzanne"


def curve() -> str:
    bpy.ops.curve.primitive_bezier_circle_add()
    return str(bpy.context.object.name)


def floating() -> str:
    obj = scenes.suzanne()
    image = bpy.data.images.new("Light", 32, 32, float_buffer=True)
    scenes.wear(obj, image)
    return "Suzanne"


def tiled() -> str:
    image = scenes.textured(scenes.suzanne())
    image.source = "TILED"
    image.tiles.new(1002)
    return "Suzanne"


def aside() -> str:
    scenes.suzanne(location=(50, 0, 0))
    return "Suzanne"


def hidden() -> str:
    scenes.suzanne().hide_set(True)
    return "Suzanne"


@pytest.mark.parametrize(
    ("scene", "code"),
    [
        (remeshed, "not_paintable"),
        (curve, "not_paintable"),
        (floating, "not_paintable"),
        (tiled, "not_paintable"),
        (hidden, "not_paintable"),
        (aside, "not_seen"),
        (lambda: "Nobody", "no_such_object"),
    ],
)
def test_what_can_not_be_painted_is_refused_before_money(
    run: Any, server: ApiServer, scene: Any, code: str
) -> None:
    scenes.camera((0, -6, 0.5))
    name = scene()
    before = description()
    exit_code, output = run("texture", "copper", "--objects", name, *QUALITY)
    assert (exit_code, output["error"]["code"], output["error"]["billed"]) == (4, code, "no"), output
    assert description() == before and not server.image_requests
    assert len(output["error"]["message"].split(". ")) > 1  # it names a way out


def test_a_linked_object_is_refused(run: Any, server: ApiServer, tmp_path: Path) -> None:
    scenes.camera((0, -6, 0.5))
    obj = scenes.suzanne()
    bpy.data.libraries.write(str(tmp_path / "lib.blend"), {obj})
    bpy.data.objects.remove(obj)
    with bpy.data.libraries.load(str(tmp_path / "lib.blend"), link=True) as (_, linked):
        linked.objects = ["Suzanne"]
    bpy.context.scene.collection.objects.link(linked.objects[0])
    code, output = run("texture", "copper", "--objects", "Suzanne", *QUALITY)
    assert (code, output["error"]["code"]) == (4, "not_paintable") and not server.image_requests


def test_without_a_camera_nothing_is_sent(run: Any, server: ApiServer) -> None:
    scenes.suzanne()
    code, output = run("texture", "copper", "--objects", "Suzanne", *QUALITY)
    assert (code, output["error"]["code"]) == (4, "no_camera") and not server.image_requests


def test_the_price_is_known_before(run: Any, server: ApiServer) -> None:
    scenes.camera((0, -6, 0.5))
    scenes.suzanne()
    before = description()
    code, plan = run("texture", "copper", "--objects", "Suzanne", *QUALITY, "--dry-run")
    assert code == 0 and plan["state"] == "dry_run" and not server.image_requests
    assert description() == before and plan["objects"] == ["Suzanne"]
    code, output = run("texture", "copper", "--objects", "Suzanne", *QUALITY, "--max-cost", 0.001)
    assert (code, output["error"]["code"]) == (5, "max_cost_exceeded") and not server.image_requests
    output = paint(run, "Suzanne")
    assert plan["high_usd"] == output["estimated_usd"] >= output["cost_usd"] > 0
    assert "clay render" in server.image_requests[0].fields["prompt"]


def test_a_draft_is_projected_without_a_key(run: Any) -> None:
    scenes.camera((0, -6, 0.5))
    obj = scenes.suzanne()
    code, output = run(
        "texture", "rust", "--objects", "Suzanne", "--provider", "offline", "--texture-size", 256
    )
    assert code == 0, output
    assert output["cost_usd"] == 0 and output["coverage"] > 0.2
    assert (pixels(output["images"][0]["name"]) != GREY).any() and obj.data.uv_layers


def test_python_paints_objects(run: Any, server: ApiServer) -> None:
    scenes.camera((0, -6, 0.5))
    obj = scenes.suzanne()
    made = api.texture_model(
        [obj], "copper", views="camera", texture_size=256, quality="low", provider="openai"
    )
    assert made.objects == ("Suzanne",) and made.coverage > 0.2 and made.views[0]["used"]
    again = api.texture_again(made.job, texture_size=128)
    again.wait()
    assert api.texture_of(again).images[0].width == 128 and len(server.image_requests) == 1


def test_the_active_object_is_a_target_like_others(run: Any, server: ApiServer) -> None:
    scenes.camera((0, -6, 0.5))
    scenes.suzanne()
    code, output = run("generate", "copper", "--target", "model", "--object", "Suzanne", *QUALITY)
    assert code == 0, output
    assert output["objects"] == ["Suzanne"] and len(server.image_requests[0].files) == 1


def test_the_panel_paints_the_selected_object(run: Any, server: ApiServer) -> None:
    scenes.camera((0, -6, 0.5))
    obj = scenes.suzanne()
    values = bpy.context.scene.gpt_image
    values.prompt, values.provider, values.target, values.quality = "copper", "openai", "model", "low"
    values.views, values.image_size = "camera", 256
    shown = quote.price_now(bpy.context.scene)
    assert not shown.problem and shown.request is not None and shown.request.reference_kinds == ("guide",)
    prepared = generate.prepare_request(bpy.context, {})
    assert prepared.checked.price.high_usd <= shown.high_usd and not server.image_requests
    job = prepared.submit()
    job.wait()
    made = api.texture_of(job)
    assert made.objects == (obj.name,) and made.images[0].width == 256 and len(server.image_requests) == 1
    from_job.fill_panel(values, api.history().jobs[0])
    assert values.target == "model" and values.views == "camera" and not len(values.references)
