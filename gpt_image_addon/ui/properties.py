"""What the panel asks for, kept with the scene, and its one way out: `to_request`."""

from __future__ import annotations

from typing import Any

import bpy
from bpy.props import BoolProperty, EnumProperty, IntProperty, PointerProperty, StringProperty

from .. import api, settings
from ..core.request import DEFAULT_SIZE

PROPERTY = "gpt_image"

PROVIDER_ITEMS = (
    ("auto", "Automatic", "OpenAI where there is a key, offline drafts where there is none"),
    ("openai", "OpenAI", "OpenAI's GPT Image API; needs a key and costs money"),
    ("offline", "Offline Draft", "Simple drafts drawn on this computer; no key, no network, no cost"),
)
TARGET_ITEMS = (
    ("texture", "Texture", "Into the base color of the active object's material", "TEXTURE", 0),
    ("material", "Material", "A whole material with normal, roughness and height maps", "MATERIAL", 1),
    ("plane", "Image Plane", "A plane of the picture's shape that faces the view", "IMAGE_PLANE", 2),
    ("image", "Image", "An image data-block and nothing else", "IMAGE_DATA", 3),
)
SIZE_ITEMS = (
    (DEFAULT_SIZE, "Square", "1024 x 1024 pixels"),
    ("1536x1024", "Landscape", "1536 x 1024 pixels"),
    ("1024x1536", "Portrait", "1024 x 1536 pixels"),
    ("2048x2048", "Large Square", "2048 x 2048 pixels"),
    ("auto", "Automatic", "The model chooses"),
    ("custom", "Custom", "Width and height of your own"),
)
QUALITY_ITEMS = tuple(
    (name, label, f"Quality {name}; higher is slower and dearer")
    for name, label in (
        ("auto", "Automatic"),
        ("low", "Low"),
        ("medium", "Medium"),
        ("high", "High"),
        ("xhigh", "Extra High"),
        ("max", "Maximum"),
    )
)
BACKGROUND_ITEMS = (
    ("auto", "Automatic", "The model chooses"),
    ("opaque", "Opaque", "No transparency"),
    ("transparent", "Transparent", "A cut-out, for decals"),
)
REFERENCE_ITEMS = (
    ("none", "None", "Only the prompt is sent"),
    ("viewport", "Viewport", "Show the model this view as it is, without overlays"),
    ("camera", "Camera", "Show the model a quick render from the scene's camera"),
    ("file", "File", "Show the model a picture file"),
)


class GPT_IMAGE_PG_request(bpy.types.PropertyGroup):
    """The next request, as the panel shows it."""

    prompt: StringProperty(name="Prompt", description="What to make", maxlen=32000)
    provider: EnumProperty(name="Provider", description="Who makes the picture", items=PROVIDER_ITEMS)
    target: EnumProperty(name="Make", description="What becomes of the picture", items=TARGET_ITEMS)
    size: EnumProperty(name="Size", description="Width and height in pixels", items=SIZE_ITEMS)
    width: IntProperty(
        name="Width",
        description="Pixels; models take multiples of 16",
        default=1024,
        min=16,
        max=8192,
        step=16,
    )
    height: IntProperty(
        name="Height",
        description="Pixels; models take multiples of 16",
        default=1024,
        min=16,
        max=8192,
        step=16,
    )
    quality: EnumProperty(name="Quality", description="How much work the model puts in", items=QUALITY_ITEMS)
    background: EnumProperty(name="Background", description="Behind the subject", items=BACKGROUND_ITEMS)
    n: IntProperty(name="Count", description="How many pictures", default=1, min=1, max=10)
    seamless: BoolProperty(name="Seamless", description="Ask for a picture that tiles")
    reference: EnumProperty(
        name="Reference", description="A picture to show the model", items=REFERENCE_ITEMS
    )
    reference_file: StringProperty(name="File", description="Picture to show the model", subtype="FILE_PATH")


def attach() -> None:
    """Give every scene its request."""
    setattr(bpy.types.Scene, PROPERTY, PointerProperty(type=GPT_IMAGE_PG_request))


def detach() -> None:
    """The mirror image of `attach`."""
    delattr(bpy.types.Scene, PROPERTY)


def provider_of(values: GPT_IMAGE_PG_request) -> str:
    """The provider that a click on Generate would use."""
    if values.provider != "auto":
        return values.provider
    return "openai" if settings.has_key() else "offline"


def size_of(values: GPT_IMAGE_PG_request) -> str:
    """The size in the API's form."""
    return f"{values.width}x{values.height}" if values.size == "custom" else values.size


def to_parameters(context: bpy.types.Context) -> dict[str, Any]:
    """The panel's request as parameters of `api.submit`; the last look at bpy before the job runs.

    :raises SceneError: a reference can't be captured.
    """
    values = getattr(context.scene, PROPERTY)
    active = context.active_object
    return {
        "prompt": values.prompt,
        "provider": provider_of(values),
        "target": values.target,
        "size": size_of(values),
        "quality": values.quality,
        "background": values.background,
        "n": values.n,
        "seamless": values.seamless,
        "references": _references(values),
        "object_uid": active.session_uid if active is not None else None,
        "scene_uid": context.scene.session_uid,
        "view_matrix": _view_matrix(context),
    }


def _references(values: GPT_IMAGE_PG_request) -> list[str]:
    if values.reference == "viewport":
        return [api.capture_viewport()]
    if values.reference == "camera":
        return [api.CAMERA]
    if values.reference == "file" and values.reference_file:
        return [bpy.path.abspath(values.reference_file)]
    return []


def _view_matrix(context: bpy.types.Context) -> tuple[float, ...] | None:
    view = getattr(context, "region_data", None)
    if view is None:
        return None
    return tuple(value for row in view.view_matrix.inverted() for value in row)
