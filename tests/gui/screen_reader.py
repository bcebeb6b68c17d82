"""Reads the screen of Blender's window: draws a text as the interface does and looks for that.

What people find by reading, as headers, menu entries and tabs, has no address in Blender's Python. Texts of
the interface are drawn with the same font at the same size here, and compared with an image of the true
screen at every place: the right one comes to 0.95 and more, the best wrong one to 0.7.
"""

from __future__ import annotations

import contextlib
import functools
import math
import subprocess
from collections.abc import Iterator
from typing import Any, NamedTuple

import blf
import bpy
import gpu
import numpy as np
from mathutils import Matrix

LIKENESS = 0.88  # of 1: from here on it is the text; a menu underlines letters
OUTLINED = 0.65  # of 1: likeness of a long text with an outline
FAINT = 5.0  # grey values of 255: what differs less is the ground's own unrest
GAP = 4  # pixels without ink that end a text: between words there are 3, before the title of a panel 5
ARROW = 18  # pixels left of a panel's title that hold its arrow, and not the border of the panel
BLANK = 24.0  # grey values of 255: ink differs more from the ground

Gray = Any
"""float32 array (height, width), 0 to 255, the lowest row first as in window coordinates."""


class Box(NamedTuple):
    """Pixels of the window from its lower left corner."""

    left: int
    bottom: int
    right: int
    top: int

    @property
    def middle(self) -> tuple[int, int]:
        return (self.left + self.right) // 2, (self.bottom + self.top) // 2


def box_of(region: bpy.types.Region) -> Box:
    """The part of the window that a region covers."""
    return Box(region.x, region.y, region.x + region.width, region.y + region.height)


_window: list[bpy.types.Window] = []


def window() -> bpy.types.Window:
    """The window that is looked at: Blender's first, if `at_window` does not say otherwise."""
    return _window[-1] if _window else bpy.context.window_manager.windows[0]


@contextlib.contextmanager
def at_window(other: bpy.types.Window) -> Iterator[None]:
    """Look, click and type in another window meanwhile."""
    _window.append(other)
    try:
        yield
    finally:
        _window.pop()


def photograph(target: str) -> bytes:
    """The window as it is on the screen, by ImageMagick: Blender's own screenshot is black without a GPU.

    :param target: a file, or as ``gray:-`` what is returned.
    """
    seen = window()
    below = _screen_height() - seen.y - seen.height
    part = f"{seen.width}x{seen.height}+{seen.x}+{below}"
    command = ["import", "-window", "root", "-crop", part, "+repage", "-depth", "8", target]
    return subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout


@functools.cache
def _screen_height() -> int:
    found = subprocess.run(["xdotool", "getdisplaygeometry"], stdout=subprocess.PIPE, check=True).stdout
    return int(found.split()[1])


def look() -> Gray:
    """The window as it is on the screen, in grey."""
    pixels = np.frombuffer(photograph("gray:-"), np.uint8)
    return pixels.reshape(-1, window().width)[::-1].astype(np.float32)


def find(text: str, within: Box | None = None, *, upright: bool = False, seen: Gray = None) -> list[Box]:
    """Where `text` stands alone, not as a part of a longer one, from the top down.

    :param upright: read from the bottom up, as the tabs of a sidebar are.
    :param seen: what `look` returned; looks anew without it.
    """
    seen = look() if seen is None else seen
    box = within or Box(0, 0, seen.shape[1], seen.shape[0])
    part = seen[max(0, box.bottom) : box.top, max(0, box.left) : box.right]
    sample, ink = _drawn(text)
    if upright:
        sample, ink = np.rot90(sample), (ink[2], ink[0], ink[3], ink[1])
    if part.shape[0] < sample.shape[0] or part.shape[1] < sample.shape[1]:
        return []
    found = []
    likeness = _likeness(part, sample)
    while likeness.max() > LIKENESS:
        y, x = np.unravel_index(likeness.argmax(), likeness.shape)
        likeness[max(0, y - 8) : y + 9, max(0, x - 8) : x + 9] = 0
        if upright or _stands_alone(part, int(x) + ink[0], int(y) + ink[1], int(x) + ink[2], int(y) + ink[3]):
            left, bottom = max(0, box.left) + int(x), max(0, box.bottom) + int(y)
            found.append(Box(left, bottom, left + sample.shape[1], bottom + sample.shape[0]))
    return sorted(found, key=lambda box: (-box.bottom, box.left))


