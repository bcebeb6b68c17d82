"""Guide images from the scene's camera: distances, directions of surfaces, edges. Main thread only.

All are rendered by one flat material on everything, and read as the renderer's own values: they need no
compositor, and look the same in Blender 4.2 to 5.2 and under every colour configuration.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import bpy

from ...core.errors import SceneError
from ...core.text.message import message
from .. import compat
from ..context import camera_of
from ..images import save_pixels
from ..transaction import Transaction
from .camera import render_copy, show_plainly

Kind = Literal["depth", "normal", "lines"]
FLAT_SAMPLES = 4  # of Cycles: surfaces are flat, so only edges need more than one
FARTHEST = 0.1  # brightness of what lies farthest away
POINT = 0.01  # pixels: the narrowest filter that there is
NOTHING_SEEN = "The camera sees nothing that has a depth."
SEEN = 1 / 256  # share of a pixel that must be covered for its depth to count


def render_guide(path: Path, kind: Kind, *, width: int, height: int) -> Path:
    """Render a guide image to a PNG; the user's scene and its settings stay.

    :param kind: ``depth``, bright where near and black where nothing is; ``normal``, the colours of a
        tangent-space normal map in the camera's space; or ``lines``, the edges as black lines on white.
    :param width: pixels, as `height`.
    :raises SceneError: there is no camera, it sees nothing that has a depth, or Blender can't render.
    """
    scene = bpy.context.scene
    if camera_of(scene) is None:
        raise SceneError(
            message("The scene '{scene}' has no camera.", scene=scene.name), next_step="Add one first."
        )
    values = _DRAWN[kind](width, height)
    path.parent.mkdir(parents=True, exist_ok=True)
    save_pixels(_opaque(values), width, height, path)
    return path


def _lines(width: int, height: int) -> Any:
    import numpy as np

    from ...core.raster.outlines import draw_outlines

    camera: Any = camera_of(bpy.context.scene)
    surfaces = _render("depth", width, height, is_sharp=True)
    if not (surfaces[..., 1] > 0).any():
        raise SceneError(NOTHING_SEEN)
    normals = _render("normal", width, height, is_sharp=True) * 2 - 1
    is_perspective = camera.data.type != "ORTHO"
    lines = draw_outlines(surfaces[..., 0], normals, surfaces[..., 2], is_perspective=is_perspective)
    return np.repeat(lines[..., None], 3, axis=-1)


def _render(kind: Literal["depth", "normal"], width: int, height: int, *, is_sharp: bool = False) -> Any:
    """(height, width, 3) float32 values of the flat material, bottom row first.

    :param is_sharp: each pixel has the value at its middle, and none between two surfaces.
    """
    material = bpy.data.materials.new(f".{kind} guide")
    world = bpy.data.worlds.new(".black")
    try:
        _fill(material, kind)
        _blacken(world)
        with _sharp(camera_of(bpy.context.scene)) as camera:

            def set_up(copy: bpy.types.Scene) -> None:
                copy.camera, copy.world = camera, world
                copy.render.engine = "CYCLES"  # EEVEE ignores the override
                copy.cycles.samples, copy.cycles.use_denoising, copy.cycles.max_bounces = (
                    1 if is_sharp else FLAT_SAMPLES,
                    False,
                    0,
                )
                if is_sharp:
                    copy.cycles.pixel_filter_type, copy.cycles.filter_width = "BOX", POINT
                copy.cycles.film_exposure, copy.cycles.sample_clamp_direct = 1.0, 0.0
                show_plainly(copy)
                for layer in copy.view_layers:
                    layer.material_override, layer.samples = material, 0

            with render_copy(width=width, height=height, set_up=set_up, form=compat.EXR) as file:
                return _read_values(file)
    finally:
        bpy.data.materials.remove(material)
        bpy.data.worlds.remove(world)


@contextmanager
def _sharp(camera: Any) -> Iterator[Any]:
    """A camera that sees the same with no depth of field."""
    if not getattr(getattr(camera.data, "dof", None), "use_dof", False):
        yield camera
        return
    copy = camera.copy()
    copy.data = data = camera.data.copy()
    data.dof.use_dof = False
    try:
        yield copy
    finally:
        bpy.data.batch_remove([copy, data])


def _read_values(file: Path) -> Any:
    import numpy as np

    image = bpy.data.images.load(str(file))
    try:
        image.colorspace_settings.is_data = True
        width, height = image.size
        pixels = np.empty(width * height * image.channels, np.float32)
        image.pixels.foreach_get(pixels)
        return pixels.reshape(height, width, -1)[..., :3]
    finally:
        bpy.data.images.remove(image)


def _brightness(values: Any) -> Any:
    """Grey from what `_depth` renders: 1 for what is nearest, falling to `FARTHEST`."""
    import numpy as np

    covered = np.clip(values[..., 1], 0, 1)
    seen = covered > SEEN
    if not seen.any():
        raise SceneError(NOTHING_SEEN)
    depths = values[..., 0] / np.where(seen, values[..., 1], 1)
    near, far = float(depths[seen].min()), float(depths[seen].max())
    shade = 1 - (1 - FARTHEST) * (depths - near) / max(far - near, 1e-3)
    return np.repeat(np.where(seen, shade * covered, 0)[..., None], 3, axis=-1)


def _opaque(values: Any) -> Any:
    import numpy as np

    pixels = np.ones((*values.shape[:2], 4), np.float32)
    pixels[..., :3] = np.clip(values, 0, 1)
    return pixels.ravel()


def _fill(material: bpy.types.Material, kind: str) -> None:
    with Transaction() as changes:
        tree = compat.node_tree(material, changes)
    tree.nodes.clear()
    emission = tree.nodes.new("ShaderNodeEmission")
    output = tree.nodes.new("ShaderNodeOutputMaterial")
    tree.links.new(emission.outputs[0], output.inputs["Surface"])
    tree.links.new(_SOURCES[kind](tree), emission.inputs["Color"])


def _depth(tree: Any) -> Any:
    """Red: the distance along the view. Green: how much of a pixel is covered. Blue: a number of the object.

    That is a hash, which tells instances apart, too; the pass index of objects is the user's to set.
    """
    camera = tree.nodes.new("ShaderNodeCameraData")
    which = tree.nodes.new("ShaderNodeObjectInfo")
    color = tree.nodes.new("ShaderNodeCombineXYZ")
    color.inputs["Y"].default_value = 1.0
    tree.links.new(camera.outputs["View Z Depth"], color.inputs["X"])
    tree.links.new(which.outputs["Random"], color.inputs["Z"])
    return color.outputs[0]


def _normal(tree: Any) -> Any:
    """Camera space: x right, y up, z toward the viewer, each from -1..1 to 0..1."""
    geometry = tree.nodes.new("ShaderNodeNewGeometry")
    turn = tree.nodes.new("ShaderNodeVectorTransform")
    turn.vector_type, turn.convert_from, turn.convert_to = "NORMAL", "WORLD", "CAMERA"
    scale = tree.nodes.new("ShaderNodeVectorMath")
    scale.operation = "MULTIPLY_ADD"
    # The renderer's camera looks along +z.
    scale.inputs[1].default_value = (0.5, 0.5, -0.5)
    scale.inputs[2].default_value = (0.5, 0.5, 0.5)
    tree.links.new(geometry.outputs["Normal"], turn.inputs[0])
    tree.links.new(turn.outputs[0], scale.inputs[0])
    return scale.outputs[0]


_SOURCES: Mapping[str, Callable[[Any], Any]] = {"depth": _depth, "normal": _normal}
_DRAWN: Mapping[Kind, Callable[[int, int], Any]] = {
    "depth": lambda width, height: _brightness(_render("depth", width, height)),
    "normal": lambda width, height: _render("normal", width, height),
    "lines": _lines,
}


def _blacken(world: bpy.types.World) -> None:
    if world.node_tree is None:
        world.use_nodes = True
    world.node_tree.nodes.clear()
