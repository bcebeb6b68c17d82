"""From the panel's values to the parameters of `api.submit`: the last look at bpy before a job runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import bpy

from ...app import results, settings
from ...core.references.views import count_views, find_sheet, is_all_around
from ...core.request.parameters import DRAWING, PARAMETERS, STRENGTHS, Parameter
from ...core.request.providers import choose_provider, find_provider
from ...core.request.request import usual_background
from ...core.request.sizes import AUTO, LIKE, PANORAMA_SIZE, format_size
from ...core.request.targets import find_target
from ...core.workflows.values import split_values
from ..common import enum_items
from ..references import kinds

Values = Any
"""A `GPT_IMAGE_PG_request`."""


def provider_of(values: Values) -> str:
    """The provider that a click on Generate would use."""
    if values.provider != enum_items.AUTOMATIC:
        return str(values.provider)
    return choose_provider(has_key=settings.has_key())


def read_prompt(values: Values) -> str:
    """The prompt: that of the text data-block where one is chosen."""
    return values.prompt_text.as_string().strip() if values.prompt_text else str(values.prompt)


def is_surface(values: Values) -> bool:
    """Whether what is made is a surface: a material, or whatever is to tile."""
    return bool(find_target(values.target).is_surface or values.seamless)


def asks_for_surface(values: Values) -> bool:
    """Whether surface words join the prompt."""
    return bool(values.surface_words and is_surface(values))


def added_words(values: Values) -> str:
    """What joins the prompt beside the style, as it is sent; empty where nothing does. For drawing."""
    from ...core.request.prompt import surface_words

    return surface_words(is_surface=asks_for_surface(values), seamless=bool(values.seamless))


def change_target(values: Values, target: str) -> dict[str, Any]:
    """What changes with another target than the panel's: what a material is asked for is not for images."""
    if find_target(target).is_surface or not find_target(values.target).is_surface:
        return {}
    if values.seamless_for[0]:
        return {"seamless": True, "surface_words": bool(values.surface_words)}
    return {"seamless": False, "surface_words": False, "repair_seams": False}


def _read_size(values: Any) -> str:
    """The size as a request has it, before it is snapped to what the model takes."""
    if values.size == enum_items.USUAL_SIZE:
        if values.mask != "none" and len(values.references):
            return LIKE  # what is sent of the image has its own detail
        if find_target(values.target).is_projected:
            return _read_guide_size(values)
        if find_target(values.target).is_panorama:
            return PANORAMA_SIZE
        size = enum_items.read_usual_size()
        if kinds.deciding(values) is None:
            return size
        return LIKE if size == AUTO else f"{LIKE}:{size}"
    if values.size == enum_items.CUSTOM_SIZE:
        return f"{values.width}x{values.height}"
    return str(values.size)


def _read_guide_size(values: Any) -> str:
    """A sheet is as large as models draw it; a draft follows none."""
    is_sheet = is_all_around(values.views) and not values.in_sequence
    if not is_sheet or find_provider(provider_of(values)).is_draft:
        return LIKE
    return f"{LIKE}:{format_size(*find_sheet(count_views(values.views)).size)}"


def can_be_sequence(values: Values) -> bool:
    """Whether the sides of a model could be painted one after another: a draft follows none."""
    return is_all_around(values.views) and not find_provider(provider_of(values)).is_draft


def count_requests(values: Values, target: str) -> int:
    """How many requests paint the sides of a model at most."""
    is_sequence = values.in_sequence and find_target(target).is_projected and can_be_sequence(values)
    return count_views(values.views) if is_sequence else 1


def is_drawing(values: Values) -> bool:
    """Whether the chosen target is made of a drawing."""
    return find_target(values.target).is_drawing


def read_format(values: Values) -> str:
    """The output format: the one that the target needs, else the chosen one."""
    return DRAWING if is_drawing(values) else str(values.output_format)


def read_background(values: Values) -> str:
    """The background: a clear one where the target needs it and none is chosen."""
    if is_drawing(values):
        return "auto"
    if values.background != "auto":
        return str(values.background)
    return usual_background({"target": values.target, "output_format": read_format(values)})


