"""Ctrl Enter over the panel generates."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import bpy

from .common import state
from .request.generate import GPT_IMAGE_OT_generate_from_panel

KEYMAP = "User Interface"
"""The one that every sidebar listens to."""


@dataclass
class Shortcuts:
    """Those that are in the key configuration of add-ons."""

    items: list[tuple[Any, Any]] = field(default_factory=list)


def attach() -> None:
    """Add them; without a window there is no key configuration."""
    config = bpy.context.window_manager.keyconfigs.addon
    if config is None:
        return
    keymap = config.keymaps.new(name=KEYMAP)
    item = keymap.keymap_items.new(GPT_IMAGE_OT_generate_from_panel.bl_idname, "RET", "PRESS", ctrl=True)
    state.part(Shortcuts).items.append((keymap, item))


def detach() -> None:
    """The mirror image of `attach`."""
    for keymap, item in state.part(Shortcuts).items:
        keymap.keymap_items.remove(item)
    state.part(Shortcuts).items.clear()
