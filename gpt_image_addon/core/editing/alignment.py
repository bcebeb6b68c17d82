"""Registration: how an answer lies on the image that it is an edit of.

A similarity by Gauss-Newton over a pyramid, then a grid of small shifts. Planes are float32 (H, W); positions
are pixels (x, y) with the centers of pixels at +0.5.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..raster.arrays import Plane
from .agreement import Agreement, compare
from .normed import Level, levels_of, sampled

GRID = 10  # blocks a side, each with a shift of its own
FARTHEST = 0.03  # of the longer side: a shift beyond that is another framing
SCALES = 0.95, 1.05  # likewise
PHASE_SIDE = 512  # pixels a side at most at which a first shift is looked for
SAMPLES = 60_000  # pixels that a step is computed from
FEWEST = 1_500  # valid pixels that a level needs
STEPS = 12  # of Gauss-Newton at each level
SETTLED = 0.005  # pixels: a smaller step is the last
CAUCHY = 1.5  # times the median deviation
FIELD_ROUNDS = 3
STIFFNESS, PULL = 1.0, 0.3  # of the grid: against bending, and towards no shift; from simulated answers

Points = NDArray[Any]
"""Float arrays of x or y."""


@dataclass(frozen=True)
class Similarity:
    """x' = (1 + a) x - b y + tx, y' = b x + (1 + a) y + ty, from the center of a plane."""

    a: float = 0.0
    b: float = 0.0
    tx: float = 0.0
    ty: float = 0.0

    @property
    def scale(self) -> float:
        return float(np.hypot(1 + self.a, self.b))

    def moved(self, x: Points, y: Points) -> tuple[Points, Points]:
        return (1 + self.a) * x - self.b * y + self.tx, self.b * x + (1 + self.a) * y + self.ty

    def after_undoing(self, step: Similarity) -> Similarity:
        """This one after the inverse of `step`."""
        mine, other = complex(1 + self.a, self.b), complex(1 + step.a, step.b)
        turn = mine / other
        moved = complex(self.tx, self.ty) - turn * complex(step.tx, step.ty)
        return Similarity(turn.real - 1, turn.imag, moved.real, moved.imag)

    def at_scale(self, factor: float) -> Similarity:
        """The same on a plane `factor` times as large."""
        return replace(self, tx=self.tx * factor, ty=self.ty * factor)


@dataclass(frozen=True)
class Registration:
    """Where the pixels of an original are in an answer."""

    size: tuple[int, int]
    """(width, height) of the original."""
    answer_size: tuple[int, int]
    similarity: Similarity
    """In pixels of the original, from its center; the answer scaled to the original's size."""
    field: NDArray[np.float32]
    """(2, GRID + 1, GRID + 1): further shifts (x, y) in pixels of the original at the corners of a grid of
    blocks over it, linear in between."""
    agreement: Agreement
    """How well the surround agrees once the answer is moved."""
    accepted: bool
    """The answer shows the same as the original, outside of what was edited."""
    plain: bool
    """The original has no texture there to tell by: the answer is taken as it lies."""
    reason: str
    """Why it is not accepted, or why it is plain; empty otherwise."""

    def located(self, x: Points, y: Points) -> tuple[Points, Points]:
        """Positions in the answer of positions in the original."""
        width, height = self.size
        shifts = [sampled(plane, x * (GRID / width), y * (GRID / height)) for plane in self.field]
        at_x, at_y = self.similarity.moved(x - width / 2, y - height / 2)
        return (
            (at_x + shifts[0] + width / 2) * (self.answer_size[0] / width),
            (at_y + shifts[1] + height / 2) * (self.answer_size[1] / height),
        )


def register(answer: NDArray[Any], original: NDArray[Any], valid: NDArray[np.bool_]) -> Registration:
    """How `answer` lies on `original`.

    Baker and Matthews' inverse compositional Gauss-Newton (2004) with Cauchy weights, from where the answer
    lies and from where phase correlation (Kuglin and Hines, 1975) moves it; then spline-based registration
    (Szeliski and Coughlan, 1997) for what a model bends.

    :param answer: (h, w, 1 to 4) uint8, uint16 or float32 in 0..255, of any size with about the same aspect.
    :param original: (H, W, 1 to 4) alike.
    :param valid: (H, W), true where both should show the same.
    """
    height, width = valid.shape
    size, answer_size = (width, height), (answer.shape[1], answer.shape[0])
    levels = levels_of(answer, original, valid)
    nothing = np.zeros((2, GRID + 1, GRID + 1), np.float32)
    finest = levels[0]
    if int(finest.valid.sum()) < FEWEST:
        none = compare(finest, finest.found)
        reason = "There is too little around the mask to align the answer by; its colors alone are matched."
        return Registration(size, answer_size, Similarity(), nothing, none, True, True, reason)

    found = [_over_levels(levels, start) for start in _starts(levels)]
    judged = [(compare(finest, _placed(finest, it, nothing)), it) for it in found]
    agreement, similarity = max(judged, key=lambda pair: pair[0].rank)
    field = _field(finest, similarity)
    bent = compare(finest, _placed(finest, similarity, field))
    if bent.rank >= agreement.rank:
        agreement = bent
    else:
        field = nothing
    factor = width / finest.valid.shape[1]
    whole = similarity.at_scale(factor)
    made = Registration(size, answer_size, whole, field * np.float32(factor), agreement, True, False, "")
    return _judged(made)


