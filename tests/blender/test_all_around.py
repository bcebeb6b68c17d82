"""Objects painted all around, headless, against the local server, which answers by Blender's own rays."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import bpy
import numpy as np
import pytest
from mathutils import Vector
from mathutils.bvhtree import BVHTree
from PIL import Image

from gpt_image_addon import api
from gpt_image_addon.app.projection.views import choose_sides
from gpt_image_addon.core.projection.guides import BACKGROUND
from gpt_image_addon.core.request.sizes import SizeRule
from gpt_image_addon.scene.projection.canvases import plan_canvases
from gpt_image_addon.scene.projection.meshes import collect_faces
from gpt_image_addon.scene.targets import replacement
from gpt_image_addon.ui.painting import sides_overlay
from gpt_image_addon.ui.request import from_job, generate, quote
from tests.api_server import ApiServer
from tests.blender import painted_scenes as scenes

Change = Callable[[int, Any], Any]
FLAGS = ("--quality", "low", "--provider", "openai", "--size", "1152x768", "--texture-size", 512)


@pytest.fixture
def server(online: ApiServer) -> Iterator[ApiServer]:
    yield online
    online.options.edits = None


def truth(points: Any) -> Any:
    """The right color of places in the world; (N, 3) from 47 to 208."""
    x, y, z = np.asarray(points).T
    return np.stack([127.5 + 80 * np.sin(a) for a in (2 * x + y, 2 * y - z, 2 * z + x)], axis=-1)


def plan(run: Any, objects: str, *flags: object) -> dict[str, Any]:
    code, output = run("texture", "copper", "--objects", objects, *FLAGS, "--dry-run", *flags)
    assert code == 0, output
    return output  # type: ignore[no-any-return]


def paint(run: Any, objects: str, *flags: object) -> dict[str, Any]:
    code, output = run("texture", "copper", "--objects", objects, *FLAGS, *flags)
    assert code == 0, output
    return output  # type: ignore[no-any-return]


def answer(views: Sequence[Any], objects: Sequence[Any], change: Change | None = None) -> Any:
    """What the truth looks like on objects, drawn into the tiles of the sheet that comes.

    :param change: of the tile of a view, by its number.
    """
    tree = _build_tree(objects)

    def edit(first: bytes, mask: bytes | None) -> Image.Image:
        sheet = np.array(Image.open(io.BytesIO(first)).convert("RGB"))
        background = np.array(BACKGROUND, np.uint8)
        shown = (sheet != background).any(axis=-1)
        for number, view in enumerate(views):
            left, top, width, height = view["rectangle"]
            place = slice(top, top + height), slice(left, left + width)
            tile = np.broadcast_to(background, (height, width, 3)).astype(float)
            tile[shown[place]] = truth(_cast(view, tree, shown[place]))
            tile = tile if change is None else change(number, tile)
            sheet[place] = np.clip(np.rint(tile), 0, 255)
        return Image.fromarray(sheet)

    return edit


def _build_tree(objects: Sequence[Any]) -> Any:
    bpy.context.view_layer.update()
    depsgraph = bpy.context.evaluated_depsgraph_get()
    corners, faces = [], []
    for obj in objects:
        shown = obj.evaluated_get(depsgraph)
        mesh = shown.to_mesh()
        faces += [[vertex + len(corners) for vertex in face.vertices] for face in mesh.polygons]
        corners += [obj.matrix_world @ vertex.co for vertex in mesh.vertices]
        shown.to_mesh_clear()
    return BVHTree.FromPolygons(corners, faces)


def _cast(view: Any, tree: Any, shown: Any) -> Any:
    """Where rays through the middles of pixels end; (N, 3), the eye's side where nothing is hit."""
    height, width = shown.shape
    world = np.array(view["matrix_world"]).reshape(4, 4)
    back = np.linalg.inv(np.array(view["projection"]).reshape(4, 4) @ np.linalg.inv(world))
    y, x = np.argwhere(shown).T + 0.5
    ends = []
    for depth in (-1.0, 1.0):
        clip = np.stack((x / width * 2 - 1, 1 - y / height * 2, np.full(len(x), depth), np.ones(len(x))))
        found = back @ clip
        ends.append((found[:3] / found[3]).T)
    points = ends[0].copy()
    for at, (start, end) in enumerate(zip(*ends, strict=True)):
        place, *_ = tree.ray_cast(Vector(start), Vector(end - start))
        if place is not None:
            points[at] = place
    return points


