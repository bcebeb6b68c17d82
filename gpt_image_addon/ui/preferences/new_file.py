"""A new file's panel begins with what the preferences say; a saved file keeps its own request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import bpy
from bpy.app.handlers import persistent

from ...app import settings
from ...core.request.parameters import PARAMETERS
from ..request.properties import PROPERTY

DEFAULTS: Mapping[str, str] = {
    "target": "default_target",
    "quality": "default_quality",
    "provider": "default_provider",
}
"""Properties of the panel's request, and the preferences that they begin with. Model and size need none: left
alone they mean those of the preferences."""


def initial(name: str) -> Any:
    """What the panel begins with where the preferences say nothing else."""
    row = PARAMETERS[name]
    return row.default if row.panel is None or row.panel.initial is None else row.panel.initial


def begin(*, is_new: bool) -> None:
    """Give scenes what the preferences say.

    :param is_new: the file is a new one; otherwise only scenes get it whose request nobody has touched.
    """
    found = settings.preferences()
    for scene in bpy.data.scenes if found is not None else ():
        values = getattr(scene, PROPERTY)
        if scene.library is not None or not (is_new or _is_untouched(values)):
            continue
        for name, preference in DEFAULTS.items():
            if getattr(values, name) != getattr(found, preference):
                setattr(values, name, getattr(found, preference))


def _is_untouched(values: Any) -> bool:
    own = (row.identifier for row in values.bl_rna.properties if row.is_runtime)
    return not any(values.is_property_set(name) for name in own)


@persistent  # type: ignore[untyped-decorator]
def _on_load(path: str, *_: Any) -> None:
    begin(is_new=not path)


def attach() -> None:
    """From now on files begin so. Scripts keep their own defaults: in background nothing is done."""
    if not bpy.app.background:
        bpy.app.handlers.load_post.append(_on_load)


def detach() -> None:
    """The mirror image of `attach`."""
    if _on_load in bpy.app.handlers.load_post:
        bpy.app.handlers.load_post.remove(_on_load)
