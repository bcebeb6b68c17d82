"""Enabling and disabling leave nothing behind, and enabling loads only what it needs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import bpy
import pytest

import gpt_image_addon
from gpt_image_addon import api, registration
from gpt_image_addon.app import listeners, scheduler
from gpt_image_addon.ui import menus
from gpt_image_addon.ui.preferences import connection_test
from gpt_image_addon.ui.request import model_notice
from gpt_image_addon.ui.results import disk_usage, history_view
from tests.api_server import ApiServer

ROOT = Path(__file__).resolve().parents[2]


def traces() -> dict[str, Any]:
    """Everything that an add-on can leave in Blender."""
    handlers = {
        name: len(found)
        for name in dir(bpy.app.handlers)
        if isinstance(found := getattr(bpy.app.handlers, name), list)
    }
    return {
        "handlers": handlers,
        "timer": bpy.app.timers.is_registered(scheduler._tick),
        "classes": [cls.__name__ for cls in registration.CLASSES if cls.is_registered],
        "operators": sorted(dir(bpy.ops.gpt_image)),
        "menus": {name: len(getattr(bpy.types, name).draw._draw_funcs) for name, _ in menus.MENUS},
        "property": hasattr(bpy.types.Scene, "gpt_image"),
        "threads": sorted(thread.name for thread in threading.enumerate()),
        "callbacks": len(listeners),
    }


def test_enabling_and_disabling_twice_leaves_nothing() -> None:
    gpt_image_addon.unregister()
    before = traces()
    assert not before["classes"] and not before["property"]
    for _ in range(2):
        gpt_image_addon.register()
        assert len(traces()["classes"]) == len(registration.CLASSES)
        job = api.submit("oak", provider="offline", size="64x64", target="image")
        assert job.wait(10)
        gpt_image_addon.unregister()
        assert traces() == before
    gpt_image_addon.register()


def test_a_second_call_changes_nothing() -> None:
    gpt_image_addon.register()
    first = traces()
    gpt_image_addon.register()
    assert traces() == first


def test_disabling_forgets_what_the_interface_showed(online: ApiServer, tmp_path: Path) -> None:
    folder = str(tmp_path / "state")
    assert api.submit("oak", provider="offline", size="64x64", target="image").wait(10)
    bpy.context.scene.gpt_image.prompt = "oak"
    gpt_image_addon.unregister()
    gpt_image_addon.register()
    fresh = connection_test.outcome().text, history_view.current().count, disk_usage.text(folder)
    assert fresh[:2] == ("", 0) and "MB" in fresh[2]
    connection_test.test()
    history_view.look("", "all")
    disk_usage.clean(0)
    values = bpy.context.scene.gpt_image
    values.model = "dall-e-3"
    model_notice.migrate_model(values)
    replaced = values.model
    assert "models" in connection_test.outcome().text and history_view.current().count == 1
    assert model_notice.notice(values) and "deleted" in disk_usage.text(folder)
    gpt_image_addon.unregister()
    gpt_image_addon.register()
    values = bpy.context.scene.gpt_image
    values.model = replaced
    assert (connection_test.outcome().text, history_view.current().count) == ("", 0)
    assert model_notice.notice(values) == "" and "deleted" not in disk_usage.text(folder)


@pytest.mark.bpy_module
def test_enabling_loads_no_heavy_module() -> None:
    script = (
        "import bpy, json, sys\n"
        "before = set(sys.modules)\n"
        "import gpt_image_addon\n"
        "gpt_image_addon.register()\n"
        "print(json.dumps(sorted(set(sys.modules) - before)))\n"
    )
    run = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(json.loads(run.stdout.splitlines()[-1]))
    assert "gpt_image_addon.ui.main_panel" in loaded
    heavy = {"requests", "urllib3", "PIL", "numpy", "sqlite3", "tempfile", "logging", "subprocess"}
    unused = ("app.session", "core.request.request", "core.request.styles", "core.results.store")
    assert loaded.isdisjoint(heavy | {f"gpt_image_addon.{name}" for name in unused})


@pytest.mark.bpy_module
def test_enabling_looks_into_no_deferred_module() -> None:
    script = (
        "import bpy, json, sys\n"
        "from gpt_image_addon import lazy\n"
        "defer, names = lazy.defer, []\n"
        "lazy.defer = lambda *some: (names.extend(some), defer(*some))\n"
        "import gpt_image_addon\n"
        "gpt_image_addon.register()\n"
        "found = [sys.modules[f'gpt_image_addon.{name}'] for name in names]\n"
        "print(json.dumps([name for name, module in zip(names, found) if lazy.is_loaded(module)]))\n"
        "gpt_image_addon.unregister()\n"
        "print(json.dumps([len(names), lazy.is_loaded(sys.modules['gpt_image_addon.api'])]))\n"
        "gpt_image_addon.register()\n"
        "print(json.dumps([len(gpt_image_addon.api.jobs()), lazy.is_loaded(gpt_image_addon.api)]))\n"
    )
    run = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded, (count, is_api_loaded), used = map(json.loads, run.stdout.splitlines()[-3:])
    assert loaded == [] and count > 10 and not is_api_loaded
    assert used == [0, True]


@pytest.mark.bpy_module
def test_leaving_with_a_running_job_is_clean(tmp_path: Path) -> None:
    script = (
        "import gpt_image_addon\n"
        "gpt_image_addon.register()\n"
        "from gpt_image_addon import api\n"
        "for number in range(6): api.submit(f'oak {number}', provider='offline', target='image')\n"
        "print('left')\n"
    )
    environment = {**os.environ, "GPT_IMAGE_DATA_DIR": str(tmp_path)}
    run = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (run.returncode, run.stdout.splitlines()[-1]) == (0, "left"), run.stderr


@pytest.mark.parametrize("cls", registration.CLASSES, ids=lambda cls: cls.__name__)
def test_everything_explains_itself(cls: type) -> None:
    assert cls.__doc__
    rna = cls.bl_rna
    if issubclass(cls, bpy.types.Operator):
        rna = getattr(bpy.ops.gpt_image, cls.bl_idname.split(".")[1]).get_rna_type()
    for name in getattr(cls, "__annotations__", {}):
        assert rna.properties[name].description, name
