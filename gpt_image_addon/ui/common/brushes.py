"""The colors that a mask is painted with: white, and with Ctrl black. Afterwards they are as they were."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import bpy

Colors = dict[str, tuple[float, ...]]
"""Those before, by what holds them."""
WHITE, BLACK = (1.0, 1.0, 1.0), (0.0, 0.0, 0.0)
COLORS = {"color": WHITE, "secondary_color": BLACK}
"""Of the brush: what may change, and with Ctrl what not."""


def take_brush(kept: Colors) -> None:
    """Let the brush paint white.

    :param kept: gets the colors before, but for those that it has.
    """
    for owner in _list_owners():
        for name, color in COLORS.items():
            kept.setdefault(_key(owner, name), tuple(getattr(owner, name)))
            setattr(owner, name, color)


def restore_brush(kept: Colors) -> None:
    """Give the brush its colors back, unless others were chosen meanwhile.

    :param kept: what `take_brush` kept; empty afterwards.
    """
    for owner in _list_owners():
        for name, color in COLORS.items():
            before = kept.get(_key(owner, name))
            if before is not None and tuple(getattr(owner, name)) == color:
                setattr(owner, name, before)
    kept.clear()


def _list_owners() -> Iterator[Any]:
    """What holds the color that is painted with: the scene, or the brush."""
    scene = bpy.context.scene
    paint = scene.tool_settings.image_paint if scene is not None else None
    if paint is None:
        return
    unified = getattr(paint, "unified_paint_settings", None) or scene.tool_settings.unified_paint_settings
    if unified.use_unified_color:
        yield unified
    elif paint.brush is not None:
        yield paint.brush


def _key(owner: Any, name: str) -> str:
    return f"{getattr(owner, 'name', '')}.{name}"
