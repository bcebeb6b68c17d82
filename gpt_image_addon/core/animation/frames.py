"""Frames from images, one each, or from an animated one; and how long each is shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..errors import InvalidRequestError
from ..imaging.decoding import UnusableImageError, check_pixels, decode_image, open_image, rgba
from ..imaging.pillow_settings import MAX_PIXELS
from ..text.message import Message, message

Pixels = NDArray[np.uint8]
"""(height, width, 4) sRGB, alpha not multiplied in."""

MOST_FRAMES = 256
USUAL_MS = 100
"""Of frames that say 0, as every viewer has them."""
GHOST_SHARE = 0.02
"""Of a frame's pixels: from there on, what only ever grows was not cleared away."""


@dataclass(frozen=True)
class Frames:
    """Images of one size, in their order."""

    pixels: tuple[Pixels, ...]
    durations_ms: tuple[int, ...]
    notes: tuple[str, ...] = ()

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        height, width = self.pixels[0].shape[:2]
        return width, height


def read_frames(files: Sequence[tuple[str, bytes]], frame_ms: int) -> Frames:
    """The frames of one animated file, or of several images.

    Images of another size than the largest are set into its middle.

    :param files: what to call each, and its bytes.
    :param frame_ms: how long each of several images is shown.
    :raises InvalidRequestError: one can't be read, or there are fewer than two frames, or too many.
    """
    if len(files) == 1:
        name, data = files[0]
        found = _read_animated(name, data)
    else:
        found = Frames(
            _centered([_read_still(name, data) for name, data in files[: MOST_FRAMES + 1]]),
            (frame_ms,) * len(files[: MOST_FRAMES + 1]),
        )
    if len(found.pixels) < 2:
        raise InvalidRequestError(
            "A sprite needs two frames or more.",
            code="too_few_frames",
            next_step="Give several images, or an animated one.",
        )
    if len(found.pixels) > MOST_FRAMES:
        raise InvalidRequestError(
            message("A sprite has {limit} frames at most.", limit=MOST_FRAMES), code="too_many_frames"
        )
    return found


def _read_still(name: str, data: bytes) -> Pixels:
    try:
        return rgba(decode_image(data).pixels)
    except UnusableImageError as error:
        raise _bad_image(name, error) from error


def _bad_image(name: str, error: UnusableImageError) -> InvalidRequestError:
    return InvalidRequestError(
        message("The image {name} {problem}.", name=name, problem=error.problem), code="bad_picture"
    )


def _read_animated(name: str, data: bytes) -> Frames:
    try:
        with open_image(data) as image:
            count = int(getattr(image, "n_frames", 1))
            check_pixels(image.width * image.height * min(count, MOST_FRAMES), Message("too many pixels"))
            pixels, durations = [], []
            for number in range(min(count, MOST_FRAMES + 1)):
                image.seek(number)
                pixels.append(np.asarray(image.convert("RGBA")))
                durations.append(_duration_of(image))
    except UnusableImageError as error:
        raise _bad_image(name, error) from error
    frames = Frames(tuple(pixels), tuple(durations))
    return replace(frames, notes=(GHOSTS,)) if _leaves_ghosts(frames.pixels) else frames


def _duration_of(image: Image.Image) -> int:
    try:
        return max(1, round(float(image.info.get("duration") or USUAL_MS)))
    except (TypeError, ValueError):
        return USUAL_MS


GHOSTS = Message(
    "Each frame keeps what those before it drew: the file does not clear its frames, so there may be ghosts."
)


def _leaves_ghosts(frames: Sequence[Pixels]) -> bool:
    """Whether what is opaque only grows, from frame to frame and by much, under a transparent ground."""
    if len(frames) < 3 or frames[0][..., 3].min() == 255:
        return False
    masks = [frame[..., 3] > 127 for frame in frames]
    grows = all(not (before & ~after).any() for before, after in pairwise(masks))
    return bool(grows and (masks[-1] & ~masks[0]).mean() > GHOST_SHARE)


def _centered(frames: Sequence[Pixels]) -> tuple[Pixels, ...]:
    """The frames at the size of the largest, with nothing around the smaller ones."""
    height = max(frame.shape[0] for frame in frames)
    width = max(frame.shape[1] for frame in frames)
    if height * width * len(frames) > MAX_PIXELS:
        raise InvalidRequestError(
            message("The frames have more than {limit} pixels together.", limit=f"{MAX_PIXELS:,}"),
            code="too_many_pixels",
        )
    return tuple(_padded(frame, height, width) for frame in frames)


def _padded(frame: Pixels, height: int, width: int) -> Pixels:
    if frame.shape[:2] == (height, width):
        return frame
    made = np.zeros((height, width, 4), np.uint8)
    top, left = (height - frame.shape[0]) // 2, (width - frame.shape[1]) // 2
    made[top : top + frame.shape[0], left : left + frame.shape[1]] = frame
    return made


def find_starts(durations_ms: Sequence[int], fps: float) -> list[int]:
    """Frames of the scene from which each image is shown, and the one behind the last; the first is 0.

    Times are summed before they are rounded, so that nothing drifts; each image is shown for one at least.
    """
    starts, total = [0], 0
    for duration in durations_ms:
        total += duration
        starts.append(max(round(total * fps / 1000), starts[-1] + 1))
    return starts
