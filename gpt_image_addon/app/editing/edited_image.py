"""The image that an edit begins with, and the file that it ends in."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import bpy

from ...core.errors import GptImageError, InvalidRequestError
from ...core.imaging.image_reader import hash_image_file, open_own_file
from ...core.text.message import Message
from .. import blend_paths, session
from ..material_maps import ImageSource, names_image, read_source

if TYPE_CHECKING:
    from ...core.imaging.decoding import Pixels
    from ...core.pasting.image_source import ImageSource as InspectedImage
    from ...core.results.output_files import Outputs

SUFFIX = ".png"
SMALLER = Message("use a smaller image.")


@dataclass(frozen=True)
class EditedImage:
    """An image of which a new one is made."""

    size: tuple[int, int]
    """Width and height in pixels."""
    outputs: Outputs
    target: Path | None
    """The file to write; None where only the price is asked for."""
    inspected: InspectedImage | None
    """None where only the size is known."""

    @property
    def title(self) -> str:
        """What to call it."""
        return Path(self.inspected.label).stem if self.inspected is not None else ""

    def check_target(self, size: tuple[int, int], *, adds_alpha: bool = False) -> tuple[Message, ...]:
        """Whether the new image can be written.

        :param size: of it.
        :param adds_alpha: it has transparency, whether or not this image has.
        :returns: what the user should know.
        :raises InvalidRequestError: it can't.
        """
        from ...core.pasting.boxes import Box
        from ...core.pasting.edited_files import cut
        from ...core.pasting.whole_files import check_format

        assert self.target is not None and self.inspected is not None
        channels, bits, suffix = 4, 8, self.target.suffix
        if suffix.lower() != SUFFIX:
            (pixel,) = cut(self.inspected, [Box(0, 0, 1, 1)])
            channels, bits = pixel.shape[2], 8 * pixel.dtype.itemsize
        told = check_format(suffix, self.target.name, size, 4 if adds_alpha else channels, bits)
        self.outputs.check(self.target, self._owner, param="output")
        return told

    def check_memory(self, size: tuple[int, int], pixel_bytes: int, advice: Message = SMALLER) -> None:
        """
        :param size: of the new image.
        :param pixel_bytes: that are in memory at once for a pixel of it.
        :raises InvalidRequestError: so much is not free.
        """
        from ...core.pasting.memory import check_memory

        check_memory(size, pixel_bytes, advice)

    def read_pixels(self) -> Pixels:
        """All of it; (height, width, channels)."""
        from ...core.pasting.boxes import Box
        from ...core.pasting.edited_files import cut

        assert self.inspected is not None
        (pixels,) = cut(self.inspected, [Box(0, 0, *self.size)])
        return pixels

    def write(self, pixels: Pixels) -> None:
        """Write the new image.

        :raises StorageError: it can't be written.
        """
        from ...core.pasting.edited_files import encode_like

        assert self.target is not None and self.inspected is not None
        data = encode_like(self.inspected, pixels, self.target.suffix)
        self.outputs.write(self.target, data, self._owner)

    @property
    def _owner(self) -> str:
        """What names the image where files are made from it: its path, or of a data-block what it shows."""
        assert self.inspected is not None
        source, label = self.inspected.source, self.inspected.label
        if Path(label).is_file():
            return label
        return hash_image_file(source) if isinstance(source, Path) else hashlib.sha256(source).hexdigest()


def open_image(
    picture: ImageSource | tuple[int, int], output: str | Path | None, *, overwrite: bool
) -> EditedImage:
    """What an edit begins with.

    :param picture: an image, or its width and height, with which none is read.
    :param output: the file to write; None where only the price is asked for.
    :param overwrite: replace a file that is not ours.
    :raises InvalidRequestError: the image or the path can't be used.
    """
    outputs = session.outputs(overwrite=overwrite)
    target = blend_paths.resolve(output, "output") if output is not None else None
    if isinstance(picture, tuple):
        return EditedImage(picture, outputs, target, None)
    inspected = _inspect(picture)
    return EditedImage(inspected.size, outputs, target, inspected)


def _inspect(picture: ImageSource) -> InspectedImage:
    from ...core.pasting.image_source import inspect_source

    if isinstance(picture, bpy.types.Image):
        return _inspect_block(picture)
    if names_image(str(picture)):
        return _inspect_block(bpy.data.images[str(picture)])
    path = blend_paths.resolve(picture, "picture")
    return inspect_source(open_own_file(path, "picture"), str(path))


def _inspect_block(image: bpy.types.Image) -> InspectedImage:
    """A data-block as Blender shows it; one with more pixels than others may have by its file alone."""
    from ...core.imaging.pillow_settings import MAX_PIXELS
    from ...core.pasting.image_source import inspect_source
    from ...scene.image_bytes import image_file

    if image.size[0] * image.size[1] <= MAX_PIXELS:
        return inspect_source(read_source(image).data, image.name)
    try:
        return inspect_source(image_file(image), image.name, turns=False)
    except GptImageError as error:
        raise InvalidRequestError(
            error.message, code="bad_picture", param="picture", next_step=error.next_step
        ) from error
