"""Measures the maps that are made of one image against sets of true maps: a table per set, and its means.

python tools/evaluate_maps.py FOLDER [FOLDER ...]

Each set becomes a photograph under a lamp that its name decides (tools/material_sets.py); what is made of
that is compared with the truth (tools/map_metrics.py).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from gpt_image_addon.core.textures.material_maps import make_maps
from tools.map_metrics import Maps, score
from tools.material_sets import MaterialSet, material_sets

SHOWN = {
    "normal_r": "normal_r",
    "normal_rel": "normal_rel",
    "relief": "relief",
    "relit_r": "relit_r",
    "relit_err": "relit_err",
    "ao_r": "ao_r",
    "rough_rmse": "rough",
    "metal_rmse": "metal",
    "albedo_rel": "albedo_rel",
}
RELIEF_RANGE = (0.5, 1.6)  # where relief counts as neither flat nor exaggerated

Scores = dict[str, float]


def main() -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER", help="a folder of sets")
    parser.add_argument(
        "--exact", action="store_true", help="make maps of the true height, where there is one"
    )
    arguments = parser.parse_args()
    sets = [one for folder in arguments.folders for one in material_sets(folder)]
    print_table({one.name: score(make(one, arguments.exact), one) for one in sets})
    return 0


def make(truth: MaterialSet, exact: bool = False) -> Maps:
    """What the add-on makes of the set's photograph, or of its true height."""
    if "normal" not in truth.maps:
        color = np.rint(truth.color * 255).astype(np.uint8)
    else:
        color = np.rint(truth.photograph() * 255).astype(np.uint8)
    height = truth.grey("height") if exact and "height" in truth.maps else None
    made = make_maps(color, description=truth.words, height=height).maps
    return {kind: pixels.astype(np.float32) / 255 for kind, pixels in made.items()}


def print_table(scores: Mapping[str, Scores]) -> None:
    """A row a set, then the means of the sets that have the map, and how many reliefs are in range."""
    width = max(map(len, scores), default=4) + 2
    print(" " * width + "".join(f"{head:>11}" for head in SHOWN.values()))
    for name, found in scores.items():
        print(row(name, found, width))
    print(row("mean", means(scores.values()), width))
    reliefs = [found["relief"] for found in scores.values() if "relief" in found]
    inside = sum(RELIEF_RANGE[0] <= relief <= RELIEF_RANGE[1] for relief in reliefs)
    print(f"relief within {RELIEF_RANGE[0]} to {RELIEF_RANGE[1]}: {inside} of {len(reliefs)}")


def row(name: str, found: Scores, width: int) -> str:
    """One line of the table."""
    cells = (f"{found[key]:11.3f}" if key in found else " " * 10 + "-" for key in SHOWN)
    return name.ljust(width) + "".join(cells)


def means(scores: Iterable[Scores]) -> Scores:
    """The mean of each figure over the sets that have it."""
    every = list(scores)
    present = {key: [found[key] for found in every if key in found] for key in SHOWN}
    return {key: float(np.mean(values)) for key, values in present.items() if values}


if __name__ == "__main__":
    raise SystemExit(main())
