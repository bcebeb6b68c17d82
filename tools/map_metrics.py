"""How near material maps come to the true ones: numbers for what is seen."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tools.material_sets import Array, MaterialSet, grey, unit_normals

STEEPEST = 3  # slopes are cut off there
LAMPS = 8  # around the surface, 45 degrees high
FLAT = np.array([0, 0, 1], np.float32)

Maps = dict[str, NDArray[np.float32]]


def score(made: Maps, truth: MaterialSet) -> dict[str, float]:
    """The figures of `made` maps, float32 in 0..1, by their names.

    normal_r, height_r, ao_r: correlation; normal_err: degrees; normal_rel: that as a share of a flat map's;
    relief: size of the slopes as a share of the true ones; relit_r, relit_err: correlation, and error as a
    share of a flat map's, of the shading under lamps all around; rough_rmse, metal_rmse: in 0..1;
    albedo_rmse: in levels of 8 bits, exposure aside; albedo_rel: that as a share of the photograph's.
    """
    found: dict[str, float] = {}
    if "normal" in made and "normal" in truth.maps:
        found.update(score_normals(made["normal"], truth.normals))
    for kind, name in (("height", "height_r"), ("ao", "ao_r")):
        if kind in made and kind in truth.maps:
            want = truth.grey(kind)
            found[name] = correlation(sized(grey(made[kind]), want.shape), want)
    for kind, name in (("roughness", "rough_rmse"), ("metallic", "metal_rmse")):
        if kind in made and kind in truth.maps:
            want = truth.grey(kind)
            found[name] = rmse(sized(grey(made[kind]), want.shape), want)
    if "base_color" in made and "normal" in truth.maps:
        found.update(score_color(made["base_color"], truth))
    return found


def score_normals(made: Array, want: Array) -> dict[str, float]:
    """Figures of a normal map in 0..1 against unit normals."""
    got = unit_normals(sized(made, want.shape))
    slopes, true_slopes = slopes_of(got), slopes_of(want)
    error = degrees_between(got, want)
    relit_r, relit_err = relight(got, want)
    return {
        "normal_r": correlation(slopes, true_slopes),
        "normal_err": error,
        "normal_rel": error / max(degrees_between(np.broadcast_to(FLAT, want.shape), want), 1e-6),
        "relief": float(slopes.std() / max(true_slopes.std(), 1e-6)),
        "relit_r": relit_r,
        "relit_err": relit_err,
    }


def score_color(made: Array, truth: MaterialSet) -> dict[str, float]:
    """Figures of a base color in 0..1, each as bright on the whole as the true one."""
    want = truth.color

    def error(pixels: Array) -> float:
        return 255 * rmse(pixels * (want.mean() / max(float(pixels.mean()), 1e-6)), want)

    found = error(sized(made, want.shape))
    return {"albedo_rmse": found, "albedo_rel": found / max(error(truth.photograph()), 1e-6)}


def relight(got: Array, want: Array) -> tuple[float, float]:
    """Correlation and relative error of the shading of unit normals under LAMPS lamps."""
    correlations, error, flat = [], 0.0, 0.0
    for azimuth in np.arange(LAMPS) * 2 * np.pi / LAMPS:
        lamp = np.array([np.cos(azimuth), np.sin(azimuth), 1], np.float32) / np.sqrt(np.float32(2))
        shown, true = (np.maximum((normals * lamp).sum(-1), 0) / lamp[2] for normals in (got, want))
        correlations.append(correlation(shown, true))
        error += float(((shown - true) ** 2).mean())
        flat += float(((1 - true) ** 2).mean())
    return float(np.mean(correlations)), float(np.sqrt(error / max(flat, 1e-12)))


def slopes_of(normals: Array) -> Array:
    """Slopes (2, H, W) along columns and rows of unit normals, none beyond STEEPEST."""
    p, q = -normals[..., 0] / normals[..., 2], normals[..., 1] / normals[..., 2]
    return np.clip(np.stack((p, q)), -STEEPEST, STEEPEST)


def degrees_between(one: Array, other: Array) -> float:
    """Mean angle between unit vectors."""
    return float(np.degrees(np.arccos(np.clip((one * other).sum(-1), -1, 1))).mean())


def correlation(one: Array, other: Array) -> float:
    """Pearson's."""
    a, b = one.ravel() - one.mean(), other.ravel() - other.mean()
    return float((a * b).sum() / max(np.sqrt((a * a).sum() * (b * b).sum()), 1e-12))


def rmse(one: Array, other: Array) -> float:
    """Root mean square of the difference."""
    return float(np.sqrt(np.mean((one - other) ** 2)))


def sized(pixels: Array, shape: tuple[int, ...]) -> Array:
    """`pixels` at the rows and columns of `shape`."""
    if pixels.shape[:2] == shape[:2]:
        return pixels
    planes = [pixels] if pixels.ndim == 2 else list(np.moveaxis(pixels, -1, 0))
    size = (shape[1], shape[0])
    out = [np.asarray(Image.fromarray(plane).resize(size, Image.Resampling.BILINEAR)) for plane in planes]
    return out[0] if pixels.ndim == 2 else np.stack(out, -1)
