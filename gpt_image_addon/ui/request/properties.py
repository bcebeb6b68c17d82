"""What the panel asks for, kept with the scene, and what it shows, kept with the session."""

from __future__ import annotations

from typing import Any

import bpy
from bpy.props import (
    BoolProperty,
    CollectionProperty,
    EnumProperty,
    FloatProperty,
    FloatVectorProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)

from ...core.request.map_kinds import MAP_KINDS
from ...core.request.parameters import MAX_FRAME_MS, MAX_STRENGTH
from ..common import enum_items
from . import quote

PROPERTY = "gpt_image"
"""Of scenes and of the window manager."""
MAP_DEFAULTS = {"base_color", "normal", "roughness", "height", "metallic"}


def _models(owner: Any, context: bpy.types.Context, text: str) -> list[str]:
    return [name for name in quote.model_names(owner) if text.lower() in name.lower()]


def _strength(name: str, description: str) -> Any:
    return FloatProperty(
        name=name, description=description, default=1.0, min=0.0, max=MAX_STRENGTH, soft_max=3.0
    )


class GPT_IMAGE_PG_reference(bpy.types.PropertyGroup):
    """A picture to show the model."""

    kind: EnumProperty(name="Kind", description="Where the picture comes from", items=enum_items.REFERENCES)
    label: StringProperty(
        name="Label", description="What the picture is, said in the prompt: the room, the style, the pattern"
    )
    image: PointerProperty(
        name="Image", description="Image of this file to show the model", type=bpy.types.Image
    )
    file: StringProperty(name="File", description="Picture to show the model", subtype="FILE_PATH")
    captured: StringProperty(
        name="Captured", description="File of the picture that was taken last", options={"HIDDEN"}
    )
    width: IntProperty(name="Width", description="Pixels of the captured picture", options={"HIDDEN"})
    height: IntProperty(name="Height", description="Pixels of the captured picture", options={"HIDDEN"})
    live: BoolProperty(
        name="Live",
        description="Take the picture anew for each request; otherwise the one shown here is sent",
        default=True,
    )


