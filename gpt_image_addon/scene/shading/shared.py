"""How an image lies on several objects that share its material. Main thread only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isclose

import bpy

from ...core.text.message import message
from ..evaluated import bounds_of
from ..transaction import Transaction
from .slots import names_for_people
from .unwrapping import frame_of
from .uv import UV, Coordinates, metres_per_unit

Find = Callable[[bpy.types.Object, Transaction], "tuple[Coordinates, str | None]"]
ALIKE = 0.05  # by which sizes on two objects may differ
MOST_TOLD = 3  # sentences of one kind


def coordinates_for_all(
    objects: Sequence[bpy.types.Object], find: Find, changes: Transaction, *, in_metres: bool
) -> tuple[Coordinates, float, list[str]]:
    """Coordinates that are right on each of these objects, what one unit spans in metres, and what to tell.

    Where each would need others, the image is projected from six sides, in the same size on all: the scale of
    each object is read when it is rendered. UV maps that were made on the way go again.

    :param find: finds those of one object, as `uv.coordinates_for` does.
    :param in_metres: the image has a real size, which has to be the same on all.
    """
    if not objects:
        return UV, 1.0, []
    position = changes.position
    found = [find(obj, changes) for obj in objects]
    first = found[0][0]
    metres = [metres_per_unit(obj, coordinates) for obj, (coordinates, _) in zip(objects, found, strict=True)]
    is_same = all(coordinates == first for coordinates, _ in found)
    if is_same and (not in_metres or all(isclose(one, metres[0], rel_tol=ALIKE) for one in metres)):
        return first, metres[0], first_few([told for _, told in found if told])
    changes.take_back(position)
    longest = max(map(_longest_side, objects))
    told: list[str] = [
        message(
            "One UV mapping does not suit all {count} objects: the image is projected from six sides, "
            "in the same size on each.",
            count=len(objects),
        )
    ]
    by_parents = [obj.name for obj in objects if not _has_own_scale(obj)]
    if by_parents:
        told.append(
            message(
                "A parent scales {names}: there the image has another size.",
                names=names_for_people(by_parents),
            )
        )
    scale = 1.0 / (longest or 1.0)
    return Coordinates("Object", "BOX", scale=(scale,) * 3, by_object_scale=True), 1.0, told


def first_few(sentences: Sequence[str]) -> list[str]:
    """Sentences about objects, each once, and how many more there are."""
    unique = list(dict.fromkeys(sentences))
    more = len(unique) - MOST_TOLD
    rest = [message("It is the same with {count} more of the objects.", count=more)] if more > 0 else []
    return unique[:MOST_TOLD] + rest


def _longest_side(obj: bpy.types.Object) -> float:
    """Metres of the world, along the object's own axes."""
    import numpy as np

    corners = np.array(bounds_of(obj), np.float64) * np.linalg.norm(frame_of(obj), axis=0)
    return float((corners.max(axis=0) - corners.min(axis=0)).max())


def _has_own_scale(obj: bpy.types.Object) -> bool:
    import numpy as np

    return bool(np.allclose(np.linalg.norm(frame_of(obj), axis=0), np.abs(obj.scale), rtol=ALIKE))
