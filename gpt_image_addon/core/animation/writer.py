"""The sheet of a sprite as files: an image, and the table of its frames beside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from ..common.files import replace_file
from ..imaging.png_writer import encode_png
from ..raster.alpha import bleed
from ..request.parameters import SEQUENCE
from ..request.request import Application
from ..results.store import ImageFile
from ..text.message import message
from .frames import Frames, read_frames
from .registration import register
from .sheet import make_sheet

SHEET_KIND = "sheet"
"""The sheet among the images that are made of a result."""
FIRST_FILE = "sheet_sequence"
"""What is known of a sheet whose frames are files, too: the path of the first."""
FRAMES_FOLDER = "frames"


def write_sheet(
    images: Sequence[ImageFile],
    name: str,
    application: Application,
    folder: Path,
    notes: list[str],
    frames_folder: Path | None = None,
    write_frame: Callable[[Path, bytes], object] = replace_file,
) -> ImageFile:
    """Put frames onto a sheet and write it with its table; where a sequence is asked for, each frame as well.

    :param images: one each, or a single animated one.
    :param notes: gets what the user should know.
    :param frames_folder: for the files of a sequence; one beside the sheet without it.
    :param write_frame: writes such a file.
    :raises InvalidRequestError: they can't be frames.
    :raises StorageError: the files can't be written.
    """
    frames = read_frames([(image.name, image.data) for image in images], round(1000 / application.sprite_fps))
    if application.align_frames and len(images) > 1:
        frames = replace(frames, pixels=tuple(register(frames.pixels)[0]))
    sheet = make_sheet(frames)
    notes += sheet.notes
    title, file = f"{name} {SHEET_KIND}", folder / f"{SHEET_KIND}.png"
    data = encode_png(sheet.pixels)
    replace_file(file, data)
    replace_file(file.with_suffix(".json"), sheet.to_json(title))
    height, width = sheet.pixels.shape[:2]
    has_alpha = bool(sheet.pixels[..., 3].min() < 255)
    facts = dict(sheet.facts)
    if application.sprite_as == SEQUENCE:
        frames_folder = frames_folder or folder / FRAMES_FOLDER
        facts[FIRST_FILE] = str(_write_frames(frames, frames_folder, write_frame))
        notes.append(
            message("An image sequence can't be packed: its files stay in {folder}.", folder=frames_folder)
        )
    return ImageFile(
        title,
        data,
        str(file),
        "png",
        width,
        height,
        has_alpha,
        source=images[0].received_file,
        facts=facts,
    )


def _write_frames(frames: Frames, folder: Path, write: Callable[[Path, bytes], object]) -> Path:
    """A file for each frame, numbered from 1; returns the first."""
    for number, frame in enumerate(frames.pixels, 1):
        write(folder / f"frame-{number:04}.png", encode_png(bleed(frame)))
    return folder / "frame-0001.png"
