"""What the buttons do: references, masks, results, history, styles, assets, stripping."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest

from gpt_image_addon import api
from gpt_image_addon.app import references, results, settings
from gpt_image_addon.core.errors import ConfigurationError, GptImageError
from gpt_image_addon.core.imaging.formats import decode
from gpt_image_addon.core.results.output_files import Outputs
from gpt_image_addon.scene import external_files
from gpt_image_addon.ui.common import enum_items
from gpt_image_addon.ui.presets import presets
from gpt_image_addon.ui.references import images
from tests.api_server import ApiServer

SMALL = {"provider": "offline", "size": "64x64"}


def values() -> Any:
    return bpy.context.scene.gpt_image


def cube() -> Any:
    bpy.ops.mesh.primitive_cube_add()
    return bpy.context.active_object


def made(target: str = "texture", **more: Any) -> Any:
    job = api.submit("oak", target=target, **{**SMALL, **more})
    assert job.wait(10) and job.state.name == "APPLIED", job.message
    return job


def shown(obj: Any) -> str:
    nodes = obj.active_material.node_tree.nodes
    return next(node.image.name for node in nodes if node.bl_idname == "ShaderNodeTexImage")


def camera_scene() -> None:
    """A cube of 2 m in the middle of a square image, 8 m ahead."""
    cube()
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    camera.location = (0, 0, 9)
    bpy.context.collection.objects.link(camera)
    bpy.context.scene.camera = camera
    bpy.context.scene.render.resolution_x = bpy.context.scene.render.resolution_y = 512


def test_references_are_added_moved_and_removed(tmp_path: Path) -> None:
    for kind in ("camera", "file"):
        bpy.ops.gpt_image.add_reference(kind=kind, label=kind)
    assert values().reference_index == 1
    bpy.ops.gpt_image.move_reference(step=-1)
    assert [item.label for item in values().references] == ["file", "camera"]
    bpy.ops.gpt_image.remove_reference()
    assert [item.label for item in values().references] == ["camera"]
    bpy.ops.gpt_image.drop_pictures(directory=str(tmp_path), files=[{"name": "a.png"}, {"name": "b.png"}])
    assert [Path(item.file).name for item in values().references][1:] == ["a.png", "b.png"]


def test_references_become_files_in_their_order() -> None:
    camera_scene()
    image = bpy.data.images.new("Red", 20, 10)
    image.pixels = [1.0, 0, 0, 1] * 200
    bpy.ops.gpt_image.add_reference(kind="image", image="Red", label="the colour")
    bpy.ops.gpt_image.add_reference(kind="camera")
    found = images.parameters(values())
    sizes = [references.size_of(path) for path in found["references"]]
    assert sizes == [(20, 10), (references.CAPTURE_EDGE, references.CAPTURE_EDGE)]
    assert found["reference_labels"] == ("the colour", "")
    assert decode(Path(found["references"][0]).read_bytes())[5, 5].tolist() == [255, 0, 0]


def test_a_reference_that_is_not_live_is_sent_as_it_is_shown() -> None:
    camera_scene()
    bpy.ops.gpt_image.add_reference(kind="camera")
    item = values().references[0]
    bpy.ops.gpt_image.capture_reference()
    first = item.captured
    item.live = False
    assert images.parameters(values())["references"] == [first]
    item.live = True
    assert images.parameters(values())["references"] != [first]


def test_the_depth_guide_is_bright_where_things_are_near() -> None:
    camera_scene()
    before = bpy.context.scene.render.engine, len(bpy.data.materials), len(bpy.data.scenes)
    pixels = decode(Path(references.depth((64, 64))).read_bytes())
    assert pixels[32, 32, 0] > 200 and pixels[2, 2, 0] < 10
    assert (bpy.context.scene.render.engine, len(bpy.data.materials), len(bpy.data.scenes)) == before


def test_the_normal_guide_shows_which_way_surfaces_face() -> None:
    camera_scene()
    bpy.context.active_object.rotation_euler = (0, 0.5, 0)
    pixels = decode(Path(references.normal((64, 64))).read_bytes()).astype(int)
    red, green, blue = pixels[32, 32]
    assert blue > 200 and abs(green - 128) < 12 and red > 160, pixels[32, 32]


def test_selected_faces_are_a_mask_in_the_uv_map() -> None:
    obj = cube()
    for polygon in obj.data.polygons:
        polygon.select = polygon.index == 0
    pixels = decode(Path(references.faces_mask((200, 200))).read_bytes())
    inside = [tuple(obj.data.uv_layers.active.uv[i].vector) for i in obj.data.polygons[0].loop_indices]
    u, v = np.mean(inside, axis=0)
    assert pixels[int((1 - v) * 200), int(u * 200)].tolist() == [255] * 3
    assert 0.03 < (pixels[..., 0] > 0).mean() < 0.12
    for polygon in obj.data.polygons:
        polygon.select = False
    with pytest.raises(GptImageError, match="No face"):
        references.faces_mask((10, 10))


def test_a_rectangle_is_a_mask() -> None:
    pixels = decode(Path(references.rectangle_mask((0.5, 0.5, 1.0, 1.0), (40, 20))).read_bytes())
    assert pixels[4, 30, 0] == 255 and pixels[15, 30, 0] == pixels[4, 10, 0] == 0


@pytest.mark.parametrize("size", [(1536, 864), (640, 641), (40, 20)])
def test_a_rectangle_is_priced_by_the_mask_that_is_sent(size: tuple[int, int]) -> None:
    rng = random.Random(5)
    drawn = (0.42584529519081116, 0.40027323365211487, 0.5741547346115112, 0.5997267961502075)
    for left, bottom, right, top in (drawn, *(tuple(rng.random() for _ in range(4)) for _ in range(20))):
        rectangle = min(left, right), min(bottom, top), max(left, right), max(bottom, top)
        sent = decode(Path(references.rectangle_mask(rectangle, size)).read_bytes())
        assert (references.in_rectangle(rectangle, size) == (sent[..., 0] > 0)).all()


def test_a_mask_travels_with_its_reference() -> None:
    bpy.data.images.new("Base", 32, 16)
    bpy.ops.gpt_image.add_reference(kind="image", image="Base")
    values().mask = "rectangle"
    found = images.parameters(values())
    assert references.size_of(found["mask"]) == (32, 16)
    values().mask = "image"
    with pytest.raises(GptImageError, match="no image yet"):
        images.parameters(values())


def test_one_of_several_images_is_used_by_a_click() -> None:
    obj = cube()
    job = made(n=3)
    first = shown(obj)
    assert bpy.ops.gpt_image.use_variation(job=job.id, number=2) == {"FINISHED"}
    assert shown(obj) == job.applied.images[2] != first
    assert job.used == 2 and all(name in bpy.data.images for name in job.applied.images)


def images_of(obj: bpy.types.Object) -> dict[str, str]:
    """The images of a material's maps, by their kind."""
    nodes = obj.active_material.node_tree.nodes
    return {node["gpt_image_kind"]: node.image.name for node in nodes if "gpt_image_kind" in node}


