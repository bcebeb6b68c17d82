"""Time and peak memory of masked edits, one process a row: of planning what is sent, in the main thread at
the click, for masks inside and at the border; and of fitting an answer to the image it is an edit of.

python benchmarks/bench_edits.py [side ...]
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

SIDES = (1024, 2048)
PLANNED = 4096  # pixels a side
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


def measure_plan(side: int) -> None:
    """Print a row for each place of a mask: best seconds of planning its crops from the files."""
    import numpy as np
    from PIL import Image

    from benchmarks.maps import sample_image
    from gpt_image_addon.core.editing.region_edit import plan_edit
    from gpt_image_addon.core.request.models import load_registry
    from gpt_image_addon.core.request.request import GenerationRequest
    from gpt_image_addon.core.textures.writer import is_tile

    part, places = sample_image(side // 4), {"inside": side // 2, "border": 0}
    row = np.hstack([part, part[:, ::-1]])  # mirrored, so that its sides meet
    images = {
        "photo": np.asarray(Image.fromarray(part).resize((side * 5 // 4, side)))[:, :side],
        "tile": np.tile(np.vstack([row, row[::-1]]), (2, 2, 1)),
    }
    with tempfile.TemporaryDirectory() as folder:
        for kind, pixels in images.items():
            Image.fromarray(pixels).save(f"{folder}/{kind}.png", compress_level=1)
            for name, left in places.items():
                mask = Image.new("RGB", (side, side))
                mask.paste("white", (left, side // 2, left + side // 10, side // 2 + side // 10))
                mask.save(f"{folder}/mask.png")
                files = {"references": (f"{folder}/{kind}.png",), "mask": f"{folder}/mask.png"}
                request = GenerationRequest(
                    "oak", provider="openai", model="gpt-image-2", size="like", **files
                )
                best = float("inf")
                for _ in range(RUNS):
                    start = time.perf_counter()
                    plan_edit(request, load_registry(), is_tile)
                    best = min(best, time.perf_counter() - start)
                print(f"plan {side:5}²  {best:7.3f} s   mask {name}, {kind}", flush=True)


def main() -> None:
    """Measure each size in a process of its own, so that peak memory is its own."""
    measures = {"edit": measure, "plan": measure_plan}
    if len(sys.argv) == 3 and sys.argv[1] in measures:
        measures[sys.argv[1]](int(sys.argv[2]))
        return
    subprocess.run([sys.executable, __file__, "plan", str(PLANNED)], check=True)
    for side in [int(argument) for argument in sys.argv[1:]] or SIDES:
        subprocess.run([sys.executable, __file__, "edit", str(side)], check=True)


if __name__ == "__main__":
    main()
