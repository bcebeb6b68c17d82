"""What is kept of a masked edit in its result's folder, and the image made of it: at once, or again later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..common.files import read_file, replace_file
from ..common.paths import find_below
from ..errors import EditMismatchError, InvalidRequestError
from ..imaging import png_writer
from ..imaging.decoding import UnusableImageError
from ..imaging.formats import decode, encode_png
from ..imaging.image_reader import hash_image_file
from ..imaging.masks import HALF
from ..pasting.boxes import Box, Size
from ..pasting.edited_files import cut, paste
from ..pasting.image_source import ImageSource, inspect_source
from ..pasting.patches import Patch, read_patches, write_patches
from ..results.folders import COPY_STEM, EDIT_KEY, REGION_FILE
from ..text.message import message
from .crops import Crop
from .mask_regions import Flags
from .region_edit import SentCrop, crop_facts, fit_answer, make_edit_patch, read_crop

SENT_FILE = "original.png"
"""What was sent of the image."""
MOST_COPIED = 64 * 2**20  # bytes
ALPHA_MODES = ("RGBA", "LA", "PA")
FORMATS = {".png": "png", ".webp": "webp", ".tif": "tiff", ".bmp": "bmp", ".tga": "tga"}
"""As `ImageFile.format`, by the endings of edited files."""
PARTLY = "Not all parts that were edited match the image; those that don't stay as they were."


def describe_edit(image: Path, crop: Crop, cut: SentCrop) -> tuple[dict[str, bytes], dict[str, Any]]:
    """The files to keep, by name, and the facts.

    :param image: the file that the crop is a part of.
    :raises InvalidRequestError: it can't be read.
    """
    files = {REGION_FILE: encode_png(np.where(cut.mask, np.uint8(255), np.uint8(0)))}
    facts = crop_facts(crop)
    if image.stat().st_size <= MOST_COPIED:
        files[COPY_STEM + image.suffix.lower()] = read_file(image)
    else:
        facts["sha256"] = hash_image_file(image)
    return files, facts


class KeptCrop:
    """A crop as its folder keeps it."""

    def __init__(self, folder: Path, facts: Mapping[str, Any], crop: Crop) -> None:
        self.folder, self.facts, self.crop = folder, facts, crop

    def sent(self) -> NDArray[np.uint8]:
        """What was sent.

        :raises OSError: it is gone.
        :raises UnusableImageError: it is broken.
        """
        return decode(read_file(self.folder / SENT_FILE))

    def mask(self) -> Flags:
        """(height, width) of the crop's box; raises as `sent`."""
        pixels = decode(read_file(self.folder / REGION_FILE), as_data=True)
        if pixels.shape[:2] != (self.crop.box.height, self.crop.box.width):
            raise UnusableImageError(message("has another size than its edit"))
        return np.asarray(pixels[..., 0] >= HALF)

    def image(self, edited: Path) -> ImageSource:
        """The image that the answer becomes a part of: a copy, or the user's file where it is as it was.

        :param edited: that file, by the request; what ``answer.json`` says may be a stranger's.
        :raises InvalidRequestError: there is none.
        """
        copy = next((path for path in sorted(self.folder.glob(f"{COPY_STEM}.*"))), None)
        kept = find_below(self.folder, copy.name) if copy is not None else None
        path = kept or edited
        if kept is None and not _is_unchanged(path, self.facts.get("sha256")):
            raise InvalidRequestError(
                message("The image {path} that was edited is gone, or was changed since.", path=path),
                code="missing_original",
                param="references",
                next_step="Bring it back and apply the result again; nothing is sent for that.",
            )
        source = inspect_source(path, path.name)
        if source.size != self.crop.image:
            raise InvalidRequestError(
                message("The image {path} has another size than the one that was edited.", path=path),
                code="missing_original",
                param="references",
            )
        return source


def read_edit(folder: Path, answer: Mapping[str, Any]) -> KeptCrop | None:
    """The crop that the answer of a folder is for; None for an answer to no such edit.

    :param answer: what ``answer.json`` says.
    """
    facts = answer.get(EDIT_KEY)
    crop = read_crop(facts)
    return KeptCrop(folder, facts, crop) if crop is not None and isinstance(facts, Mapping) else None