def test_another_image_is_shown_in_the_material_that_is_there() -> None:
    obj = cube()
    job = made("material", n=3)
    material, before = obj.active_material, images_of(obj)
    color = list(material.diffuse_color)
    normal = bytes(bpy.data.images[before["normal"]].packed_file.data)
    assert bpy.ops.gpt_image.use_variation(job=job.id, number=2) == {"FINISHED"}
    after = images_of(obj)
    assert obj.active_material == material and len(api.jobs()) == 1 and job.used == 2
    assert after["base_color"] == job.applied.images[2]
    assert bytes(bpy.data.images[after["normal"]].packed_file.data) != normal
    assert list(material.diffuse_color) != color
    bpy.ops.gpt_image.use_variation(job=job.id, number=0)
    assert bytes(bpy.data.images[images_of(obj)["normal"]].packed_file.data) == normal
    assert list(material.diffuse_color) == pytest.approx(color)


def test_a_map_of_color_goes_and_comes_with_its_image(online: ApiServer) -> None:
    """Light and shadow are taken out of what a model painted, so it is not the image itself."""
    obj = cube()
    job = made("material", n=2, provider="openai", quality="low", size="816x816")
    first = bytes(bpy.data.images[images_of(obj)["base_color"]].packed_file.data)
    assert first != job.prepared.images[0].data
    bpy.ops.gpt_image.use_variation(job=job.id, number=1)
    second = bytes(bpy.data.images[images_of(obj)["base_color"]].packed_file.data)
    assert second not in (first, job.prepared.images[1].data)
    for number, expected in ((0, first), (1, second), (0, first)):
        bpy.ops.gpt_image.use_variation(job=job.id, number=number)
        assert bytes(bpy.data.images[images_of(obj)["base_color"]].packed_file.data) == expected
    assert len(online.image_requests) == 1


