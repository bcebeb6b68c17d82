"""Parts of an image changed in place: masks that belong to an image, and results that take its place."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import bpy

from ..core.common.files import read_file
from ..core.common.paths import split_version
from ..core.errors import GptImageError, SceneError
from ..core.jobs.job import Job
from ..core.results.store import ImageFile
from . import session, settings
from .apply_queue import check_file, push_undo
from .results import JOB, NUMBER, entry, received_number, shown_file, shown_number

if TYPE_CHECKING:
    from ..scene.targets.base import Applied

MASK_NAME = "GPT Image Mask"


def begin_mask(over: bpy.types.Image) -> bpy.types.Image:
    """A black mask of an image's size, to be painted white where that may change; see `masked_image`.

    :raises SceneError: nothing can take the image's place later.
    """
    from ..scene.targets.replacement import why_not_replaceable

    problem = why_not_replaceable(over)
    if problem:
        raise SceneError(problem)
    return bpy.data.images.new(MASK_NAME, *over.size, alpha=False)


def attach_mask(mask: bpy.types.Image, over: bpy.types.Image) -> None:
    """Let a mask belong to an image from now on, which the result replaces."""
    from ..scene.images import MASK_OF

    mask[MASK_OF] = over


def detach_mask(mask: bpy.types.Image) -> None:
    """Let a mask be an image like any other."""
    from ..scene.images import MASK_OF

    mask.pop(MASK_OF, None)


def masked_image(mask: bpy.types.Image | None) -> bpy.types.Image | None:
    """The image that a mask belongs to; None for images that are no such masks. Quick enough for drawing."""
    from ..scene.images import MASK_OF

    found = mask.get(MASK_OF) if mask is not None else None
    return found if isinstance(found, bpy.types.Image) else None


def masks() -> list[bpy.types.Image]:
    """The masks of this file that belong to an image."""
    return [image for image in bpy.data.images if masked_image(image) is not None]


def is_untouched(mask: bpy.types.Image) -> bool:
    """Whether nothing was painted on a mask of ours yet. Quick enough for drawing: no pixel is read."""
    return mask.source == "GENERATED" and not mask.is_dirty


def is_black(mask: bpy.types.Image) -> bool:
    """Whether a mask lets nothing change; reads all its pixels.

    :raises GptImageError: it has none.
    """
    from ..core.imaging.decoding import narrowed
    from ..core.imaging.masks import HALF
    from ..core.pasting.boxes import Box
    from ..core.pasting.edited_files import cut
    from ..core.pasting.image_source import inspect_source
    from ..scene.image_bytes import image_file

    source = inspect_source(image_file(mask), mask.name, turns=False)
    (pixels,) = cut(source, [Box(0, 0, *source.size)])
    return bool(narrowed(pixels[..., : 1 if pixels.shape[2] < 3 else 3]).max() < HALF)


def inpaint_of(job: str) -> ReplaceImage | None:
    """What puts the result of a job of this session in an image's place; None where it goes elsewhere."""
    found = next((one.apply for one in session.jobs() if isinstance(one, Job) and one.id == job), None)
    return found if isinstance(found, ReplaceImage) else None


def in_place(image: bpy.types.Image, tile: int = 0) -> ReplaceImage:
    """What puts a result in the place of an image, or of a tile of it, where no mask is painted over it.

    :param tile: number of a UDIM tile; without it the one that was made last, where the image has tiles.
    :raises SceneError: nothing can take the tile's place.
    """
    from ..scene.udim import made_tile, why_not_replaceable_tile

    tile = tile or made_tile(image)
    problem = why_not_replaceable_tile(image, tile) if tile else ""
    if problem:
        raise SceneError(problem)
    return ReplaceImage(image.session_uid, _nothing, _nothing, tile)


def _nothing() -> None:
    """There is no mask that ends here."""


@dataclasses.dataclass(frozen=True)
class ReplaceImage:
    """Puts the result of a job in the place of an image, everywhere in the file; see `Job.apply`."""

    uid: int
    """`session_uid` of the image."""
    done: Callable[[], object]
    """Called when it is there."""
    clean_up: Callable[[], object]
    """Called when that has its step in the undo history."""
    tile: int = 0
    """Number of the UDIM tile whose place it takes; 0 where the image has none."""

    def __call__(self, job: Job) -> Applied:
        """
        :raises Deferred: it can't be done right now.
        :raises SceneError: the file is closed; the result is kept.
        """
        from ..scene.targets.base import Deferred
        from ..scene.targets.receiver import why_deferred
        from ..scene.targets.registry import apply
        from ..scene.targets.replacement import find_image, replace
        from ..scene.transaction import Transaction

        assert job.prepared is not None
        check_file(job.application)
        reason = why_deferred(job.application)
        if reason:
            raise Deferred(reason)
        before = find_image(self.uid)
        if before is None:
            applied = apply(job.prepared, job.application)
            told = "The image that was to be changed is gone: the result is an image of its own."
            return dataclasses.replace(applied, messages=(*applied.messages, told))
        with Transaction() as changes:
            applied = replace(before, job.prepared, changes, (self.tile,) if self.tile else ())
        self.done()
        job.watch(self._clean_up_after)
        return applied

    def _clean_up_after(self, job: Job) -> None:
        if job.done:
            self.clean_up()