OWN: Mapping[str, Callable[[Values], Any]] = {
    "prompt": read_prompt,
    "output_format": read_format,
    "n": lambda values: 1 if is_drawing(values) else values.n,
    "background": read_background,
    "provider": provider_of,
    "size": _read_size,
    "surface_words": asks_for_surface,
}
"""How parameters are read that several properties tell."""
WORKFLOW = tuple(row.name for row in PARAMETERS.values() if row.is_kept or row.needs == "workflow")
"""Parameters of providers that run workflows."""
ELSEWHERE = frozenset({"textures_dir", "composite", "whole_image"})
"""Parameters of the panel that `place` and `images.parameters` read."""


def plain(values: Values) -> dict[str, Any]:
    """Everything but images: what the price depends on. Reads properties alone, so drawing may call it."""
    found: dict[str, Any] = {}
    for row in PARAMETERS.values():
        if row.panel is None or row.name in ELSEWHERE or not belongs(row, values):
            continue
        value = read(row, values) if is_usable(row, values) else row.default
        if value is not None:
            found[row.name] = value
    provider = find_provider(found["provider"])
    for name, can in (("repair_seams", provider.repairs_seams), ("repair_poles", provider.takes_masks)):
        if name in found and not can:
            found[name] = False
    if not provider.workflow_model:
        for name in WORKFLOW:
            found.pop(name, None)
    return found


def belongs(row: Parameter, values: Values) -> bool:
    """Whether the chosen output format and target have a parameter."""
    has_format = not row.formats or read_format(values) in row.formats
    target = find_target(values.target)
    needs = (
        (row.of_maps, bool(target.maps)),
        (row.of_relief, bool(target.maps or (target.relief_maps and values.decal_relief))),
        (row.of_model, target.is_projected),
        (row.of_drawing, target.is_drawing),
        (row.of_sprite, target.is_animated),
        (row.of_world, target.is_panorama),
        (row.of_decal, target.is_decal),
    )
    return has_format and all(has for is_needed, has in needs if is_needed)


def is_usable(row: Parameter, values: Values) -> bool:
    """Whether that is set without which a parameter means nothing."""
    if not row.needs:
        return True
    other = getattr(values, row.needs)
    return bool(other.strip() if isinstance(other, str) else other)


def read(row: Parameter, values: Values) -> Any:
    """A parameter from the properties of the panel; None where it is left out."""
    if row.name in OWN:
        return OWN[row.name](values)
    value = getattr(values, row.name)
    if row.many and row.choices:
        return tuple(sorted(value))
    if row.many:
        return split_values(value)
    if isinstance(value, str):
        value = value.strip()
    if value == row.unset:
        return row.default
    return row.kind(value) if row.choices else value


def copies_folder(values: Values) -> str:
    """The folder that gets copies; that of the preferences where the scene has none."""
    return str(values.textures_dir or getattr(settings.preferences(), "textures_dir", ""))


def strengths(values: Values) -> dict[str, float]:
    """How strong the maps of a material are."""
    return {name: getattr(values, name) for name in STRENGTHS}


def receivers(context: bpy.types.Context) -> list[bpy.types.Object]:
    """The objects that get a texture or material, see `results.receivers`: as the panel has it, all that are
    selected or the first of them alone. Quick enough for drawing."""
    found = results.receivers(context)
    return found[:1] if context.scene.gpt_image.onto == "active" else found


def place(context: bpy.types.Context, *, selection: bool = True) -> dict[str, Any]:
    """Where the result goes.

    :param selection: onto all objects that are selected, or beside what is there; scripts mean the active
        object, and just the 3D cursor.
    """
    values = context.scene.gpt_image
    active = context.active_object
    objects = receivers(context) if selection else []
    first = active if active in objects or not objects else objects[0]
    found: dict[str, Any] = {
        "object_uid": first.session_uid if first is not None else None,
        "object_uids": tuple(obj.session_uid for obj in objects) if len(objects) > 1 else (),
        "scene_uid": context.scene.session_uid,
        "view_matrix": _view_matrix(context),
        "keeps_clear": selection,
        "new_material": bool(values.new_material),
    }
    if find_target(values.target).is_decal:
        places = [tuple(place.at) for place in values.decal_places]
        found["at"] = tuple(places or [tuple(context.scene.cursor.location)])  # it may be elsewhere by then
    folder = copies_folder(values)
    if folder:
        found["textures_dir"] = folder
    return found


def _view_matrix(context: bpy.types.Context) -> tuple[float, ...] | None:
    view = getattr(context, "region_data", None)
    if view is None:
        return None
    return tuple(value for row in view.view_matrix.inverted() for value in row)
