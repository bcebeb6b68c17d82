"""Making a result visible where the user looks. Main thread only; without a window nothing happens."""

from __future__ import annotations

from collections.abc import Iterator

import bpy

from .images import MASK_OF


def show_image(image: bpy.types.Image) -> None:
    """Put the image into open Image Editors, except pinned ones and those with a render or a mask at work."""
    for area in _areas("IMAGE_EDITOR"):
        space = area.spaces.active
        shown = space.image
        is_needed = shown is not None and (MASK_OF in shown or shown.type in ("RENDER_RESULT", "COMPOSITING"))
        if not space.use_image_pin and not is_needed:
            space.image = image


def shown_images() -> Iterator[bpy.types.Image]:
    """The images in open Image Editors."""
    for area in _areas("IMAGE_EDITOR"):
        image = area.spaces.active.image
        if image is not None:
            yield image


def show_materials(scene: bpy.types.Scene) -> None:
    """Turn 3D views that show no textures to Material Preview."""
    for area in _areas("VIEW_3D", scene):
        shading = area.spaces.active.shading
        if shading.type == "SOLID" and shading.color_type != "TEXTURE":
            shading.type = "MATERIAL"


def show_world(scene: bpy.types.Scene) -> None:
    """Turn 3D views that show no textures to Material Preview, in the light of the scene itself."""
    for area in _areas("VIEW_3D", scene):
        shading = area.spaces.active.shading
        if shading.type in ("SOLID", "MATERIAL") and shading.color_type != "TEXTURE":
            shading.type = "MATERIAL"
            shading.use_scene_world = shading.use_scene_lights = True


def _areas(kind: str, scene: bpy.types.Scene | None = None) -> Iterator[bpy.types.Area]:
    if bpy.app.background:
        return
    for window in bpy.context.window_manager.windows:
        if scene is None or window.scene == scene:
            yield from (area for area in window.screen.areas if area.type == kind)
