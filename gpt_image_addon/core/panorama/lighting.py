"""The light of a panorama as a file of its result. Runs in any thread or process."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..common.files import replace_file
from ..imaging.pixels import eight_bit_color, read_pixels
from ..raster.exr_writer import encode_exr
from ..request.request import Application
from ..results.store import ENVIRONMENT, ImageFile
from .world import Options, make_world


@dataclass(frozen=True)
class Lighting:
    """What lights a scene."""

    file: ImageFile
    """A 32-bit OpenEXR file."""
    report: dict[str, Any]
    """See `World.report`."""
    notes: tuple[str, ...]


def write_lighting(image: ImageFile, prompt: str, application: Application, folder: Path) -> Lighting:
    """Write what a panorama lights with.

    :param prompt: whose words say what sky it is.
    :param folder: gets the file.
    :raises InvalidRequestError: the image can't be read.
    :raises StorageError: the file can't be written.
    """
    pixels = eight_bit_color(read_pixels(image.data, image.name))
    options = Options(application.sun, application.sky, application.sun_azimuth, application.sun_elevation)
    made = make_world(pixels, prompt, options)
    data = encode_exr(made.radiance, bits=32)
    file = folder / f"{image.name}_{ENVIRONMENT}.exr"
    replace_file(file, data)
    height, width = made.radiance.shape[:2]
    lighting = ImageFile(image.name, data, str(file), "exr", width, height)
    return Lighting(lighting, made.report, made.notes)
