"""Let Agents In, by clicks: three clients put a material each into the scene; each is an undo step."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bl_ext.user_default.gpt_image_addon import api
from bl_ext.user_default.gpt_image_addon.app import scheduler
from bl_ext.user_default.gpt_image_addon.mcp.window import agents
from bl_ext.user_default.gpt_image_addon.ui.agents import panel
from harness import Steps, press, run, until
from user import Sidebar, open_sidebar, over, shot

NAMES = ("Left", "Middle", "Right")
taken: dict[str, list[float]] = {}
"""Milliseconds that each call of something took, by its name."""


def timed(name: str, work: Callable[..., Any]) -> Callable[..., Any]:
    def measure(*arguments: Any) -> Any:
        started = time.perf_counter()
        try:
            return work(*arguments)
        finally:
            taken.setdefault(name, []).append((time.perf_counter() - started) * 1000)

    return measure


def measure() -> None:
    """Measure what the window waits for."""
    scheduler.drain = timed("results into the scene, a tick", scheduler.drain)
    agents.Agents.step = timed("agents, a tick", agents.Agents.step)
    draw = timed("drawing the panel", panel.GPT_IMAGE_PT_agents.draw)
    for cls in panel.PANELS:
        cls.draw = lambda self, context: draw(self, context)  # Blender counts the arguments


def make_cubes() -> None:
    for number, name in enumerate(NAMES):
        bpy.ops.mesh.primitive_cube_add(location=(3 * number, 0, 0))
        bpy.context.object.name = name
    bpy.ops.ed.undo_push(message="Cubes")


def shown(number: int) -> bool:
    """Whether so many cubes have a material."""
    return sum(bool(bpy.data.objects[name].active_material) for name in NAMES) == number


def stop(sidebar: Sidebar) -> Steps:
    yield from sidebar.click("Stop Agents")
    yield from until(lambda: agents.current() is None, "agents to be sent away", 20)
    yield from sidebar.bring("No agent is let in")


def script() -> Steps:
    make_cubes()
    sidebar = yield from open_sidebar()
    yield from sidebar.unfold("Agents")
    yield from sidebar.bring("Copy Address and Token")
    yield from shot("1-nobody", over(sidebar.area))
    measure()
    assert agents.current() is None, "agents were let in by nobody"
    yield from sidebar.click("Let Agents In")
    yield from until(lambda: agents.current() is not None, "agents to be let in", 20)
    yield from until(lambda: len(api.jobs()) == len(NAMES), "three jobs", 60)
    yield from sidebar.bring("agent of")
    yield from shot("2-three-clients", over(sidebar.area))
    yield from until(lambda: all(job.done for job in api.jobs()), "their results", 120)
    assert [job.state.name for job in api.jobs()] == ["APPLIED"] * 3, [job.message for job in api.jobs()]
    assert shown(3)
    yield from shot("3-three-materials", over(sidebar.area))
    yield from stop(sidebar)
    yield from shot("4-sent-away", over(sidebar.area))
    for left in (2, 1, 0):
        yield from press("Z", over(sidebar.area), ctrl=True)
        yield from until(lambda: shown(left), f"{left} materials after an undo", 20)  # noqa: B023
    for name, times in taken.items():
        print(f"{name}: {len(times)} times, at most {max(times):.1f} ms", flush=True)


run(script(), patience=300)
