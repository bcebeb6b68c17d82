"""The sheet of a sprite as files: an image, and the table of its frames beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ..common.files import replace_file
from ..imaging.png_writer import encode_png
from ..request.request import Application
from ..results.store import ImageFile
from .frames import read_frames
from .registration import register
from .sheet import make_sheet

SHEET = "sheet"
"""Its kind among the images that are made of a result."""


def write_sheet(
    images: Sequence[ImageFile], name: str, application: Application, folder: Path, notes: list[str]
) -> ImageFile:
    """Put frames onto a sheet and write it with its table.

    :param images: one each, or a single animated one.
    :param notes: gets what the user should know.
    :raises InvalidRequestError: they can't be frames.
    :raises StorageError: the files can't be written.
    """
    frames = read_frames([(image.name, image.data) for image in images], round(1000 / application.sprite_fps))
    if application.align_frames and len(images) > 1:
        frames = replace(frames, pixels=tuple(register(frames.pixels)[0]))
    sheet = make_sheet(frames)
    notes += sheet.notes
    title, file = f"{name} {SHEET}", folder / f"{SHEET}.png"
    data = encode_png(sheet.pixels)
    replace_file(file, data)
    replace_file(file.with_suffix(".json"), sheet.to_json(title))
    height, width = sheet.pixels.shape[:2]
    has_alpha = bool(sheet.pixels[..., 3].min() < 255)
    return ImageFile(
        title,
        data,
        str(file),
        "png",
        width,
        height,
        has_alpha,
        source=images[0].received_file,
        facts=sheet.facts,
    )
