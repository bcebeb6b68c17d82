"""What Blender is told about: one flat list of classes, and its mirror image."""

from __future__ import annotations

import atexit
from typing import Any

import bpy

from . import api, health
from .ui import menus, operators, panels, preferences, properties

CLASSES: tuple[type, ...] = (
    properties.GPT_IMAGE_PG_request,
    preferences.GPT_IMAGE_AP_preferences,
    operators.GPT_IMAGE_OT_generate,
    operators.GPT_IMAGE_OT_cancel,
    operators.GPT_IMAGE_OT_clear_finished,
    operators.GPT_IMAGE_OT_open_preferences,
    operators.GPT_IMAGE_OT_paste_key,
    operators.GPT_IMAGE_OT_forget_key,
    panels.GPT_IMAGE_PT_view3d,
    panels.GPT_IMAGE_PT_view3d_jobs,
)

COMMAND = "gpt_image"
_command_handle: Any = None
_registered = False


def _command(argv: list[str]) -> int:
    from . import cli

    return cli.run(argv)


def register() -> None:
    """Make the add-on known to Blender; a second call changes nothing."""
    global _command_handle, _registered
    if _registered:
        return
    for cls in CLASSES:
        bpy.utils.register_class(cls)
    properties.attach()
    menus.append()
    api.on_change(panels.redraw)
    _command_handle = bpy.utils.register_cli_command(COMMAND, _command)
    # Leaving the bpy module with classes registered crashes 4.2 and hangs 4.5.
    atexit.register(unregister)
    _registered = True
    missing = health.missing_modules()
    if missing:
        print(f"GPT Image: {missing}")


def unregister() -> None:
    """The mirror image of `register`; a second call changes nothing."""
    global _command_handle, _registered
    if not _registered:
        return
    _registered = False
    atexit.unregister(unregister)
    bpy.utils.unregister_cli_command(_command_handle)
    _command_handle = None
    api.on_change(panels.redraw, remove=True)
    api.close()
    menus.remove()
    properties.detach()
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
