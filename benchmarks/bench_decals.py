"""Seconds until a decal is drafted, cut out of a dense mesh, and painted into a texture.

python benchmarks/bench_decals.py [side of the mesh in faces]
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

RUNS = 3  # the best is shown
SIDE = 512  # faces a side: 524,288 triangles
TEXTURE = 2048  # pixels a side
DRAFT = "1024x1024"


def best(work: Callable[[], Any]) -> float:
    """Seconds of the quickest run."""
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def print_drafts() -> None:
    """A draft in the scene, as a decal and as other things."""
    import bpy

    from gpt_image_addon import api

    for target, values in (("image", {}), ("plane", {"background": "transparent"}), ("decal", {})):
        bpy.ops.mesh.primitive_cube_add()
        request = {"provider": "offline", "target": target, "size": DRAFT, "reuse": False, **values}
        print(f"draft as {target:8} {best(partial(api.generate, 'a star sticker', **request)):6.2f} s")


def time_click() -> float:
    """Seconds of a processor that *Place Decal* takes to tell what is under the mouse.

    Blender keeps its tree of a mesh until that changes, and nothing is cast while the mouse moves.
    """
    import bpy

    start = time.process_time()
    depsgraph = bpy.context.evaluated_depsgraph_get()
    assert bpy.context.scene.ray_cast(depsgraph, (0.1, 0.1, 5.0), (0.0, 0.0, -1.0))[0]
    return time.process_time() - start


def print_cut(side: int) -> None:
    """What the main thread waits for when a decal is placed, and when it becomes paint."""
    import bpy
    import numpy as np

    from gpt_image_addon import api
    from gpt_image_addon.core.imaging.png_writer import encode_png
    from gpt_image_addon.core.results.store import ImageFile
    from gpt_image_addon.scene.decals.cutting import cut_out, read_surface
    from gpt_image_addon.scene.images import add_image

    bpy.ops.mesh.primitive_grid_add(x_subdivisions=side, y_subdivisions=side, size=2)
    obj = bpy.context.active_object
    print(f"{2 * len(obj.data.polygons)} triangles, a decal of 0.3 on a side of 2:")
    print(f"first click   {time_click():6.2f} s of a processor, a cast onto a mesh that is new")
    print(f"next click    {time_click():6.4f} s")
    surface = read_surface(obj)
    print(f"read          {best(lambda: read_surface(obj)):6.2f} s")
    print(f"nearest       {best(lambda: surface.find_nearest((0.1, 0.1, 0.5))):6.2f} s")
    print(f"cut           {best(lambda: cut_out(surface, (0.1, 0.1, 0.0), None, (0.3, 0.3), 'Cut')):6.2f} s")
    data = encode_png(np.full((TEXTURE, TEXTURE, 3), 128, np.uint8))
    image = add_image(ImageFile("Gray", data, "", "png", TEXTURE, TEXTURE), {})
    obj.active_material = material = bpy.data.materials.new("Gray")
    material.use_nodes = True
    node = material.node_tree.nodes.new("ShaderNodeTexImage")
    node.image = image
    shader = next(node for node in material.node_tree.nodes if node.type == "BSDF_PRINCIPLED")
    material.node_tree.links.new(node.outputs["Color"], shader.inputs["Base Color"])
    made = api.generate("a star", provider="offline", target="decal", size=DRAFT, at=[(0.1, 0.1, 0.0)])
    start = time.perf_counter()
    api.bake_decal(made.object)
    print(f"bake, {TEXTURE}²   {time.perf_counter() - start:6.2f} s")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="gpt-image-bench-") as folder:
        os.environ["GPT_IMAGE_DATA_DIR"] = folder
        print_drafts()
        print_cut(int(sys.argv[1]) if len(sys.argv) > 1 else SIDE)
        from gpt_image_addon import api

        api.close()
