"""One image of all frames, and what engines read beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from ..raster.alpha import bleed
from ..text.message import message
from .frames import Frames, Pixels

GAP = 2
"""Pixels around each frame that repeat its border, so that filtering takes nothing of its neighbours."""
LARGEST = 8192
"""Pixels a side: what every graphics card takes."""


@dataclass(frozen=True)
class Sheet:
    """Frames in rows, from the upper left."""

    pixels: Pixels
    frame_size: tuple[int, int]
    columns: int
    durations_ms: tuple[int, ...]
    notes: tuple[str, ...] = ()

    def place(self, number: int) -> tuple[int, int]:
        """Left and top of a frame, without its gap."""
        row, column = divmod(number, self.columns)
        width, height = self.frame_size
        return column * (width + 2 * GAP) + GAP, row * (height + 2 * GAP) + GAP

    @property
    def facts(self) -> Mapping[str, str | int | float]:
        """What a material needs to show it, as custom properties of the image."""
        width, height = self.frame_size
        return {
            "sheet_columns": self.columns,
            "sheet_frame_width": width,
            "sheet_frame_height": height,
            "sheet_durations_ms": " ".join(map(str, self.durations_ms)),
        }

    def to_json(self, name: str) -> bytes:
        """The table of frames as Aseprite writes it ("hash"), which engines read.

        :param name: of the image, without its ending.
        """
        width, height = self.frame_size
        frames = {}
        for number, duration in enumerate(self.durations_ms):
            left, top = self.place(number)
            frames[f"{name} {number}.png"] = {
                "frame": {"x": left, "y": top, "w": width, "h": height},
                "rotated": False,
                "trimmed": False,
                "spriteSourceSize": {"x": 0, "y": 0, "w": width, "h": height},
                "sourceSize": {"w": width, "h": height},
                "duration": duration,
            }
        size = {"w": self.pixels.shape[1], "h": self.pixels.shape[0]}
        meta: dict[str, Any] = {"image": f"{name}.png", "format": "RGBA8888", "size": size, "scale": "1"}
        return json.dumps({"frames": frames, "meta": meta}, ensure_ascii=False, indent=1).encode()


def make_sheet(frames: Frames) -> Sheet:
    """All frames in one image, as square as they allow; smaller where it would be too large."""
    width, height = frames.size
    count = len(frames.pixels)
    columns = max(1, min(count, round((count * height / width) ** 0.5)))
    rows = -(-count // columns)
    largest = max(columns * (width + 2 * GAP), rows * (height + 2 * GAP))
    notes = frames.notes
    pixels = frames.pixels
    if largest > LARGEST:
        room = min(LARGEST // columns - 2 * GAP, LARGEST // rows - 2 * GAP)
        share = min(room / width, room / height)
        smaller = max(1, int(width * share)), max(1, int(height * share))
        pixels = tuple(
            np.asarray(Image.fromarray(one).resize(smaller, Image.Resampling.LANCZOS)) for one in pixels
        )
        notes += (
            message(
                "The frames were reduced from {old} to {new} pixels, so that the sheet has {limit} a side.",
                old=f"{width}x{height}",
                new=f"{smaller[0]}x{smaller[1]}",
                limit=f"{LARGEST:,}",
            ),
        )
        width, height = smaller
    sheet = np.zeros((rows * (height + 2 * GAP), columns * (width + 2 * GAP), 4), np.uint8)
    for number, frame in enumerate(pixels):
        row, column = divmod(number, columns)
        top, left = row * (height + 2 * GAP), column * (width + 2 * GAP)
        ready = bleed(frame) if frame[..., 3].min() < 255 else frame
        cell = np.pad(ready, ((GAP, GAP), (GAP, GAP), (0, 0)), mode="edge")
        sheet[top : top + cell.shape[0], left : left + cell.shape[1]] = cell
    return Sheet(sheet, (width, height), columns, frames.durations_ms, notes)
