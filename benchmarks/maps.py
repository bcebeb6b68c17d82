"""Time and peak memory of material maps and tiles from 512² to 8192², one process a row.

python benchmarks/maps.py [side ...]
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

SIDES = (512, 1024, 2048, 4096, 8192)
RUNS = 3  # the best is shown


def sample_image(side: int) -> Any:
    """An image with detail at every scale that does not tile: value noise under uneven light."""
    import numpy as np
    from PIL import Image

    dice = np.random.default_rng(7)
    plane = np.zeros((side, side), np.float32)
    for cells in (5, 23, 111, side // 4):
        noise = Image.fromarray(dice.random((cells, cells), dtype=np.float32))
        plane += np.asarray(noise.resize((side, side), Image.Resampling.BICUBIC)) / cells**0.3
    plane *= np.linspace(80, 110, side, dtype=np.float32)
    plane = plane.clip(0, 255).astype(np.uint8)
    return np.stack((plane, plane // 2 + 30, 255 - plane), -1)


def measure(what: str, side: int) -> None:
    """Print one row: best seconds, of the clock and of all processors, and the process's peak memory."""
    from gpt_image_addon.core.textures.material_maps import make_maps
    from gpt_image_addon.core.textures.tiling import make_tile

    color = sample_image(side)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    best = busy = float("inf")
    for _ in range(RUNS):
        start, worked = time.perf_counter(), time.process_time()
        if what == "maps":
            make_maps(color, description="stone wall")
        else:
            make_tile(color)
        best = min(best, time.perf_counter() - start)
        busy = min(busy, time.process_time() - worked)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    times = f"{best:7.3f} s   {busy:7.3f} s of processors"
    print(f"{what:5} {side:5}²  {times}   peak {peak:6.0f} MB ({before:.0f} before)", flush=True)


def main() -> None:
    """Measure each size in a process of its own, so that peak memory is its own."""
    if len(sys.argv) == 3 and sys.argv[1] in ("maps", "tile"):
        measure(sys.argv[1], int(sys.argv[2]))
        return
    for what in ("maps", "tile"):
        for side in [int(argument) for argument in sys.argv[1:]] or SIDES:
            subprocess.run([sys.executable, __file__, what, str(side)], check=True)


if __name__ == "__main__":
    main()
