"""Exports for Godot, imported, loaded and rendered by Godot.

``python -m tests.godot.drive COMMAND…``, where the command runs Godot and takes ``--window`` for a screen, as
``.ci/godot-in-chroot.sh`` does. Look at out/godot/*.png.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import bpy
import numpy as np

ROOT = Path(__file__).resolve().parents[2]
PROJECT = ROOT / "build" / "godot"
SHOTS = ROOT / "out" / "godot"
SETTINGS = """config_version=5
[application]
config/name="Exports"
[display]
window/size/viewport_width=256
window/size/viewport_height=256
[rendering]
renderer/rendering_method="gl_compatibility"
"""
MATERIAL = "red brick wall"
SECONDS = 300.0
ALIKE = 12.0
"""Levels between Godot's own material and the same one of a GLB: it compresses the images of the former."""


def make_exports() -> None:
    """A material for Godot and as GLB, and an object with a material that nodes make."""
    os.environ["GPT_IMAGE_DATA_DIR"] = str(PROJECT / ".state")
    from gpt_image_addon import api

    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    bpy.ops.mesh.primitive_plane_add(size=1)
    made = api.generate(
        MATERIAL,
        target="material",
        provider="offline",
        size="512x512",
        maps=["normal", "roughness", "ao", "height"],
        texture_size=0.5,
        export_to="godot",
        export_dir=str(PROJECT / "materials"),
    )
    api.export_material(made.material, engine="gltf", output_dir=PROJECT / "swatches")
    bpy.ops.mesh.primitive_monkey_add(size=0.8)
    monkey = bpy.context.active_object
    material = bpy.data.materials.new("Checked")
    material.use_nodes = True
    tree = material.node_tree
    checker = tree.nodes.new("ShaderNodeTexChecker")
    tree.links.new(checker.outputs["Color"], tree.nodes["Principled BSDF"].inputs["Base Color"])
    monkey.data.materials.append(material)
    api.export_objects(monkey.name, engine="gltf", output_dir=PROJECT / "objects", size=256)


def run(command: list[str], *arguments: str) -> str:
    """Godot's output; it must end well, and without an error of its own."""
    done = subprocess.run(
        [*command, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    output = done.stdout + done.stderr
    wrong = [line for line in output.splitlines() if line.startswith(("ERROR", "SCRIPT ERROR"))]
    assert done.returncode == 0 and not wrong, output
    return output


def find_surface(told: dict[str, Any]) -> dict[str, Any]:
    """What `load.gd` says of the first material of a scene."""
    return next(value for value in told.values() if isinstance(value, dict))


def check_loaded(output: str) -> None:
    """Everything that was exported became what it should."""
    lines = (line.removeprefix("LOADED ") for line in output.splitlines() if line.startswith("LOADED "))
    found = {told["path"].removeprefix("res://"): told for told in map(json.loads, lines)}
    exported = [path for kind in ("tres", "glb", "png") for path in PROJECT.rglob(f"*.{kind}")]
    wanted = {path.relative_to(PROJECT).as_posix() for path in exported if ".state" not in path.parts}
    assert found.keys() == wanted and all(told["class"] for told in found.values()), found
    standard = found[f"materials/{MATERIAL}/{MATERIAL}.tres"]
    packed = found[f"materials/{MATERIAL}/{MATERIAL}_orm.tres"]
    assert (standard["class"], packed["class"]) == ("StandardMaterial3D", "ORMMaterial3D")
    for material in (standard, packed):
        assert material["normal"] and material["occlusion"] and material["scale"] == [2, 2]
        assert all(size == [512, 512] for _, *size in material["textures"])
    assert (len(standard["textures"]), len(packed["textures"])) == (5, 3)
    textures = [told for path, told in found.items() if path.startswith("materials/") and "size" in told]
    assert len(textures) == 4 and all(told["mipmaps"] for told in textures)
    swatch = find_surface(found[f"swatches/{MATERIAL}/{MATERIAL}.glb"])
    assert swatch["normal"] and swatch["occlusion"] and len(swatch["textures"]) == 5
    monkey = find_surface(found["objects/Suzanne/Suzanne.glb"])
    assert next(size for _, *size in monkey["textures"]) == [256, 256]
    print(f"loaded: {len(found)} files")


def read_shot(name: str) -> Any:
    """(256, 256, 3) in levels; the file is kept in out/godot."""
    from PIL import Image

    path = SHOTS / name
    shutil.copyfile(PROJECT / "shots" / name, path)
    return np.asarray(Image.open(path).convert("RGB"), np.float32)


def check_rendered() -> None:
    """Pictures that show the material, by both ways the same."""
    shutil.rmtree(SHOTS, ignore_errors=True)
    SHOTS.mkdir(parents=True)
    shots = {path.name: read_shot(path.name) for path in sorted((PROJECT / "shots").glob("*.png"))}
    assert len(shots) == 4, list(shots)
    standard = shots[f"{MATERIAL}_tres.png"]
    for name, shot in shots.items():
        print(f"{name}: mean {shot.mean(axis=(0, 1)).round(1)}, spread {shot.std():.1f}")
        assert shot.std() > 5, name
    red, green, blue = standard.mean(axis=(0, 1))
    assert red > green and red > blue, "bricks are red"
    for name in (f"{MATERIAL}_orm_tres.png", f"{MATERIAL}_glb.png"):
        difference = float(np.abs(shots[name] - standard).mean())
        print(f"{name} against the standard material: {difference:.2f} levels")
        assert difference < ALIKE, name


def main(command: list[str]) -> None:
    """All of it, one after the other."""
    shutil.rmtree(PROJECT, ignore_errors=True)
    PROJECT.mkdir(parents=True)
    make_exports()
    (PROJECT / "project.godot").write_text(SETTINGS)
    (PROJECT / ".state" / ".gdignore").touch()
    for script in ("load.gd", "render.gd"):
        shutil.copyfile(Path(__file__).with_name(script), PROJECT / script)
    run(command, "--headless", "--path", str(PROJECT), "--import")
    check_loaded(run(command, "--headless", "--path", str(PROJECT), "--script", "res://load.gd"))
    drawn = (
        "--audio-driver",
        "Dummy",
        "--rendering-driver",
        "opengl3",
        "--path",
        str(PROJECT),
        "--script",
        "res://render.gd",
    )
    run([*command, "--window"], *drawn)
    check_rendered()


if __name__ == "__main__":
    main(sys.argv[1:])
