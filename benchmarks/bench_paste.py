"""Time and peak memory of an edit pasted into images of 1024² to 16384², one process a row.

python benchmarks/bench_paste.py [--big] [side ...]

In memory, and from file to file: PNG in bands, of noise and of a smooth image, and TIFF without compression.
``--big`` adds 16384², which takes minutes and 4 GB in the temporary folder.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

SIDES = (1024, 4096)
BIG = 16384
PATCH = (2560, 1440)  # the largest that a model answers
KINDS = ("memory", "noise.png", "smooth.png", "noise.tif")


def rows(kind: str, side: int, first: int, end: int) -> Any:
    """Some rows of an RGBA image, (rows, side, 4) uint8."""
    import numpy as np

    if "noise" in kind:
        return np.random.default_rng(first).integers(0, 256, (end - first, side, 4), dtype=np.uint8)
    ramp = np.add.outer(np.arange(first, end), np.arange(side)) // 16
    return np.stack([ramp, ramp // 2, ramp // 3, ramp * 0 + 255], axis=-1).astype(np.uint8)


def write_image(file: Path, side: int) -> None:
    """Write an RGBA image of 8 bits a channel, in bands."""
    from gpt_image_addon.core.imaging.png_bands import PngHeader, PngWriter, filtered
    from gpt_image_addon.core.imaging.stored_pixels import bytes_of

    step = 64
    with file.open("wb") as stream:
        if file.suffix == ".tif":
            write_tiff_head(stream, side)
            for first in range(0, side, step):
                stream.write(rows(file.name, side, first, first + step).tobytes())
            return
        writer, above = PngWriter(stream, PngHeader(side, side, 8, 6), []), None
        for first in range(0, side, step):
            raw = bytes_of(rows(file.name, side, first, first + step))
            writer.add(filtered(raw, above))
            above = raw[-1]
        writer.finish([])


def write_tiff_head(stream: Any, side: int) -> None:
    """What stands before the pixels of an uncompressed TIFF with one strip."""
    import struct

    entries = (
        (256, 4, side),
        (257, 4, side),
        (258, 3, 8),
        (259, 3, 1),
        (262, 3, 2),
        (273, 4, 256),
        (277, 3, 4),
        (278, 4, side),
        (279, 4, side * side * 4),
        (338, 3, 2),
    )
    head = b"II" + struct.pack("<HIH", 42, 8, len(entries))
    for tag, kind, value in entries:
        if tag == 258:
            head += struct.pack("<HHII", tag, kind, 4, 200)
        else:
            head += struct.pack("<HHII", tag, kind, 1, value)
    stream.write((head + bytes(200 - len(head)) + struct.pack("<4H", 8, 8, 8, 8)).ljust(256, b"\0"))


def patch_for(side: int) -> Any:
    """A patch with a soft edge, as large as a model answers or half the image."""
    import numpy as np

    from gpt_image_addon.core.pasting.boxes import Box
    from gpt_image_addon.core.pasting.patches import make_patch

    width, height = (min(edge, side // 2) for edge in PATCH)
    down = np.minimum(np.arange(height), np.arange(height)[::-1])[:, None]
    across = np.minimum(np.arange(width), np.arange(width)[::-1])
    weight = np.clip(np.minimum(down, across) / 8, 0, 1)
    box = Box((side - width) // 2, (side - height) // 2, width, height)
    return make_patch(box, rows("noise", width, 0, height)[..., :3], weight)


def measure(kind: str, side: int, folder: Path) -> None:
    """Print one row."""
    from gpt_image_addon.core.pasting.edited_files import cut, paste
    from gpt_image_addon.core.pasting.image_source import inspect_source
    from gpt_image_addon.core.pasting.patches import blend, fit_patch

    patch, parts = patch_for(side), ""
    if kind == "memory":
        pixels, box = rows("noise", side, 0, side), patch.box
        under = pixels[box.top : box.bottom, box.left : box.right]
        best = busy = float("inf")
        for _ in range(9):
            start, worked = time.perf_counter(), time.process_time()
            blend(under, *fit_patch(patch.pixels, patch.weight, pixels.shape[2], pixels.dtype))
            best = min(best, time.perf_counter() - start)
            busy = min(busy, time.process_time() - worked)
        parts = f"{busy * 1000:6.1f} ms of processors   "
    else:
        file = folder / f"{side}_{kind}"
        start = time.perf_counter()
        found = inspect_source(file, file.name)
        cut(found, [patch.box])
        parts = f"cut {time.perf_counter() - start:7.2f} s   "
        start = time.perf_counter()
        paste(found, [patch], folder / f"out_{side}_{kind}")
        best = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{kind:10} {side:5}²  {parts}paste {best * 1000:9.1f} ms   peak {peak:6.0f} MB", flush=True)


def main() -> None:
    """Measure each row in a process of its own, so that peak memory is its own."""
    arguments = sys.argv[1:]
    if len(arguments) == 3 and arguments[0] in KINDS:
        measure(arguments[0], int(arguments[1]), Path(arguments[2]))
        return
    sides = [int(side) for side in arguments if side.isdigit()] or list(SIDES)
    with tempfile.TemporaryDirectory() as folder:
        for side in sides + [BIG] * ("--big" in arguments):
            for kind in KINDS:
                if kind == "memory" and side == BIG:
                    continue
                if kind != "memory":
                    write_image(Path(folder) / f"{side}_{kind}", side)
                subprocess.run([sys.executable, __file__, kind, str(side), folder], check=True)
                for file in Path(folder).glob("*"):
                    file.unlink()


if __name__ == "__main__":
    main()