def errors(obj: Any, image: Any) -> Any:
    """How far the colors of an object are from the truth, at points spread over its surface; (N, 3)."""
    shown = obj.evaluated_get(bpy.context.evaluated_depsgraph_get())
    mesh = shown.to_mesh()
    mesh.calc_loop_triangles()
    dice = np.random.default_rng(5)
    areas = np.array([triangle.area for triangle in mesh.loop_triangles])
    layer = next((one for one in mesh.uv_layers if one.active_render), mesh.uv_layers[0])
    uvs, points = [], []
    for index in dice.choice(len(areas), 3000, p=areas / areas.sum()):
        triangle = mesh.loop_triangles[int(index)]
        weights = dice.dirichlet((1.5, 1.5, 1.5))
        points.append(
            obj.matrix_world
            @ sum(
                (mesh.vertices[v].co * w for v, w in zip(triangle.vertices, weights, strict=True)), Vector()
            )
        )
        uvs.append(
            sum(
                (layer.uv[loop].vector * w for loop, w in zip(triangle.loops, weights, strict=True)),
                Vector((0, 0)),
            )
        )
    shown.to_mesh_clear()
    return scenes.sampled(scenes.pixels_of(image), np.array(uvs)) - truth(points)


def pixels(name: str) -> Any:
    return np.rint(scenes.pixels_of(bpy.data.images[name])).astype(int)


def texels_of(obj: Any, faces: Sequence[Any]) -> Any:
    """The texels of 512 x 512 inside of rectangular faces."""
    inside = np.zeros((512, 512), bool)
    for face in faces:
        corners = np.array([obj.data.uv_layers[0].uv[loop].vector for loop in face.loop_indices]) * 512
        (left, low), (right, high) = np.ceil(corners.min(axis=0)), np.floor(corners.max(axis=0))
        inside[512 - int(high) : 512 - int(low), int(left) : int(right)] = True
    return inside


def test_six_sides_paint_a_whole_model_in_one_request(run: Any, server: ApiServer) -> None:
    obj = scenes.suzanne()
    bpy.ops.mesh.primitive_plane_add(
        size=20, location=(0, 0, -0.9)
    )  # hides it from below, and does not count
    planned = plan(run, "Suzanne", "--views", "auto")
    assert len(planned["views"]) == 6 and planned["coverage"] > 0.95
    assert not server.image_requests
    server.options.edits = answer(planned["views"], [obj])
    output = paint(run, "Suzanne", "--views", "auto")
    (request,) = server.image_requests
    assert request.fields["size"] == "1152x768" and request.fields["n"] == "1"
    assert "3 columns and 2 rows" in request.fields["prompt"]
    assert all(view["name"] in request.fields["prompt"] for view in output["views"])
    assert [view["rectangle"] for view in output["views"]] == [
        [x, y, 384, 384] for y in (0, 384) for x in (0, 384, 768)
    ]
    assert all(view["used"] and view["score"] > 0.99 for view in output["views"])
    assert 0.9 < output["coverage"] < 1 and output["gap_share"] == pytest.approx(
        1 - output["coverage"], abs=1e-3
    )
    away = errors(obj, bpy.data.images[output["images"][0]["name"]])
    assert scenes.decibels(away, 0 * away) > 50 and np.abs(away).max() < 40
    before = pixels(output["images"][0]["name"])
    again = api.texture_again(output["job"], used_views=(output["views"][0]["name"],), fill_gaps=False)
    again.finish_waiting()
    found = api.texture_of(again)
    assert found.coverage < 0.5 and len(server.image_requests) == 1
    code, narrow = run(
        "texture", "--again", output["job"], "--steepest", 40, "--no-fill-gaps", "--erosion", 4
    )
    assert code == 0 and narrow["coverage"] < output["coverage"] - 0.1, narrow
    code, refused = run("texture", "--again", output["job"], "--steepest", 95)
    assert code == 4 and refused["error"]["param"] == "steepest"
    assert run("texture", "copper", "--objects", "Suzanne", "--exponent", 2)[0] == 2
    assert len(server.image_requests) == 1
    assert (pixels(output["images"][0]["name"]) != before).any(axis=-1).mean() > 0.2


