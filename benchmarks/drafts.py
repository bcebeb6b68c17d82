"""Time of every family of offline drafts at 1024 x 1024, and peak memory at 4096 x 4096.

python benchmarks/drafts.py [SIDE]
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from gpt_image_addon.core.providers.offline.painter import FAMILIES, paint

LARGE = 4096  # pixels a side
PEAK = "import sys; sys.path.insert(0, sys.argv[1]); import benchmarks.drafts as b; b.print_peak(sys.argv[2])"


def print_times(side: int) -> None:
    """One line a family, slowest first: wall and processor milliseconds of the second of two drafts."""
    times = []
    for family in FAMILIES:
        paint(family.label, 64, 64)
        wall, cpu = time.perf_counter(), time.process_time()
        paint(family.label, side, side)
        times.append((time.process_time() - cpu, time.perf_counter() - wall, family.name))
    for cpu, wall, name in sorted(times, reverse=True):
        print(f"{name:16}{1000 * wall:8.0f} ms{1000 * cpu:8.0f} ms processor")
    print(f"{'mean':16}{1000 * statistics.mean(wall for _, wall, _ in times):8.0f} ms")


def print_peak(prompt: str) -> None:
    """Seconds and peak memory of one large draft, in a process of its own."""
    start = time.perf_counter()
    paint(prompt, LARGE, LARGE)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # kilobytes on Linux
    print(f"{prompt:16}{time.perf_counter() - start:8.1f} s {peak:8.0f} MB at {LARGE} x {LARGE}")


if __name__ == "__main__":
    print_times(int(sys.argv[1]) if len(sys.argv) > 1 else 1024)
    for prompt in ("brick", "stone", "grass", "circuit board"):
        subprocess.run(
            [sys.executable, "-c", PEAK, str(Path(__file__).resolve().parents[1]), prompt], check=True
        )
