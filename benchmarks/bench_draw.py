"""How long our part of drawing takes with 1,000 entries in the history: ``python benchmarks/bench_draw.py``.

The layout accepts everything and does nothing, so what is measured is our Python. Blender's own drawing of
the rows of one page comes on top and does not depend on how many entries there are.
"""

from __future__ import annotations

import atexit
import statistics
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import bpy

import gpt_image_addon
from gpt_image_addon import registration
from gpt_image_addon.core.journal.history import HistoryItem
from gpt_image_addon.core.journal.states import JobState
from gpt_image_addon.ui.common import sidebar
from gpt_image_addon.ui.results import history_view

ENTRIES = 1000
ROUNDS = 200


class Anything:
    """Every method returns another; `panel` opens."""

    def __getattr__(self, name: str) -> Any:
        return lambda *_, **__: (self, self) if name in ("panel", "panel_prop") else self


def main() -> None:
    """Print one line a panel."""
    gpt_image_addon.register()
    atexit.register(gpt_image_addon.unregister)  # leaving with classes registered hangs Blender 4.5
    rows = [
        HistoryItem(
            job=str(n),
            prompt=f"prompt {n}",
            state=JobState.APPLIED,
            created=datetime(2026, 11, 22),
            cost_usd=0.04,
            estimated_usd=0.04,
            images=("/none.png",),
            favourite=False,
            provider="openai",
            target="texture",
            error="",
        )
        for n in range(history_view.PAGE)
    ]
    for cls in registration.CLASSES:
        if not issubclass(cls, sidebar.Sidebar) or not cls.__name__.endswith("view3d"):
            continue
        times = []
        for _ in range(ROUNDS):
            view = history_view.current()
            view.rows, view.count, view.stale, view.asked = tuple(rows), ENTRIES, False, ("", "all", 0)
            shown = type("Shown", (), {"layout": Anything()})()
            started = time.perf_counter()
            cls.draw(shown, bpy.context)  # type: ignore[attr-defined]
            times.append((time.perf_counter() - started) * 1000)
        print(f"{cls.__name__}: median {statistics.median(times):.3f} ms, longest {max(times):.3f} ms")


if __name__ == "__main__":
    main()
