"""How well suns are found and light is told: skies are rendered, shown as 8 bits, and read again.

``python tools/evaluate_worlds.py FOLDER [HEIGHT]`` with a Python that has bpy; renders stay in the folder.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from gpt_image_addon.core.panorama.equirect import LUMINANCE, irradiance, luminance  # noqa: E402
from gpt_image_addon.core.panorama.light import expand  # noqa: E402
from gpt_image_addon.core.panorama.sun import GIVEN, Sun, find_sun  # noqa: E402
from tools.sky_truth import Floats, expose, render_sky  # noqa: E402

SUNS = ((135, 15), (-60, 30), (20, 60), (100, 5))
"""Azimuths and elevations in degrees."""
KEYS = (0.2, 0.35, 0.6)


def render(folder: Path, azimuth: int, elevation: int, height: int) -> Floats:
    """The sky, from the folder where it is there already."""
    path = folder / f"{height}-{azimuth}-{elevation}.npy"
    if not path.exists():
        np.save(path, render_sky(folder, azimuth, elevation, height=height))
    sky: Floats = np.load(path)
    return sky


def evaluate(sky: Floats, azimuth: int, elevation: int) -> Iterator[str]:
    """A line of the table for each exposure."""
    truth = float(luminance(irradiance(sky)))
    middle = float(np.median(sky[: len(sky) // 2] @ LUMINANCE))
    for is_filmic in (False, True):
        for key in KEYS:
            shown = expose(sky, key, filmic=is_filmic).astype(np.float32)
            sun = find_sun(shown)
            light = expand(shown, Sun(GIVEN, azimuth, elevation), 1.0, sun)
            apart = [
                "" if seen is None else f"{abs((seen - true + 180) % 360 - 180):.2f}"
                for seen, true in ((sun.azimuth, azimuth), (sun.elevation, elevation))
            ]
            ratio = light.total / (truth * key / middle)
            kind = "filmic" if is_filmic else "clipped"
            found = f"{sun.confidence:7} {apart[0]:>6} {apart[1]:>6}"
            yield f"{azimuth:5} {elevation:3} {kind:8} {key:4} {found} {ratio:6.2f}"


def main(folder: Path, height: int) -> None:
    """Print the table."""
    folder.mkdir(parents=True, exist_ok=True)
    print("   az  el shown     key sun     az off el off  light / true")
    for azimuth, elevation in SUNS:
        for line in evaluate(render(folder, azimuth, elevation, height), azimuth, elevation):
            print(line, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1024)
