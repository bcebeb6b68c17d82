"""The Image Editor that a mask is painted in, and its brush: as they were again when the mask leaves."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import bpy

from ...app import inpainting, scheduler
from ..common import brushes, state

SETTLED = 0.15  # seconds after which an editor that was opened just now has its size and its brush


@dataclass
class Editors:
    """What was changed to paint a mask."""

    modes: dict[int, str] = field(default_factory=dict)
    """What an editor was used for before, by the pointer of its area."""
    images: dict[int, str] = field(default_factory=dict)
    """The name of the image below the mask that an editor shows, or has shown."""
    colors: brushes.Colors = field(default_factory=dict)
    """Those of the brush before."""


def show(context: bpy.types.Context, mask: bpy.types.Image) -> bool:
    """Show a mask in an Image Editor of this window, ready to be painted white; returns whether one does."""
    if bpy.app.background or context.window is None:
        return True
    area = open_editor(context)
    if area is None:
        return False
    _paint_in(area, mask)
    return True


def open_editor(context: bpy.types.Context) -> Any:
    """An Image Editor of this window, whose image will be seen as a whole; None where there is no room."""
    area = _find(context) or _open(context)
    if area is not None:
        _settle_soon({area.as_pointer()})
    return area


def _paint_in(area: Any, mask: bpy.types.Image) -> None:
    editors, key, space = state.part(Editors), area.as_pointer(), area.spaces.active
    editors.modes.setdefault(key, space.mode)
    image = inpainting.masked_image(mask)
    editors.images[key] = image.name if image is not None else ""
    space.image = mask
    space.mode = "PAINT"


def leave(mask: bpy.types.Image, image: bpy.types.Image | None) -> None:
    """Give the editors that show a mask back, to show the image, and the brush its color."""
    editors, left = state.part(Editors), set()
    for area in _areas():
        key, space = area.as_pointer(), area.spaces.active
        if space.image == mask:
            left.add(key)
            space.image = image
        if key in editors.modes and space.mode == "PAINT":
            space.mode = editors.modes[key]
    editors.modes.clear()
    restore_brush()
    _settle_soon(left)


def refill(mask: bpy.types.Image | None) -> None:
    """Show something in editors of ours whose image an undo has taken: a mask at work, else its image."""
    editors, filled = state.part(Editors), set()
    for area in _areas():
        key, shown = area.as_pointer(), area.spaces.active.image
        if key not in {*editors.images, *editors.modes} or not (shown is None or _has_left(shown)):
            continue
        filled.add(key)
        if mask is not None:
            _paint_in(area, mask)
        else:
            area.spaces.active.image = bpy.data.images.get(editors.images.get(key, ""))
            area.spaces.active.mode = editors.modes.pop(key, "VIEW")
    _settle_soon(filled)


def _has_left(image: bpy.types.Image) -> bool:
    """Whether it is a mask that was painted, and belongs to no image any more."""
    return image.name.startswith(inpainting.MASK_NAME) and inpainting.masked_image(image) is None


def restore_brush() -> None:
    """Give the brush its color back, unless another one was chosen meanwhile."""
    brushes.restore_brush(state.part(Editors).colors)


def forget() -> None:
    """Another file is open: nothing of this is there any more."""
    editors = state.part(Editors)
    editors.modes.clear()
    editors.images.clear()
    editors.colors.clear()


def _settle_soon(areas: Collection[int]) -> None:
    if areas and not bpy.app.background:
        scheduler.errand(partial(time.sleep, SETTLED), lambda *_: _settle(areas))


def _settle(areas: Collection[int]) -> None:
    """What can't be done before Blender has drawn an editor anew."""
    editors = state.part(Editors)
    if editors.modes:
        brushes.take_brush(editors.colors)
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if (
                area.as_pointer() in areas
                and area.type == "IMAGE_EDITOR"
                and area.spaces.active.image is not None
            ):
                region = next(region for region in area.regions if region.type == "WINDOW")
                with bpy.context.temp_override(window=window, area=area, region=region):
                    bpy.ops.image.view_all(fit_view=True)
                    bpy.ops.image.view_zoom_out()  # brushes lie over its edge


def _find(context: bpy.types.Context) -> Any:
    """The Image Editor that the mouse is in, else one that is no UV Editor, else any."""
    areas = [area for area in context.window.screen.areas if area.type == "IMAGE_EDITOR"]
    areas.sort(key=lambda area: (area != context.area, area.ui_type != "IMAGE_EDITOR"))
    return areas[0] if areas else None


def _open(context: bpy.types.Context) -> Any:
    """Half of the largest editor; None where it can't be split, as in full screen."""
    screen = context.window.screen
    before = {area.as_pointer() for area in screen.areas}
    largest = max(screen.areas, key=lambda area: area.width * area.height)
    region = next(region for region in largest.regions if region.type == "WINDOW")
    direction = "VERTICAL" if largest.width > largest.height else "HORIZONTAL"
    with context.temp_override(area=largest, region=region), contextlib.suppress(RuntimeError):
        bpy.ops.screen.area_split(direction=direction, factor=0.5)
    area = next((area for area in screen.areas if area.as_pointer() not in before), None)
    if area is not None:
        area.ui_type = "IMAGE_EDITOR"
    return area


def _areas() -> Iterator[Any]:
    for window in bpy.context.window_manager.windows:
        yield from (area for area in window.screen.areas if area.type == "IMAGE_EDITOR")