@dataclass(frozen=True)
class EditedFile:
    """The whole image with an answer in it."""

    file: Path
    format: str
    """As `ImageFile.format`."""
    size: Size
    has_alpha: bool
    notes: tuple[str, ...]


def apply_edit(
    parts: Sequence[tuple[KeptCrop, bytes]],
    edited: Path,
    target: Path,
    patches: Path,
    *,
    transparent: bool = False,
    accept: bool = False,
) -> EditedFile:
    """Put the answers to the crops of an image into it: bit for bit the same outside of what might change.

    :param parts: each crop, with the encoded answer to it.
    :param edited: see `KeptCrop.image`.
    :param target: the file to write, without its ending, which is that of the image.
    :param patches: beginning of the names of the files that keep the changed parts by themselves.
    :param transparent: transparency was asked for.
    :param accept: take answers that do not match, too.
    :raises EditMismatchError: no answer matches.
    :raises InvalidRequestError: the image, or what is kept of it, is gone.
    :raises StorageError: it can't be written.
    """
    first = parts[0][0]
    source = first.image(edited)
    made = None if accept else _kept_patches(patches, source.size)  # which may be only some of them
    notes: list[str] = []
    if made is None:
        made, notes = _fit(parts, source, transparent=transparent, accept=accept)
        write_patches(patches.parent, made, source.size, prefix=patches.name)
    target.parent.mkdir(exist_ok=True)
    file = _turn_upright(source, paste(source, made, target))
    return EditedFile(file, FORMATS[file.suffix], source.size, source.mode in ALPHA_MODES, tuple(notes))


def _kept_patches(patches: Path, size: Size) -> Sequence[Patch] | None:
    """What an earlier look made of the same answers; None where there is nothing that can be used."""
    try:
        found, made_for = read_patches(patches.parent, patches.name)
    except InvalidRequestError:
        return None
    return found if made_for == size else None


def _fit(
    parts: Sequence[tuple[KeptCrop, bytes]], source: ImageSource, *, transparent: bool, accept: bool
) -> tuple[list[Patch], list[str]]:
    """The changed parts of an image, and what the user should know; parameters and errors of `apply_edit`."""
    first = parts[0][0]
    try:
        fitted = [
            (part, fit_answer(part.sent(), decode(data), part.mask(), part.crop, transparent=transparent))
            for part, data in parts
        ]
    except (OSError, UnusableImageError) as error:
        raise InvalidRequestError(
            message("What was kept of the edit in {folder} can't be read.", folder=first.folder),
            code="missing_original",
        ) from error
    matching = [(part, edit) for part, edit in fitted if edit.registration.accepted or accept]
    if not matching:
        raise _mismatch(first.folder, fitted[0][1].registration.reason)
    notes = [edit.registration.reason for _, edit in matching if edit.registration.plain]
    if len(matching) < len(fitted):
        notes.append(PARTLY)
    deep = _is_deep(source)
    made = [make_edit_patch(edit, part.crop, deep=deep) for part, edit in matching]
    return made, list(dict.fromkeys(notes))


def _mismatch(folder: Path, reason: str) -> EditMismatchError:
    return EditMismatchError(
        message(
            "The answer does not match the image that was to be edited, which stays as it is: {reason} "
            "What was received lies in {folder}.",
            reason=reason,
            folder=folder,
        ),
        billed="yes",
        next_step=message(
            "`recover {job} --accept` (accept=True in Python) uses it all the same, and costs nothing.",
            job=folder.name,
        ),
    )


def _is_deep(source: ImageSource) -> bool:
    """Whether it has 16 bits a channel; Pillow's mode does not say so of every file."""
    return cut(source, [Box(0, 0, 1, 1)])[0].dtype != np.uint8


def _turn_upright(source: ImageSource, file: Path) -> Path:
    """Blender shows pixels as they are stored, whatever the file says of its orientation."""
    if source.orientation == 1:
        return file
    (pixels,) = cut(inspect_source(file, file.name), [Box(0, 0, *source.size)])
    upright = file.with_suffix(".png")
    replace_file(upright, png_writer.encode_png(pixels))
    return upright


def _is_unchanged(path: Path, digest: object) -> bool:
    try:
        return hash_image_file(path) == digest
    except InvalidRequestError:
        return False
