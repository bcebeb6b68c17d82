"""Panoramas as worlds: rendered skies whose sun is known, and what the worlds of them light in Cycles."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from gpt_image_addon import api
from gpt_image_addon.core.errors import InvalidRequestError
from gpt_image_addon.core.panorama.equirect import LUMINANCE, irradiance, luminance
from gpt_image_addon.core.panorama.light import RATIOS, expand
from gpt_image_addon.core.panorama.lighting import write_lighting
from gpt_image_addon.core.panorama.sun import GIVEN, SURE, UNSURE, Sun, find_sun
from gpt_image_addon.core.raster.exr_writer import encode_exr
from gpt_image_addon.core.request.request import Application
from gpt_image_addon.core.results.store import ENVIRONMENT, ImageFile, PreparedResult
from gpt_image_addon.scene.targets.registry import apply
from gpt_image_addon.scene.worlds.target import read_world
from tests.blender.conftest import Command
from tools.sky_truth import expose, new_scene, read_exr, render, render_sky

AZIMUTH, ELEVATION = 20.0, 60.0
KEY = 0.2
NISHITA = (0.0, 0.21, 0.96, 2.3, 3.6, 4.8, 6.9, 9.7, 11.7, 13.0)
"""As `RATIOS`, of the sky that Blender had before 5.0."""


@pytest.fixture(scope="module")
def truth(addon: None, tmp_path_factory: pytest.TempPathFactory) -> NDArray[np.float32]:
    return render_sky(tmp_path_factory.mktemp("sky"), AZIMUTH, ELEVATION)


@pytest.fixture
def image(truth: NDArray[np.float32], tmp_path: Path) -> ImageFile:
    return file_of(expose(truth, KEY, filmic=True), tmp_path)


def file_of(pixels: NDArray[np.uint8], folder: Path) -> ImageFile:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "png")
    path = folder / "image-1.png"
    path.write_bytes(stream.getvalue())
    return ImageFile("Dunes", stream.getvalue(), str(path), "png", *pixels.shape[1::-1])


def put(image: ImageFile, **values: Any) -> PreparedResult:
    """Make the scene's world of an image."""
    application = Application(target="world", **values)
    made = write_lighting(image, "dunes", application, Path(image.file).parent)
    prepared = PreparedResult("job", (image,), {ENVIRONMENT: made.file}, report=made.report)
    apply(prepared, application)
    return prepared


def add_plane(size: float = 40.0) -> None:
    bpy.ops.mesh.primitive_plane_add(size=size)
    material = bpy.data.materials.new("White")
    if material.node_tree is None:
        material.use_nodes = True
    shader = next(node for node in material.node_tree.nodes if node.bl_idname == "ShaderNodeBsdfPrincipled")
    shader.inputs["Base Color"].default_value = (0.8, 0.8, 0.8, 1)
    shader.inputs["Roughness"].default_value = 1.0
    shader.inputs["Specular IOR Level"].default_value = 0.0
    bpy.context.active_object.data.materials.append(material)


def look_down(height: float, scale: float) -> None:
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    camera.data.type, camera.data.ortho_scale = "ORTHO", scale
    camera.location.z = height
    bpy.context.scene.collection.objects.link(camera)
    bpy.context.scene.camera = camera


@pytest.fixture
def stage() -> Iterator[bpy.types.Scene]:
    yield new_scene()


def test_the_sun_of_a_rendered_sky_is_found(truth: NDArray[np.float32]) -> None:
    sun = find_sun(expose(truth, KEY, filmic=True).astype(np.float32))
    assert sun.confidence == SURE
    assert sun.azimuth == pytest.approx(AZIMUTH, abs=0.5)
    assert sun.elevation == pytest.approx(ELEVATION, abs=0.5)
    blown_out = find_sun(expose(truth, 0.6).astype(np.float32))
    assert blown_out.confidence == UNSURE and blown_out.azimuth == pytest.approx(AZIMUTH, abs=1.5)