def image_of(job: str) -> bpy.types.Image:
    """The image of this file that shows a job's result, the variation that was chosen; made where none does.

    :raises GptImageError: there is no such job, or its files are gone or can't be shown.
    """
    from ..scene.targets.base import Applied

    found = next((one for one in session.jobs() if isinstance(one, Job) and one.id == job), None)
    names = found.applied.images if found is not None and isinstance(found.applied, Applied) else ()
    is_painted = found is not None and found.prepared is not None and bool(found.prepared.answers)
    number = 0 if is_painted else shown_number(job)
    name = names[number] if number < len(names) else ""
    image = bpy.data.images.get(name)
    if image is not None and image.get(JOB) == job:
        return image
    return find_image_of(job, received_number(job) + 1) or _load_image(job)


def result_of(image: bpy.types.Image | None) -> str:
    """The result that an image of this file is, as `Application.edit_of` names it; empty where it is none.

    A .blend of others may say anything there.
    """
    if image is None or JOB not in image:
        return ""
    number = image.get(NUMBER)
    name = f"{image[JOB]}/{number}" if isinstance(number, int) else str(image[JOB])
    return name if split_version(name) is not None else ""


def find_image_of(job: str, number: int) -> bpy.types.Image | None:
    """The image of this file that shows one of a job's results; None where there is none.

    :param number: from 1. Images of before that do not say theirs are taken for any; maps are none.
    """
    ours = [image for image in bpy.data.images if image.get(JOB) == job]
    ours.sort(key=lambda image: not image.users)  # what others took the place of comes last
    numbered = [image for image in ours if image.get(NUMBER) == number]
    others = [image for image in ours if NUMBER not in image and not image.colorspace_settings.is_data]
    return next(iter((*numbered, *others)), None)


def _load_image(job: str) -> bpy.types.Image:
    from ..core.imaging.formats import verify
    from ..core.versions.edited_image import newest_file
    from ..scene.images import make_image

    file = str(newest_file(Path(shown_file(job))))
    data = read_file(Path(file))
    info = verify(data)
    name = entry(job).request.prompt
    image_file = ImageFile(name, data, file, info.format, info.width, info.height, info.has_alpha)
    image = make_image(image_file, {"job": job})
    image.use_fake_user = True
    return image


def can_revert(job: str) -> bool:
    """Whether a job's result took the place of another image and both can change places now.

    Quick enough for drawing.
    """
    from ..scene.targets import replacement

    return replacement.can_revert(job)


def is_reverted(job: str) -> bool:
    """Whether the image before a job's edit is in place again. Quick enough for drawing."""
    from ..scene.targets import replacement

    edit = replacement.find_edit(job)
    return edit is not None and bool(edit.get(replacement.IS_REVERTED))


def has_before(job: str) -> bool:
    """Whether a job's result took the place of another image in this file."""
    from ..scene.targets import replacement

    return replacement.find_edit(job) is not None


def before(job: str) -> str:
    """The file of the image that `revert` would bring back, for a thumbnail; empty where there is none.

    It lies in the folder of the job's result.
    """
    from ..core.journal.history import original_of
    from ..scene.targets import replacement

    if replacement.find_edit(job) is None:
        return ""
    try:
        if is_reverted(job):
            return shown_file(job)
        original = original_of(session.journal(settings.load(with_key=False)), entry(job))
    except GptImageError:  # deleted: it goes without a thumbnail
        return ""
    return str(original) if original is not None else ""


def revert(job: str) -> tuple[str, ...]:
    """Let the result of an inpaint and the image before it change places, as one step of undo.

    :returns: what the user should know.
    :raises InvalidRequestError: the result took no image's place in this file.
    :raises SceneError: the place was taken by another image since.
    """
    from ..scene.targets import replacement

    image, told = replacement.revert(job)
    push_undo(image.name)
    return tuple(told)
