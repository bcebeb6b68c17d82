"""Images that show a model what it is to paint, in front of a flat background."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .depth import DepthMap, measure_edges
from .view import View

BACKGROUND = (36, 40, 46)
FOR_DARK = (150, 96, 170)
"""The background of what is to become dark itself: no gray comes nearer to it than 37 levels."""
CONTRAST = 24  # levels that shapes are away from the background
DARKEST, BRIGHTEST = 84.0, 226.0  # levels of the clay: at least as many from the background
LIGHT = np.array((-0.35, 0.45, 0.82))  # from where light comes, in the camera's space
LINE = 12.0  # degrees between neighboring faces above which a line is drawn

Pixels = NDArray[np.uint8]
Mask = NDArray[np.bool_]


def draw_clay(view: View, depth: DepthMap, normals: NDArray[Any], shown: Mask) -> Pixels:
    """Gray shapes in soft light; (height, width, 3).

    :param normals: (T, 3) of the triangles, in the world.
    :param shown: (height, width), where a shape is drawn.
    """
    toward = _turn_to_camera(view, depth, normals)
    light = np.clip(toward @ (LIGHT / np.linalg.norm(LIGHT)), 0, 1)
    level = DARKEST + (BRIGHTEST - DARKEST) * (0.25 + 0.75 * light)
    return _lay_on_background(np.repeat(level[..., None], 3, axis=-1), shown)


def draw_normals(view: View, depth: DepthMap, normals: NDArray[Any], shown: Mask) -> Pixels:
    """Directions in the camera's space as colors; (height, width, 3)."""
    return _lay_on_background(127.5 + 127.5 * _turn_to_camera(view, depth, normals), shown)


def draw_nearness(view: View, depth: DepthMap, normals: NDArray[Any], shown: Mask) -> Pixels:
    """Depth: near is bright; (height, width, 3)."""
    values = np.where(shown, depth.nearness, 0)
    known = values[shown]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    level = DARKEST + (255 - DARKEST) * (values - low) / max(high - low, 1e-9)
    return _lay_on_background(np.repeat(level[..., None], 3, axis=-1), shown)


def draw_lines(view: View, depth: DepthMap, normals: NDArray[Any], shown: Mask) -> Pixels:
    """Dark lines on bright shapes where they end, bend or stand before others; (height, width, 3)."""
    facing = normals.astype(np.float32)[np.maximum(depth.triangle, 0)]
    lines = measure_edges(depth, is_orthographic=view.is_orthographic) < 1
    lines[[0, -1]] = lines[:, [0, -1]] = False  # the frame is no edge of a shape
    for first, second in ((np.s_[:-1], np.s_[1:]), (np.s_[:, :-1], np.s_[:, 1:])):
        turned = np.einsum("yxi,yxi->yx", facing[first], facing[second]) < np.cos(np.radians(LINE))
        bends = (turned & shown[first] & shown[second]) | (shown[first] != shown[second])
        lines[first] |= bends
        lines[second] |= bends
    level = np.where(lines, DARKEST, 255.0)
    return _lay_on_background(np.repeat(level[..., None], 3, axis=-1), shown)


def lay_paint(
    clay: Pixels, colors: Pixels, painted: Mask, background: tuple[int, int, int] = BACKGROUND
) -> Pixels:
    """A clay render with what is painted already, as far from the background as the clay is.

    :param clay: (height, width, 3).
    :param colors: (height, width, 3).
    :param painted: (height, width), where they count.
    """
    behind = np.array(background)
    is_near = (np.abs(colors.astype(np.int16) - behind) < CONTRAST).all(axis=-1, keepdims=True)
    clear = np.where(is_near, np.maximum(colors, behind + CONTRAST), colors)
    return np.where(painted[..., None], clear, clay).astype(np.uint8)


def _turn_to_camera(view: View, depth: DepthMap, normals: NDArray[Any]) -> NDArray[Any]:
    """(height, width, 3) of what each pixel shows, turned toward the camera."""
    turned = normals @ view.matrix_world[:3, :3]
    found = turned[np.maximum(depth.triangle, 0)]
    return np.asarray(np.where(found[..., 2:3] < 0, -found, found))


def _lay_on_background(levels: NDArray[Any], shown: Mask) -> Pixels:
    inside = shown[..., None]
    return np.where(inside, np.clip(np.rint(levels), 0, 255), np.array(BACKGROUND)).astype(np.uint8)