def stands_in_view(text: str, seen: Gray) -> bool:
    """Whether a long `text` is written over a 3D view, with an outline, and lines of the scene behind it."""
    return bool(_likeness(seen, _drawn(text)[0]).max() > OUTLINED)


def is_unfolded(title: Box) -> bool:
    """Whether the arrow left of a panel's title points down: it is wider than high then."""
    around = look()[title.bottom : title.top, title.left - ARROW : title.left - 2]
    rows, columns = np.nonzero(around > around.min() + BLANK)
    return bool(np.ptp(columns) > np.ptp(rows))


def _stands_alone(part: Gray, left: int, bottom: int, right: int, top: int) -> bool:
    """Whether there is no ink right before and after."""
    for strip in (part[bottom:top, max(0, left - GAP) : left], part[bottom:top, right : right + GAP]):
        if strip.size and np.ptp(strip) > BLANK:
            return False
    return True


@functools.cache
def _drawn(text: str) -> tuple[Gray, tuple[int, int, int, int]]:
    """The text as the interface draws it, white on black, and the box of its ink."""
    preferences = bpy.context.preferences
    points = preferences.ui_styles[0].widget.points * preferences.system.ui_scale
    blf.size(0, points)
    width, height = math.ceil(blf.dimensions(0, text)[0]) + 4, round(points * 1.6)
    offscreen = gpu.types.GPUOffScreen(width, height)
    try:
        with offscreen.bind(), gpu.matrix.push_pop():
            frame = gpu.state.active_framebuffer_get()
            frame.clear(color=(0, 0, 0, 1))
            gpu.matrix.load_matrix(Matrix.Identity(4))
            gpu.matrix.load_projection_matrix(
                Matrix(((2 / width, 0, 0, -1), (0, 2 / height, 0, -1), (0, 0, 1, 0), (0, 0, 0, 1)))
            )
            gpu.state.blend_set("ALPHA")
            blf.color(0, 1, 1, 1, 1)
            blf.position(0, 2, round(points * 0.4), 0)
            blf.draw(0, text)
            pixels = frame.read_color(0, 0, width, height, 4, 0, "UBYTE")
    finally:
        offscreen.free()
    pixels.dimensions = width * height * 4
    drawn = np.frombuffer(pixels, np.uint8).reshape(height, width, 4)[..., 0].astype(np.float32)
    rows, columns = np.nonzero(drawn > BLANK)
    return drawn, (int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1)


def _likeness(image: Gray, sample: Gray) -> Gray:
    """Normalized cross-correlation at every place, -1 to 1."""
    height, width = sample.shape
    shape = image.shape
    centred = sample - sample.mean()
    product = np.fft.rfft2(image) * np.conj(np.fft.rfft2(centred, s=shape))
    match = np.fft.irfft2(product, s=shape)[: shape[0] - height + 1, : shape[1] - width + 1]
    image = image.astype(np.float64)
    pixels = sample.size
    variance = _sums(image**2, height, width) - _sums(image, height, width) ** 2 / pixels
    return match / np.sqrt(np.maximum(variance, FAINT**2 * pixels) * (centred**2).sum())


def _sums(values: Gray, height: int, width: int) -> Gray:
    """The sum of every window of that size."""
    table = np.pad(values, ((1, 0), (1, 0))).cumsum(0).cumsum(1)
    return (
        table[height:, width:] - table[:-height, width:] - table[height:, :-width] + table[:-height, :-width]
    )
