"""An answer's pixels brought to where they belong, in one resampling whatever the size that is wanted."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .alignment import Registration

Box = tuple[float, float, float, float]
"""Left, top, right, bottom in pixels of the original."""

MESH = 16  # cells a side: a registration is linear enough within one
MARGIN = 4  # pixels that the answer is continued by beyond what a registration reaches
FINEST = 4  # samples a side for one pixel where the answer shrinks


def warped(
    answer: NDArray[Any], found: Registration, box: Box | None = None, size: tuple[int, int] | None = None
) -> NDArray[np.float32]:
    """The part of `answer` that belongs to `box` of the original.

    Bicubic, through a mesh; where the answer shrinks, of several samples a pixel. What lies beyond its border
    is the border continued.

    :param answer: (h, w, C) uint8, uint16 or float32.
    :param box: of the original; all of it where None.
    :param size: (width, height) wanted; the box's own where None.
    :returns: (height, width, C) float32, in the values of `answer`.
    """
    left, top, right, bottom = box or (0.0, 0.0, float(found.size[0]), float(found.size[1]))
    width, height = size or (round(right - left), round(bottom - top))
    shrinks = max(
        (right - left) / width * found.answer_size[0] / found.size[0],
        (bottom - top) / height * found.answer_size[1] / found.size[1],
    )
    times = min(FINEST, max(1, math.ceil(shrinks - 0.25)))
    fine = width * times, height * times
    columns, rows = (np.unique(np.linspace(0, n, MESH + 1).round().astype(int)) for n in fine)
    at = found.located(
        *np.meshgrid(left + columns * ((right - left) / fine[0]), top + rows * ((bottom - top) / fine[1]))
    )
    (first_x, last_x), (first_y, last_y) = (
        (max(0, -math.floor(p.min()) + MARGIN), max(0, math.ceil(p.max()) - n + MARGIN))
        for p, n in zip(at, found.answer_size, strict=True)
    )
    x, y = at[0] + first_x, at[1] + first_y
    mesh = [
        (
            (int(columns[i]), int(rows[j]), int(columns[i + 1]), int(rows[j + 1])),
            tuple(float(p[j + v, i + u]) for u, v in ((0, 0), (0, 1), (1, 1), (1, 0)) for p in (x, y)),
        )
        for j in range(len(rows) - 1)
        for i in range(len(columns) - 1)
    ]
    out = np.empty((height, width, answer.shape[2]), np.float32)
    around = ((first_y, last_y), (first_x, last_x))
    for channel in range(answer.shape[2]):
        plane = Image.fromarray(np.pad(answer[..., channel].astype(np.float32), around, mode="edge"))
        moved = plane.transform(fine, Image.Transform.MESH, mesh, Image.Resampling.BICUBIC)
        out[..., channel] = moved if times == 1 else moved.reduce(times)
    return out
