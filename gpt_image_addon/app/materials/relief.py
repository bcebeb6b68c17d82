"""The relief of a material as it is dragged: its nodes follow at once, its maps when it rests.

Main thread only; the maps are made in a thread, without a request.
"""

from __future__ import annotations

import math
import time
from functools import partial

import bpy

from ...core.errors import GptImageError
from ...core.jobs.job import Deliver
from ...core.request.parameters import MAX_RELIEF
from ...core.text.log import get_logger
from ...scene.shading import relief
from .. import material_maps, scheduler
from ..apply_queue import push_undo

log = get_logger(__name__)

REST = 0.4  # seconds without a change after which the maps are renewed

_due: dict[int, float] = {}
"""When the maps of a material are renewed, by its `session_uid`; seconds of `time.monotonic`."""


def can_tune(material: bpy.types.Material | None) -> bool:
    """Whether a material says its relief, and can be changed; quick enough for drawing."""
    if material is None or material.library or material.override_library:
        return False
    return relief.read_relief(material) is not None and bool(relief.read_size(material))


def read_relief(material: bpy.types.Material | None) -> float | None:
    """Millimetres from the deepest to the highest that a material shows; None where it does not say it."""
    return relief.read_relief(material) if material is not None else None


def read_size(material: bpy.types.Material | None) -> float | None:
    """Metres that its image spans; None where it does not say it."""
    return relief.read_size(material) if material is not None else None


def can_resize(material: bpy.types.Material) -> bool:
    """Whether the real size of a material can be chosen; that of a decal is how it was cut."""
    return relief.sets_size(material)


def tune(
    material: bpy.types.Material, *, millimetres: float | None = None, metres: float | None = None
) -> None:
    """Show another relief or real size at once; in a window the maps follow when the value rests.

    Either stays as it is where it is left out. It is one undo step, once the maps are there.
    """
    if metres:
        relief.show_size(material, metres)
    if millimetres is not None:
        relief.show_relief(material, millimetres)
    if not bpy.app.background:
        if _due.get(material.session_uid) != math.inf:
            _due[material.session_uid] = time.monotonic() + REST
        scheduler.keep_asking(_renew_rested)


def hold(is_held: bool) -> None:
    """What changes is held by the mouse, and does not rest before it lets go."""
    for uid in _due:
        _due[uid] = math.inf if is_held else time.monotonic()


def _renew_rested() -> bool:
    """Renew the maps of materials that rest; returns whether none is left."""
    now = time.monotonic()
    for uid in [uid for uid, due in _due.items() if due <= now]:
        del _due[uid]
        renew(uid)
    return not _due


def _find(uid: int) -> bpy.types.Material | None:
    return next((material for material in bpy.data.materials if material.session_uid == uid), None)


def renew(uid: int) -> None:
    """Make the maps of the material with this `session_uid` anew, as its nodes say it.

    Where its images are gone, the nodes' values are all that changes.
    """
    material = _find(uid)
    if material is None:
        return
    millimetres, metres = relief.read_relief(material), relief.read_size(material)
    assert millimetres is not None and metres
    wanted = {
        "relief": min(millimetres, float(MAX_RELIEF)),
        "texture_size": metres,
        "normal_strength": 1.0,
        "height_strength": 1.0,
    }
    try:
        work = material_maps.plan_remake(material.name, wanted)
    except GptImageError as error:
        log.info("The maps of %s stay: %s", material.name, error.text)
        push_undo(material.name)
        return
    scheduler.errand(work, partial(_put, uid, millimetres, metres))


def _put(
    uid: int, millimetres: float, metres: float, deliver: Deliver | None, error: GptImageError | None
) -> None:
    """Put new maps into a material, unless it shows something else by now: it was dragged on, or undone."""
    material = _find(uid)
    if material is None or uid in _due or not _shows(material, millimetres, metres):
        return
    try:
        if error is not None:
            raise error
        if deliver is not None:
            deliver()
    except GptImageError as problem:
        log.warning("The maps of %s stay: %s", material.name, problem.text)
        push_undo(material.name)


def _shows(material: bpy.types.Material, millimetres: float, metres: float) -> bool:
    shown = relief.read_relief(material) or 0.0, relief.read_size(material) or 0.0
    return all(
        math.isclose(*pair, rel_tol=relief.SAME) for pair in zip(shown, (millimetres, metres), strict=True)
    )
