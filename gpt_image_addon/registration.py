"""What Blender is told about: one flat list of classes, and its mirror image."""

from __future__ import annotations

import atexit
import sys
from typing import Any

import bpy

from .deferred import defer

defer("api", "references", "results", "settings", "ui.history", "ui.quote")

from . import api, listeners, requirements  # noqa: E402
from .ui import (  # noqa: E402
    history,
    menus,
    operators_generate,
    operators_history,
    operators_keys,
    operators_maps,
    operators_prompt,
    operators_rectangle,
    operators_references,
    operators_results,
    operators_styles,
    panels,
    panels_history,
    panels_jobs,
    panels_request,
    preferences,
    presets,
    properties,
    sidebars,
    thumbnails,
    translations,
)

CLASSES: tuple[type, ...] = (
    *properties.CLASSES,
    *operators_generate.CLASSES,
    *operators_references.CLASSES,
    *operators_rectangle.CLASSES,
    *operators_results.CLASSES,
    *operators_maps.CLASSES,
    *operators_prompt.CLASSES,
    *operators_history.CLASSES,
    *operators_keys.CLASSES,
    *operators_styles.CLASSES,
    *presets.CLASSES,
    preferences.GPT_IMAGE_AP_preferences,
    panels_request.GPT_IMAGE_UL_references,
    *panels.PANELS,
    *panels_jobs.PANELS,
    *panels_history.PANELS,
)

COMMAND = "gpt_image"
_command_handle: Any = None
_registered = False


def _jobs_changed() -> None:
    if history.changed(api.jobs()):
        sidebars.redraw_status()
    sidebars.redraw()


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
    bpy.app.translations.register(__package__, translations.load())
    listeners.on_change.append(_jobs_changed)
    _command_handle = bpy.utils.register_cli_command(COMMAND, _command)
    if not bpy.app.binary_path:  # leaving the bpy module with classes registered crashes 4.2 and hangs 4.5
        atexit.register(unregister)
    _registered = True
    missing = requirements.missing_modules()
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
    listeners.on_change.remove(_jobs_changed)
    if f"{__package__}.runner" in sys.modules:
        api.close()
    bpy.app.translations.unregister(__package__)
    menus.remove()
    thumbnails.close()
    properties.detach()
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
