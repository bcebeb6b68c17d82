"""Time and peak memory of fitting an answer to the image it is an edit of, one process a row.

python benchmarks/bench_edits.py [side ...]
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

SIDES = (1024, 2048)
RUNS = 3  # the best is shown


def measure(side: int) -> None:
    """Print one row: best seconds, of the clock and of all processors, and the process's peak memory."""
    import numpy as np

    from benchmarks.maps import sample_image
    from gpt_image_addon.core.editing.blending import blended, fit_edit

    original = sample_image(side)
    mask = np.zeros((side, side), bool)
    mask[side // 3 : side * 2 // 3, side // 4 : side * 2 // 3] = True
    answer = np.clip(np.roll(original, (3, -2), (0, 1)) * 0.95 + 4, 0, 255).astype(np.uint8)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    best = busy = float("inf")
    for _ in range(RUNS):
        start, worked = time.perf_counter(), time.process_time()
        fitted = fit_edit(original, answer, mask)
        blended(original, fitted)
        best = min(best, time.perf_counter() - start)
        busy = min(busy, time.process_time() - worked)
        assert fitted.registration.accepted
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    times = f"{best:7.3f} s   {busy:7.3f} s of processors"
    print(f"edit {side:5}²  {times}   peak {peak:6.0f} MB ({before:.0f} before)", flush=True)


def main() -> None:
    """Measure each size in a process of its own, so that peak memory is its own."""
    if len(sys.argv) == 3 and sys.argv[1] == "edit":
        measure(int(sys.argv[2]))
        return
    for side in [int(argument) for argument in sys.argv[1:]] or SIDES:
        subprocess.run([sys.executable, __file__, "edit", str(side)], check=True)


if __name__ == "__main__":
    main()
