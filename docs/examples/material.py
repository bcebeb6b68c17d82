"""One material on a new object, saved as a .blend.

GPT_IMAGE_PROVIDER=offline blender -b -P docs/examples/material.py -- oak.blend "weathered oak planks"
"""

from __future__ import annotations

import sys
from pathlib import Path

import bpy

try:
    from bl_ext.user_default.gpt_image_addon import api
except ImportError:  # not installed: a checkout
    from gpt_image_addon import api


def main(output: str = "material.blend", prompt: str = "weathered oak planks") -> None:
    """Make it and say what it cost."""
    bpy.ops.mesh.primitive_monkey_add()
    result = api.generate(prompt, target="material", seamless=True)
    print(f"{result.material} is on {result.object}, for ${result.cost_usd:.4f}")
    for kind, file in result.maps.items():
        print(f"  {kind:12} {file}")
    print(api.save_blend(Path(output)))


if __name__ == "__main__":
    main(*sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else ())
