"""A workflow in the panel: what goes where, its inputs within the server's ranges, kept, sent, and recovered.

``.ci/blender-in-chroot.sh --window sid --enable-event-simulate --python tests/gui/click_workflow.py``,
where the extension is installed. The server is a stand-in in this process. Look at out/gui/workflow-*.png.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from tempfile import mkdtemp

import bpy

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parent))

os.environ["GPT_IMAGE_DATA_DIR"] = mkdtemp()

from bl_ext.user_default.gpt_image_addon import api
from harness import Steps, run, until, window
from user import Sidebar, open_sidebar, over, shot

from tests.comfyui.server import ComfyServer

STATE = Path(os.environ["GPT_IMAGE_DATA_DIR"])
GRAPH = {
    "1": {"class_type": "LoadImage", "inputs": {"image": "x.png"}, "_meta": {"title": "depth"}},
    "3": {
        "class_type": "ImageScale",
        "inputs": {
            **{"image": ["1", 0], "upscale_method": "nearest-exact"},
            **{"width": 64, "height": 32, "crop": "disabled"},
        },
        "_meta": {"title": "Grow"},
    },
    "4": {"class_type": "SaveImage", "inputs": {"images": ["3", 0], "filename_prefix": "w"}},
}


def values() -> bpy.types.PropertyGroup:
    return bpy.context.scene.gpt_image


def look_and_set(sidebar: Sidebar) -> Steps:
    """What goes where is shown; a number beyond the server's range is held back."""
    yield from sidebar.describe("grown")
    values().provider, values().target, values().workflow = "comfyui", "image", str(STATE / "grow.json")
    yield from sidebar.unfold("Workflow")
    yield from sidebar.bring("What Goes Where")
    yield from sidebar.bring("depth.image")
    yield from shot("workflow-1-places", over(sidebar.area))
    yield from sidebar.unfold("Inputs of the Workflow")
    yield from sidebar.bring("upscale_method")
    yield from sidebar.enter("width", "99999")
    yield from until(lambda: values().workflow_values == "Grow.width=16384", "the width, held back", 10)
    yield from sidebar.enter("width", "96")
    yield from until(lambda: values().workflow_values == "Grow.width=96", "the width", 10)
    yield from shot("workflow-2-inputs", over(sidebar.area))
    bpy.ops.gpt_image.keep_workflow(label="Grow It")
    assert values().workflow == "grow_it" and list(api.workflows()) == ["grow_it"]
    yield from sidebar.bring("grow_it")


def send(sidebar: Sidebar, comfy: ComfyServer) -> Steps:
    """The scene's depth goes to the input titled so."""
    bpy.ops.gpt_image.add_reference(kind="depth")
    comfy.steps = [{"type": "progress", "data": {"value": 2, "max": 4}}]
    comfy.gate.clear()
    yield from sidebar.to_top()
    yield from sidebar.generate()
    yield from until(lambda: comfy.running is not None, "the run", 60)
    yield from until(lambda: any("Step 2" in job.message for job in api.jobs()), "its step", 20)
    yield from shot("workflow-3-step", over(sidebar.area))
    comfy.gate.set()
    yield from until(lambda: api.jobs()[0].done, "the image", 60)
    assert any(tuple(image.size) == (96, 32) for image in bpy.data.images)
    yield from shot("workflow-4-made", over(sidebar.area))


def recover(sidebar: Sidebar, comfy: ComfyServer) -> Steps:
    """A server that does not answer keeps nobody waiting."""
    from bl_ext.user_default.gpt_image_addon.app import session, settings

    done: list[int] = []
    journal = session.open_session(settings.load(with_key=False)).journal
    entry = journal.entries()[0]
    with journal.transaction() as connection:
        connection.execute("UPDATE jobs SET state = 'UNKNOWN', folder = NULL WHERE id = ?", (entry.id,))
    comfy.hold_jobs.clear()
    with bpy.context.temp_override(window=window(), area=sidebar.area, region=sidebar.region):
        assert bpy.ops.gpt_image.recover_all("INVOKE_DEFAULT") == {"RUNNING_MODAL"}
    for _ in range(40):
        done.append(1)
        yield
    yield from shot("workflow-5-asking", over(sidebar.area))
    comfy.hold_jobs.set()
    yield from until(lambda: not api.unknown(), "the answer", 30)
    assert len(done) == 40


def script() -> Steps:
    (STATE / "grow.json").write_text(json.dumps(GRAPH), "utf-8")
    with ComfyServer() as comfy:
        comfy.has_sockets = True
        os.environ["GPT_IMAGE_COMFYUI_URL"] = comfy.url
        sidebar = yield from open_sidebar()
        yield from look_and_set(sidebar)
        yield from send(sidebar, comfy)
        yield from recover(sidebar, comfy)


run(script(), patience=240)
