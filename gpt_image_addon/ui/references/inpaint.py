"""An inpaint: a mask over an image of the file, whose result takes that image's place.

All that it is lies in the mask, a data-block that knows its image: so undo, redo and saving keep the two
together. It ends when the result has come, or when the panel has another mask.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import bpy

from ...app import apply_queue, inpainting, scheduler
from ...core.request.sizes import format_size
from ...core.request.targets import find_target
from ..common import enum_items
from . import images, mask_check, mask_overlay, paint_editor

SETTINGS = "gpt_image_settings_before"
"""Custom property of a mask: what the panel said before."""
CHANGED = ("target", "n", "background", "seamless", "size", "width", "height")
"""Values of the panel that an inpaint sets."""
NOTHING_PAINTED = "Paint over what may change."


def begin(context: bpy.types.Context, image: bpy.types.Image) -> bool:
    """Lay a black mask over an image, and show both in an Image Editor, ready to be painted.

    :returns: whether there is an editor that shows them.
    :raises SceneError: nothing can take the image's place later.
    """
    values = context.scene.gpt_image
    mask = inpainting.begin_mask(image)
    values.mask_image, values.mask = mask, "image"  # an inpaint that was under way ends here
    mask[SETTINGS] = {name: getattr(values, name) for name in CHANGED}
    inpainting.attach_mask(mask, image)
    values.references.clear()
    values.points.clear()
    item = values.references.add()
    item.kind, item.image = "image", image
    item.width, item.height = image.size
    values.target, values.n, values.background, values.seamless = "image", 1, "auto", False
    enum_items.set_size(values, format_size(*image.size))
    context.window_manager.gpt_image.show_mask = True
    mask_overlay.show()
    # Before strokes, whatever calls this: to undo those on an image that no step holds crashes Blender.
    apply_queue.push_undo(inpainting.MASK_NAME)
    return paint_editor.show(context, mask)


def find(values: Any) -> tuple[bpy.types.Image, bpy.types.Image] | None:
    """The image that the panel's request inpaints, and its mask; None where it does not."""
    mask = values.mask_image if values.mask == "image" else None
    image = inpainting.masked_image(mask)
    if image is None or not len(values.references) or values.references[0].image != image:
        return None
    return image, mask


def is_about(values: Any, job: str) -> bool:
    """Whether a job of this session was sent for the inpaint that the panel still has."""
    found, sent = find(values), inpainting.inpaint_of(job)
    return found is not None and sent is not None and sent.uid == found[0].session_uid


def mask_at_work() -> bpy.types.Image | None:
    """The mask of this scene's inpaint; None where there is none."""
    found = find(bpy.context.scene.gpt_image) if bpy.context.scene is not None else None
    return found[1] if found is not None else None


def way_back(values: Any) -> inpainting.ReplaceImage | None:
    """What puts the result of the panel's request in place of the image, or the tile, that it inpaints.

    :raises GptImageError: nothing can take the tile's place.
    """
    found = find(values)
    if found is None:
        tiled = replaced_tiles(values)
        return inpainting.in_place(tiled, images.edited_tile(values)) if tiled is not None else None
    image, mask = found
    uid = mask.session_uid
    return inpainting.ReplaceImage(image.session_uid, partial(_finish, uid), partial(_remove, uid))


def replaced_tiles(values: Any) -> bpy.types.Image | None:
    """The UDIM image of which the panel's result takes a tile's place; None where it does not."""
    target = find_target(values.target)
    is_more = target.maps or target.activates_objects or target.is_projected or target.is_panorama
    is_more = is_more or target.is_decal
    return None if is_more else images.tiled_image(values)


def problem(values: Any) -> str:
    """Why the panel's mask can't be used, with the next step; empty where it can. Reads no pixels."""
    if values.mask == "file" and not values.mask_file:
        return "The mask has no file yet: choose one."
    if values.mask != "image":
        return ""
    if values.mask_image is None:
        return "The mask has no image yet: choose one, or use Inpaint on an image."
    is_ours = inpainting.masked_image(values.mask_image) is not None
    return NOTHING_PAINTED if is_ours and mask_check.lets_nothing_change(values.mask_image) else ""


def end_others(values: Any) -> None:
    """End inpaints whose mask the panel of no scene has any more; after a change of its mask."""
    used = {scene.gpt_image.mask_image for scene in bpy.data.scenes if scene.gpt_image.mask == "image"}
    for mask in inpainting.masks():
        if mask not in used:
            _end(values, mask)
    sync()


def sync() -> None:
    """Draw, look and paint as the file needs it now: after an undo, or in another file."""
    is_active = any(mask.users for mask in inpainting.masks())
    if is_active:
        mask_overlay.show()
    else:
        close()


def close() -> None:
    """Draw nothing any more, and give the brush its color back."""
    mask_overlay.remove()
    paint_editor.restore_brush()


def keep_painting() -> None:
    """Pack what was painted, before the file is saved: else Blender would leave it out."""
    for mask in inpainting.masks():
        if mask.is_dirty:
            mask.pack()


def _finish(uid: int) -> None:
    """The result is there: the mask leaves."""
    for scene in bpy.data.scenes:
        values, mask = scene.gpt_image, scene.gpt_image.mask_image
        image = inpainting.masked_image(mask)
        if mask is not None and mask.session_uid == uid and image is not None:
            inpainting.detach_mask(mask)
            values.mask = "none"
            _leave(values, mask, image)
    sync()


def _end(values: Any, mask: bpy.types.Image) -> None:
    image, uid = inpainting.masked_image(mask), mask.session_uid
    inpainting.detach_mask(mask)
    _leave(values, mask, image)
    # Not now: what changed the mask may still look at it.
    scheduler.errand(lambda: None, lambda *_: _remove(uid))


def _leave(values: Any, mask: bpy.types.Image, image: bpy.types.Image | None) -> None:
    """Give panel, editors and brush back."""
    if values.mask == "none":
        if len(values.references) and values.references[0].image == image:
            values.references.remove(0)
            values.points.clear()
        values.mask_image = None
    for name, value in _settings_of(mask):
        try:
            setattr(values, name, value)
        except (TypeError, ValueError):
            continue  # of a .blend that says something else
    paint_editor.leave(mask, image)


def _settings_of(mask: bpy.types.Image) -> Iterator[tuple[str, Any]]:
    """What the panel said before; a .blend of others may hold anything there."""
    found = mask.get(SETTINGS)
    if hasattr(found, "to_dict"):
        yield from ((name, value) for name, value in found.to_dict().items() if name in CHANGED)


def _remove(uid: int) -> None:
    """Take a mask off the file that nothing uses; where its strokes may still be undone, saving does that.

    Blender crashes where a stroke is undone whose image is gone.
    """
    mask = next((image for image in bpy.data.images if image.session_uid == uid), None)
    if mask is None or inpainting.masked_image(mask) is not None:
        return
    if bpy.app.background or not mask.is_dirty:
        bpy.data.images.remove(mask)
