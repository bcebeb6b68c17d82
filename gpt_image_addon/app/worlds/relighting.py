"""Worlds that were made of results, and how they are made once more with another sun.

What scripts call is offered by `api`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import bpy

from ...core.common import arguments
from ...core.jobs.job import Job
from ...core.request.parameters import PARAMETERS
from ...core.request.request import Application
from ...core.request.targets import TARGETS
from ...core.request.validation import check_application
from .. import results

PANORAMA = next(name for name, info in TARGETS.items() if info.is_panorama)
SETTINGS = ("picture", *(row.name for row in PARAMETERS.values() if row.of_world))

UNSURE = "unsure"
"""The confidence of a sun of which only the side is known."""


@dataclass(frozen=True)
class MadeWorld:
    """A world that was made of a result."""

    job: str
    settings: Mapping[str, Any]
    """Parameters of its application."""
    confidence: str
    """How sure its sun is, see `api.Result.world`; empty where nothing is known."""
    azimuth: float | None
    """Degrees of its sun; None where nothing tells."""
    elevation: float | None


def find_made(scene: bpy.types.Scene) -> MadeWorld | None:
    """The world of a scene where it was made of a result. Quick enough for drawing."""
    from ...scene.worlds.target import read_world

    found = read_world(scene)
    return MadeWorld(**found) if found is not None else None


def relight(job: str, **changed: Any) -> Job:
    """Make the scene's world of a stored panorama once more; nothing is sent. Returns at once.

    :param changed: ``sun_azimuth`` and ``sun_elevation`` in degrees, where the sun is other than found;
        ``sun``, ``sky``, ``world_strength``, ``world_rotation`` and ``backdrop`` as for `submit`. What is
        left out is as it was asked for at first. ``repair_poles`` takes what the model repainted of the
        poles before, where it did; ``picture`` is which of several images, 0 for the first.
    :raises InvalidRequestError: there is no such job, its files are gone, or a setting can't be.
    """
    settled = check_settings(changed)
    return results.apply(job, target=PANORAMA, scene_uid=bpy.context.scene.session_uid, **settled)


def check_settings(changed: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters of `relight` that are given.

    :raises InvalidRequestError: there is no such one, or it can't be.
    """
    kinds = {name: kind for name, kind in arguments.kinds_of(Application).items() if name in SETTINGS}
    settled = arguments.typed(kinds, {name: value for name, value in changed.items() if value is not None})
    check_application(Application(**settled))
    return settled