def test_strengths_are_for_the_image_that_is_shown() -> None:
    obj = cube()
    job = made("material", n=2)
    bpy.ops.gpt_image.use_variation(job=job.id, number=1)
    shown = images_of(obj)["base_color"]
    api.remake_material(obj.active_material.name, normal_strength=2.0)
    assert images_of(obj)["base_color"] == shown == job.applied.images[1]


def test_the_menu_means_the_image_that_is_shown() -> None:
    cube()
    job = made(n=3)
    assert results.shown_file(job.id).endswith("image-1.png")
    bpy.ops.gpt_image.use_variation(job=job.id, number=1)
    assert results.shown_file(job.id).endswith("image-2.png")
    bpy.ops.gpt_image.use_as_reference(job=job.id)
    assert values().references[0].file.endswith("image-2.png")
    bpy.ops.gpt_image.edit_region(job=job.id)
    assert values().references[0].image.name == job.applied.images[1]


def test_planes_exchange_their_images() -> None:
    job = made("plane", n=3)
    planes = [bpy.data.objects[job.applied.object], *(o for o in bpy.data.objects if o.type == "MESH")]
    planes = list(dict.fromkeys(planes))
    first, second, third = [shown(plane) for plane in planes]
    bpy.ops.gpt_image.use_variation(job=job.id, number=2)
    assert [shown(plane) for plane in planes] == [third, second, first]
    bpy.ops.gpt_image.use_variation(job=job.id, number=1)
    assert [shown(plane) for plane in planes] == [second, third, first]
    assert len(bpy.data.objects) == 3


def test_a_result_goes_onto_another_target_without_a_new_request() -> None:
    obj = cube()
    job = made("image")
    assert obj.active_material is None
    assert bpy.ops.gpt_image.apply_result(job=job.id, target="material") == {"FINISHED"}
    assert obj.active_material.name.startswith("oak")
    assert len(api.history().jobs) == 1


def test_the_second_image_becomes_the_material() -> None:
    cube()
    job = made("image", n=2)
    again = results.apply(job.id, target="material", picture=1)
    assert again.wait(10) and again.prepared is not None
    assert again.prepared.images[0].file.endswith("image-2.png")


def test_a_request_is_recalled_with_all_its_settings() -> None:
    made("image", n=2, style="anime", background="transparent", quality="low", size="640x320")
    (entry,) = api.history().jobs
    values().prompt = ""
    bpy.ops.gpt_image.recall(job=entry.id)
    assert (values().prompt, values().n, values().style) == ("oak", 2, "anime")
    assert (values().size, values().width, values().height) == ("custom", 640, 320)
    assert (values().target, values().background, values().quality) == ("image", "transparent", "low")


def test_the_same_again_is_a_new_job() -> None:
    job = made("image")
    assert bpy.ops.gpt_image.again(job=job.id) == {"FINISHED"}
    assert api.jobs()[-1].wait(10)
    assert len(api.history().jobs) == 2


def test_a_result_is_used_as_reference_or_edited_in_part() -> None:
    job = made("image")
    bpy.ops.gpt_image.use_as_reference(job=job.id)
    assert values().references[0].file == results.files(job.id)[0]
    bpy.ops.gpt_image.edit_region(job=job.id)
    assert len(values().references) == 1 and values().mask == "image"
    assert tuple(values().mask_image.size) == (64, 64)