def test_a_side_that_does_not_match_is_left_out_and_told(run: Any, server: ApiServer) -> None:
    parts = scenes.table()
    names = ",".join(part.name for part in parts)
    views = plan(run, names, "--views", 4)["views"]
    assert len(views) == 4 and len({tuple(view["rectangle"]) for view in views}) == 4
    dice = np.random.default_rng(7)
    gains = dice.uniform(0.88, 1.12, (4, 3))

    def change(number: int, tile: Any) -> Any:
        if number == 2:
            return (
                tile[::-1, ::-1] * 0
                + np.array((200, 30, 30)) * (np.indices(tile.shape[:2]).sum(0) % 160 < 80)[..., None]
            )
        return np.where((tile != tile[0, 0]).any(axis=-1, keepdims=True), tile * gains[number], tile)

    server.options.edits = answer(views, parts, change)
    output = paint(run, names, "--views", 4)
    assert [view["used"] for view in output["views"]] == [True, True, False, True]
    assert any(f"'{views[2]['name']}'" in warning for warning in output["warnings"])
    assert len(output["images"]) == len(parts) and output["coverage"] > 0.3
    for part, image in zip(parts, output["images"], strict=True):
        away = errors(part, bpy.data.images[image["name"]])
        assert np.abs(away).mean() < 12, part.name


def test_selected_faces_are_seen_from_as_few_sides_as_it_takes(run: Any, server: ApiServer) -> None:
    bpy.ops.mesh.primitive_cube_add(location=(3, 0, 0))
    bpy.ops.mesh.primitive_cube_add()
    obj = bpy.context.object
    scenes.textured(obj)
    for face in obj.data.polygons:
        face.select = face.normal.x > 0.9
    before = pixels("Paint")
    views = plan(run, obj.name, "--views", "auto", "--faces", "selected")["views"]
    assert [view["name"] for view in views] == ["right"]
    server.options.edits = answer(views, [obj])
    output = paint(run, obj.name, "--views", "auto", "--faces", "selected")
    changed = (pixels("Paint") != before).any(axis=-1)
    (face,) = [face for face in obj.data.polygons if face.select]
    assert changed[texels_of(obj, [face])].mean() > 0.95
    others = texels_of(obj, [face for face in obj.data.polygons if not face.select])
    assert not (changed & others).any()
    assert output["images"][0]["name"] == "Paint"


def test_a_draft_lies_on_all_sides_without_a_key(run: Any) -> None:
    obj = scenes.suzanne()
    code, output = run(
        "texture", "red bricks", "--objects", "Suzanne", "--views", "auto", "--provider", "offline",
        "--texture-size", 256, "--size", "320x256",
    )  # fmt: skip
    assert code == 0, output
    assert output["gap_share"] < 0.15 and len(output["views"]) == 6
    image = pixels(output["images"][0]["name"])
    uv_used = image.reshape(-1, 3).std(axis=0)
    assert uv_used.max() > 10 and obj.active_material is not None


def test_a_draft_lies_on_the_sides_that_an_open_surface_has(run: Any) -> None:
    bpy.ops.mesh.primitive_plane_add()
    code, output = run(
        "texture", "grass", "--objects", "Plane", "--views", "auto", "--provider", "offline",
        "--texture-size", 64, "--size", "256x256",
    )  # fmt: skip
    assert code == 0, output
    assert [view["name"] for view in output["views"]] == ["top"] and output["coverage"] > 0.9


