"""Where the views of a result painted the objects that it was painted onto."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import bpy

from ...core.painting.projection import SELECTED
from ...scene.context import view_layer_of
from ...scene.projection.canvases import find_objects, plan_canvases
from ...scene.projection.meshes import collect_faces
from .stored import StoredViews


@dataclass(frozen=True)
class CoverageMarks:
    """Small triangles over the surface."""

    painted: Any
    """(N, 3, 3) corners in the world, of those that a used view shows."""
    others: Any
    """(M, 3, 3), of all others."""
    is_filled: bool
    """The others have colors of what lies near them."""


def mark_coverage(found: StoredViews, scene: bpy.types.Scene) -> CoverageMarks | None:
    """Where a result was painted, as its objects are now; None where masks say that, and not whole faces.

    :raises InvalidRequestError: an object is gone, or can't be painted any more.
    """
    from ...core.painting.guides import make_view
    from ...core.projection.viewpoints import mark_shown

    projection = found.projection
    if projection.masks:
        return None
    canvases = plan_canvases(
        find_objects(scene, [receiver.name for receiver in projection.objects]),
        name="",
        new_image=False,
        texture_size=projection.texture_size,
        engine=scene.render.engine,
        selected=projection.faces == SELECTED,
    )
    triangles = collect_faces(
        view_layer_of(scene), canvases.painted, all_shown=projection.as_shown, is_alone=projection.is_alone
    )
    used = [
        make_view(view)
        for view in projection.views
        if view.name not in found.reports or found.reports[view.name].used
    ]
    corners, shown = mark_shown(triangles, used, projection.steepest)
    return CoverageMarks(corners[shown], corners[~shown], projection.fill_gaps)
