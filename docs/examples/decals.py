"""Decals: images with a transparent background on planes, side by side in one .blend.

GPT_IMAGE_PROVIDER=offline blender -b -P docs/examples/decals.py -- decals.blend
"""

from __future__ import annotations

import sys
from pathlib import Path

import bpy

try:
    from bl_ext.user_default.gpt_image_addon import api
except ImportError:  # not installed: a checkout
    from gpt_image_addon import api

DECALS = ("a bullet hole", "a warning sign with a lightning bolt", "a splash of red paint")
GAP = 0.25  # metres


def main(output: str = "decals.blend") -> None:
    """One plane for each; their materials let the background through."""
    x = 0.0
    for decal in DECALS:
        result = api.generate(decal, target="plane", background="transparent", output_format="png")
        plane = bpy.data.objects[result.object]
        plane.location.x = x + plane.dimensions.x / 2
        x += plane.dimensions.x + GAP
        print(f"{plane.name}: {result.files[0]}")
    print(api.save_blend(Path(output)))


if __name__ == "__main__":
    main(*sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else ())