def test_the_history_marks_recovers_and_deletes() -> None:
    cube()
    job = made()
    bpy.ops.gpt_image.favourite(job=job.id)
    assert results.entry(job.id).favourite
    with pytest.raises(RuntimeError, match="favourite"):
        bpy.ops.gpt_image.delete_result(job=job.id)
    bpy.ops.gpt_image.favourite(job=job.id)
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    obj = cube()
    bpy.ops.gpt_image.recover(job=job.id)
    assert api.jobs()[-1].wait(10) and obj.active_material is not None
    folder = results.entry(job.id).folder
    bpy.ops.gpt_image.delete_result(job=job.id)
    assert folder is not None and not folder.exists()
    with pytest.raises(RuntimeError, match="gone"):
        bpy.ops.gpt_image.use_as_reference(job=job.id)


def test_a_file_is_stripped_of_prompts_costs_and_ids() -> None:
    obj = cube()
    made("material")
    values().prompt = "a secret plan"
    bpy.ops.gpt_image.add_reference(kind="file", file="/home/me/secret.png")
    assert any(name.startswith("gpt_image_") for image in bpy.data.images for name in image.keys())  # noqa: SIM118
    assert bpy.ops.gpt_image.strip() == {"FINISHED"}
    assert not any(name.startswith("gpt_image_") for image in bpy.data.images for name in image.keys())  # noqa: SIM118
    assert not values().prompt and not len(values().references)
    assert obj.active_material is not None
    assert bpy.ops.gpt_image.strip() == {"CANCELLED"}


def test_a_stripped_file_holds_no_prompt(tmp_path: Path) -> None:
    cube()
    made("texture", name="surface")
    values().prompt = "zebra crossing"
    bpy.ops.gpt_image.strip()
    path = tmp_path / "shared.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path), compress=False)
    assert b"zebra crossing" not in path.read_bytes()


def save_beside(names: tuple[str, ...]) -> None:
    external_files.unpack(external_files.write(external_files.packed_images(names), Outputs(), "job"))


def test_the_prompt_leaves_the_descriptions_of_assets(tmp_path: Path) -> None:
    """Also where the images lost it before, and in no description of the user's own."""
    cube()
    job = api.submit("zebra crossing", target="material", name="surface", **SMALL)
    assert job.wait(10)
    ours = bpy.context.active_object.active_material
    results.mark_asset(ours)
    own = bpy.data.materials.new("own")
    own.asset_mark()
    own.asset_data.description = "my own words"
    quoting = bpy.data.objects.new("quoting", None)
    quoting.asset_mark()
    quoting.asset_data.description = "Made of: zebra crossing"
    assert ours.asset_data.description == "zebra crossing"
    bpy.ops.gpt_image.strip()
    assert not ours.asset_data.description and not quoting.asset_data.description
    assert own.asset_data.description == "my own words" and ours.asset_data is not None
    path = tmp_path / "shared.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path), compress=False)
    assert b"zebra crossing" not in path.read_bytes()
    ours.asset_data.description = "zebra crossing"
    assert results.strip_facts() == 1


def test_images_are_saved_beside_a_saved_file(tmp_path: Path) -> None:
    job = made("image")
    save_beside(job.applied.images)
    assert bpy.data.images[job.applied.images[0]].packed_file is not None  # nothing to save beside
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"))
    data = bytes(bpy.data.images[job.applied.images[0]].packed_file.data)
    save_beside(job.applied.images)
    image = bpy.data.images[job.applied.images[0]]
    assert image.packed_file is None
    assert Path(bpy.path.abspath(image.filepath)).read_bytes() == data
    assert tuple(image.size) == (64, 64)


def test_a_material_becomes_an_asset_in_a_library(tmp_path: Path) -> None:
    obj = cube()
    made("material")
    library = bpy.context.preferences.filepaths.asset_libraries.new(name="Mine", directory=str(tmp_path))
    try:
        path = results.mark_asset(obj.active_material, "Mine")
    finally:
        bpy.context.preferences.filepaths.asset_libraries.remove(library)
    assert path is not None and path.exists() and path.parent == tmp_path
    data = obj.active_material.asset_data
    assert data.description == "oak" and "gpt-image" in data.tags
    catalogs = (tmp_path / "blender_assets.cats.txt").read_text()
    assert catalogs.count("VERSION 1") == 1 and str(data.catalog_id) in catalogs
    with bpy.data.libraries.load(str(path), assets_only=True) as (found, _):
        assert found.materials == [obj.active_material.name]
    with pytest.raises(GptImageError, match="no asset library 'Other'"):
        results.mark_asset(obj.active_material, "Other")