def test_a_room_is_painted_from_inside(run: Any, server: ApiServer) -> None:
    bpy.ops.mesh.primitive_cube_add(size=4)
    obj = bpy.context.object
    obj.data.flip_normals()
    output = plan(run, obj.name, "--views", 8)
    assert output["coverage"] > 0.95 and output["views"][0]["projection"][15] == 0  # in perspective
    server.options.edits = answer(output["views"], [obj])
    made = paint(run, obj.name, "--views", 8)
    away = errors(obj, bpy.data.images[made["images"][0]["name"]])
    assert scenes.decibels(away, 0 * away) > 40
    assert len({view["name"] for view in made["views"]}) == len(made["views"]) == 8


def test_several_cameras_make_one_sheet(run: Any, server: ApiServer) -> None:
    first = scenes.camera((0, -6, 0.5))
    second = scenes.camera((5, 2, 1))
    obj = scenes.suzanne()
    scenes.textured(obj)
    names = f"{first.name},{second.name}"
    views = plan(run, "Suzanne", "--views", names)["views"]
    assert [view["name"] for view in views] == names.split(",")
    assert views[1]["rectangle"] == [576, 0, 576, 576]
    server.options.edits = answer(views, [obj])
    made = api.texture_model("Suzanne", "copper", views=[first, second.name], size="1152x768", quality="low")
    assert [view["name"] for view in made.views] == names.split(",") and 0.2 < made.coverage < 0.9


@pytest.mark.parametrize("views", ["0", "13", "nobody", "Camera,Camera"])
def test_views_that_cannot_be_cost_nothing(run: Any, server: ApiServer, views: str) -> None:
    scenes.camera((0, -6, 0.5))
    scenes.suzanne()
    code, output = run("texture", "copper", "--objects", "Suzanne", *FLAGS, "--views", views)
    assert code == 4 and output["error"]["param"] == "views", output
    assert not server.image_requests


def test_the_largest_sheet_that_the_model_draws_is_asked_for(run: Any, server: ApiServer) -> None:
    obj = scenes.suzanne()
    flags = ("--objects", "Suzanne", "--views", "auto", "--dry-run", "--provider", "openai")
    code, output = run("texture", "copper", *flags)
    assert code == 0 and output["request"]["size"] == "3456x2304", output
    canvases = plan_canvases([obj], name="x", new_image=False, texture_size=64, engine="CYCLES")
    faces = collect_faces(bpy.context.view_layer, canvases.painted, is_alone=True)
    fixed = SizeRule(sizes=("1024x1024", "1536x1024", "1024x1536"))
    for size, tile in (("like", 512), ("like:1024x1024", 512), ("1024x1024", 341)):
        chosen = choose_sides(faces, "auto", size, fixed, is_draft=False, is_part=False)
        assert chosen.views[5].rectangle == (2 * tile, tile, tile, tile)


def test_reverting_brings_every_image_back(run: Any, server: ApiServer) -> None:
    parts = scenes.table()[:2]
    for part in parts:
        scenes.textured(part, f"Paint {part.name}")
    before = [pixels(f"Paint {part.name}") for part in parts]
    names = ",".join(part.name for part in parts)
    server.options.edits = answer(plan(run, names, "--views", 6)["views"], parts)
    output = paint(run, names, "--views", 6)
    replacement.revert(output["job"])
    for part, pixel in zip(parts, before, strict=True):
        assert np.array_equal(pixels(f"Paint {part.name}"), pixel)


def test_the_part_of_the_3d_view_that_is_sent_keeps_its_height() -> None:
    assert sides_overlay.find_sent_part((1000, 500), (512, 512)) == (250, 0, 750, 500)
    assert sides_overlay.find_sent_part((500, 500), (1024, 512)) == (-250, 0, 750, 500)


