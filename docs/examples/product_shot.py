"""A product shot: a blocked-out scene is rendered from its camera, and the model makes it look finished.

GPT_IMAGE_PROVIDER=offline blender -b -P docs/examples/product_shot.py -- shot.blend
"""

from __future__ import annotations

import sys
from math import radians
from pathlib import Path

import bpy

try:
    from bl_ext.user_default.gpt_image_addon import api
except ImportError:  # not installed: a checkout
    from gpt_image_addon import api

PROMPT = "a perfume bottle of amber glass on wet black slate, soft studio light; keep the shapes and the view"


def block_out() -> None:
    """A bottle of two boxes, a table, a camera and a light."""
    bpy.ops.mesh.primitive_plane_add(size=6)
    bpy.ops.mesh.primitive_cube_add(size=1, location=(0, 0, 0.5))
    bpy.ops.mesh.primitive_cylinder_add(radius=0.18, depth=0.35, location=(0, 0, 1.17))
    bpy.ops.object.light_add(type="AREA", location=(2, -2, 4))
    bpy.ops.object.camera_add(location=(0, -5, 1.6), rotation=(radians(80), 0, 0))
    bpy.context.scene.camera = bpy.context.active_object


def main(output: str = "shot.blend") -> None:
    """Show the price before anything is sent, then make it."""
    block_out()
    parameters = {"target": "image", "references": ["camera"], "size": "1536x1024"}
    price = api.estimate(PROMPT, **parameters)
    print(f"between ${price.low_usd:.4f} and ${price.high_usd:.4f}")
    result = api.generate(PROMPT, **parameters, max_cost=max(price.high_usd, 0.01))
    print(f"{result.files[0]}: ${result.cost_usd:.4f}, request {result.request_id}")
    print(api.save_blend(Path(output)))


if __name__ == "__main__":
    main(*sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else ())
