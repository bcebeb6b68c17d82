"""Tells masks of what happens to the file: undo, another file, saving."""

from __future__ import annotations

import bpy
from bpy.app.handlers import persistent

from ...lazy import is_loaded
from . import inpaint, mask_check, paint_editor, rectangle_outline

UV_MAP = "gpt_image_uv_map"
"""Custom property of masks that are painted on objects."""


def attach() -> None:
    """Listen."""
    for name, handler in HANDLERS:
        getattr(bpy.app.handlers, name).append(handler)


def detach() -> None:
    """The mirror image of `attach`; nothing is drawn any more."""
    for name, handler in HANDLERS:
        getattr(bpy.app.handlers, name).remove(handler)
    rectangle_outline.remove()
    if is_loaded(inpaint):
        inpaint.close()


def _concerned() -> bool:
    """Whether there is or was an inpaint: else its modules stay unloaded."""
    return is_loaded(inpaint) or any(scene.gpt_image.mask_image for scene in bpy.data.scenes)


@persistent  # type: ignore[untyped-decorator]
def _on_load(*_: object) -> None:
    rectangle_outline.sync()
    if _concerned():
        paint_editor.forget()
        mask_check.forget()
        inpaint.sync()


@persistent  # type: ignore[untyped-decorator]
def _on_undo(*_: object) -> None:
    rectangle_outline.sync()
    if _concerned():
        mask_check.forget()
        inpaint.sync()
        paint_editor.refill(inpaint.mask_at_work())


@persistent  # type: ignore[untyped-decorator]
def _on_save(*_: object) -> None:
    if _concerned():
        inpaint.keep_painting()
    for image in bpy.data.images:  # else Blender would leave out what was painted on masks of objects
        if image.is_dirty and UV_MAP in image:
            image.pack()


HANDLERS = (
    ("load_post", _on_load),
    ("undo_post", _on_undo),
    ("redo_post", _on_undo),
    ("save_pre", _on_save),
)