class GPT_IMAGE_PG_request(bpy.types.PropertyGroup):
    """The next request, as the panel shows it."""

    prompt: StringProperty(name="Prompt", description="What to make", maxlen=32000)
    prompt_text: PointerProperty(
        name="Text", description="A text of this file as the prompt, for long ones", type=bpy.types.Text
    )
    style: EnumProperty(name="Style", description="Words that join the prompt", items=enum_items.style_items)
    provider: EnumProperty(name="Provider", description="Who makes the picture", items=enum_items.PROVIDERS)
    target: EnumProperty(name="Make", description="What becomes of the picture", items=enum_items.TARGETS)
    size: EnumProperty(
        name="Size",
        description="Width and height in pixels",
        items=enum_items.SIZES,
        default=enum_items.USUAL_SIZE,
    )
    width: IntProperty(
        name="Width", description="Pixels", default=1024, min=16, max=8192, step=16, subtype="PIXEL"
    )
    height: IntProperty(
        name="Height", description="Pixels", default=1024, min=16, max=8192, step=16, subtype="PIXEL"
    )
    quality: EnumProperty(
        name="Quality", description="How much work the model puts in", items=enum_items.QUALITIES
    )
    background: EnumProperty(
        name="Background", description="Behind the subject", items=enum_items.BACKGROUNDS
    )
    n: IntProperty(name="Count", description="How many pictures", default=1, min=1, max=10)
    seamless: BoolProperty(name="Seamless", description="Make the picture tile without seams")
    repair_seams: BoolProperty(
        name="Repair Seams",
        description="Let the model repaint seams that still show: one more request for each such picture",
    )

    references: CollectionProperty(
        name="References", description="Pictures to show the model, in order", type=GPT_IMAGE_PG_reference
    )
    reference_index: IntProperty(name="Reference", description="The reference that is chosen in the list")

    mask: EnumProperty(
        name="Mask", description="Which part of the first reference may change", items=enum_items.MASKS
    )
    mask_image: PointerProperty(
        name="Image",
        description="White or transparent parts of it may change; paint it in the Image Editor",
        type=bpy.types.Image,
    )
    mask_file: StringProperty(name="File", description="Picture of the mask", subtype="FILE_PATH")
    mask_rectangle: FloatVectorProperty(
        name="Rectangle",
        description="Left, bottom, right and top of the part that may change, 0 to 1",
        size=4,
        min=0.0,
        max=1.0,
        default=(0.25, 0.25, 0.75, 0.75),
    )
    composite: BoolProperty(
        name="Preserve Outside",
        description="Put back what lies outside the mask: models change that, too",
        default=True,
    )
    use_markup: BoolProperty(
        name="Send Annotations",
        description="Send annotations and Grease Pencil strokes as a markup over the first reference",
    )

    maps: EnumProperty(
        name="Maps",
        description="Material maps to make from the picture",
        items=enum_items.MAPS,
        options={"ENUM_FLAG"},
        default=MAP_DEFAULTS & {kind.name for kind in MAP_KINDS},
    )
    normal_strength: _strength(
        name="Normal Strength", description="How steep the relief of the normal map is"
    )
    height_strength: _strength(
        name="Height Strength", description="How much of the range from black to white the height takes"
    )
    ao_strength: _strength(
        name="AO Strength", description="How dark hollows are in the ambient occlusion map"
    )
    roughness_contrast: _strength(
        name="Roughness Contrast", description="How much the roughness differs from its mean"
    )
    displacement: EnumProperty(
        name="Relief", description="How the material shows its height", items=enum_items.DISPLACEMENTS
    )
    texture_size: FloatProperty(
        name="Real Size",
        description="What the picture spans on the object; 0 lays it over the UV map once",
        min=0.0,
        soft_max=10.0,
        subtype="DISTANCE",
    )
    height_by_model: BoolProperty(
        name="Height by the Model",
        description="Ask the model for the height of its picture: one more request, which is paid, too",
    )
    convention: EnumProperty(
        name="Normals",
        description="Of the normal map among the copies; Blender's own is always OpenGL",
        items=enum_items.CONVENTIONS,
    )
    bits: EnumProperty(name="Depth", description="Of height and normal maps", items=enum_items.BITS)
    pack: EnumProperty(
        name="Pack", description="A picture of several maps for a game engine", items=enum_items.PACKINGS
    )

    name: StringProperty(name="Name", description="Name of the result; made from the prompt when empty")
    output_format: EnumProperty(
        name="Format", description="Of the file that the server sends", items=enum_items.OUTPUT_FORMATS
    )
    output_compression: IntProperty(
        name="Compression", description="0 is smallest, 100 best", default=90, min=0, max=100
    )
    partial_images: IntProperty(
        name="Previews", description="Pictures to see while waiting; each costs a little", min=0, max=3
    )
    previews_in_target: BoolProperty(
        name="Previews in the Scene",
        description="Show the previews where the result will be, until it comes; they are never saved",
    )
    stream: BoolProperty(
        name="Stream", description="Let each of several pictures come as soon as it is finished"
    )
    frame_count: IntProperty(name="Frames", description="Of the GIF", default=9, min=2, max=16)
    frame_duration_ms: IntProperty(
        name="Frame Duration",
        description="Milliseconds that a frame is shown",
        default=200,
        min=1,
        max=MAX_FRAME_MS,
    )
    svg_model: StringProperty(
        name="Drawing Model", description="Model that draws the SVG; the server's default when empty"
    )
    svg_reasoning_effort: EnumProperty(
        name="Reasoning",
        description="How long the drawing model thinks first; it needs the name of that model",
        items=enum_items.SVG_REASONING,
    )
    textures_dir: StringProperty(
        name="Copies",
        description="Folder that gets copies of pictures and maps; that of the preferences when empty",
        subtype="DIR_PATH",
    )

    model: StringProperty(
        name="Model",
        description="Model that makes the picture; the provider's default when empty",
        search=_models,
        search_options={"SUGGESTION"},
    )
    moderation: EnumProperty(
        name="Moderation", description="How strictly prompts are filtered", items=enum_items.MODERATIONS
    )
    complexity: EnumProperty(
        name="Complexity", description="How much the picture holds", items=enum_items.COMPLEXITIES
    )
    input_fidelity: EnumProperty(
        name="Fidelity", description="How closely references are followed", items=enum_items.FIDELITIES
    )
    safety_identifier: StringProperty(
        name="Safety Identifier",
        description="A hashed name of your user, where your account's terms ask for one",
    )


class GPT_IMAGE_PG_history(bpy.types.PropertyGroup):
    """What of the history is shown."""

    search: StringProperty(
        name="Search",
        description="Text in prompts, models and job ids",
        options={"TEXTEDIT_UPDATE", "SKIP_SAVE"},
    )
    which: EnumProperty(name="Show", description="Which jobs are listed", items=enum_items.HISTORY)


CLASSES = (GPT_IMAGE_PG_reference, GPT_IMAGE_PG_request, GPT_IMAGE_PG_history)


def attach() -> None:
    """Give every scene its request, and the session its view of the history."""
    setattr(bpy.types.Scene, PROPERTY, PointerProperty(type=GPT_IMAGE_PG_request))
    setattr(bpy.types.WindowManager, PROPERTY, PointerProperty(type=GPT_IMAGE_PG_history))


def detach() -> None:
    """The mirror image of `attach`."""
    delattr(bpy.types.WindowManager, PROPERTY)
    delattr(bpy.types.Scene, PROPERTY)
