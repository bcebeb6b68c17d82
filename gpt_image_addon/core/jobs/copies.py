"""Copies of a result's images and maps in the folder that the user named. A failed one is only a warning."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ..common.files import read_file, storage_errors
from ..common.threads import FairLock
from ..errors import GptImageError
from ..processes.subprocess_worker import SUBPROCESS
from ..request.request import Application
from ..results.output_files import Outputs, renamed_warning
from ..results.store import ImageFile, PreparedResult
from ..text.message import message

TABLE = ".json"
"""Ending of what describes the frames of a sheet, beside it."""
EXTENSIONS = {"jpeg": "jpg", "tiff": "tif"}


def copy_textures(prepared: PreparedResult, application: Application, outputs: Outputs) -> tuple[str, ...]:
    """Write the copies that an application asks for; returns what the user should know."""
    if not application.textures_dir:
        return ()
    folder = Path(application.textures_dir)
    warnings: list[str] = []
    for name, image in _name_copies(prepared):
        try:
            data = _encode_copy(image, name, prepared, application)
            warnings += renamed_warning(outputs.copy(folder / name, data, prepared.job), folder / name)
        except GptImageError as error:
            warnings.append(
                message(
                    "There is no copy {name}: {problem} The image is {file}.",
                    name=name,
                    problem=error.message,
                    file=image.file,
                )
            )
    return tuple(warnings)


def _name_copies(prepared: PreparedResult) -> Iterator[tuple[str, ImageFile]]:
    """What is copied, under which name; the animation besides its first frame."""
    for image in (*prepared.files, *prepared.packed.values()):
        yield f"{image.name}.{EXTENSIONS.get(image.format, image.format)}", image
        if image.source.endswith(".gif") and image in prepared.images:
            yield f"{image.name}.gif", image
        if Path(image.file).with_suffix(TABLE).is_file():
            yield f"{image.name}{TABLE}", image


def _encode_copy(image: ImageFile, name: str, prepared: PreparedResult, application: Application) -> bytes:
    if name.endswith(TABLE):
        with storage_errors(message("{path} could not be read", path=image.file)):
            return read_file(Path(image.file).with_suffix(TABLE))
    if name.endswith(".gif"):
        with storage_errors(message("{path} could not be read", path=image.received_file)):
            return read_file(Path(image.received_file))
    normals = [maps.get("normal") for maps in (prepared.maps, *prepared.further_maps)]
    if application.convention != "DIRECTX" or not any(image is normal for normal in normals):
        return image.data
    return SUBPROCESS.call(directx, image.data) if FairLock.enabled else directx(image.data)


def directx(normal: bytes) -> bytes:
    """A normal map in DirectX's convention, from one in OpenGL's; both encoded."""
    from ..imaging.pixels import read_pixels
    from ..imaging.png_writer import encode_png

    pixels = read_pixels(normal, "of the normals").copy()
    pixels[..., 1] = ~pixels[..., 1]  # of an unsigned integer: the greatest value minus it
    return encode_png(pixels)
