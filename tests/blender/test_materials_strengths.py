"""Values that tune a material afterwards, its real size, displacement, and maps that are replaced."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from PIL import Image

from gpt_image_addon.core.request.request import Application
from gpt_image_addon.scene import compat
from gpt_image_addon.scene.targets.material import replace_maps
from gpt_image_addon.scene.targets.registry import apply
from gpt_image_addon.scene.transaction import Transaction
from tests.blender.scene_fixtures import (
    FACTS,
    camera,
    cube,
    image_file,
    map_set,
    prepared,
    principled,
    source_of,
)

MATERIAL = Application(target="material")
STRENGTHS = {"Normal Strength", "Height (m)", "AO Amount", "Roughness Contrast", "Texture Size (m)"}


def values(material: bpy.types.Material) -> dict[str, Any]:
    """Value nodes by label."""
    return {n.label: n for n in material.node_tree.nodes if n.bl_idname == "ShaderNodeValue"}


def plane(size: float = 2.0) -> bpy.types.Object:
    bpy.ops.mesh.primitive_plane_add(size=size)
    return bpy.context.active_object


def mapping(material: bpy.types.Material) -> Any:
    return next(n for n in material.node_tree.nodes if n.bl_idname == "ShaderNodeMapping")


def test_there_is_one_value_for_each_strength() -> None:
    obj = cube()
    apply(prepared(maps=map_set()), MATERIAL)
    found = values(obj.active_material)
    assert set(found) == STRENGTHS
    assert all(node.outputs[0].links for node in found.values())
    normal = source_of(principled(obj.active_material).inputs["Normal"])
    assert source_of(normal.inputs["Strength"]) == found["Normal Strength"]
    assert found["Normal Strength"].outputs[0].default_value == 1


def test_a_material_has_no_value_for_a_map_that_is_missing() -> None:
    obj = cube()
    apply(prepared(maps={"normal": map_set()["normal"]}), MATERIAL)
    assert set(values(obj.active_material)) == {"Normal Strength", "Texture Size (m)"}


@pytest.mark.parametrize(("scale", "size", "repeats"), [(1.0, None, 1.0), (1.0, 0.5, 4.0), (3.0, 0.5, 12.0)])
def test_the_image_spans_so_many_metres(scale: float, size: float | None, repeats: float) -> None:
    obj = plane(2.0)
    obj.scale = (scale,) * 3
    bpy.context.view_layer.update()
    square = image_file(size=(32, 32))
    apply(prepared(square, maps=map_set()), replace(MATERIAL, texture_size=size))
    divide = source_of(mapping(obj.active_material).inputs["Scale"])
    assert divide.operation == "DIVIDE"
    asked = source_of(divide.inputs[1])
    assert asked.label == "Texture Size (m)"
    assert asked.outputs[0].default_value == pytest.approx(size or 2 * scale)
    assert divide.inputs[0].default_value / asked.outputs[0].default_value == pytest.approx(repeats)


def test_height_is_in_metres_of_that_size() -> None:
    obj = plane(2.0)
    maps = map_set()
    maps["height"] = replace(maps["height"], facts={"relief": 0.03})
    apply(prepared(maps=maps), MATERIAL)
    assert values(obj.active_material)["Height (m)"].outputs[0].default_value == pytest.approx(0.06)
    assert bpy.data.images["Oak_height"]["gpt_image_relief"] == 0.03


def test_bump_takes_the_place_of_the_normal_map() -> None:
    obj = cube()
    apply(prepared(maps=map_set()), replace(MATERIAL, displacement="bump"))
    bump = source_of(principled(obj.active_material).inputs["Normal"])
    assert bump.bl_idname == "ShaderNodeBump"
    assert source_of(bump.inputs["Distance"]).label == "Height (m)"


def test_true_displacement_is_linked_and_switched_on() -> None:
    obj = cube()
    apply(prepared(maps=map_set()), replace(MATERIAL, displacement="true"))
    material = obj.active_material
    output = material.node_tree.get_output_node("ALL")
    assert source_of(output.inputs["Displacement"]).bl_idname == "ShaderNodeDisplacement"
    assert material.displacement_method == "BOTH"
    assert not principled(material).inputs["Normal"].links


def test_the_base_colour_stands_for_its_image_among_several() -> None:
    cube()
    applied = apply(prepared(image_file("A"), image_file("B"), maps=map_set()), MATERIAL)
    assert applied.images == ("Oak_base_color", "B")
    assert applied.map_images[0] == "Oak_normal"


def test_replacing_maps_leaves_other_users_of_the_images_alone() -> None:
    obj = cube()
    apply(prepared(maps=map_set()), MATERIAL)
    material = obj.active_material
    other = bpy.data.materials.new("Other")
    compat.node_tree(other, Transaction())
    shared = other.node_tree.nodes.new("ShaderNodeTexImage")
    shared.image = bpy.data.images["Oak_normal"]
    before = bytes(shared.image.packed_file.data)
    new = {
        "normal": image_file("Oak_normal", (100, 150, 255)),
        "roughness": image_file("Oak_roughness", 7, mode="L"),
    }
    with Transaction() as changes:
        made = replace_maps(material, map_set() | new, FACTS, changes)
    assert made == ["Oak_normal.001", "Oak_roughness"]
    assert shared.image.name == "Oak_normal" and bytes(shared.image.packed_file.data) == before
    normal = source_of(principled(material).inputs["Normal"])
    shown = source_of(normal.inputs["Color"]).image
    assert shown.name == "Oak_normal.001" and bytes(shown.packed_file.data) == new["normal"].data
    assert shown.colorspace_settings.name == "Non-Color"
    assert {i.name for i in bpy.data.images if i.name.startswith("Oak_roughness")} == {"Oak_roughness"}


def test_a_failed_replacement_leaves_the_material_as_it_was() -> None:
    obj = cube()
    apply(prepared(maps=map_set()), MATERIAL)
    before = sorted(image.name for image in bpy.data.images)
    broken = map_set(normal=image_file("N", (9, 9, 9)), roughness=replace(image_file("R"), format="svg"))
    with pytest.raises(Exception, match="svg"), Transaction() as changes:
        replace_maps(obj.active_material, broken, FACTS, changes)
    assert sorted(image.name for image in bpy.data.images) == before
    normal = source_of(principled(obj.active_material).inputs["Normal"])
    assert source_of(normal.inputs["Color"]).image.name == "Oak_normal"


def test_what_can_not_be_taken_back_keeps_nothing_else() -> None:
    material = bpy.data.materials.new("Mine")
    material.roughness = 0.25

    def fail() -> None:
        raise ReferenceError("gone")

    with pytest.raises(ValueError, match="first"), Transaction() as changes:
        changes.set(material, "roughness", 0.75)
        changes.on_failure(fail)
        changes.made(bpy.data.materials.new("New"))
        raise ValueError("first")
    assert material.roughness == 0.25 and "New" not in bpy.data.materials


def relief_set() -> dict[str, Any]:
    """Maps of parallel ridges."""
    maps = map_set()
    ridges = np.tile((np.arange(64) // 8 % 2 * 255).astype(np.uint8), (64, 1))
    file = Path(bpy.app.tempdir) / "ridges.png"
    Image.fromarray(ridges).save(file)
    maps["height"] = replace(
        image_file("Oak_height", 0, size=(64, 64), mode="L"), data=file.read_bytes(), facts={"relief": 0.05}
    )
    return maps


@pytest.fixture(params=["CYCLES", "EEVEE"])
def engine(request: pytest.FixtureRequest) -> str:
    """Identifier of an engine that can render here."""
    if request.param == "CYCLES":
        return "CYCLES"
    if not has_graphics():
        pytest.skip("EEVEE needs a graphics context, and there is none: run this in Blender's window")
    return compat.eevee()


def has_graphics() -> bool:
    import gpu

    try:
        return bool(gpu.platform.renderer_get())
    except SystemError:  # in background
        return False


@pytest.mark.parametrize("displacement", ["none", "bump", "true"])
def test_an_engine_shows_relief_and_its_strength(displacement: str, engine: str, tmp_path: Path) -> None:
    obj = plane()
    subdivided(obj)
    maps = relief_set()
    maps["normal"] = image_file("Oak_normal", (200, 128, 230))
    apply(prepared(maps=maps), replace(MATERIAL, displacement=displacement))
    strength = values(obj.active_material)["Normal Strength" if displacement == "none" else "Height (m)"]
    shown = rendered(tmp_path / "a.png", engine)
    strength.outputs[0].default_value = 0.0
    flat = rendered(tmp_path / "b.png", engine)
    assert flat.mean() > 10
    assert np.abs(shown - flat).mean() > 3


def test_an_engine_mixes_occlusion_in(engine: str, tmp_path: Path) -> None:
    obj = plane()
    maps = map_set()
    maps["ao"] = image_file("Oak_ao", 60, mode="L")
    apply(prepared(maps=maps), MATERIAL)
    amount = values(obj.active_material)["AO Amount"].outputs[0]
    found = []
    for amount.default_value in (0.0, 0.5, 1.0):
        found.append(rendered(tmp_path / "x.png", engine).mean())
    assert found[0] > found[1] + 3 > found[2] + 6


def subdivided(obj: bpy.types.Object) -> None:
    modifier = obj.modifiers.new("Fine", "SUBSURF")
    modifier.subdivision_type, modifier.levels, modifier.render_levels = "SIMPLE", 6, 6


def rendered(path: Path, engine: str = "CYCLES") -> Any:
    """Pixels of a small render from above, lit from the side."""
    scene = bpy.context.scene
    if scene.camera is None:
        camera().rotation_euler = (0, 0, 0)
        scene.camera.location = (0, 0, 3)
        sun = bpy.data.objects.new("Sun", bpy.data.lights.new("Sun", "SUN"))
        sun.data.energy, sun.rotation_euler = 3.0, (0, 1.0, 0)
        scene.collection.objects.link(sun)
    scene.render.engine = engine
    scene.eevee.taa_render_samples = 4
    scene.cycles.use_denoising = False  # not every build has a denoiser
    scene.cycles.samples, scene.cycles.seed = 4, 1
    scene.render.resolution_x = scene.render.resolution_y = 48
    scene.render.filepath = str(path)
    bpy.ops.render.render(write_still=True)
    with Image.open(path) as image:
        return np.asarray(image.convert("L"), np.float32)
