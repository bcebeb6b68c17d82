"""How long enabling the add-on takes and what it imports: the median and the least of some fresh Blenders."""

from __future__ import annotations

import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RUNS = 9
CHILD = """
import bpy, sys, time
before = set(sys.modules)
start = time.perf_counter()
import gpt_image_addon
gpt_image_addon.register()
print((time.perf_counter() - start) * 1000, len(set(sys.modules) - before), bpy.app.version_string)
"""


def main() -> None:
    """Print one line."""
    times = []
    for _ in range(RUNS):
        command = [sys.executable, "-c", CHILD]
        run = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
        milliseconds, modules, version = run.stdout.splitlines()[-1].split(maxsplit=2)
        times.append(float(milliseconds))
    print(
        f"enable: median {statistics.median(times):.1f} ms, least {min(times):.1f} ms, {modules} modules, "
        f"bpy {version}, {RUNS} runs"
    )


if __name__ == "__main__":
    main()