def _judged(made: Registration) -> Registration:
    """`made` accepted or not, and why."""
    found = made.similarity
    far = np.hypot(found.tx, found.ty) / max(made.size)
    if not made.agreement.fits and not made.agreement.textured:
        nothing = np.zeros_like(made.field)
        reason = "There is no texture around the mask to align the answer by; its colors alone are matched."
        return replace(made, similarity=Similarity(), field=nothing, plain=True, reason=reason)
    if not made.agreement.fits:
        return replace(made, accepted=False, reason="The answer shows something else around the mask.")
    if far > FARTHEST or not SCALES[0] <= found.scale <= SCALES[1]:
        return replace(made, accepted=False, reason="The answer shows the image in another framing.")
    return made


def _starts(levels: Sequence[Level]) -> list[Similarity]:
    """Where the search starts, on the coarsest level: as it lies, and moved as a whole."""
    level = next((level for level in levels if max(level.valid.shape) <= PHASE_SIDE), levels[-1])
    x, y = _phase_shift(level)
    shrink = levels[-1].valid.shape[1] / level.valid.shape[1]
    return [Similarity(), Similarity(tx=x * shrink, ty=y * shrink)]


def _phase_shift(level: Level) -> tuple[float, float]:
    """(x, y) from a pixel of the original to the same in the answer, in whole pixels."""
    height, width = shape = level.valid.shape
    pair = [np.fft.rfft2(np.where(level.valid, plane, 0)) for plane in (level.found, level.wanted)]
    cross = pair[0] * np.conj(pair[1])
    cross /= np.abs(cross) + 1e-6 * float(np.abs(cross).max()) + 1e-12
    rows, columns = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None]
    cross *= np.exp(-2 * np.pi**2 * (rows**2 + columns**2))  # a peak one pixel wide
    reach = max(1, round(FARTHEST * max(shape)))
    near = np.roll(np.fft.irfft2(cross, s=shape), (reach, reach), (0, 1))[: 2 * reach + 1, : 2 * reach + 1]
    y, x = np.unravel_index(int(near.argmax()), near.shape)
    return float(x) - reach, float(y) - reach


def _over_levels(levels: Sequence[Level], start: Similarity) -> Similarity:
    """`start`, given on the coarsest level, refined from level to level."""
    found, before = start, levels[-1]
    for level in reversed(levels):
        found = found.at_scale(level.valid.shape[1] / before.valid.shape[1])
        before = level
        if int(level.valid.sum()) >= FEWEST:
            found = _refined(level, found)
    return found


@dataclass(frozen=True)
class _Samples:
    """Pixels that a step is computed from, from the center of their level, with slopes of the original."""

    x: Points
    y: Points
    wanted: Points
    slope_x: Points
    slope_y: Points


def _samples(level: Level, most: int) -> _Samples:
    height, width = level.valid.shape
    inside = level.valid.copy()
    inside[[0, -1]] = inside[:, [0, -1]] = False
    at = np.flatnonzero(inside)
    if len(at) > most:
        at = np.sort(np.random.default_rng(0).choice(at, most, replace=False))
    down, across = (plane.ravel()[at] for plane in np.gradient(level.wanted))
    y, x = (part.astype(np.float32) for part in np.divmod(at, width))
    middle = np.float32((width - 1) / 2), np.float32((height - 1) / 2)
    return _Samples(x - middle[0], y - middle[1], level.wanted.ravel()[at], across, down)


def _residuals(level: Level, samples: _Samples, x: Points, y: Points) -> tuple[Points, Points]:
    """Differences of the answer at (x, y) from the original, and their Cauchy weights."""
    height, width = level.valid.shape
    x, y = x + (width - 1) / 2, y + (height - 1) / 2
    rest = sampled(level.found, x, y) - samples.wanted
    seen = (x >= 0) & (y >= 0) & (x <= width - 1) & (y <= height - 1)
    scale = CAUCHY * float(np.median(np.abs(rest[seen]))) if seen.any() else 1.0
    weights = seen / (1 + (rest / max(scale, 1e-6)) ** 2)
    return rest, weights.astype(np.float32)


