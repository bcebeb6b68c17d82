"""How long enabling the add-on takes and what it imports: the median and the least of some fresh Blenders.

`bench_enable.py` takes the bpy module, `bench_enable.py BLENDER…` the Blender that this command starts.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RUNS = 9
CHILD = f"""
import bpy, sys, time
sys.path.insert(0, {str(ROOT)!r})
before = set(sys.modules)
start = time.perf_counter()
import gpt_image_addon
gpt_image_addon.register()
milliseconds = (time.perf_counter() - start) * 1000
print("enabled", milliseconds, len(set(sys.modules) - before), bpy.app.version_string)
"""


def main() -> None:
    """Print one line."""
    blender = sys.argv[1:]
    command = [*blender, "-b", "--factory-startup", "--python-expr"] if blender else [sys.executable, "-c"]
    times = []
    for _ in range(RUNS):
        run = subprocess.run([*command, CHILD], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
        line = next(line for line in run.stdout.splitlines() if line.startswith("enabled"))
        _, milliseconds, modules, version = line.split(maxsplit=3)
        times.append(float(milliseconds))
    print(
        f"enable: median {statistics.median(times):.1f} ms, least {min(times):.1f} ms, {modules} modules, "
        f"Blender {version}, {RUNS} runs"
    )


if __name__ == "__main__":
    main()
