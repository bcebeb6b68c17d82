"""The light of a panorama as a file of its result. Runs in any thread or process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ..common.files import replace_file
from ..errors import InvalidRequestError
from ..imaging.pixels import eight_bit_color, read_pixels
from ..raster.exr_writer import encode_exr
from ..request.request import Application
from ..results.store import ENVIRONMENT, ImageFile
from ..text.message import message
from .world import Options, make_world


@dataclass(frozen=True)
class Lighting:
    """What lights a scene."""

    file: ImageFile
    """A 32-bit OpenEXR file."""
    report: dict[str, Any]
    """See `World.report`."""
    notes: tuple[str, ...]


def write_lighting(
    image: ImageFile,
    prompt: str,
    application: Application,
    folder: Path,
    answers: Mapping[str, bytes] = MappingProxyType({}),
) -> Lighting:
    """Write what a panorama lights with.

    :param prompt: whose words say what sky it is.
    :param folder: gets the file.
    :param answers: the views of the poles as a model repainted them, encoded.
    :raises InvalidRequestError: the image can't be read.
    :raises StorageError: the file can't be written.
    """
    pixels = eight_bit_color(read_pixels(image.data, image.name))
    options = Options(application.sun, application.sky, application.sun_azimuth, application.sun_elevation)
    repainted, problems = {}, []
    for pole, answer in answers.items():
        try:
            repainted[pole] = eight_bit_color(read_pixels(answer, "of a pole"))
        except InvalidRequestError as error:
            problems.append(message("A repainted pole is not used: {problem}", problem=error.message))
    made = make_world(pixels, prompt, options, repainted)
    data = encode_exr(made.radiance, bits=32)
    file = folder / f"{image.name}_{ENVIRONMENT}.exr"
    replace_file(file, data)
    height, width = made.radiance.shape[:2]
    lighting = ImageFile(image.name, data, str(file), "exr", width, height)
    return Lighting(lighting, made.report, (*problems, *made.notes))
