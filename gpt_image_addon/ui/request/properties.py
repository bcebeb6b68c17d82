"""What the panel asks for, kept with the scene, and what it shows, kept with the session."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import bpy
from bpy.props import (
    BoolProperty,
    BoolVectorProperty,
    CollectionProperty,
    EnumProperty,
    FloatProperty,
    FloatVectorProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)

from ...core.request.parameters import MAX_RELIEF, PARAMETERS, PROMPT_LIMIT, STRENGTHS, Parameter
from ...core.request.targets import find_target
from ..common import enum_items
from ..materials import tuning as material_tuning
from ..references import images, inpaint, rectangle_outline
from . import quote

PROPERTY = "gpt_image"
"""Of scenes and of the window manager."""


def _models(owner: Any, context: bpy.types.Context, text: str) -> list[str]:
    return [name for name in quote.model_names(owner) if text.lower() in name.lower()]


def _mask_changed(values: Any, context: bpy.types.Context) -> None:
    inpaint.end_others(values)
    rectangle_outline.sync()


def _file_changed(reference: Any, context: bpy.types.Context) -> None:
    if reference.kind == "file":
        images.measure(reference)


def _recall_seamless(owner: Any, context: bpy.types.Context) -> None:
    """Surfaces have a choice of Seamless of their own, which begins with on: images must not tile for it."""
    chosen = bool(owner.seamless_for[find_target(owner.target).is_surface])
    if owner.seamless != chosen:
        owner.seamless = chosen


def _keep_seamless(owner: Any, context: bpy.types.Context) -> None:
    owner.seamless_for[find_target(owner.target).is_surface] = owner.seamless


OWN: Mapping[str, dict[str, Any]] = {
    "prompt": {"maxlen": PROMPT_LIMIT, "options": {"TEXTEDIT_UPDATE"}},  # the button is live while one types
    "style": {"items": enum_items.style_items},
    "provider": {"items": enum_items.PROVIDERS},
    "target": {"items": enum_items.TARGETS, "update": _recall_seamless},
    "seamless": {"update": _keep_seamless},
    "size": {"items": enum_items.SIZES, "default": enum_items.USUAL_SIZE},
    "workflow": {"subtype": "FILE_PATH"},
    "texture_size": {"min": 0.0, "soft_max": 10.0, "subtype": "DISTANCE"},
    "relief": {"min": 0.0, "soft_max": 100.0, "subtype": "DISTANCE_CAMERA"},
    **{
        row.name: {"min": 0.0, "soft_max": 10.0, "subtype": "DISTANCE"}
        for row in PARAMETERS.values()
        if row.of_drawing
    },
    "views": {"items": enum_items.VIEWS},
    "model": {"search": _models, "search_options": {"SUGGESTION"}},
    **{name: {"soft_max": 3.0} for name in STRENGTHS},
}
"""What the properties of some parameters have beside that which their rows tell."""
_PROPERTIES: Mapping[type, Any] = {
    bool: BoolProperty,
    int: IntProperty,
    float: FloatProperty,
    str: StringProperty,
    Path: functools.partial(StringProperty, subtype="DIR_PATH"),
}


def make_property(name: str, **more: Any) -> Any:
    """The property of a parameter.

    :param more: what it has beside that which its row tells.
    """
    row = PARAMETERS[name]
    field = row.panel
    assert field is not None
    options: dict[str, Any] = {"name": field.label, "description": field.tip}
    start = row.default if field.initial is None else field.initial
    if row.many and row.choices:
        options |= {"items": _flags(row), "options": {"ENUM_FLAG"}, "default": set(start)}
    elif row.choices:
        options |= {"items": row.choices} | ({} if start is None else {"default": str(start)})
    elif start and not row.many:
        options["default"] = start
    if row.least is not None:
        options |= {"min": row.least, "max": row.most}
    options |= OWN.get(row.name, {}) | more
    return (EnumProperty if "items" in options else _PROPERTIES[row.kind])(**options)


def _flags(row: Parameter) -> tuple[tuple[str, str, str, int], ...]:
    return tuple((*choice, 1 << number) for number, choice in enumerate(row.choices))


class GPT_IMAGE_PG_reference(bpy.types.PropertyGroup):
    """An image to show the model."""

    kind: EnumProperty(name="Kind", description="Where the image comes from", items=enum_items.REFERENCES)
    label: StringProperty(
        name="Label", description="What the image shows, in your own words: the red chair, a Baroque interior"
    )
    reference_kind: EnumProperty(
        name="Kind", description="What the image is, said in the prompt", items=enum_items.KINDS
    )
    use_words: BoolProperty(
        name="Say What It Is",
        description="Tell the model in the prompt what this image is and how to use it",
        default=True,
    )
    image: PointerProperty(
        name="Image", description="Image of this file to show the model", type=bpy.types.Image
    )
    edit_of: StringProperty(
        name="Edit of", description="Result that the file is an image of", options={"HIDDEN"}
    )
    file: StringProperty(
        name="File", description="Image to show the model", subtype="FILE_PATH", update=_file_changed
    )
    captured: StringProperty(
        name="Captured", description="File of the image that was taken last", options={"HIDDEN"}
    )
    width: IntProperty(name="Width", description="Pixels of the captured image", options={"HIDDEN"})
    height: IntProperty(name="Height", description="Pixels of the captured image", options={"HIDDEN"})
    live: BoolProperty(
        name="Live",
        description="Take the image anew for each request; otherwise the one shown here is sent",
        default=True,
    )


class GPT_IMAGE_PG_point(bpy.types.PropertyGroup):
    """A numbered place on the first reference."""

    x: FloatProperty(name="X", description="From the left, 0 to 1", min=0.0, max=1.0)
    y: FloatProperty(name="Y", description="From below, 0 to 1", min=0.0, max=1.0)
    text: StringProperty(name="Text", description="What should happen there")


class GPT_IMAGE_PG_decal_place(bpy.types.PropertyGroup):
    """Where a decal comes."""

    at: FloatVectorProperty(name="Place", description="Middle of the decal", subtype="XYZ_LENGTH")


class GPT_IMAGE_PG_request(bpy.types.PropertyGroup):
    """The next request, as the panel shows it: its parameters, and here what only the panel knows."""

    prompt_text: PointerProperty(
        name="Text", description="A text of this file as the prompt, for long ones", type=bpy.types.Text
    )
    width: IntProperty(
        name="Width", description="Pixels", default=1024, min=16, max=8192, step=16, subtype="PIXEL"
    )
    height: IntProperty(
        name="Height", description="Pixels", default=1024, min=16, max=8192, step=16, subtype="PIXEL"
    )
    seamless_for: BoolVectorProperty(
        name="Seamless",
        description="What was chosen for images, and what for surfaces",
        size=2,
        default=(False, True),
        options={"HIDDEN"},
    )
    onto: EnumProperty(
        name="Onto",
        description="Which objects get the texture or material",
        items=enum_items.ONTO,
    )
    new_material: BoolProperty(
        name="New Material",
        description="A texture comes in a new material; the one that is there is not changed",
    )
    references: CollectionProperty(
        name="References", description="Images to show the model, in order", type=GPT_IMAGE_PG_reference
    )
    reference_index: IntProperty(name="Reference", description="The reference that is chosen in the list")

    points: CollectionProperty(
        name="Points",
        description="Numbered places on the first reference, each with what should happen there",
        type=GPT_IMAGE_PG_point,
    )

    decal_places: CollectionProperty(
        name="Places",
        description="Where decals come, each with the next image; at the 3D cursor without any",
        type=GPT_IMAGE_PG_decal_place,
    )

    mask: EnumProperty(
        name="Mask",
        description="Which part of the first reference may change",
        items=enum_items.MASKS,
        update=_mask_changed,
    )
    mask_image: PointerProperty(
        name="Image",
        description="White or transparent parts of it may change; paint it in the Image Editor",
        type=bpy.types.Image,
        update=_mask_changed,
    )
    mask_file: StringProperty(name="File", description="Image of the mask", subtype="FILE_PATH")
    mask_rectangle: FloatVectorProperty(
        name="Rectangle",
        description="Left, bottom, right and top of the part that may change, 0 to 1",
        size=4,
        min=0.0,
        max=1.0,
        default=(0.25, 0.25, 0.75, 0.75),
    )
    use_markup: BoolProperty(
        name="Send Annotations",
        description="Send annotations and Grease Pencil strokes as a markup over the first reference",
    )


# As text, which Blender evaluates when it registers the class, like the annotations above: Blender 4.2
# crashes at its end where properties with callbacks, once made, are still held.
GPT_IMAGE_PG_request.__annotations__.update(
    (row.name, f"make_property({row.name!r})") for row in PARAMETERS.values() if row.panel is not None
)


class GPT_IMAGE_PG_history(bpy.types.PropertyGroup):
    """What of the history is shown, whether the part about the mask is unfolded, and the active material."""

    search: StringProperty(
        name="Search",
        description="Text in prompts, models and job ids",
        options={"TEXTEDIT_UPDATE", "SKIP_SAVE"},
    )
    show_mask: BoolProperty(
        name="Mask", description="Which part of the first reference may change", options={"SKIP_SAVE"}
    )
    instruction: StringProperty(
        name="Make It",
        description="One change to the image below; everything else in it is kept",
        maxlen=PROMPT_LIMIT,
        options={"TEXTEDIT_UPDATE", "SKIP_SAVE"},
    )
    which: EnumProperty(name="Show", description="Which jobs are listed", items=enum_items.HISTORY)
    material_relief: FloatProperty(
        name="Relief",
        description="Depth of the active material's surface, from its lowest to its highest point",
        min=0.0,
        max=MAX_RELIEF,
        soft_max=100.0,
        subtype="DISTANCE_CAMERA",
        get=material_tuning.read_relief,
        set=material_tuning.set_relief,
    )
    material_size: FloatProperty(
        name="Real Size",
        description="What the image of the active material spans on the object",
        min=0.001,
        soft_max=10.0,
        subtype="DISTANCE",
        get=material_tuning.read_size,
        set=material_tuning.set_size,
    )


CLASSES = (
    GPT_IMAGE_PG_reference,
    GPT_IMAGE_PG_point,
    GPT_IMAGE_PG_decal_place,
    GPT_IMAGE_PG_request,
    GPT_IMAGE_PG_history,
)


def attach() -> None:
    """Give every scene its request, and the session its view of the history."""
    setattr(bpy.types.Scene, PROPERTY, PointerProperty(type=GPT_IMAGE_PG_request))
    setattr(bpy.types.WindowManager, PROPERTY, PointerProperty(type=GPT_IMAGE_PG_history))


def detach() -> None:
    """The mirror image of `attach`."""
    delattr(bpy.types.WindowManager, PROPERTY)
    delattr(bpy.types.Scene, PROPERTY)
