"""How long it takes to decide on hostile and odd SVG files, and to flatten the largest that are let in.

python benchmarks/bench_drawings.py
"""

from __future__ import annotations

import contextlib
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from gpt_image_addon.core.vector.elements import UnusableDrawingError
from gpt_image_addon.core.vector.flatten import read_drawing
from tests.core.vector.hostile import DRAWN, REFUSED, svg

LIMIT = 0.2  # seconds of a processor for each hostile or odd file
LARGE = {
    "4,900 triangles": svg("".join(f'<path d="M{n} 0l1 1 1-1z" fill="#{n:06x}"/>' for n in range(4900))),
    "6 paths of 2,900 curves": svg(f'<path d="M0 0{"c1 1 1-1 0 0" * 2900}"/>' * 6),
}


def seconds(data: bytes) -> float:
    """Of a processor, for one decision."""
    start = time.process_time()
    with contextlib.suppress(UnusableDrawingError):
        read_drawing(data).to_svg()
    return time.process_time() - start


def main() -> None:
    """Print the figures."""
    files = {name: data for table in (REFUSED, DRAWN) for name, (data, _) in table.items()}
    taken = {name: seconds(data) for name, data in files.items()}
    slowest = max(taken, key=taken.__getitem__)
    verdict = "within" if taken[slowest] < LIMIT else "ABOVE"
    print(f"{len(taken)} hostile and odd files; the slowest: {slowest}, {taken[slowest]:.3f} s")
    print(f"{verdict} the limit of {LIMIT} s")
    for name, data in LARGE.items():
        print(f"{name}: {seconds(data):.2f} s")


if __name__ == "__main__":
    main()