@pytest.mark.parametrize(("key", "is_filmic"), [(KEY, False), (KEY, True), (0.35, False)])
def test_the_light_of_a_rendered_sky_comes_back(
    truth: NDArray[np.float32], key: float, is_filmic: bool
) -> None:
    kinds = bpy.types.ShaderNodeTexSky.bl_rna.properties["sky_type"].enum_items
    ratios = RATIOS if "MULTIPLE_SCATTERING" in kinds else NISHITA
    shown = expose(truth, key, filmic=is_filmic).astype(np.float32)
    light = expand(shown, Sun(GIVEN, AZIMUTH, ELEVATION), 1.0, find_sun(shown), ratios)
    scale = key / float(np.median(truth[: len(truth) // 2] @ LUMINANCE))
    assert light.total == pytest.approx(float(luminance(irradiance(truth))) * scale, rel=0.1)


def test_blender_reads_the_light_exactly(stage: bpy.types.Scene, tmp_path: Path) -> None:
    values = np.random.default_rng(1).uniform(0, 2, (40, 80, 3)).astype(np.float32)
    values[5, 7] = 500_000.0, 1e-7, 65_505.0
    data = encode_exr(values, bits=32)
    (tmp_path / "light.exr").write_bytes(data)
    assert np.array_equal(read_exr(tmp_path / "light.exr"), values)
    light = ImageFile("Light", data, str(tmp_path / "light.exr"), "exr", 80, 40)
    apply(PreparedResult("job", (light,), {ENVIRONMENT: light}), Application(target="world"))
    shown = stage.world.node_tree.nodes["Environment Texture"].image
    assert shown.colorspace_settings.name == "Linear Rec.709"
    assert bytes(shown.packed_file.data) == data
    flat = np.empty(values.shape[0] * values.shape[1] * shown.channels, np.float32)
    shown.pixels.foreach_get(flat)
    assert np.array_equal(flat.reshape(40, 80, -1)[::-1, :, :3], values)


@pytest.mark.parametrize("values", [{}, {"sun": "disc"}, {"world_rotation": 70.0}], ids=str)
def test_the_shadow_of_a_ball_points_away_from_the_sun(
    image: ImageFile, stage: bpy.types.Scene, tmp_path: Path, values: dict[str, Any]
) -> None:
    put(image, sun_azimuth=135.0, sun_elevation=25.0, **values)
    add_plane()
    bpy.ops.mesh.primitive_uv_sphere_add(radius=0.5, location=(0, 0, 0.5), segments=64, ring_count=32)
    bpy.context.active_object.visible_camera = False
    look_down(20, 8)
    seen = render(stage, tmp_path / "ball.exr", 192, 192, 8) @ LUMINANCE
    dark = np.median(seen) - seen
    dark[dark < 0.5 * dark.max()] = 0
    rows, columns = np.mgrid[:192, :192] - 95.5
    x, y = (dark * columns).sum(), -(dark * rows).sum()
    away = 135.0 + values.get("world_rotation", 0.0) + 180
    assert (np.degrees(np.arctan2(x, y)) - away + 180) % 360 - 180 == pytest.approx(0, abs=1)


def test_lamp_and_disc_light_alike(image: ImageFile, stage: bpy.types.Scene, tmp_path: Path) -> None:
    seen = {}
    for sun in ("lamp", "disc"):
        scene = new_scene()
        prepared = put(image, sun=sun, sun_azimuth=-40.0, sun_elevation=35.0)
        add_plane()
        look_down(5, 1)
        seen[sun] = float((render(scene, tmp_path / f"{sun}.exr", 16, 16, 256) @ LUMINANCE).mean())
        lamps = [obj for obj in scene.objects if obj.type == "LIGHT"]
        assert len(lamps) == (sun == "lamp")
    assert seen["lamp"] == pytest.approx(seen["disc"], rel=0.01)
    assert seen["lamp"] == pytest.approx(0.8 / np.pi * prepared.report["irradiance"], rel=0.02)


def test_a_backdrop_lights_nothing(image: ImageFile, stage: bpy.types.Scene, tmp_path: Path) -> None:
    put(image, backdrop=True, sun_elevation=35.0)
    add_plane(1.0)
    look_down(5, 2)
    seen = render(stage, tmp_path / "backdrop.exr", 32, 32, 8) @ LUMINANCE
    assert seen[14:18, 14:18].max() == 0 and seen[0].min() > 0
    assert not any(obj.type == "LIGHT" for obj in stage.objects)


def test_a_world_from_the_command_line(run: Command, tmp_path: Path) -> None:
    argv = ("dunes at noon", "--provider", "offline", "--target", "world", "--size", "256x128")
    code, found = run("generate", *argv, "--textures-dir", tmp_path / "copies")
    assert code == 0
    world, sun = bpy.context.scene.world, bpy.data.objects[found["object"]]
    assert found["world"]["sun"]["confidence"] == "sure"
    assert world["gpt_image_job"] == found["job"] and world["sun_of_world"] == sun
    assert sun.data.energy == pytest.approx(found["world"]["sun"]["energy"], rel=1e-3)
    light = Path(found["maps"]["environment"]).read_bytes()
    assert light[:4] == b"\x76\x2f\x31\x01" and light.count(b"\0\x02\0\0\0", 0, 80) == 3, "whole floats"
    assert sorted(path.suffix for path in (tmp_path / "copies").iterdir()) == [".exr", ".png"]
    assert "panorama" in run("estimate", "dunes", "--target", "world")[1]["prompt"]
    code, refused = run("generate", *argv, "--sun-elevation", "95")
    assert code == 4 and refused["error"]["param"] == "sun_elevation"


def test_the_sun_is_corrected_without_a_request_and_never_doubled() -> None:
    made = api.generate("dunes", target="world", provider="offline", size="256x128")
    job = api.relight(made.job, sun_azimuth=90.0, sun_elevation=10.0, world_strength=2.0)
    job.finish_waiting()
    again = api.result_of(job)
    assert again.cost_usd == 0 and again.world is not None
    assert again.world["sun"] | {"energy": 0, "color": 0} == {
        "confidence": GIVEN,
        "azimuth": 90.0,
        "elevation": 10.0,
        "energy": 0,
        "color": 0,
    }
    suns = [obj for obj in bpy.context.scene.objects if obj.type == "LIGHT"]
    assert [obj.name for obj in suns] == [again.object] == [made.object] == ["dunes Sun"]
    assert bpy.context.scene.world.name == "dunes"
    assert suns[0].data.energy == pytest.approx(2 * again.world["sun"]["energy"], rel=1e-3)
    assert np.allclose(
        suns[0].rotation_euler.to_matrix().col[2], (np.cos(np.radians(10)), 0, 0.1736), atol=1e-3
    )
    api.recover(made.job).finish_waiting()
    assert sum(obj.type == "LIGHT" for obj in bpy.context.scene.objects) == 1


def test_a_batch_writes_the_light_as_a_file(run: Command, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("prompt,target,size\ndunes,world,256x128\n")
    argv = ("batch", tmp_path / "rows.csv", "--provider", "offline", "--output-dir", tmp_path / "out")
    code, found = run(*argv)
    assert code == 0 and found["succeeded"] == 1
    assert sorted(path.suffix for path in (tmp_path / "out").glob("*dunes*")) == [".exr", ".png"]
    assert run(*argv)[1]["cost_usd"] == 0


def test_the_dialog_corrects_the_world_of_the_scene() -> None:
    assert not bpy.ops.gpt_image.correct_world.poll()
    made = api.generate(
        "dunes", target="world", provider="offline", size="256x128", world_strength=3.0, sky="hazy"
    )
    first = bpy.context.scene.world
    bpy.ops.gpt_image.correct_world(sun_azimuth=-45.0, sun_elevation=20.0)
    world = bpy.context.scene.world
    assert world != first and world["gpt_image_job"] == made.job
    assert (world["gpt_image_sun_azimuth"], world["gpt_image_sun_elevation"]) == (-45.0, 20.0)
    assert world["gpt_image_settings"]["sky"] == "hazy"
    assert world.node_tree.nodes["Background"].inputs["Strength"].default_value == 3.0
    bpy.ops.gpt_image.correct_world(world_rotation=10.0)
    assert bpy.context.scene.world["gpt_image_sun_confidence"] == SURE, "the sun is as it was found again"
    assert bpy.ops.gpt_image.strip() == {"FINISHED"}
    assert not bpy.ops.gpt_image.correct_world.poll()


def test_a_stored_result_is_lit_anew_by_the_command_line(run: Command) -> None:
    argv = ("generate", "dunes", "--provider", "offline", "--target", "world", "--size", "256x128")
    first = run(*argv)[1]
    code, again = run(*argv, "--reuse", "--sun-elevation", "12", "--sun", "disc")
    assert code == 0 and again["job"] == first["job"] and again["cost_usd"] == 0
    assert again["world"]["sun"]["elevation"] == 12 and again["object"] is None
    assert any("EEVEE" in text for text in again["warnings"])


def test_wrong_settings_change_nothing() -> None:
    made = api.generate("dunes", target="world", provider="offline", size="256x128")
    before = bpy.context.scene.world
    for wrong in ({"sun": "two"}, {"sun_elevation": 91.0}, {"feather": 3.0}):
        with pytest.raises(InvalidRequestError):
            api.relight(made.job, **wrong)
    with pytest.raises(InvalidRequestError):
        api.relight("0123456789ab")
    assert bpy.context.scene.world == before


def test_a_texture_can_be_used_as_a_world_and_a_world_as_an_image() -> None:
    made = api.generate("brick wall", target="image", provider="offline", size="128x128")
    job = api.recover(made.job, target="world")
    job.finish_waiting()
    found = api.result_of(job)
    assert bpy.context.scene.world["gpt_image_job"] == made.job and found.world is not None
    assert bpy.context.scene.world.node_tree.nodes["Environment Texture"].image.size[:] == (256, 128)
    back = api.recover(made.job, target="image")
    back.finish_waiting()
    assert api.result_of(back).world is None


def test_another_variation_becomes_the_world_with_its_own_sun() -> None:
    made = api.generate("dunes", target="world", provider="offline", size="256x128", n=3)
    azimuths = []
    for number in (1, 1, 0):
        bpy.ops.gpt_image.use_variation(job=made.job, number=number)
        for job in api.jobs():
            job.wait()
        azimuths.append(bpy.context.scene.world["gpt_image_sun_azimuth"])
    assert len({made.world["sun"]["azimuth"], *azimuths}) == 3
    bpy.ops.gpt_image.correct_world(world_strength=2.0)
    assert bpy.context.scene.world["gpt_image_sun_azimuth"] == azimuths[-1], "the variation stays"
    assert sum(obj.type == "LIGHT" for obj in bpy.context.scene.objects) == 1


def test_a_world_of_others_takes_no_object_with_it() -> None:
    bpy.ops.mesh.primitive_cube_add()
    cube = bpy.context.active_object
    world = bpy.data.worlds.new("Theirs")
    world["sun_of_world"] = cube
    bpy.context.scene.world = world
    api.generate("clear sky", target="world", provider="offline", size="512x256")
    assert bpy.context.scene.world is not world
    assert list(cube.users_collection)


def test_settings_of_others_are_read_where_they_can_be() -> None:
    world = bpy.data.worlds.new("Theirs")
    world["gpt_image_job"] = "abc"
    world["gpt_image_settings"] = {"world_strength": "much", "world_rotation": 20.0, "sun": 3, "sky": "clear"}
    world["gpt_image_sun_azimuth"] = "east"
    bpy.context.scene.world = world
    found = read_world(bpy.context.scene)
    assert found is not None and found["azimuth"] is None
    assert found["settings"] == {"world_rotation": 20.0, "sky": "clear"}
