"""Unreal: textures, and a script for its editor that imports them and makes the materials."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from ..imaging.png_writer import encode_png
from .texture_set import Texture, TextureSet

SCRIPT = "import_materials.py"
"""In the folder that is exported to; the same for all materials."""
FACTS = "material.json"
NEUTRAL = {"base_color": (255, 255, 255), "normal": (128, 128, 255), "orm": (255, 255, 255)}
"""Of small images that the parent material shows where a set has no such map."""
NEUTRAL_SIDE = 16  # pixels


def write(found: TextureSet) -> dict[str, bytes]:
    """The files of a material by their path below the folder that is exported to."""
    textures = _make_textures(found)
    files = {f"{found.name}/{texture.file}": texture.data for texture in textures.values()}
    u, v = found.material.repeats
    facts = {
        "name": found.name,
        "textures": {role: texture.file for role, texture in textures.items()},
        "repeats": [u, v],
        "base_color": list(found.constant("base_color")),
        "roughness": found.constant("roughness"),
        "metallic": found.constant("metallic"),
    }
    files[f"{found.name}/{FACTS}"] = (json.dumps(facts, ensure_ascii=False, indent=1) + "\n").encode()
    for role, color in NEUTRAL.items():
        plain = np.full((NEUTRAL_SIDE, NEUTRAL_SIDE, 3), color, np.uint8)
        files[f"Neutral/T_Neutral_{role}.png"] = encode_png(plain)
    files[SCRIPT] = Path(__file__).with_name("unreal_script.py.txt").read_bytes()
    return files


def _make_textures(found: TextureSet) -> dict[str, Texture]:
    """Normal maps with green down, as Unreal reads them: its own switch stays off."""
    made = {
        kind: found.write_map(kind, f"T_{found.name}_{suffix}.png", flips_green=kind == "normal")
        for kind, suffix in (("base_color", "D"), ("normal", "N"), ("height", "H"))
        if kind in found.kinds
    }
    packed = found.write_packed("unreal_orm", f"T_{found.name}_ORM.png")
    return made if packed is None else {**made, "orm": packed}
