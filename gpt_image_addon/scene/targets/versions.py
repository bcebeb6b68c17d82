"""One version of an image or material in the place of another one. Main thread only.

All of them stay in the file, so that one step of undo brings the one before back.
"""

from __future__ import annotations

from collections.abc import Collection

import bpy

from .. import display
from ..shading.nodes import image_nodes
from .replacement import IS_REVERTED, JOB, exchange, find_edits, stale_maps

NO_PLACES = (bpy.types.Image, bpy.types.Scene, bpy.types.Screen, bpy.types.WindowManager)
"""Users that only point to an image: one that it took the place of, the panel's references, an editor."""


def show_version(new: bpy.types.Image, jobs: Collection[str]) -> list[str]:
    """Let an image take the place of the version of it that is shown in the file, which stays in it.

    :param jobs: those of all its versions.
    :returns: what to tell.
    """
    old = _shown_version(new, jobs)
    return _put(old, new, jobs) if old is not None else []


def _put(old: bpy.types.Image, new: bpy.types.Image, jobs: Collection[str]) -> list[str]:
    """Let an image take the place of another one, and note which edits are in place then."""
    new.use_fake_user, old.use_fake_user = old.use_fake_user, True
    exchange(old, new)
    found = dict(find_edits())
    applied, image = set(), new
    while image in found and image not in applied:
        applied.add(image)
        image = found[image]
    for image in found:
        if image.get(JOB) in jobs:
            image.pop(IS_REVERTED, None)
            if image not in applied:
                image[IS_REVERTED] = True
    return stale_maps(new)


def _shown_version(new: bpy.types.Image, jobs: Collection[str]) -> bpy.types.Image | None:
    """The version that something in the scene uses, else one that an editor shows, else the last one that
    took a place; None where there is none."""
    others = [image for image in bpy.data.images if image.get(JOB) in jobs and image != new]
    users = bpy.data.user_map(subset=others)
    used = [image for image in others if any(not isinstance(user, NO_PLACES) for user in users[image])]
    shown = list(display.shown_images())
    edits = list(find_edits())
    replaced = [before for image, before in edits if not image.get(IS_REVERTED)]
    linked = [image for edit in edits for image in edit if image in others]
    last = [image for image in linked if image not in replaced and not image.get(IS_REVERTED)]
    in_place = (*used, *(image for image in others if image in shown), *last)
    return in_place[0] if in_place else None


def show_material(new: bpy.types.Material, image: bpy.types.Image, jobs: Collection[str]) -> list[str]:
    """Let a material take the place of all other versions of it, which stay in the file.

    :param image: what it showed at first, which it shows again.
    :param jobs: those of all its versions.
    :returns: what to tell.
    """
    for old in [one for one in bpy.data.materials if one.get(JOB) in jobs and one != new]:
        old.use_fake_user = True
        old.user_remap(new)
    nodes = image_nodes(new.node_tree) if new.node_tree else ()
    others = set(jobs) - {image.get(JOB)}
    edited = next((node.image for node in nodes if node.image and node.image.get(JOB) in others), None)
    return _put(edited, image, jobs) if edited is not None else []
