"""What the user sees, as a picture to show the model. Main thread only."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import bpy

from ..core.errors import SceneError
from . import compat
from .images import save_pixels

SAMPLES = 16  # of EEVEE; a reference needs no more
STUDIO_EXPOSURE = (
    1.0  # stops: Workbench's studio light leaves a surface that faces it at a quarter of its colour
)


def render_camera(
    path: Path, *, width: int, height: int, shading: Literal["solid", "rendered"] = "solid"
) -> Path:
    """Render the current scene from its camera to a PNG, with and without a window; its settings stay.

    :param width: pixels, as `height`.
    :param shading: ``solid`` shows colours and textures in a studio light, in a fraction of a second;
        ``rendered`` shows materials and lights by EEVEE.
    :raises SceneError: there is no camera, or Blender can't render.
    """
    scene = bpy.context.scene
    if scene.camera is None:
        raise SceneError(
            f"The scene '{scene.name}' has no camera.",
            next_step="Add one, or use a file as reference.",
        )
    set_up = _set_up_rendered if shading == "rendered" else _set_up_solid
    return render_scene(path, width=width, height=height, set_up=set_up)


def render_scene(path: Path, *, width: int, height: int, set_up: Callable[[bpy.types.Scene], None]) -> Path:
    """Render a copy of the current scene to a PNG.

    :param width: pixels, as `height`.
    :param set_up: chooses engine and looks of the copy.
    :raises SceneError: Blender can't render.
    """
    copy = bpy.context.scene.copy()
    try:
        _set_up_frame(copy, width, height)
        set_up(copy)
        with tempfile.TemporaryDirectory() as folder:  # the path may hold what Blender takes for a template
            rendered = Path(folder) / "camera.png"
            copy.render.filepath = str(rendered)
            bpy.ops.render.render(write_still=True, scene=copy.name)
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(rendered, path)
    except (RuntimeError, OSError) as error:
        raise SceneError(f"The camera's view could not be rendered: {error}") from error
    finally:
        bpy.data.scenes.remove(copy)
    return path


def _set_up_frame(scene: bpy.types.Scene, width: int, height: int) -> None:
    render = scene.render
    render.resolution_x, render.resolution_y, render.resolution_percentage = width, height, 100
    render.pixel_aspect_x = render.pixel_aspect_y = 1.0
    render.use_border = render.use_compositing = render.use_sequencer = render.use_multiview = False
    render.use_stamp = render.film_transparent = False
    render.use_file_extension = True
    compat.write_png(render.image_settings)


def _set_up_rendered(scene: bpy.types.Scene) -> None:
    scene.render.engine = compat.eevee()
    scene.eevee.taa_render_samples = SAMPLES


def _set_up_solid(scene: bpy.types.Scene) -> None:
    scene.render.engine = "BLENDER_WORKBENCH"
    scene.display.shading.light = "STUDIO"
    scene.display.shading.color_type = "TEXTURE"
    scene.view_settings.look = "None"
    scene.view_settings.view_transform = "Standard"
    scene.view_settings.exposure = STUDIO_EXPOSURE


def capture_viewport(context: bpy.types.Context, path: Path, *, width: int, height: int) -> Path:
    """Draw the 3D view as it is shown, without overlays, to a PNG of any aspect.

    :param context: its area if that is a 3D view, else the first one of its window.
    :param width: pixels, as `height`; the view keeps its height, and gains or loses at the sides.
    :raises SceneError: there is no window, or no 3D view in it.
    """
    if bpy.app.background:
        raise SceneError("Without a window there is no view to capture.", next_step="Use the camera instead.")
    area = view_area(context)
    pixels = _draw(context, area, width, height)
    path.parent.mkdir(parents=True, exist_ok=True)
    save_pixels(pixels, width, height, path)
    return path


def view_area(context: bpy.types.Context) -> bpy.types.Area:
    screen = context.window.screen if context.window else None
    areas = [context.area, *(screen.areas if screen else ())]
    for area in areas:
        if area and area.type == "VIEW_3D":
            return area
    raise SceneError("There is no 3D view to capture.", next_step="Open one, or use the camera instead.")


def _draw(context: bpy.types.Context, area: bpy.types.Area, width: int, height: int) -> Any:
    """Flat float32 RGBA from 0 to 1, bottom row first."""
    import gpu
    import numpy as np

    space: Any = area.spaces.active
    region = next(region for region in area.regions if region.type == "WINDOW")
    view = space.region_3d
    projection = view.window_matrix.copy()
    projection[0] *= (region.width / region.height) / (width / height)
    offscreen = gpu.types.GPUOffScreen(width, height, format="RGBA8")
    overlays = space.overlay.show_overlays
    try:
        space.overlay.show_overlays = False
        offscreen.draw_view3d(
            context.scene,
            context.view_layer,
            space,
            region,
            view.view_matrix,
            projection,
            do_color_management=True,
        )
        data = offscreen.texture_color.read()
    finally:
        space.overlay.show_overlays = overlays
        offscreen.free()
    data.dimensions = width * height * 4
    pixels = np.asarray(data, dtype=np.float32) / np.float32(255)
    pixels[3::4] = 1.0
    return pixels
