"""Previews in the Image Editor, on wish: one image that follows the newest job until it is done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import bpy

NAME = "GPT Image Preview"

_shown: tuple[str, int] | None = None
"""Job and number of the preview that the image holds."""


def follow(jobs: Sequence[Any]) -> None:
    """Show the newest preview, or in its place the result when nothing is being made any more.

    :param jobs: those of this session, oldest first.
    """
    global _shown
    running = [job for job in jobs if not job.done and job.preview is not None]
    scene = bpy.context.scene
    if scene is None or (not running and _shown is None):
        return
    if running and scene.gpt_image.live_previews:
        _show(running[-1])
    elif _shown is not None:
        _replace(next((job for job in jobs if job.id == _shown[0]), None))
        _shown = None


def _show(job: Any) -> None:
    global _shown
    preview = job.preview
    if _shown == (job.id, preview.number):
        return
    _shown = (job.id, preview.number)
    size = (preview.width, preview.height)
    image = bpy.data.images.get(NAME) or bpy.data.images.new(NAME, *size, alpha=True)
    if tuple(image.size) != size:
        image.scale(*size)
    image.pixels.foreach_set(preview.pixels)
    image.update()
    for space in _editors():
        space.image = image


def _replace(job: Any) -> None:
    """Take the image away; editors that show it show the job's first picture, where there is one."""
    image = bpy.data.images.get(NAME)
    if image is None:
        return
    names = job.applied.images if job is not None and job.applied is not None else ()
    result = bpy.data.images.get(names[0]) if names else None
    for space in _editors():
        if space.image == image:
            space.image = result
    bpy.data.images.remove(image)


def _editors() -> Iterator[Any]:
    """Image Editors that may show something else."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            space = area.spaces.active
            if area.ui_type == "IMAGE_EDITOR" and space.ui_mode == "VIEW" and not space.use_image_pin:
                yield space