def test_the_panel_paints_all_around_at_the_price_that_it_shows(run: Any, server: ApiServer) -> None:
    obj = scenes.suzanne()
    values = bpy.context.scene.gpt_image
    values.prompt, values.provider, values.target, values.quality = "copper", "openai", "model", "low"
    values.views, values.image_size = "auto", 256
    shown = quote.price_now(bpy.context.scene)
    assert shown.size == "3456x2304" and shown.request is not None and not shown.problem
    assert shown.request.reference_kinds == ("sheet",)
    scenes.camera((0, -6, 0))
    values.views = "camera"
    assert bpy.ops.gpt_image.show_sides() == {"FINISHED"}
    sides = sides_overlay.find_shown()
    assert sides is not None and [view.name for view in sides.views] == ["camera"]
    values.views = "auto"
    assert sides_overlay.find_shown() is None
    assert bpy.ops.gpt_image.show_sides() == {"FINISHED"}
    sides = sides_overlay.find_shown()
    assert sides is not None and len(sides.views) == 6 and sides.shown_share is not None
    for view in sides.views:  # a square before the object
        corners = np.array(sides_overlay.make_frame(view).corners)
        assert np.linalg.norm(corners[0] - corners[1]) == pytest.approx(
            np.linalg.norm(corners[1] - corners[2])
        )
        assert np.abs(corners.mean(axis=0) - obj.location).max() < 3
    obj.location.x += 1
    bpy.context.view_layer.update()
    assert sides_overlay.find_shown() is None
    prepared = generate.prepare_request(bpy.context, {})
    assert prepared.checked.price.high_usd == pytest.approx(shown.high_usd, rel=0.01)
    values.size, values.width, values.height = "custom", 1152, 768
    prepared = generate.prepare_request(bpy.context, {})
    assert not server.image_requests
    job = prepared.submit()
    job.wait()
    made = api.texture_of(job)
    assert len(made.views) == 6 and made.images[0].width == 256
    from_job.fill_panel(values, api.history().jobs[0])
    assert values.views == "auto" and not len(values.references)


def test_all_around_has_maps_of_its_texels(run: Any) -> None:
    obj = scenes.suzanne()
    obj.modifiers.clear()
    flags = ("--views", "auto", "--provider", "offline", "--texture-size", 256, "--size", "256x256")
    code, output = run("texture", "old red bricks", "--objects", obj.name, *flags)
    assert code == 0, output
    assert set(output["maps"]) == {"normal", "roughness", "ao"}
    tree = bpy.data.materials[output["material"]].node_tree
    shown = {node["gpt_image_kind"]: node for node in tree.nodes if node.get("gpt_image_kind")}
    assert set(shown) == {"normal", "roughness", "ao"}
    assert all(tuple(node.image.size) == (256, 256) for node in shown.values())
    assert all(node.image.colorspace_settings.is_data for node in shown.values())
    (shader,) = (node for node in tree.nodes if node.bl_idname == "ShaderNodeBsdfPrincipled")
    assert shader.inputs["Normal"].links[0].from_node.bl_idname == "ShaderNodeNormalMap"
    assert shader.inputs["Roughness"].links and not shown["ao"].outputs["Color"].links
    occlusion = scenes.pixels_of(shown["ao"].image)[..., 0]
    assert occlusion.min() < 140 and occlusion.max() > 245
    before = len(bpy.data.images)
    code, output = run("texture", "--again", output["job"], "--no-fill-gaps")
    assert code == 0 and len(output["maps"]) == 3 and len(bpy.data.images) <= before + 1
    assert sum(1 for node in tree.nodes if node.get("gpt_image_kind")) == 3


def test_without_maps_when_told(run: Any) -> None:
    bpy.ops.mesh.primitive_cube_add()
    flags = (
        "--views",
        "auto",
        "--provider",
        "offline",
        "--texture-size",
        64,
        "--no-surface-maps",
        "--size",
        "256x256",
    )
    code, output = run("texture", "rust", "--objects", bpy.context.object.name, *flags)
    assert code == 0 and not output["maps"]
