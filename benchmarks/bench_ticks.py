"""How long our timer holds Blender's window up while eight jobs finish at once.

``.venv/bin/python benchmarks/bench_ticks.py .ci/blender-in-chroot.sh --window sid``: the rest of the line is
how Blender's window is opened, with the extension installed. Every tick of our timer is recorded, and every
gap between two turns of Blender's main loop. The gaps of the same window without jobs stand beside them: one
without a graphics card redraws slowly by itself. All numbers lie in build/bench_ticks.json.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "build" / "bench_ticks.json"
JOBS = 8
LATENCY = 2.0  # seconds until the server answers all of them
CASES = (("texture", "1024x1024", 16.0), ("texture", "2048x2048", 40.0), ("material", "1024x1024", 16.0))
"""Target, size, and the milliseconds that neither a tick nor a gap may exceed."""


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
        }
        command = [*blender, "--factory-startup", "--python", __file__]
        subprocess.run(["nice", "-n", "-19", *command], env=environment, check=True, timeout=900)
    for row in json.loads(OUT.read_text()):
        print(
            f"{row['target']:8} {row['size']}: tick {max(row['ticks']):6.1f} ms, "
            f"gap {max(row['gaps']):6.1f} ms (idle {max(row['idle']):.1f} ms), "
            f"bound {row['bound']:.0f} ms, {len(row['ticks'])} ticks"
        )


class Clock:
    """Milliseconds between two turns of the main loop, and in our timer."""

    def __init__(self) -> None:
        self.gaps: list[float] = []
        self.ticks: list[float] = []
        self._last = time.perf_counter()

    def turn(self) -> float:
        now = time.perf_counter()
        self.gaps.append((now - self._last) * 1000)
        self._last = now
        return 0.001

    def timed(self, tick: Any) -> Any:
        def run() -> Any:
            started = time.perf_counter()
            answer = tick()
            self.ticks.append((time.perf_counter() - started) * 1000)
            return answer

        return run


def measure(clock: Clock) -> Any:
    """A generator: yields between turns, and leaves the numbers in a file at the end."""
    import bpy
    from bl_ext.user_default.gpt_image_addon import api, runner

    show_wires()
    found = []
    for target, size, bound in CASES:
        bpy.ops.mesh.primitive_cube_add()
        first = api.submit("warm", provider="offline", target=target, size="64x64")  # imports happen once
        while not first.done:
            yield
        clock.gaps.clear()
        for _ in range(300):
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
    Path(os.environ["BENCH_OUT"]).write_text(json.dumps(found))


def show_wires() -> None:
    """A view that is not turned to Material Preview: without a graphics card shaders compile for seconds."""
    import bpy

    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "VIEW_3D":
                area.spaces.active.shading.type = "WIREFRAME"


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
