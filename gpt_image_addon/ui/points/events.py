"""Tells points of what happens to the file: undo, another file."""

from __future__ import annotations

import bpy
from bpy.app.handlers import persistent

from . import overlay

NAMES = ("load_post", "undo_post", "redo_post")


def attach() -> None:
    """Listen."""
    for name in NAMES:
        getattr(bpy.app.handlers, name).append(_on_change)


def detach() -> None:
    """The mirror image of `attach`; nothing is drawn any more."""
    for name in NAMES:
        getattr(bpy.app.handlers, name).remove(_on_change)
    overlay.remove()


@persistent  # type: ignore[untyped-decorator]
def _on_change(*_: object) -> None:
    overlay.sync()
