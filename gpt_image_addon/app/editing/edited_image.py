"""The image that an edit begins with, and the file that it ends in."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ...core.errors import InvalidRequestError
from ...core.text.message import message
from .. import blend_paths, session
from ..material_maps import ImageSource, Source, read_source

if TYPE_CHECKING:
    from ...core.imaging.decoding import Pixels
    from ...core.pasting.image_source import ImageSource as InspectedImage
    from ...core.results.output_files import Outputs

SUFFIX = ".png"


@dataclass(frozen=True)
class EditedImage:
    """An image of which a new one is made."""

    size: tuple[int, int]
    """Width and height in pixels."""
    outputs: Outputs
    target: Path | None
    """The file to write; None where only the price is asked for."""
    source: Source | None
    """None where only the size is known; so is what was seen of it."""
    inspected: InspectedImage | None

    @property
    def title(self) -> str:
        """What to call it."""
        return Path(self.source.label).stem if self.source is not None else ""

    def check_target(self) -> None:
        """:raises InvalidRequestError: the new image can't be written there."""
        assert self.target is not None and self.source is not None
        if self.target.suffix.lower() != SUFFIX:
            raise InvalidRequestError(
                message("The new image is written as PNG, not as {name}.", name=self.target.name),
                code="invalid_value",
                param="output",
            )
        self.outputs.check(self.target, self.source.owner, param="output")

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

        assert self.target is not None and self.inspected is not None and self.source is not None
        self.outputs.write(self.target, encode_like(self.inspected, pixels), self.source.owner)


def open_image(
    picture: ImageSource | tuple[int, int], output: str | Path | None, *, overwrite: bool
) -> EditedImage:
    """What an edit begins with.

    :param picture: an image, or its width and height, with which none is read.
    :param output: the file to write; None where only the price is asked for.
    :param overwrite: replace a file that is not ours.
    :raises InvalidRequestError: the image or the path can't be used.
    """
    from ...core.pasting.image_source import inspect_source

    outputs = session.outputs(overwrite=overwrite)
    target = blend_paths.resolve(output, "output") if output is not None else None
    if isinstance(picture, tuple):
        return EditedImage(picture, outputs, target, None, None)
    source = read_source(picture)
    inspected = inspect_source(source.data, source.label)
    return EditedImage(inspected.size, outputs, target, source, inspected)
