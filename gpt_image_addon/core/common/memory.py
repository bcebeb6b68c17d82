"""Memory that a thread takes into use, so that the main thread need not wait for it."""

from __future__ import annotations

import contextlib
import io
import mmap
from pathlib import Path

from .files import InPieces

WORTH_BYTES = 2**20  # below this it is there before anyone would notice


def taken_for(path: Path, size: int) -> mmap.mmap:
    """As much memory as a file fills, with every page in use.

    The system finds a page when it is first written to, which takes a virtual machine whose host took its
    unused memory back some 50 ms for 12 MB. What the main thread frees it gets again at once, so a thread
    takes memory, and the main thread closes it right before Blender copies as much.

    :param size: bytes, at least one.
    """
    memory = mmap.mmap(-1, size)
    with contextlib.suppress(OSError), io.BufferedReader(InPieces(path)) as file:
        file.readinto(memory)  # a copy between two places in memory would let no other thread run
    return memory
