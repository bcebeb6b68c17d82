"""How much memory this machine has left, as far as it tells."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

from ..errors import InvalidRequestError
from ..text.message import Message, message

UNKNOWN = 4 * 2**30  # bytes that are taken to be free where the system does not say
RECLAIMED = 0.5  # of all memory: where only the whole is known


def check_memory(size: tuple[int, int], pixel_bytes: int, advice: Message) -> None:
    """
    :param size: width and height of an image.
    :param pixel_bytes: that are in memory at once for a pixel of it.
    :param advice: what to do where there is too little.
    :raises InvalidRequestError: so much is not free.
    """
    needed = size[0] * size[1] * pixel_bytes
    if needed > free_memory():
        raise InvalidRequestError(
            message(
                "For {width}x{height} pixels {size} GB of memory are not free; {advice}",
                width=size[0],
                height=size[1],
                size=f"{needed / 1e9:.1f}",
                advice=advice,
            ),
            code="invalid_value",
            param="size",
        )


def free_memory() -> int:
    """Bytes that can be used without the system having to swap."""
    if os.name == "nt":
        return _free_on_windows()
    try:
        for line in Path("/proc/meminfo").read_text("ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    try:  # macOS: it keeps files in what is free and gives that back
        return int(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") * RECLAIMED)
    except (OSError, ValueError, AttributeError):
        return UNKNOWN


class _MemoryStatus(ctypes.Structure):
    """MEMORYSTATUSEX."""

    _fields_ = (
        ("length", ctypes.c_uint32),
        ("load", ctypes.c_uint32),
        ("total", ctypes.c_uint64),
        ("free", ctypes.c_uint64),
        ("total_paged", ctypes.c_uint64),
        ("free_paged", ctypes.c_uint64),
        ("total_virtual", ctypes.c_uint64),
        ("free_virtual", ctypes.c_uint64),
        ("free_extended", ctypes.c_uint64),
    )


def _free_on_windows() -> int:
    status = _MemoryStatus()
    status.length = ctypes.sizeof(status)
    try:
        found = ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status))  # type: ignore[attr-defined]
    except (AttributeError, OSError):
        return UNKNOWN
    return int(status.free) if found else UNKNOWN
