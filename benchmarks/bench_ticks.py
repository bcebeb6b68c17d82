"""How long our timer holds Blender's window up while eight jobs finish at once.

``.venv/bin/python benchmarks/bench_ticks.py .ci/blender-in-chroot.sh --window sid``: the rest of the line is
how Blender's window is opened, with the extension installed. Every tick of our timer is recorded, and every
gap between two turns of Blender's main loop, with how long the main thread worked in it and how long it was
ready and had no processor; what is left it waited, for Python or asleep. The gaps of the same window without
jobs, but with our panel redrawn, stand beside them. Nothing is really drawn: Mesa's driver that does nothing
stands in for a graphics card. All numbers lie in build/bench_ticks.json.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "build" / "bench_ticks.json"
JOBS = 8
LATENCY = 2.0  # seconds until the server answers all of them
CASES = (
    ("texture", "1024x1024", 16.0),
    ("texture", "2048x2048", 40.0),
    ("material", "1024x1024", 16.0),
    ("material", "2048x2048", 40.0),
)
"""Target, size, and the milliseconds that neither a tick nor a gap may exceed."""
HISTORY = 1000  # entries of the journal while the panels are drawn


def outside(blender: list[str]) -> None:
    """Start the server and Blender, and print what came out."""
    sys.path.insert(0, str(ROOT))
    from tests.api_server import API_KEY, ApiServer

    OUT.parent.mkdir(exist_ok=True)
    os.nice(19)  # the server would be another machine: Blender goes first
    with ApiServer(0, latency=LATENCY, noise=True) as server:
        environment = {
            **os.environ,
            "OPENAI_BASE_URL": server.base_url,
            "OPENAI_API_KEY": API_KEY,
            "GPT_IMAGE_DATA_DIR": str(ROOT / "build" / "bench-state"),
            "BENCH_OUT": str(OUT),
            "GALLIUM_NOOP": "true",
        }
        command = [*blender, "--factory-startup", "--python", __file__]
        subprocess.run(["nice", "-n", "-19", *command], env=environment, check=True, timeout=900)
    for row in json.loads(OUT.read_text()):
        print_row(row)


def print_row(row: dict[str, Any]) -> None:
    """The longest of each kind, and how many were too long."""
    if "draws" in row:
        print(f"drawing the panels: {row['draws']}")
        return
    ticks = [tick[0] for tick in row["ticks"]]
    longest = sorted(row["gaps"], reverse=True)[:3]
    print(
        f"{row['target']:8} {row['size']}: bound {row['bound']:.0f} ms; "
        f"{len(ticks)} ticks, longest {max(ticks):.1f}; "
        f"{len(row['gaps'])} gaps, {sum(gap[0] > row['bound'] for gap in row['gaps'])} above; idle, longest "
        f"{max(gap[0] for gap in row['idle']):.1f}"
    )
    for gap, worked, ready in longest:
        print(f"    gap {gap:.1f} ms: worked {worked:.1f}, without a processor {ready:.1f}")


class Stopwatch:
    """Milliseconds since it was started: by the clock, at work, and ready without a processor."""

    def __init__(self) -> None:
        self._file = Path(f"/proc/self/task/{threading.get_native_id()}/schedstat")
        self._start = self._now()

    def _now(self) -> tuple[float, float, float]:
        ready = int(self._file.read_text().split()[1])
        return time.perf_counter() * 1e3, time.thread_time() * 1e3, ready / 1e6

    def lap(self) -> tuple[float, ...]:
        now = self._now()
        found = tuple(round(after - before, 2) for after, before in zip(now, self._start, strict=True))
        self._start = now
        return found


class Clock:
    """Every gap between two turns of the main loop, and every tick of our timer."""

    def __init__(self) -> None:
        self.gaps: list[tuple[float, ...]] = []
        self.ticks: list[tuple[float, ...]] = []
        self._turn, self._tick = Stopwatch(), Stopwatch()

    def turn(self) -> None:
        self.gaps.append(self._turn.lap())

    def timed(self, tick: Any) -> Any:
        def run() -> Any:
            self._tick.lap()
            answer = tick()
            self.ticks.append(self._tick.lap())
            return answer

        return run


def measure(clock: Clock) -> Any:
    """A generator: yields between turns, and leaves the numbers in a file at the end."""
    import bpy
    from bl_ext.user_default.gpt_image_addon import api, runner

    arrange()
    found = []
    for target, size, bound in CASES:
        bpy.ops.mesh.primitive_cube_add()
        first = api.submit("warm", provider="offline", target=target, size="64x64")  # imports happen once
        while not first.done:
            yield
        for _ in range(1000):
            yield
        clock.gaps.clear()
        for number in range(1000):
            if number % 50 == 0:
                redraw()
            yield
        idle = list(clock.gaps)
        jobs = [
            api.submit(f"{target} {size} {n}", provider="openai", target=target, size=size, quality="low")
            for n in range(JOBS)
        ]
        clock.gaps.clear()
        clock.ticks.clear()
        while not all(job.done for job in jobs):
            yield
        assert all(job.state.name == "APPLIED" for job in jobs), [job.message for job in jobs]
        row = {"target": target, "size": size, "bound": bound, "idle": idle}
        found.append({**row, "gaps": list(clock.gaps[1:]), "ticks": list(clock.ticks)})
        runner.forget_finished()
    draws = yield from panel_draws()
    Path(os.environ["BENCH_OUT"]).write_text(json.dumps([*found, {"draws": draws}]))


def arrange() -> None:
    """Our panels in the Shader Editor, and nothing else that takes long to draw."""
    import bpy
    from bl_ext.user_default.gpt_image_addon.ui import panels_history

    for panel in panels_history.PANELS:  # closed, it would not be drawn
        bpy.utils.unregister_class(panel)
        panel.bl_options = set()
        bpy.utils.register_class(panel)
    for area in bpy.context.window.screen.areas:
        if area.type == "VIEW_3D":
            area.ui_type = "ShaderNodeTree"
            area.spaces.active.show_region_ui = True
        else:
            area.type = "TEXT_EDITOR"


def redraw() -> None:
    """Our panels."""
    import bpy

    for area in bpy.context.window.screen.areas:
        for region in area.regions:
            if area.type == "NODE_EDITOR" and region.type == "UI":
                region.active_panel_category = "GPT Image"
                region.tag_redraw()


def panel_draws() -> Any:
    """A generator that returns the milliseconds of our panels together, each time that they were drawn."""
    from bl_ext.user_default.gpt_image_addon import api, registration
    from bl_ext.user_default.gpt_image_addon.core.request import Application, GenerationRequest
    from bl_ext.user_default.gpt_image_addon.ui import history

    fill(api, GenerationRequest, Application)
    history.view.stale = True
    spent: list[float] = []
    for panel in {cls for cls in registration.CLASSES if hasattr(cls, "bl_category")}:
        panel.draw = timed_draw(panel.draw, spent)
    for _ in range(3):  # the history is read meanwhile
        redraw()
        for _ in range(300):
            yield
    rounds = []
    for _ in range(50):
        spent.clear()
        redraw()
        for _ in range(30):
            yield
        rounds.append(sum(spent) * 1000)
    rounds.sort()
    listed = len(history.view.rows)
    return f"{listed} entries, median {rounds[25]:.2f} ms, longest {rounds[-1]:.2f} ms"


def timed_draw(draw: Any, spent: list[float]) -> Any:
    """The same `draw`, whose seconds are noted."""

    def run(self: Any, context: Any) -> None:
        started = time.perf_counter()
        draw(self, context)
        spent.append(time.perf_counter() - started)

    return run


def fill(api: Any, request: Any, application: Any) -> None:
    """Journal rows like those of earlier sessions."""
    from bl_ext.user_default.gpt_image_addon import runner, settings

    journal = runner.journal(settings.load(with_key=False))
    for number in range(HISTORY):
        asked = request(prompt=f"oak {number}", provider="offline", model="offline-draft")
        journal.reserve(f"bench-{number}-{os.getpid()}", asked, application(), str(number), 0.0)


def inside() -> None:
    """In Blender: measure, and leave."""
    import addon_utils
    import bpy

    addon_utils.enable("bl_ext.user_default.gpt_image_addon")
    from bl_ext.user_default.gpt_image_addon import runner, settings

    settings.DEFAULT_CONCURRENCY = JOBS
    preferences = settings.preferences()
    if preferences:
        preferences.concurrency = JOBS
    bpy.context.preferences.view.show_splash = False
    clock = Clock()
    runner._tick = clock.timed(runner._tick)
    steps = measure(clock)

    def advance() -> float | None:
        clock.turn()
        try:
            next(steps)
        except StopIteration:
            bpy.ops.wm.quit_blender()
            return None
        except BaseException:
            import traceback

            traceback.print_exc()
            os._exit(1)
        return 0.001

    bpy.app.timers.register(advance, first_interval=3.0)


if __name__ == "__main__":
    if "BENCH_OUT" in os.environ:
        inside()
    elif len(sys.argv) > 1:
        outside(sys.argv[1:])
    else:
        print("bench_ticks needs a window: say how Blender is started.")