def test_styles_are_added_and_shared(tmp_path: Path) -> None:
    bpy.ops.gpt_image.add_style(label="Moon Dust", words="Style: grey dust.")
    assert values().style == "moon_dust"
    path = tmp_path / "styles.json"
    bpy.ops.gpt_image.export_styles(filepath=str(path))
    bpy.ops.gpt_image.delete_style()
    assert values().style == enum_items.NO_STYLE
    bpy.ops.gpt_image.import_styles(filepath=str(path))
    values().style = "moon_dust"
    bpy.ops.gpt_image.delete_style()


def test_a_preset_names_properties_that_exist() -> None:
    for name in presets.GPT_IMAGE_OT_add_preset.preset_values:
        assert name.removeprefix("values.") in values().bl_rna.properties


def test_a_key_is_pasted_and_leaves_the_clipboard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    settings.store_key("sk-one")
    assert (settings.key_source(), settings.find_key().value) == ("file", "sk-one")
    path = settings.private_folder() / settings.KEY_FILE
    assert path.stat().st_mode & 0o077 == 0
    settings.store_key("")
    assert (settings.key_source(), settings.find_key().value) == ("", "") and not path.exists()


@pytest.mark.parametrize("pasted", ["sk-one", "  sk-one\n", '"sk-one"', "Bearer sk-one", "\ufeffsk-one"])
def test_a_key_is_pasted_without_what_came_along(pasted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    settings.store_key(pasted)
    assert settings.find_key().value == "sk-one" == settings.load().api_key


@pytest.mark.parametrize(
    "pasted", ["sk-o\u200bne-abcdef", "sk-one\u2019abcdef", "words that are no key", "a\nb"]
)
def test_a_key_that_no_header_takes_is_not_stored(pasted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    settings.store_key("sk-one")
    with pytest.raises(ConfigurationError, match=r"its character [0-9]+ is U"):
        settings.store_key(pasted)
    assert settings.find_key().value == "sk-one"


@pytest.mark.parametrize(
    ("stored", "key"),
    [("\ufeffsk-one\r\n".encode(), "sk-one"), ("sk-\u200bone".encode(), ""), (b"sk-\xe9one", "")],
)
def test_a_key_file_that_somebody_else_wrote_is_checked(
    stored: bytes, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    settings.store_key("sk-before")
    (settings.private_folder() / settings.KEY_FILE).write_bytes(stored)
    settings._stored.cache_clear()
    found = settings.load()
    assert found.api_key == key and (found.problem is None) == bool(key)
    if not key:
        found.check_provider("offline")
        with pytest.raises(ConfigurationError, match="its character 4 is U"):
            found.check_provider("openai")


def test_a_key_in_the_keychain_leaves_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    vault: list[str] = []
    monkeypatch.setattr(settings.keychain, "store", vault.append)
    settings.store_key("sk-one")
    settings.store_key("sk-two", "keychain")
    assert vault == ["sk-two"] and settings.key_source() == "keychain"
    assert not (settings.private_folder() / settings.KEY_FILE).exists()


def test_the_default_model_of_the_preferences_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    import dataclasses

    load = settings.load
    monkeypatch.setattr(
        settings, "load", lambda **more: dataclasses.replace(load(**more), default_model="gpt-image-2")
    )
    assert api.plan("oak", provider="openai").model.id == "gpt-image-2"
    assert api.plan("oak", provider="offline").model.id == "offline-draft"


def test_a_retired_model_of_the_preferences_is_replaced_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    import dataclasses

    load = settings.load
    monkeypatch.setattr(
        settings, "load", lambda **more: dataclasses.replace(load(**more), default_model="gpt-image-1")
    )
    plan = api.plan("oak", provider="openai")
    assert plan.model.id == "gpt-image-2.5-sunburst"
    assert any("gpt-image-1 was shut down" in warning for warning in plan.warnings)