def _refined(level: Level, start: Similarity) -> Similarity:
    samples = _samples(level, SAMPLES)
    x, y, across, down = samples.x, samples.y, samples.slope_x, samples.slope_y
    slopes = np.stack([across * x + down * y, down * x - across * y, across, down])
    side = max(level.valid.shape)
    found = start
    for _ in range(STEPS):
        rest, weights = _residuals(level, samples, *found.moved(x, y))
        weighted = slopes * weights
        normal = (weighted @ slopes.T).astype(np.float64)
        normal[np.diag_indices(4)] *= 1 + 1e-6
        normal[np.diag_indices(4)] += 1e-9
        step = Similarity(*(float(v) for v in np.linalg.solve(normal, weighted @ rest)))
        found = found.after_undoing(step)
        if np.hypot(found.tx, found.ty) > 2 * FARTHEST * side or not 0.8 < found.scale < 1.25:
            return start
        if max(abs(step.tx), abs(step.ty), abs(step.a) * side / 2, abs(step.b) * side / 2) < SETTLED:
            break
    return found


def _field(level: Level, similarity: Similarity) -> NDArray[np.float32]:
    """Shifts at the corners of the blocks, in pixels of the level."""
    samples = _samples(level, 2 * SAMPLES)
    at_x, at_y = similarity.moved(samples.x, samples.y)
    corners, shares = _corners(samples, *level.valid.shape)
    count = (GRID + 1) ** 2
    pull = 1e-3 * len(samples.x) / GRID**2 * (STIFFNESS * _bending() + PULL * np.eye(count))
    pulls = np.kron(np.eye(2), pull)
    shifts = np.zeros(2 * count)
    for _ in range(FIELD_ROUNDS):
        dx, dy = ((plane[corners] * shares).sum(0) for plane in shifts.reshape(2, count))
        rest, weights = _residuals(level, samples, at_x + dx, at_y + dy)
        slopes = samples.slope_x, samples.slope_y
        xx, xy, yy = (
            _gathered(corners, shares, weights * slopes[i] * slopes[j], count)
            for i, j in ((0, 0), (0, 1), (1, 1))
        )
        right = np.concatenate(
            [
                sum(np.bincount(corners[k], weights * slope * rest * shares[k], count) for k in range(4))
                for slope in slopes
            ]
        )
        shifts += np.linalg.solve(np.block([[xx, xy], [xy, yy]]) + pulls, -right - pulls @ shifts)
    return shifts.reshape(2, GRID + 1, GRID + 1).astype(np.float32)


def _gathered(
    corners: NDArray[np.intp], shares: NDArray[np.float32], values: Points, count: int
) -> NDArray[np.float64]:
    """(count, count) sums of `values` over the samples, by the shares that two corners have in them."""
    out = np.zeros((count, count))
    for i in range(4):
        for j in range(i, 4):
            at = corners[i] * count + corners[j]
            part = np.bincount(at, values * shares[i] * shares[j], count * count).reshape(count, count)
            out += part if i == j else part + part.T
    return out


def _corners(samples: _Samples, height: int, width: int) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """For each sample the four corners of its block, and their shares in its shift."""
    u = (samples.x + width / 2) * (GRID / width)
    v = (samples.y + height / 2) * (GRID / height)
    column, row = (np.clip(np.floor(at), 0, GRID - 1).astype(np.intp) for at in (u, v))
    right, low = u - column, v - row
    first = row * (GRID + 1) + column
    corners = np.stack([first, first + 1, first + GRID + 1, first + GRID + 2])
    shares = np.stack([(1 - right) * (1 - low), right * (1 - low), (1 - right) * low, right * low])
    return corners, shares.astype(np.float32)


def _bending() -> NDArray[np.float64]:
    """What a grid's shifts cost by how they differ from their neighbors': the graph's Laplacian, squared."""
    side = GRID + 1
    index = np.arange(side * side).reshape(side, side)
    laplacian = np.zeros((side * side, side * side))
    for one, other in ((index[:, 1:], index[:, :-1]), (index[1:], index[:-1])):
        laplacian[one, other] = laplacian[other, one] = -1
    laplacian[np.diag_indices(side * side)] = -laplacian.sum(1)
    return laplacian @ laplacian


def _placed(level: Level, similarity: Similarity, field: NDArray[np.float32]) -> Plane:
    """The answer's plane moved onto the original's; NaN where it has no pixels."""
    height, width = level.valid.shape
    y, x = np.mgrid[:height, :width].astype(np.float32)
    at_x, at_y = similarity.moved(x - (width - 1) / 2, y - (height - 1) / 2)
    grown = _spread(field, height, width)
    at_x += (width - 1) / 2 + grown[0]
    at_y += (height - 1) / 2 + grown[1]
    out = sampled(level.found, at_x, at_y)
    out[(at_x < 0) | (at_y < 0) | (at_x > width - 1) | (at_y > height - 1)] = np.nan
    return out


def _spread(field: NDArray[np.float32], height: int, width: int) -> NDArray[np.float32]:
    """Shifts of all pixels from those at the corners of the blocks: (2, height, width)."""
    x = (np.arange(width, dtype=np.float32) + 0.5) * (GRID / width)
    y = (np.arange(height, dtype=np.float32) + 0.5) * (GRID / height)
    return np.stack([sampled(plane, *np.meshgrid(x, y)) for plane in field])
