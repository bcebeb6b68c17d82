"""An image in place of another one, everywhere in the file, and back. Main thread only.

The new image is a data-block of its own that takes over the name and all users of the one before: so one step
of undo brings that back, and no file of the user's is written. The one before stays with it in the file.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import TypeAlias

import bpy

from ...core.errors import InvalidRequestError, SceneError
from ...core.results.store import PreparedResult
from ...core.text.message import message
from ..images import KIND, PROPERTY_PREFIX, add_image, is_viewed
from ..shading.nodes import image_nodes
from ..transaction import Transaction
from ..udim import make_with_tiles
from .base import Applied, keep_images

BEFORE = PROPERTY_PREFIX + "image_before"
"""Custom property of an image: the one that it took the place of."""
IS_REVERTED = PROPERTY_PREFIX + "is_reverted"
"""Custom property of such an image: the one before is in place again."""
JOB = PROPERTY_PREFIX + "job"
KEPT_ALPHA = ("NONE", "CHANNEL_PACKED")
"""Ways to read alpha that are the user's choice, not the file's."""
FREE_NAME = "GPT Image"
"""What an image is called while two exchange their names."""
SINGLE = ("FILE", "GENERATED")
Edit: TypeAlias = tuple[bpy.types.Image, bpy.types.Image]
"""An image that took the place of another one, and that."""


def why_not_replaceable(image: bpy.types.Image) -> str:
    """Why another image can't take the place of this one; empty where it can."""
    if image.library or image.override_library:
        return message("'{image}' is linked; make it local to change it.", image=image.name)
    if image.source == "TILED":
        return message(
            "'{image}' has UDIM tiles, over which no mask is painted: use it as a reference and"
            " the selected faces as the mask.",
            image=image.name,
        )
    if is_viewed(image) or image.source not in SINGLE:
        return message("'{image}' is no single image; save what you see as one first.", image=image.name)
    if not all(image.size):
        return message("The image '{image}' has no pixels; its file may be missing.", image=image.name)
    return ""


def find_image(uid: int) -> bpy.types.Image | None:
    """What is in the place now of the image with this `session_uid`; None where that is gone."""
    found = next((image for image in bpy.data.images if image.session_uid == uid), None)
    seen: list[bpy.types.Image] = []
    while found is not None and found not in seen:
        seen.append(found)
        after = [image for image, before in find_edits() if before == found and not image.get(IS_REVERTED)]
        found = after[0] if after else found
    return found


def replace(
    before: bpy.types.Image, prepared: PreparedResult, changes: Transaction, tiles: Sequence[int] = ()
) -> Applied:
    """Put the first image of a result in the place of another image; the others are kept beside it.

    :param tiles: numbers of the UDIM tiles whose places the first ones take; none where the image has none.
    :raises SceneError: the tiles can't be read.
    """
    image_file, facts = prepared.images[0], prepared.facts
    if tiles:
        made = dict(zip(tiles, prepared.images, strict=False))
        image = changes.made(make_with_tiles(before, made, facts))
    else:
        image = changes.made(add_image(image_file, facts, is_data=before.colorspace_settings.is_data))
    if before.alpha_mode in KEPT_ALPHA:
        image.alpha_mode = before.alpha_mode
    image.name = f"{before.name} before"
    changes.set(image, "use_fake_user", before.use_fake_user)
    changes.set(before, "use_fake_user", False)
    changes.on_failure(lambda: exchange(image, before))
    exchange(before, image)
    image[BEFORE] = before
    kept = keep_images(prepared.images[max(1, len(tiles)) :], facts, changes)
    return Applied((image.name, *kept), messages=tuple(stale_maps(image)))


def replace_alike(
    before: bpy.types.Image, prepared: PreparedResult, changes: Transaction, tiles: Sequence[int] = ()
) -> bpy.types.Image:
    """As `replace`, of an image that was painted on: it is read as before."""
    alpha, space = before.alpha_mode, before.colorspace_settings.name
    image = bpy.data.images[replace(before, prepared, changes, tiles).images[0]]
    image.colorspace_settings.name = space
    image.alpha_mode = alpha
    return image


