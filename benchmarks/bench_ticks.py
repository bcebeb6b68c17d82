"""How long our timer and our threads hold Blender's window up while eight jobs finish at once.

``.venv/bin/python benchmarks/bench_ticks.py .ci/blender-in-chroot.sh --window sid``: the rest of the line is
how Blender's window is opened, with the extension installed. Every tick of our timer is recorded, and every
gap between two turns of Blender's main loop, with how long the main thread worked in it and how long it was
ready and had no processor; what is left it waited: it slept, as it does between two turns when there is
nothing to do, or stood in line for Python. That it had no processor, or waited for longer than it sleeps
without jobs, is what other threads held it up. The gaps of the same window without jobs, but with our panel
redrawn, stand beside them. Nothing is really drawn: Mesa's driver that does nothing stands in for a graphics
card. All numbers lie in build/bench_ticks.json.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "build" / "bench_ticks.json"
STATE = ROOT / "build" / "bench-state"
JOBS = 8
LATENCY = 2.0  # seconds until the server answers all of them
CASES = (
    ("texture", "1024x1024", 16.0),
    ("texture", "2048x2048", 40.0),
    ("material", "1024x1024", 16.0),
    ("material", "2048x2048", 40.0),
)
"""Target, size, and the milliseconds that neither a tick nor what threads cause of a gap may exceed."""
ROUNDS = 3
HISTORY = 1000  # entries of the journal before the first job


def outside(blender: list[str]) -> None:
    """Start the server and Blender, and print what came out."""
    sys.path.insert(0, str(ROOT))
    from tests.api_server import API_KEY, ApiServer

    OUT.parent.mkdir(exist_ok=True)
    before = stolen()
    shutil.rmtree(STATE, ignore_errors=True)
    # The server would be another machine: it gets what processor time nobody else wants.
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    with ApiServer(0, latency=LATENCY, noise=True) as server:
        environment = {
            **os.environ,
            "OPENAI_BASE_URL": server.base_url,
            "OPENAI_API_KEY": API_KEY,
            "GPT_IMAGE_DATA_DIR": str(STATE),
            "BENCH_OUT": str(OUT),
            "GALLIUM_NOOP": "true",
        }
        command = [*blender, "--factory-startup", "--python", __file__]
        subprocess.run(["chrt", "--other", "0", *command], env=environment, check=True, timeout=900)
    for row in json.loads(OUT.read_text()):
        print_row(row)
    taken, worked = (after - earlier for after, earlier in zip(stolen(), before, strict=True))
    print(f"other machines on this one's processors took {100 * taken / worked:.1f} % of what was worked")


def stolen() -> tuple[int, int]:
    """Processor time that a virtual machine wanted and did not get so far, and with it all that it wanted."""
    user, nice, system, _, _, irq, softirq, steal = map(int, Path("/proc/stat").read_text().split()[1:9])
    return steal, user + nice + system + irq + softirq + steal


def print_row(row: dict[str, Any]) -> None:
    """The longest of each kind, and how many were too long."""
    if "draws" in row:
        print(f"drawing the panels: {row['draws']}")
        return
    ticks = [tick[0] for tick in row["ticks"]]
    sleep = statistics.median(gap - worked - ready for gap, worked, ready in row["idle"])
    held = [held_up(sleep, *gap) for gap in row["gaps"]]
    print(
        f"{row['target']:8} {row['size']}: bound {row['bound']:.0f} ms; "
        f"{len(ticks)} ticks, longest {max(ticks):.1f}; longest held up {max(held):.1f}; "
        f"{len(held)} gaps, {sum(gap[0] > row['bound'] for gap in row['gaps'])} above; "
        f"idle, longest {max(gap[0] for gap in row['idle']):.1f}, "
        f"held up {max(held_up(sleep, *gap) for gap in row['idle']):.1f}"
    )
    for gap, worked, ready in sorted(row["gaps"], reverse=True)[:3]:
        print(f"    gap {gap:.1f} ms: worked {worked:.1f}, without a processor {ready:.1f}")


def held_up(sleep: float, gap: float, worked: float, ready: float) -> float:
    """Milliseconds of a gap that the main thread waited for other threads.

    :param sleep: how long it sleeps between two turns when nothing happens.
    """
    return ready + max(0.0, gap - worked - ready - sleep)


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
    from bl_ext.user_default.gpt_image_addon import api
    from bl_ext.user_default.gpt_image_addon.app import session

    arrange()
    fill()
    found = []
    for target, size, bound in CASES * ROUNDS:
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
        session.forget_finished()
    draws = yield from panel_draws()
    Path(os.environ["BENCH_OUT"]).write_text(json.dumps([*found, {"draws": draws}]))


def arrange() -> None:
    """Our panels in the Shader Editor, and nothing else that takes long to draw."""
    import bpy

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
    from bl_ext.user_default.gpt_image_addon import registration
    from bl_ext.user_default.gpt_image_addon.ui.results import history_view

    spent: list[float] = []
    for panel in {cls for cls in registration.CLASSES if hasattr(cls, "bl_category")}:
        panel.draw = timed_draw(panel.draw, spent)
    for _ in range(300):  # the last jobs are still being shown
        yield
    rounds = []
    for _ in range(50):
        spent.clear()
        redraw()
        for _ in range(30):
            yield
        rounds.append(sum(spent) * 1000)
    rounds.sort()
    listed = history_view.current().count
    return f"{listed} entries, median {rounds[25]:.2f} ms, longest {rounds[-1]:.2f} ms"


def timed_draw(draw: Any, spent: list[float]) -> Any:
    """The same `draw`, whose seconds are noted."""

    def run(self: Any, context: Any) -> None:
        started = time.perf_counter()
        draw(self, context)
        spent.append(time.perf_counter() - started)

    return run


def fill() -> None:
    """Journal rows like those of earlier sessions."""
    from bl_ext.user_default.gpt_image_addon.app import session, settings
    from bl_ext.user_default.gpt_image_addon.core.request.request import Application, GenerationRequest

    journal = session.journal(settings.load(with_key=False))
    for number in range(HISTORY):
        asked = GenerationRequest(prompt=f"oak {number}", provider="offline", model="offline-draft")
        journal.reserve(f"bench-{number}-{os.getpid()}", asked, Application(), str(number), 0.0)


def inside() -> None:
    """In Blender: measure, and leave."""
    import addon_utils
    import bpy

    addon_utils.enable("bl_ext.user_default.gpt_image_addon")
    from bl_ext.user_default.gpt_image_addon.app import scheduler, settings

    settings.DEFAULT_CONCURRENCY = JOBS
    preferences = settings.preferences()
    if preferences:
        preferences.concurrency = JOBS
    bpy.context.preferences.view.show_splash = False
    bpy.context.preferences.filepaths.use_auto_save_temporary_files = False  # seconds, for gigabytes
    clock = Clock()
    scheduler._tick = clock.timed(scheduler._tick)
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
