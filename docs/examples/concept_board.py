"""A concept board, made while Blender stays usable: planes in rows, and a line for each that arrives.

Open it in the text editor and click Run, or:
GPT_IMAGE_PROVIDER=offline blender -b -P docs/examples/concept_board.py -- board.blend
"""

from __future__ import annotations

import sys
from pathlib import Path

import bpy

try:
    from bl_ext.user_default.gpt_image_addon import api
except ImportError:  # not installed: a checkout
    from gpt_image_addon import api

PLACES = ("a temple", "a market street", "a harbour")
MOODS = ("at dawn", "in heavy rain")
STEP = (3.2, -2.2)  # metres between columns and rows


class Board:
    """Puts each result into its place when it comes."""

    def __init__(self) -> None:
        self.cells = {
            api.submit(f"concept art of {place} {mood}", target="plane", size="1536x1024"): (column, row)
            for row, mood in enumerate(MOODS)
            for column, place in enumerate(PLACES)
        }
        self.waiting = set(self.cells)
        api.on_change(self.look)

    def look(self) -> None:
        """Called on the main thread whenever a job changed."""
        for job in [job for job in self.waiting if job.done]:
            self.waiting.discard(job)
            if job.error is not None:
                print(f"{job.request.prompt}: {job.error.text}")
                continue
            column, row = self.cells[job]
            plane = bpy.data.objects[api.result_of(job).object]
            plane.location.x, plane.location.z = column * STEP[0], row * STEP[1]
            print(f"{job.request.prompt}: {plane.name}")
        if not self.waiting:
            api.on_change(self.look, remove=True)


def main(output: str = "board.blend") -> None:
    """With a window this returns at once and the board fills by itself; in background it waits."""
    board = Board()
    if bpy.app.background:
        for job in board.cells:
            job.wait()
        print(api.save_blend(Path(output)))


if __name__ == "__main__":
    main(*sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else ())