def find_edit(job: str) -> bpy.types.Image | None:
    """An image of a job that took the place of another one."""
    return next(iter(_list_edits_of(job, list(find_edits()))), None)


def _list_edits_of(job: str, edits: Sequence[Edit]) -> list[bpy.types.Image]:
    """All of them: a job may have painted the images of several objects."""
    return [image for image, _ in edits if image.get(JOB) == job]


def can_revert(job: str) -> bool:
    """Whether the images of a job and those before can change places: no other has taken theirs since.

    Looks once at each image of the file.
    """
    edits = list(find_edits())
    own = _list_edits_of(job, edits)
    return bool(own) and all(_is_newest(edit, edits) for edit in own)


def _is_newest(edit: bpy.types.Image, edits: Sequence[Edit]) -> bool:
    shown = edit[BEFORE] if edit.get(IS_REVERTED) else edit
    return all(before != shown or image.get(IS_REVERTED) for image, before in edits if image != edit)


def revert(job: str) -> tuple[bpy.types.Image, list[str]]:
    """Let the images of a job and those before change places, each with the one before it.

    :returns: the first image that is in place now, and what to tell.
    :raises InvalidRequestError: it took no image's place in this file.
    :raises SceneError: another image has taken their place since.
    """
    own = _list_edits_of(job, list(find_edits()))
    if not own:
        raise InvalidRequestError("There is no image before this one in the file.", param="job")
    changed = exchange_edits(own)
    return changed[0], [told for image in changed for told in stale_maps(image)]


def exchange_edits(own: Sequence[bpy.types.Image]) -> list[bpy.types.Image]:
    """Let images that took the places of others, and those before, change places.

    :returns: the images that are in place now.
    :raises SceneError: another image has taken their place since.
    """
    edits = list(find_edits())
    for edit in own:
        if not _is_newest(edit, edits):
            raise SceneError(
                message("'{image}' was changed again since.", image=edit.name),
                next_step="Go back from the newer change first.",
            )
    is_reverted = bool(own[0].get(IS_REVERTED))
    return [_change_places(edit) for edit in own if bool(edit.get(IS_REVERTED)) == is_reverted]


def _change_places(edit: bpy.types.Image) -> bpy.types.Image:
    """:returns: the image that is in place now."""
    before, is_reverted = edit[BEFORE], bool(edit.get(IS_REVERTED))
    old, new = (before, edit) if is_reverted else (edit, before)
    new.use_fake_user, old.use_fake_user = old.use_fake_user, False
    exchange(old, new)
    if is_reverted:
        del edit[IS_REVERTED]
    else:
        edit[IS_REVERTED] = True
        edit.use_fake_user = True  # nothing else would keep it
    return new


def find_edits() -> Iterator[Edit]:
    """All that took the place of others; a .blend of others may hold anything there."""
    for image in bpy.data.images:
        before = image.get(BEFORE)
        if before is not None and isinstance(before, bpy.types.Image):
            yield image, before


def list_reverted(shown: bpy.types.Image, jobs: Collection[str]) -> list[bpy.types.Image]:
    """The images of jobs that took the place of an image that is back in it."""
    return [
        image
        for image, before in find_edits()
        if before == shown and image.get(IS_REVERTED) and image.get(JOB) in jobs
    ]


def exchange(old: bpy.types.Image, new: bpy.types.Image) -> None:
    """Let everything that uses an image use another one, under the same name."""
    links = list(find_edits())
    old.user_remap(new)
    for image, before in links:
        image[BEFORE] = before
    name, other = old.name, new.name
    old.name = FREE_NAME
    new.name, old.name = name, other


def stale_maps(image: bpy.types.Image) -> list[str]:
    """A sentence for each material of ours whose other maps were made of what the image was before."""
    told: list[str] = []
    for material in bpy.data.materials:
        shown = list(image_nodes(material.node_tree)) if material.node_tree else []
        is_base = any(node.image == image and node.get(KIND) == "base_color" for node in shown)
        if is_base and any(node.get(KIND) not in (None, "base_color") for node in shown):
            told.append(message("The other maps of '{material}' stay as they were.", material=material.name))
    return told
