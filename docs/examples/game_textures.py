"""Several materials at once, each with its maps as files, packed for a game engine.

GPT_IMAGE_PROVIDER=offline blender -b -P docs/examples/game_textures.py -- textures
"""

from __future__ import annotations

import sys

try:
    from bl_ext.user_default.gpt_image_addon import api
except ImportError:  # not installed: a checkout
    from gpt_image_addon import api

SURFACES = ("mossy stone wall", "wet cobblestones", "rusty riveted steel", "dry cracked mud")


def main(folder: str = "textures") -> None:
    """Submit all, then wait: they run side by side, as many as the preferences allow."""
    jobs = [
        api.submit(
            surface,
            target="material",
            seamless=True,
            size="1024x1024",
            maps=("base_color", "normal", "roughness", "ao"),
            convention="DIRECTX",  # of the files; OpenGL in Blender
            pack="unreal_orm",
            textures_dir=folder,
        )
        for surface in SURFACES
    ]
    spent = 0.0
    for job in jobs:
        job.wait()
        result = api.result_of(job)  # raises what went wrong
        spent += result.cost_usd or 0.0
        print(f"{result.material}: {len(result.maps)} maps")
    print(f"{len(jobs)} materials in {folder}, for ${spent:.4f}")


if __name__ == "__main__":
    main(*sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else ())
