"""A mask that is painted on an object: Texture Paint for a while; afterwards all is as it was."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import bpy

from ...app import scheduler
from ...app.painting import masks
from ..common import brushes, state
from . import mask_surface

MODE = "TEXTURE_PAINT"
SETTLED = 0.15  # seconds after which Blender has chosen the brush of a mode that was entered just now


@dataclass
class Painting:
    """A mask that is being painted, and what was there before."""

    object: str = ""
    """Name of the object that it is painted on; empty while none is."""
    mode: str = ""
    paint_mode: str = ""
    canvas: str = ""
    """Name of the image; empty for none."""
    uv_map: str = ""
    images: dict[int, str] = field(default_factory=dict)
    """The names of the images that Image Editors show, by the pointers of their areas."""
    colors: brushes.Colors = field(default_factory=dict)


def find_object() -> bpy.types.Object | None:
    """The object whose mask is being painted; None while none is."""
    name = state.part(Painting).object
    obj = bpy.data.objects.get(name) if name else None
    return obj if obj is not None and obj.mode == MODE else None


def start(context: bpy.types.Context) -> None:
    """Paint the mask of the active object in Texture Paint, white on black.

    :raises GptImageError: the object can't have one.
    """
    finish()
    obj = context.active_object
    mask = masks.paint_mask(obj, size=context.scene.gpt_image.image_size)
    paint, painting = context.scene.tool_settings.image_paint, state.part(Painting)
    painting.mode, painting.paint_mode = obj.mode, paint.mode
    painting.canvas = paint.canvas.name if paint.canvas is not None else ""
    painting.images = {
        area.as_pointer(): area.spaces.active.image.name if area.spaces.active.image is not None else ""
        for area in _list_image_editors()
    }
    bpy.ops.object.mode_set(mode=MODE)
    layers = obj.data.uv_layers
    painting.uv_map = layers.active.name if layers.active is not None else ""
    _activate(layers, masks.find_uv_map(mask))
    painting.object, paint.mode, paint.canvas = obj.name, "IMAGE", mask
    brushes.take_brush(painting.colors)
    scheduler.errand(partial(time.sleep, SETTLED), _take_brush)
    mask_surface.show(obj, mask, layers.active.name, _look)


def _take_brush(*_: object) -> None:
    if find_object() is not None:
        brushes.take_brush(state.part(Painting).colors)


def _look() -> None:
    """Whoever left the mode ends it, too; while something is drawn, nothing may be changed."""
    if state.part(Painting).object and find_object() is None:
        scheduler.errand(lambda: None, lambda *_: finish())


def finish() -> None:
    """Leave the mode, and give back what was there before."""
    painting = state.part(Painting)
    if not painting.object:
        return
    obj, still = bpy.data.objects.get(painting.object), find_object()
    painting.object = ""
    mask_surface.hide()
    scene = bpy.context.scene
    paint = scene.tool_settings.image_paint
    mask = masks.find_mask(obj)
    brushes.restore_brush(painting.colors)
    if mask is not None and paint.canvas == mask:
        paint.canvas = bpy.data.images.get(painting.canvas)
        paint.mode = painting.paint_mode
    if obj is not None:
        _activate(obj.data.uv_layers, painting.uv_map)
    for area in _list_image_editors():
        if mask is not None and area.spaces.active.image == mask:
            area.spaces.active.image = bpy.data.images.get(painting.images.get(area.as_pointer(), ""))
    if still is not None and bpy.context.view_layer.objects.active == still:
        with contextlib.suppress(RuntimeError):  # an object that is hidden by now
            bpy.ops.object.mode_set(mode=painting.mode)


def forget() -> None:
    """Another file is open: nothing of this is there any more."""
    state.part(Painting).object = ""
    mask_surface.hide()


def _activate(layers: Any, name: str) -> None:
    layer = layers.get(name)
    if layer is not None:
        layers.active = layer


def _list_image_editors() -> Iterator[Any]:
    for window in bpy.context.window_manager.windows:
        yield from (area for area in window.screen.areas if area.type == "IMAGE_EDITOR")
