"""Loads another file, undoes, deletes and renames the target, disables and quits, amid running jobs."""

from __future__ import annotations

import os
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import bpy

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bl_ext.user_default.gpt_image_addon import api
from bl_ext.user_default.gpt_image_addon.app import results
from bl_ext.user_default.gpt_image_addon.core.processes.subprocess_worker import SUBPROCESS

ADDON = "bl_ext.user_default.gpt_image_addon"
TICK = 0.1
Steps = Iterator[None]


def workers() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("gpt-image")]


def submit(name: str) -> Any:
    scene, cube = bpy.context.scene, bpy.context.scene.objects.get("Cube")
    return api.submit(
        name,
        provider="openai",
        target="texture",
        quality="low",
        scene_uid=scene.session_uid,
        object_uid=cube.session_uid if cube else None,
    )


def until(condition: Callable[[], bool]) -> Steps:
    for _ in range(300):
        if condition():
            return
        yield
    raise TimeoutError("the job did not end")


def running(job: Any) -> Steps:
    yield from until(lambda: job.started is not None)
    yield
    assert not job.done, f"it ended before it was interrupted: {job.message}"


def fresh() -> None:
    """Without a window in the context, which is the harder case for what runs next."""
    bpy.ops.wm.read_homefile(app_template="")
    show_wires()


def show_wires() -> None:
    """A view that is not turned to Material Preview: without a graphics card that takes seconds."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "VIEW_3D":
                area.spaces.active.shading.type = "WIREFRAME"


def another_file() -> Steps:
    job = submit("load another file")
    yield from running(job)
    fresh()
    yield from until(lambda: job.done)
    assert job.state.name == "RECEIVED", job.message
    assert not [image for image in bpy.data.images if "gpt_image_job" in image], (
        "it is in another file's scene"
    )
    assert job.id in {entry.id for entry in api.unapplied()}
    again = results.apply(job.id)
    yield from until(lambda: again.done)
    assert again.state.name == "APPLIED", again.message


def undone() -> Steps:
    bpy.ops.mesh.primitive_cone_add()
    bpy.ops.ed.undo_push(message="cone")
    job = submit("undo")
    yield from running(job)
    bpy.ops.ed.undo()
    yield from until(lambda: job.done)
    assert job.state.name == "APPLIED", job.message


def deleted() -> Steps:
    job = submit("delete the target")
    yield from running(job)
    bpy.data.objects.remove(bpy.context.scene.objects["Cube"])
    yield from until(lambda: job.done)
    assert job.state.name == "APPLIED" and job.applied.object is None, job.message
    assert bpy.data.materials[job.applied.material].use_fake_user


def renamed() -> Steps:
    fresh()
    job = submit("rename the target")
    yield from running(job)
    bpy.context.scene.objects["Cube"].name = "Dice"
    yield from until(lambda: job.done)
    assert job.applied.object == "Dice", job.message


def disabled() -> Steps:
    job = submit("disable the add-on")
    yield from running(job)
    bpy.ops.preferences.addon_disable(module=ADDON)
    assert not hasattr(bpy.types.Scene, "gpt_image")
    for _ in range(20):
        yield
    assert not workers(), workers()
    bpy.ops.preferences.addon_enable(module=ADDON)
    assert hasattr(bpy.types.Scene, "gpt_image")


def preparing(name: str) -> Any:
    """A generator: a job whose result is being prepared; returns it with the process that does so."""
    job = api.submit(name, provider="offline", target="material", size="3072x3072")
    yield from until(lambda: SUBPROCESS.open and job.state.name == "RECEIVED")
    assert job.prepared is None and not job.done, "it was prepared before it was interrupted"
    return job, SUBPROCESS._process.pid


def disabled_while_preparing() -> Steps:
    job, process = yield from preparing("disable the add-on while it prepares")
    submitted = [api.submit(f"and {n} wait", provider="offline", target="material") for n in range(2)]
    yield from until(lambda: all(other.state.name == "RECEIVED" for other in submitted))
    assert job.prepared is None, "it was prepared before it was interrupted"
    assert Path(f"/proc/{process}").exists()
    bpy.ops.preferences.addon_disable(module=ADDON)
    assert not Path(f"/proc/{process}").exists()
    for _ in range(20):
        yield
    assert not workers() and not SUBPROCESS.open, workers()
    bpy.ops.preferences.addon_enable(module=ADDON)
    assert {job.id, *(other.id for other in submitted)} <= {entry.id for entry in api.unapplied()}


def script() -> Steps:
    import faulthandler

    faulthandler.enable(sys.__stderr__)
    show_wires()
    for step in (another_file, undone, deleted, renamed, disabled, disabled_while_preparing):
        yield from step()
        print(f"{step.__name__}: ok", flush=True)
    yield from preparing("quit while it prepares")
    for number in range(6):
        submit(f"quit {number}")
    for _ in range(8):
        yield
    assert SUBPROCESS.open, "it was prepared before Blender was left"
    print("LEAVING", flush=True)
    bpy.ops.wm.quit_blender()


steps = script()


def advance() -> float | None:
    try:
        next(steps)
    except StopIteration:
        return None
    except Exception:
        traceback.print_exc(file=sys.stdout)
        sys.stdout.flush()
        os._exit(1)
    return TICK


bpy.app.timers.register(advance, first_interval=1.0, persistent=True)
