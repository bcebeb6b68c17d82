"""What the user sees, as an image to show the model. Main thread only."""

from __future__ import annotations

import shutil
import tempfile
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

CLAY = (0.6, 0.6, 0.6)  # linear
SAMPLES = 16  # of EEVEE; a reference needs no more
STUDIO_EXPOSURE = (
    1.0  # stops: Workbench's studio light leaves a surface that faces it at a quarter of its colour
)


def render_camera(
    path: Path, *, width: int, height: int, shading: Literal["solid", "clay", "rendered"] = "solid"
) -> Path:
    """Render the current scene from its camera to a PNG, with and without a window; its settings stay.

    :param width: pixels, as `height`.
    :param shading: ``solid`` shows colours and textures in a studio light, in a fraction of a second;
        ``clay`` shows everything in one grey; ``rendered`` shows materials and lights by EEVEE.
    :raises SceneError: there is no camera, or Blender can't render.
    """
    scene = bpy.context.scene
    if camera_of(scene) is None:
        raise SceneError(
            message("The scene '{scene}' has no camera.", scene=scene.name),
            next_step="Add one, or use a file as reference.",
        )
    with render_copy(width=width, height=height, set_up=SET_UPS[shading]) as rendered:
        _move(rendered, path)
    return path


@contextmanager
def render_copy(
    *,
    width: int,
    height: int,
    set_up: Callable[[bpy.types.Scene], None],
    form: Mapping[str, str] = compat.PNG,
) -> Iterator[Path]:
    """Render a copy of the current scene to a file that is there inside the block; nothing of it stays.

    :param width: pixels, as `height`.
    :param set_up: chooses engine and looks of the copy.
    :param form: of the file, a table of `compat`.
    :raises SceneError: Blender can't render.
    """
    scene, layer = bpy.context.scene, bpy.context.view_layer
    copy = scene.copy()
    try:
        copy.camera = camera_of(scene)
        copy.timeline_markers.clear()
        copy.animation_data_clear()  # or it would set the size again
        _set_up_frame(copy, width, height)
        _use_one_layer(copy, layer.name)
        compat.write_as(copy.render.image_settings, form)
        set_up(copy)
        with tempfile.TemporaryDirectory() as folder:  # the path may hold what Blender takes for a template
            copy.render.filepath = str(Path(folder) / "view")
            bpy.ops.render.render(write_still=True, scene=copy.name)
            yield next(Path(folder).iterdir())
    except (RuntimeError, OSError, TypeError, AttributeError, StopIteration) as error:
        raise SceneError(
            message("The camera's view could not be rendered: {reason}", reason=error)
        ) from error
    finally:
        bpy.data.scenes.remove(copy)


def _move(source: Path, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(source, path)


def _set_up_frame(scene: bpy.types.Scene, width: int, height: int) -> None:
    render = scene.render
    render.resolution_x, render.resolution_y, render.resolution_percentage = width, height, 100
    render.pixel_aspect_x = render.pixel_aspect_y = 1.0
    render.use_border = render.use_compositing = render.use_sequencer = render.use_multiview = False
    render.use_stamp = render.film_transparent = render.use_persistent_data = False
    render.use_file_extension = True
    if hasattr(render.image_settings, "color_management"):
        render.image_settings.color_management = "FOLLOW_SCENE"
    view = scene.view_settings.view_transform
    if compat.choose(scene.display_settings, "display_device", "sRGB"):  # not that of an HDR monitor
        compat.choose(scene.view_settings, "view_transform", view)


def _use_one_layer(scene: bpy.types.Scene, shown: str) -> None:
    """Render the view layer that the user sees, unless renders leave it out and use another one."""
    used = [layer.name for layer in scene.view_layers if layer.use]
    chosen = shown if shown in used or not used else used[0]
    for layer in scene.view_layers:
        layer.use = layer.name == chosen


def show_plainly(scene: bpy.types.Scene) -> None:
    """Leave out what a render adds to surfaces and their colours."""
    view = scene.view_settings
    view.exposure, view.gamma = 0.0, 1.0
    compat.turn_off(view, "use_curve_mapping", "use_white_balance")
    compat.turn_off(scene.render, "use_freestyle", "use_motion_blur")


def _set_up_rendered(scene: bpy.types.Scene) -> None:
    scene.render.engine = compat.eevee()
    scene.eevee.taa_render_samples = SAMPLES


def _set_up_solid(scene: bpy.types.Scene) -> None:
    scene.render.engine = "BLENDER_WORKBENCH"
    scene.display.shading.light = "STUDIO"
    scene.display.shading.color_type = "TEXTURE"
    show_plainly(scene)
    compat.choose(
        scene.view_settings, "view_transform", "Standard"
    )  # a studio's own configuration has others
    compat.choose(scene.view_settings, "look", "None")
    scene.view_settings.exposure = STUDIO_EXPOSURE


def _set_up_clay(scene: bpy.types.Scene) -> None:
    _set_up_solid(scene)
    scene.display.shading.color_type = "SINGLE"
    scene.display.shading.single_color = CLAY


SET_UPS: Mapping[str, Callable[[bpy.types.Scene], None]] = {
    "solid": _set_up_solid,
    "clay": _set_up_clay,
    "rendered": _set_up_rendered,
}


def capture_viewport(context: bpy.types.Context, path: Path, *, width: int, height: int) -> Path:
    """Draw the 3D view as it is shown, without overlays, to a PNG of any aspect.

    :param context: its area if that is a 3D view, else the first one of its window.
    :param width: pixels, as `height`; the view keeps its height, and gains or loses at the sides.
    :raises SceneError: there is no window, or no 3D view in it.
    """
    if bpy.app.background:
        raise SceneError("Without a window there is no view to capture.", next_step="Use the camera instead.")
    area = view_area(context)
    try:
        pixels = _draw(context, area, width, height)
    except RuntimeError as error:
        raise SceneError(message("The view could not be drawn: {reason}", reason=error)) from error
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
