"""Images that are painted, as files: what was not painted stays bit for bit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InvalidRequestError
from ..imaging.color_spaces import srgb_from_linear
from ..imaging.decoding import Pixels
from ..imaging.pixels import eight_bit_color, fit_color
from ..imaging.png_writer import encode_png
from ..pasting.boxes import Box
from ..pasting.edited_files import cut, encode_like
from ..pasting.image_source import ImageSource, Source, inspect_source
from ..text.message import message


@dataclass(frozen=True)
class CanvasFile:
    """An image that is painted."""

    label: str
    size: tuple[int, int]
    """Width and height in pixels."""
    source: Source | None
    """Its encoded file; None of a new one."""
    fill: tuple[float, float, float]
    """Linear color of a new one."""
    facts: Mapping[str, Any]
    """What the scene needs to find it again."""
    flat: NDArray[np.uint8] | None = None
    """(height, width, 3): what a new one begins with in place of its color."""
    is_scaled: bool = False
    """A file of another size is brought to the size."""


@dataclass(frozen=True)
class OpenCanvas:
    """The pixels of an image that is painted."""

    file: CanvasFile
    opened: ImageSource | None
    stored: Pixels | None
    """(height, width, 1 to 4) uint8 or uint16, as they are stored; None of a new one."""
    colors: NDArray[np.uint8]
    """(height, width, 3 or 4), the same as they are painted on."""

    def encode(self, painted: NDArray[np.uint8]) -> bytes:
        """A PNG of the image as it is now.

        :param painted: as `colors`; its alpha does not count.
        """
        if self.opened is None or self.stored is None:
            return encode_png(painted)
        return encode_like(self.opened, lay_over(self.stored, self.colors, painted))


def open_canvas(file: CanvasFile) -> OpenCanvas:
    """:raises InvalidRequestError: its file can't be read, or has another size by now."""
    if file.flat is not None:
        return OpenCanvas(file, None, None, file.flat)
    if file.source is None:
        width, height = file.size
        color = np.rint(srgb_from_linear(np.array(file.fill, np.float32)) * 255).astype(np.uint8)
        return OpenCanvas(file, None, None, np.broadcast_to(color, (height, width, 3)).copy())
    opened = inspect_source(file.source, file.label, turns=False)
    if opened.size != file.size and file.is_scaled:
        (stored,) = cut(opened, [Box(0, 0, *opened.size)])
        return OpenCanvas(file, None, None, fit_color(eight_bit_color(stored), file.size))
    if opened.size != file.size:
        raise InvalidRequestError(
            message("The image '{image}' has another size than its file.", image=file.label),
            next_step="Reload it first.",
        )
    (stored,) = cut(opened, [Box(0, 0, *opened.size)])
    return OpenCanvas(file, opened, stored, eight_bit_color(stored))


def lay_over(stored: Pixels, colors: NDArray[np.uint8], painted: NDArray[np.uint8]) -> Pixels:
    """Stored pixels with what was painted on them; what was not stays bit for bit, its alpha anyway.

    :param stored: (height, width, 1 to 4) uint8 or uint16.
    :param colors: (height, width, 3 or 4), the same as it was painted on.
    :param painted: likewise, afterwards.
    :returns: as ``stored``; of gray pixels in color.
    """
    changed = (painted[..., :3] != colors[..., :3]).any(axis=-1)
    channels = stored.shape[2]
    if channels < 3:  # gray, perhaps with alpha
        stored = np.concatenate([np.repeat(stored[..., :1], 3, axis=2), stored[..., 1:]], axis=2)
    out: Pixels = stored.copy()
    values = painted[..., :3][changed]
    out[changed, :3] = values.astype(np.uint16) * 257 if stored.dtype == np.uint16 else values
    return out
