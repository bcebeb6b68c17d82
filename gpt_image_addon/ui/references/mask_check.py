"""Whether a mask that is being painted lets anything change: found out in the pauses of painting."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import partial

import bpy

from ...app import inpainting, scheduler
from ...core.errors import GptImageError
from ..common import state

PAUSE = 0.3  # seconds


@dataclass
class Known:
    """What was found out, by the `session_uid` of masks."""

    black: dict[int, bool] = field(default_factory=dict)
    """Whether one lets nothing change."""
    asked: set[int] = field(default_factory=set)


def lets_nothing_change(mask: bpy.types.Image) -> bool:
    """As far as it is known. Quick enough for drawing: reads no pixel."""
    return inpainting.is_untouched(mask) or state.part(Known).black.get(mask.session_uid, False)


def ask(mask: bpy.types.Image) -> None:
    """Find it out in a moment, unless something white is known to be there."""
    known, uid = state.part(Known), mask.session_uid
    if mask.is_dirty and known.black.get(uid, True) and uid not in known.asked:
        known.asked.add(uid)
        scheduler.errand(partial(time.sleep, PAUSE), lambda *_: _look(uid))


def forget() -> None:
    """Nothing that was found out holds any more."""
    state.part(Known).black.clear()


def _look(uid: int) -> None:
    known = state.part(Known)
    known.asked.discard(uid)
    mask = next((mask for mask in inpainting.masks() if mask.session_uid == uid), None)
    if mask is None:
        return
    try:
        known.black[uid] = inpainting.is_black(mask)
    except GptImageError:  # it has no pixels any more
        known.black.pop(uid, None)
