"""Time and peak memory of painting six views onto a model, beside Cycles' bake of an image of the same size.

python benchmarks/bench_projection.py [side ...]
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

SIDES = (2048, 4096)
TRIANGLES = 50_000
PATCHES = 4  # islands a side, with unpainted texels between them
GAP = 6  # texels on each side of an island
VIEW = 1152  # pixels a side, as on a sheet of six
RUNS = 3  # the best is shown
STEPS = ("parts", "one", "six", "all", "bake")


def make_faces(side: int) -> Any:
    """A lumpy ball cut into islands that fill an image of `side` pixels."""
    import numpy as np

    from gpt_image_addon.core.projection.surface import Triangles

    rows = round((TRIANGLES / 2) ** 0.5 / PATCHES) * PATCHES
    line = np.linspace(0, 1, rows + 1)
    u, v = np.meshgrid(line, line)
    around, up = 2 * np.pi * u, np.pi * (v - 0.5) * 0.96
    radius = 1 + 0.25 * np.cos(2 * around) * np.cos(up) ** 2 + 0.12 * np.sin(3 * up)
    points = np.stack((np.cos(around) * np.cos(up), np.sin(around) * np.cos(up), np.sin(up)), -1)
    points *= radius[..., None]
    corners = []
    for shape in (((0, 0), (0, 1), (1, 1)), ((0, 0), (1, 1), (1, 0))):
        corners.append(np.stack([points[y : rows + y, x : rows + x] for y, x in shape], 2))
    at = np.arange(rows) // (rows // PATCHES)
    inset = 2 * GAP * PATCHES / side
    uvs = []
    for shape in (((0, 0), (0, 1), (1, 1)), ((0, 0), (1, 1), (1, 0))):
        grid = np.stack(np.meshgrid(np.arange(rows), np.arange(rows)), -1)
        cell = np.stack(np.meshgrid(at, at), -1)
        places = [(grid + np.array((x, y))) / rows * PATCHES - cell for y, x in shape]
        uvs.append(np.stack([(cell + inset / 2 + place * (1 - inset)) / PATCHES for place in places], 2))
    found = np.concatenate([part.reshape(-1, 3, 3) for part in corners]).astype(np.float32)
    count = len(found)
    return Triangles(
        found,
        np.concatenate([part.reshape(-1, 3, 2) for part in uvs]).astype(np.float32),
        np.zeros(count, np.int32),
        np.ones(count, bool),
        np.ones(count, bool),
    )


def make_answers(views: Any, faces: Any) -> list[Any]:
    """Noise of every size in the outlines of the views, a little shifted."""
    import numpy as np

    from benchmarks.maps import sample_image
    from gpt_image_addon.core.projection.depth import draw_depth

    picture = sample_image(VIEW)
    answers = []
    for number, view in enumerate(views):
        answer = picture.copy()
        answer[~draw_depth(faces.corners, view).is_filled] = 30
        answers.append(np.roll(answer, (number % 3 - 1, 1), (0, 1)))
    return answers


def report(what: str, side: int, work: Callable[[], Any]) -> None:
    """Print one row: best seconds, of the clock and of all processors, and the peak memory so far."""
    best = busy = float("inf")
    for _ in range(RUNS):
        start, worked = time.perf_counter(), time.process_time()
        work()
        best = min(best, time.perf_counter() - start)
        busy = min(busy, time.process_time() - worked)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    times = f"{best:7.3f} s   {busy:7.3f} s of processors"
    print(f"{what:24} {side:5}²  {times}   peak {peak:6.0f} MB", flush=True)


def measure_parts(side: int) -> None:
    """What gathering and blending needs, each for itself."""
    import numpy as np

    from gpt_image_addon.core.projection.depth import draw_depth, measure_edges
    from gpt_image_addon.core.projection.harmony import measure_gains
    from gpt_image_addon.core.projection.outlines import place
    from gpt_image_addon.core.projection.scan import list_fragments
    from gpt_image_addon.core.projection.surface import locate_corners
    from gpt_image_addon.core.projection.viewpoints import choose_views, sample_surface
    from gpt_image_addon.core.projection.views import find_shapes
    from gpt_image_addon.core.projection.visibility import see

    faces = make_faces(side)
    texels = locate_corners(faces.uvs, (side, side))
    report("UV raster", side, lambda: sum(len(at) for at, _ in list_fragments(texels, (side, side))))
    report("choosing six views", side, lambda: choose_views(faces, VIEW))
    views, _ = choose_views(faces, VIEW)
    report("z-buffer", VIEW, lambda: draw_depth(faces.corners, views[0]))
    depth = draw_depth(faces.corners, views[0])
    report("edges of depth", VIEW, lambda: measure_edges(depth, is_orthographic=True))
    answers = make_answers(views, faces)
    seen = [see(view, faces, answer) for view, answer in zip(views, answers, strict=True)]
    shapes = np.asarray(find_shapes(seen[0], faces))
    report("registration of a view", VIEW, lambda: place(shapes, answers[0]))
    report("gains of six", VIEW, lambda: measure_gains(seen, sample_surface(faces)))


def measure_gather(side: int, count: int) -> None:
    """Colors of some views in the image, mixed; with the raster of its UVs."""
    from gpt_image_addon.core.projection.paint import Weighting, gather
    from gpt_image_addon.core.projection.viewpoints import choose_views
    from gpt_image_addon.core.projection.visibility import see

    faces = make_faces(side)
    views, _ = choose_views(faces, VIEW)
    answers = make_answers(views, faces)
    seen = [see(view, faces, answer) for view, answer in zip(views, answers, strict=True)][:count]
    what = f"gather and mix, {count} view{'s' * (count > 1)}"
    report(what, side, lambda: gather(faces, 0, (side, side), seen, Weighting()))


def measure_all(side: int) -> None:
    """Everything that happens to an answer of six views: aligned, evened, mixed, gaps and margins filled."""
    import numpy as np

    from gpt_image_addon.core.projection.viewpoints import choose_views
    from gpt_image_addon.core.projection.views import PaintOptions, paint_views

    faces = make_faces(side)
    views, _ = choose_views(faces, VIEW)
    answers = make_answers(views, faces)
    options = PaintOptions(replace_all=True, gains=True, fill_gaps=True)
    image = np.full((side, side, 3), 90, np.uint8)
    report("all steps of six views", side, lambda: paint_views(faces, [image], views, answers, options))


def measure_bake(side: int) -> None:
    """Cycles' bake of what a material emits, its colors made of places in the world."""
    import bpy
    import numpy as np

    bpy.ops.wm.read_homefile(use_empty=True)
    faces = make_faces(side)
    data = bpy.data.meshes.new("Ball")
    count = len(faces.corners)
    data.from_pydata(faces.corners.reshape(-1, 3).tolist(), [], np.arange(count * 3).reshape(-1, 3).tolist())
    data.uv_layers.new().data.foreach_set("uv", faces.uvs.ravel())
    obj = bpy.data.objects.new("Ball", data)
    scene = bpy.context.scene
    scene.collection.objects.link(obj)
    bpy.context.view_layer.objects.active = obj
    obj.select_set(True)
    material = bpy.data.materials.new("Emits")
    material.use_nodes = True
    nodes, links = material.node_tree.nodes, material.node_tree.links
    nodes.clear()
    place, emit = nodes.new("ShaderNodeNewGeometry"), nodes.new("ShaderNodeEmission")
    output, image = nodes.new("ShaderNodeOutputMaterial"), nodes.new("ShaderNodeTexImage")
    links.new(place.outputs["Position"], emit.inputs["Color"])
    links.new(emit.outputs["Emission"], output.inputs["Surface"])
    image.image = bpy.data.images.new("Baked", side, side)
    nodes.active = image
    data.materials.append(material)
    scene.render.engine = "CYCLES"
    scene.cycles.samples = 1
    report("Cycles EMIT bake", side, lambda: bpy.ops.object.bake(type="EMIT", margin=6))


def main() -> None:
    """Measure each step in a process of its own, so that peak memory is its own."""
    if len(sys.argv) == 3 and sys.argv[1] in STEPS:
        step, side = sys.argv[1], int(sys.argv[2])
        if step in ("one", "six"):
            measure_gather(side, 1 if step == "one" else 6)
        else:
            {"parts": measure_parts, "all": measure_all, "bake": measure_bake}[step](side)
        return
    for side in [int(argument) for argument in sys.argv[1:]] or SIDES:
        for step in STEPS:
            told = subprocess.run(
                [sys.executable, __file__, step, str(side)], check=True, stdout=subprocess.PIPE, text=True
            ).stdout
            print(*[line for line in told.splitlines() if " of processors" in line], sep="\n", flush=True)


if __name__ == "__main__":
    main()
