"""Materials for engines: from the open file, from a stored result, and read back by what reads them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from mathutils import Matrix, Vector
from numpy.typing import NDArray

from gpt_image_addon import api
from gpt_image_addon.core.engines.table import ENGINE_NAMES
from gpt_image_addon.core.errors import InvalidRequestError, SceneError
from gpt_image_addon.scene.shading.read_material import read_material
from tests.blender.scene_fixtures import cube

SIDE = 96


@pytest.fixture
def bricks() -> bpy.types.Object:
    """A plane of a square metre, with a material of 0.4 m."""
    bpy.ops.mesh.primitive_plane_add(size=1)
    obj = bpy.context.active_object
    words = {"prompt": "red brick wall", "provider": "offline", "size": "256x256"}
    api.submit(
        **words, target="material", object_name=obj.name, texture_size=0.4, maps=["normal", "roughness", "ao"]
    ).wait()
    return obj


def nodes_of(obj: bpy.types.Object) -> Any:
    return obj.active_material.node_tree.nodes


def test_a_material_is_read_as_it_is_shown(bricks: bpy.types.Object) -> None:
    read = read_material(bricks.active_material, "CYCLES")
    assert set(read.images) == {"base_color", "normal", "roughness", "ao"}
    assert read.repeats == pytest.approx((2.5, 2.5)) and read.metres == pytest.approx(0.4)
    nodes_of(bricks)["Texture Size (m)"].outputs[0].default_value = 0.25
    nodes_of(bricks)["Normal Strength"].outputs[0].default_value = 0.5
    read = read_material(bricks.active_material, "CYCLES")
    assert read.repeats == pytest.approx((4.0, 4.0)) and read.strengths["normal"] == 0.5


def test_a_material_of_somebody_else_is_read_by_its_shader(bricks: bpy.types.Object) -> None:
    for node in nodes_of(bricks):
        if node.bl_idname == "ShaderNodeTexImage":
            del node["gpt_image_kind"]
    tree = bricks.active_material.node_tree
    shader = next(node for node in tree.nodes if node.bl_idname == "ShaderNodeBsdfPrincipled")
    shader.inputs["Metallic"].default_value = 0.75
    tree.links.remove(shader.inputs["Base Color"].links[0])
    color = next(node for node in tree.nodes if node.label == "Base Color")
    tree.links.new(color.outputs["Color"], shader.inputs["Base Color"])
    noise = tree.nodes.new("ShaderNodeTexNoise")
    tree.links.new(noise.outputs[0], shader.inputs["Alpha"])
    read = read_material(bricks.active_material, "CYCLES")
    assert set(read.images) == {"base_color", "normal", "roughness"}
    assert read.constants == {"metallic": 0.75} and read.unread == ("Opacity",)


def test_the_command_line_exports_for_every_engine(
    run: Any, bricks: bpy.types.Object, tmp_path: Path
) -> None:
    name = bricks.active_material.name
    for engine in ENGINE_NAMES:
        code, made = run("export", name, "--engine", engine, "--output-dir", tmp_path)
        assert code == 0 and made["engine"] == engine and made["warnings"] == []
        (files,) = made["materials"].values()
        assert files and all(Path(file).is_file() for file in files)
    noted = json.loads((tmp_path / "gpt-image-export.json").read_text())["engines"]
    assert sorted(noted) == sorted(ENGINE_NAMES)
    code, _ = run("export", name, "--engine", "unity", "--output-dir", tmp_path)
    assert code == 0
    assert run("export", "--engine", "unity", "--output-dir", tmp_path)[0] == 2
    code, refused = run("export", "No Such", "--engine", "unity", "--output-dir", tmp_path)
    assert (code, refused["error"]["param"]) == (4, "material")


def test_a_stored_result_is_exported_without_the_scene(bricks: bpy.types.Object, tmp_path: Path) -> None:
    job = api.jobs()[-1].id
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    made = api.export_material(job=job, engine="godot", output_dir=tmp_path)
    (files,) = made.materials.values()
    assert {"red brick wall.tres", "red brick wall_orm.png"} <= {Path(file).name for file in files}
    assert "Vector3(2.5, 2.5, 1)" in (tmp_path / "red brick wall" / "red brick wall.tres").read_text()
    assert not bpy.data.materials and not bpy.data.images


def test_what_is_generated_is_exported_when_it_arrives(run: Any, tmp_path: Path) -> None:
    folder = tmp_path / "game"
    words = (
        "generate",
        "red brick wall",
        "--target",
        "material",
        "--provider",
        "offline",
        "--size",
        "256x256",
    )
    flags = ("--export-to", "godot", "--export-dir", folder)
    code, made = run(*words, *flags)
    assert code == 0 and not any("export" in told for told in made["warnings"])
    noted = json.loads((folder / "gpt-image-export.json").read_text())["engines"]["godot"]
    assert sorted(str(folder / file) for file in noted["red brick wall"]) == sorted(made["exported"])
    assert "uv1_scale" in (folder / "red brick wall" / "red brick wall.tres").read_text()
    code, other = run(*words, *flags)
    assert code == 0 and "'red brick wall 2'" in " ".join(other["warnings"])
    assert not set(made["exported"]) & set(other["exported"])
    script = folder / "red brick wall" / "red brick wall.tres"
    before = script.read_bytes()
    assert run("export", "--job", made["job"], "--engine", "godot", "--output-dir", folder)[0] == 0
    assert script.read_bytes() == before


def test_what_can_not_be_exported_is_said_before_anything_is_made(run: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for given in (
        ("--target", "material", "--export-to", "unity"),
        ("--target", "material", "--export-dir", tmp_path),
        ("--target", "texture", "--export-to", "unity", "--export-dir", tmp_path),
    ):
        code, refused = run("generate", "oak", "--provider", "offline", *given)
        assert code == 4 and refused["error"]["param"].startswith("export_")
    into = ("--export-to", "unity", "--export-dir", tmp_path / "file" / "below")
    code, refused = run("generate", "oak", "--provider", "offline", "--target", "material", *into)
    assert code == 1 and "file" in refused["error"]["message"]
    assert not api.jobs()


def test_rows_of_a_manifest_are_exported_in_one_go(run: Any, tmp_path: Path) -> None:
    manifest = tmp_path / "rows.jsonl"
    rows = [
        {"prompt": "oak planks"},
        {"prompt": "oak planks", "n": 2},
        {"prompt": "slate", "export_to": "usd"},
    ]
    base = {"provider": "offline", "target": "material", "size": "256x256"}
    base |= {"export_to": "unreal", "export_dir": "game"}
    manifest.write_text("".join(json.dumps({**base, **row}) + "\n" for row in rows))
    library = ("--asset-library", tmp_path / "oak.blend")
    code, made = run("batch", manifest, *library)
    told = " ".join(warning for row in made["results"] for warning in row["warnings"])
    assert code == 0 and "not exported" not in told and told.count("the new one is 'oak planks 2'") == 1
    noted = json.loads((tmp_path / "game" / "gpt-image-export.json").read_text())["engines"]
    assert {engine: sorted(names) for engine, names in noted.items()} == {
        "unreal": ["oak planks", "oak planks 2"],
        "usd": ["slate"],
    }
    written = {
        str(tmp_path / "game" / file) for names in noted.values() for one in names.values() for file in one
    }
    assert written <= {file for row in made["results"] for file in row["files"]}
    (tmp_path / "game" / "slate" / "slate.usda").unlink()
    code, again = run("batch", manifest, *library)
    assert code == 0 and again["skipped"] == 3
    noted_again = json.loads((tmp_path / "game" / "gpt-image-export.json").read_text())["engines"]
    assert noted_again == noted and all(map(Path.exists, map(Path, written)))
    code, refused = run("batch", manifest, "--farm", "openjd", tmp_path / "farm")
    assert code == 4 and refused["error"]["param"] == "export_to"


def test_what_has_nothing_to_export_is_said(bricks: bpy.types.Object, tmp_path: Path) -> None:
    plain = cube(material="Plain").active_material.name
    with pytest.raises(InvalidRequestError, match="no image"):
        api.export_material(plain, engine="usd", output_dir=tmp_path)
    with pytest.raises(InvalidRequestError, match="either"):
        api.export_material(engine="usd", output_dir=tmp_path)
    with pytest.raises(InvalidRequestError, match="no engine"):
        api.export_material(plain, engine="cryengine", output_dir=tmp_path)
    image = api.submit(prompt="oak", provider="offline", target="image", size="256x256")
    image.wait()
    with pytest.raises(InvalidRequestError, match="made no material"):
        api.export_material(job=image.id, engine="usd", output_dir=tmp_path)
    gone = bricks.active_material
    node = next(node for node in nodes_of(bricks) if node.label == "Normal")
    node.image.unpack(method="REMOVE")
    with pytest.raises((InvalidRequestError, SceneError)):
        api.export_material(gone.name, engine="usd", output_dir=tmp_path)
    assert list(tmp_path.iterdir()) == [tmp_path / "state"]


def test_several_materials_go_into_one_folder(bricks: bpy.types.Object, tmp_path: Path) -> None:
    twin = bricks.active_material.copy()
    twin.name = bricks.active_material.name.upper()
    names = [bricks.active_material.name, twin.name]
    made = api.export_material(names, engine="unreal", output_dir=tmp_path)
    assert len({name.casefold() for name in made.materials}) == 2
    task = api.submit_export(names, engine="unreal", output_dir=tmp_path)
    task.wait()
    assert task.applied == made


def test_usd_and_materialx_satisfy_their_own_validators(bricks: bpy.types.Object, tmp_path: Path) -> None:
    expose = getattr(bpy.utils, "expose_bundled_modules", lambda: None)
    expose()
    materialx = pytest.importorskip("MaterialX", reason="this Blender comes without MaterialX")
    usd = pytest.importorskip("pxr.UsdUtils", reason="this Blender comes without USD")
    from pxr import Usd, UsdShade, UsdValidation

    name = bricks.active_material.name
    api.export_material(name, engine="materialx", output_dir=tmp_path)
    document, library = materialx.createDocument(), materialx.createDocument()
    materialx.loadLibraries(["libraries"], materialx.getDefaultDataSearchPath(), library)
    materialx.readFromXmlFile(document, str(tmp_path / name / f"{name}.mtlx"))
    document.importLibrary(library)
    assert document.validate() == (True, "")
    api.export_material(name, engine="usd", output_dir=tmp_path)
    path = str(tmp_path / name / f"{name}.usda")
    checker = usd.ComplianceChecker(skipARKitRootLayerCheck=True)
    checker.CheckCompliance(path)
    assert checker.GetErrors() == [] and checker.GetFailedChecks() == [] and checker.GetWarnings() == []
    stage = Usd.Stage.Open(path)
    validators = UsdValidation.ValidationRegistry().GetOrLoadAllValidators()
    found = UsdValidation.ValidationContext(validators).Validate(stage)
    assert len(validators) > 10 and [str(error.GetMessage()) for error in found] == []
    mesh = stage.GetDefaultPrim().GetChild("Swatch")
    material, _ = UsdShade.MaterialBindingAPI(mesh).ComputeBoundMaterial()
    surface, *_ = material.ComputeSurfaceSource()
    assert (
        surface.GetIdAttr().Get() == "UsdPreviewSurface"
        and surface.GetInput("occlusion").HasConnectedSource()
    )


def render(obj: bpy.types.Object, folder: Path) -> NDArray[np.float32]:
    """(SIDE, SIDE, 3) in levels, from above, lit from the side."""
    scene = bpy.context.scene
    for other in scene.objects:
        other.hide_render = other.type == "MESH" and other != obj
    scene.render.engine, scene.cycles.samples, scene.cycles.seed = "CYCLES", 16, 1
    scene.render.resolution_x = scene.render.resolution_y = SIDE
    scene.view_settings.view_transform = "Standard"
    scene.render.filepath = str(folder / "shown.png")
    bpy.ops.render.render(write_still=True)
    image = bpy.data.images.load(scene.render.filepath)
    pixels = np.empty(4 * SIDE * SIDE, np.float32)
    image.pixels.foreach_get(pixels)
    bpy.data.images.remove(image)
    return pixels.reshape(SIDE, SIDE, 4)[..., :3] * 255


def light_and_look(size: float, place: tuple[float, float, float]) -> None:
    """A camera that looks at the middle from a place, and the sun.

    :param size: what it sees of the world.
    """
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    camera.data.type, camera.data.ortho_scale, camera.location = "ORTHO", size, place
    camera.rotation_euler = Vector(place).to_track_quat("Z", "Y").to_euler()
    lamp = bpy.data.objects.new("Sun", bpy.data.lights.new("Sun", "SUN"))
    lamp.data.energy = 3
    lamp.rotation_euler = Vector((1, 0.3, 1)).to_track_quat("Z", "Y").to_euler()
    for made in (camera, lamp):
        bpy.context.collection.objects.link(made)
    bpy.context.scene.camera = camera


def import_gltf(path: Path) -> bpy.types.Object:
    bpy.ops.import_scene.gltf(filepath=str(path.with_suffix(".glb")))
    return bpy.context.selected_objects[0]


def import_usd(path: Path) -> bpy.types.Object:
    """The swatch, laid down: Y is up in the file, and it stands."""
    if not bpy.app.build_options.usd:
        pytest.skip("this Blender comes without USD")
    bpy.ops.wm.usd_import(filepath=str(path.with_suffix(".usda")))
    swatch = next(obj for obj in bpy.data.objects if obj.name.startswith("Swatch"))
    swatch.parent, swatch.matrix_world = None, Matrix.Identity(4)
    return swatch


@pytest.mark.parametrize(("engine", "import_again"), [("gltf", import_gltf), ("usd", import_usd)])
def test_it_looks_the_same_in_blender_again(
    bricks: bpy.types.Object, tmp_path: Path, engine: str, import_again: Any
) -> None:
    light_and_look(0.9, (0, 0, 2))
    nodes_of(bricks)["AO Amount"].outputs[0].default_value = 0  # engines take it for ambient light alone
    nodes_of(bricks)["Normal Strength"].outputs[0].default_value = 1.5
    before = render(bricks, tmp_path)
    name = bricks.active_material.name
    api.export_material(name, engine=engine, output_dir=tmp_path)
    after = render(import_again(tmp_path / name / name), tmp_path)
    difference = float(np.abs(before - after).mean())
    assert before.std() > 10 and difference < 2
