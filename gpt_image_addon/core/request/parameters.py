"""The one table of parameters, with the limits that hold for every model; the interface needs it first.

A row makes the flag of the command line, the column of a manifest, the property of the panel with its place
there, what presets keep, what is recalled from a job, the field of the API and the line in the reference. The
value itself is a field of `GenerationRequest` or `Application`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from ..common.coordinates import parse_coordinates
from ..engines.table import ENGINE_NAMES, ENGINES
from ..references.kinds import AUTO, CAPTURES, NONE, REFERENCE_KINDS
from ..references.points import POINT_LIMIT, parse_point
from .map_kinds import BITS, BY_NAME, CONVENTIONS, DISPLACEMENTS, MAPPINGS, MAPS
from .providers import DEFAULT_PROVIDER

DEFAULT_CONCURRENCY = 4  # requests at once
UNATTENDED_MAX_COST_USD = 1.0  # of one request in background that names no limit

DEFAULT_SIZE = "1024x1024"
DEFAULT_FORMAT = "png"
DRAWING = "svg"
"""The output format whose results have no pixels."""
MOST_CROPS = 16  # of one mask; more regions are sent as one part
PROMPT_LIMIT = 32_000  # characters
IMAGE_LIMIT = 10  # images a request
REFERENCE_LIMIT = 16  # images an edit
STYLE_LIMIT = 1000  # characters of a style's words
COMPRESSED_FORMATS = ("jpeg", "webp")
ANIMATED = ("gif",)
ANIMATED_OR_DRAWN = (*ANIMATED, DRAWING)
"""Formats that never stream and that Blender can't hold."""
PIXEL_FORMATS = ("png", "jpeg", "webp")
"""Formats that every model makes."""
ALPHA_FORMATS = ("png", "webp")
MAX_FRAME_MS = 655_350  # what a gif can hold
MAX_STRENGTH = 10
MAX_RELIEF = 1000  # millimetres
NO_OBJECT = -1
"""As `Application.object_uid`: not even the active object. No data-block has this `session_uid`."""

Choice = tuple[str, str, str]
"""A value, its label in the panel, and its tooltip."""
UNSET = "unset"
"""The choice that leaves a parameter out."""
AUTOMATIC = (UNSET, "Automatic", "The model chooses")

QUALITIES = (
    ("auto", "Automatic", "The model chooses"),
    ("low", "Low", "Quick and cheap"),
    ("medium", "Medium", "For most images"),
    ("high", "High", "Slower and more expensive"),
    ("xhigh", "Extra High", "Slowest, most expensive"),
    ("max", "Maximum", "The slowest and dearest"),
)
BACKGROUNDS = (
    ("auto", "Automatic", "The model chooses"),
    ("opaque", "Opaque", "No transparency"),
    ("transparent", "Transparent", "A cut-out, for decals"),
)
OUTPUT_FORMATS = (
    ("png", "PNG", "Lossless, with transparency"),
    ("jpeg", "JPEG", "Small, without transparency"),
    ("webp", "WebP", "Small, with transparency"),
    ("gif", "GIF", "Animated; Blender shows the first frame, the file holds all"),
    ("svg", "SVG", "A drawing; Blender can't show it, so it is kept as a file"),
)
SVG_EFFORTS = (
    AUTOMATIC,
    ("none", "None", "Draw at once"),
    ("minimal", "Minimal", "Think as little as possible before drawing"),
    ("low", "Low", "Think a little before drawing"),
    ("medium", "Medium", "Think before drawing"),
    ("high", "High", "Think a lot before drawing"),
    ("xhigh", "Extra High", "Think longer still before drawing"),
    ("max", "Maximum", "Think as long as possible before drawing"),
)
MODERATIONS = (
    ("auto", "Automatic", "The usual filter"),
    ("low", "Low", "A less restrictive filter"),
)
COMPLEXITIES = (
    AUTOMATIC,
    ("low", "Low", "Plan as little as possible before drawing"),
    ("medium", "Medium", "Plan a little before drawing"),
    ("high", "High", "Plan a lot before drawing, as the model does when left alone"),
)
FIDELITIES = (
    AUTOMATIC,
    ("low", "Low", "References are followed loosely"),
    ("high", "High", "References are followed closely, at a higher price"),
)
KINDS_OF_REFERENCES = (
    (AUTO, "Automatic", "By where the image comes from"),
    *((kind.name, kind.label, kind.tip) for kind in REFERENCE_KINDS),
    (NONE, "Label Only", "Only the label is said, in your own words"),
)
PACKINGS = (
    (UNSET, "None", "Every map stays an image of its own"),
    ("gltf_orm", "glTF", "Occlusion, roughness and metallic in one image"),
    ("unity_mask", "Unity Mask", "Metallic, occlusion and smoothness in one image"),
    ("unreal_orm", "Unreal ORM", "Occlusion, roughness and metallic in one image"),
)
"""Those of `channel_packing.LAYOUTS`, whose import takes numpy."""

SHEET, SEQUENCE = "sheet", "sequence"
SPRITES = (
    (SHEET, "Sheet", "One image with all frames, which can be packed into the .blend"),
    (SEQUENCE, "Image Sequence", "A file for each frame; they can't be packed and stay where they are"),
)
"""How the frames of a sprite reach its material."""
PAINTED = "painted"
FACES = (
    ("all", "All", "Everything that a view shows"),
    ("selected", "Selected", "Only the faces that are selected in Edit Mode"),
    (PAINTED, "Painted Mask", "Only where a mask is painted on them in Texture Paint"),
)
GUIDES = (
    ("normal", "Normals", "Which way surfaces face"),
    ("depth", "Depth", "Near is bright"),
    ("lines", "Line Art", "Where shapes end, bend or stand before others"),
)
"""What may be shown of a model beside the clay render that is always sent."""

SUNS = (
    ("lamp", "Sun Lamp", "A lamp in the place of the sun; the picture around it has none"),
    ("disc", "Disc in the Picture", "The picture itself has a sun as bright as the real one"),
    ("none", "None", "Only the sky lights"),
)
"""How the sun of a world lights: never twice."""
SKIES = (
    ("auto", "Automatic", "By the words of the prompt"),
    ("clear", "Clear", "The sun lights as on a clear day"),
    ("hazy", "Hazy", "The sun lights a third as much"),
    ("overcast", "Overcast", "There is no sun to see"),
    ("night", "Night", "There is no sun"),
    ("indoor", "Indoors", "There is no sky: what is bright lights"),
)

Group = Literal[
    "result", "maps", "projection", "drawing", "sprite", "world", "decal", "references", "api", "files"
]
"""Of flags; `cli.flags` has their titles."""
Section = Literal[
    "prompt",
    "main",
    "provider",
    "mask",
    "surface",
    "strengths",
    "projection",
    "drawing",
    "sprite",
    "world",
    "decal",
    "output",
    "advanced",
    "workflow",
]
"""Of the panel."""


@dataclass(frozen=True)
class Flag:
    """How the command line takes a parameter."""

    group: Group
    help: str
    metavar: str | None = None
    name: str = ""
    """With underscores; that of the parameter where it is empty."""


@dataclass(frozen=True)
class PanelField:
    """How the panel shows a parameter."""

    section: Section
    label: str
    tip: str
    initial: Any = None
    """What it begins with, where that is not the parameter's default."""
    unset: Any = None
    """What it says where the parameter is None; None where it can't say that, or a choice does."""
    trait: str = ""
    """Of the provider, without which it is hidden."""
    attached: bool = False
    """Drawn without a gap below the row before."""
    short: str = ""
    """The label where there is little room."""
    in_preset: bool = True


@dataclass(frozen=True)
class Parameter:
    """One row: a parameter of a generation."""

    name: str
    kind: type = str
    """Of one value: str, int, float, bool or Path; tuple where `parse` reads it."""
    default: Any = None
    """None where it is left out, and the model or the server decides."""
    flag: Flag | None = None
    panel: PanelField | None = None
    choices: tuple[Choice, ...] = ()
    model_values: str = ""
    """Field of `models.Model` with the values that the model takes; empty where all models take all."""
    least: int | None = None
    most: int | None = None
    many: bool = False
    """Whether it is a tuple of such values."""
    is_repeated: bool = False
    """Whether each value has a flag of its own, as its place among them counts."""
    is_kept: bool = False
    """Its value may be the name of something that is kept in the state folder."""
    parse: Callable[[str], Any] | None = None
    """Reads a value of flags and manifests that is no plain one; None for all others."""
    formats: tuple[str, ...] = ()
    """Output formats that have it; empty for all."""
    of_maps: bool = False
    """Only targets with material maps have it."""
    of_relief: bool = False
    """Only targets that have material maps, or a relief that is asked for, have it."""
    of_model: bool = False
    """Only targets that are projected have it."""
    of_drawing: bool = False
    """Only targets that are made of drawings have it."""
    of_sprite: bool = False
    """Only targets that are animated have it."""
    of_world: bool = False
    """Only targets that are panoramas have it."""
    of_decal: bool = False
    """Only targets that are decals have it."""
    needs: str = ""
    """The parameter without which this one means nothing."""
    field: Literal["", "always", "changed"] = ""
    """When the API gets a field of this name: never, always, or when it is not the default."""
    in_manifest: bool = True

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The values that may be chosen from, as text; empty where that is open."""
        return tuple(word for word, _, _ in self.choices if word != UNSET)

    @cached_property
    def unset(self) -> Any:
        """What the panel says where the parameter is None; None where it can't say that."""
        if len(self.words) < len(self.choices):
            return UNSET
        if self.panel is not None and self.panel.unset is not None:
            return self.panel.unset
        return "" if self.kind is str and not self.choices else None

    def taken_by(self, model: Any) -> tuple[Any, ...]:
        """The values that a row of the model table takes; the default leaves the choice to the model."""
        values: tuple[Any, ...] = getattr(model, self.model_values)
        return values if self.default is None else (self.default, *values)


# fmt: off
_ROWS = (
    Parameter("prompt", default="", field="always",
        panel=PanelField("prompt", "Prompt", "What to make", in_preset=False)),
    Parameter("style",
        flag=Flag("result", "words of a named style join the prompt; `styles` lists them", "NAME"),
        panel=PanelField("advanced", "Style", "Words that join the prompt", unset="none")),
    Parameter("target", default="texture",
        flag=Flag("result", "default: texture"),
        panel=PanelField("main", "Make", "What becomes of the image")),
    Parameter("object_name",
        flag=Flag("result", "object to put it on; default: the active one", "NAME", "object")),
    Parameter("name",
        flag=Flag("result", "name of the data-blocks; default: made from the prompt"),
        panel=PanelField("output", "Name", "Name of the result; made from the prompt when empty",
            in_preset=False)),
    Parameter("provider", default="",
        flag=Flag("api", f"default: $GPT_IMAGE_PROVIDER or {DEFAULT_PROVIDER}"),
        panel=PanelField("provider", "Provider", "Who makes the image")),
    Parameter("model", default="", field="always",
        flag=Flag("api", "model; `models` lists them", "ID"),
        panel=PanelField("advanced", "Model",
            "Model that makes the image; the provider's default when empty")),
    Parameter("size", default=DEFAULT_SIZE, field="always",
        flag=Flag("api",
            f"pixels, such as 1536x1024; like, for the shape of the first reference; or auto "
            f"(default: {DEFAULT_SIZE})", "WxH"),
        panel=PanelField("output", "Size", "Width and height in pixels")),
    Parameter("workflow", Path, is_kept=True,
        flag=Flag("api", "workflow of a ComfyUI server that makes the image: the name of one that is kept, a "
            "file in the API format, or an image with its workflow", "NAME|FILE"),
        panel=PanelField("workflow", "Workflow",
            "A workflow of your ComfyUI that makes the image: one that is kept, a file in the API format, or "
            "an image that ComfyUI has saved",
            unset="", trait="workflow_model", in_preset=False)),
    Parameter("workflow_values", default=(), many=True, is_repeated=True, needs="workflow",
        flag=Flag("api", "an input of the workflow, such as `KSampler.steps=30`; repeatable",
            "TITLE.INPUT=VALUE", "set"),
        panel=PanelField("workflow", "Workflow Inputs",
            "Inputs of the workflow, such as KSampler.steps=30; several are separated by ;",
            trait="workflow_model", in_preset=False)),
    Parameter("workflow_places", default=(), many=True, is_repeated=True, needs="workflow",
        flag=Flag("api", "what goes to which input of the workflow, such as `prompt=Positive.text`; an empty "
            "input for nowhere; repeatable", "ROLE=TITLE.INPUT", "place"),
        panel=PanelField("workflow", "Workflow Places",
            "What goes to which input of the workflow, such as prompt=Positive.text; several are separated "
            "by ;",
            trait="workflow_model", in_preset=False)),
    Parameter("quality", default="auto", choices=QUALITIES, model_values="qualities", field="always",
        flag=Flag("api", "low, medium, high, xhigh, max or auto, as the model takes it (default: auto)"),
        panel=PanelField("main", "Quality",
            "How much work the model puts in; offline drafts have one quality", initial="medium")),
    Parameter("background", default="auto", choices=BACKGROUNDS, field="changed",
        flag=Flag("api", "transparent needs png or webp"),
        panel=PanelField("output", "Background",
            "Behind the subject; offline drafts cut out a decal where it is transparent")),
    Parameter("n", int, 1, least=1, most=IMAGE_LIMIT, field="always",
        flag=Flag("api", "how many images, 1 to 10"),
        panel=PanelField("main", "Variations", "How many images")),
    Parameter("seamless", bool, False,
        flag=Flag("result", "ask for an image that tiles"),
        panel=PanelField("surface", "Seamless", "Make the image tile without seams")),
    Parameter("surface_words", bool, False,
        flag=Flag("result", "add what a surface needs: flat, seen straight on, even light, no shadows"),
        panel=PanelField("surface", "Surface Words",
            "Ask for materials and seamless textures as surfaces: flat, seen straight on, in even light, "
            "without perspective or shadows",
            initial=True)),
    Parameter("panorama", bool, False,
        flag=Flag("result", "ask for all that is around, as a panorama twice as wide as high; a world always "
            "does")),
    Parameter("repair_seams", bool, False, needs="seamless",
        flag=Flag("result",
            "let the model repaint seams that show after the cut: one more request for each such image"),
        panel=PanelField("surface", "Repair Seams",
            "Let the model repaint seams that still show: one more request for each such image",
            trait="repairs_seams")),
    Parameter("references", Path, (), many=True, is_repeated=True,
        flag=Flag("references",
            f"image to show the model, or one of the scene: {', '.join(CAPTURES)}; repeatable",
            "PATH", "reference")),
    Parameter("edit_of",
        flag=Flag("references",
            "edit the newest image of a job, or its N-th: it becomes the first reference",
            "JOB[/N]")),
    Parameter("keep_rest", bool, False,
        flag=Flag("references",
            "the prompt is a change to the first reference: add words that keep everything else")),
    Parameter("reference_kinds", default=(), many=True, is_repeated=True, choices=KINDS_OF_REFERENCES,
        flag=Flag("references",
            "what the reference is, which is said in the prompt; the first belongs to the first reference: "
            f"{', '.join(word for word, _, _ in KINDS_OF_REFERENCES)}",
            "KIND", "reference_kind")),
    Parameter("reference_labels", default=(), many=True, is_repeated=True,
        flag=Flag("references",
            "the reference in your own words, such as `the red chair`; the first belongs to the first "
            "reference, an empty one leaves it to its kind",
            "TEXT", "reference_label")),
    Parameter("mask", Path,
        flag=Flag("references", "where the first reference may change: what is transparent, or white",
            "PATH")),
    Parameter("composite", bool, True,
        flag=Flag("references", "keep the model's changes outside the mask"),
        panel=PanelField("mask", "Preserve Outside",
            "Put back what lies outside the mask: models change that, too")),
    Parameter("whole_image", bool, False,
        flag=Flag("references", "with a mask, send all of the image, not the part around what may change"),
        panel=PanelField("mask", "Whole Image",
            "Send all of the image instead of the part around what may change, at less detail")),
    Parameter("accept", bool, False,
        flag=Flag("references", "with a mask, use an answer that does not match its image, too")),
    Parameter("markup", Path,
        flag=Flag("references", "transparent image drawn over the first reference", "PATH")),
    Parameter("points", tuple, (), many=True, is_repeated=True, parse=parse_point,
        flag=Flag("references",
            "numbered mark on the first reference and what should happen there, such as "
            "`0.3,0.6:make this handle brass`; X and Y go from 0 to 1, from the lower left corner; "
            f"repeatable, at most {POINT_LIMIT}",
            "X,Y:TEXT", "point")),
    Parameter("output_format", default=DEFAULT_FORMAT, choices=OUTPUT_FORMATS, field="changed",
        flag=Flag("api", "default: png"),
        panel=PanelField("output", "Format", "Of the file that the server sends")),
    Parameter("output_compression", int, least=0, most=100, formats=COMPRESSED_FORMATS, field="changed",
        flag=Flag("api", "for jpeg and webp", "0-100"),
        panel=PanelField("output", "Compression", "0 is smallest, 100 best", initial=90)),
    Parameter("frame_count", int, least=2, most=16, formats=("gif",), field="changed",
        flag=Flag("api", "for the output format gif", "2-16"),
        panel=PanelField("output", "Frames", "Of the GIF", initial=9)),
    Parameter("frame_duration_ms", int, least=1, most=MAX_FRAME_MS, formats=("gif",), field="changed",
        flag=Flag("api", "for the output format gif", "MS"),
        panel=PanelField("output", "Frame Duration", "Milliseconds that a frame is shown", initial=200,
            attached=True)),
    Parameter("svg_model", formats=("svg",),
        flag=Flag("api", "model that draws an svg; needed where the account may choose one", "ID"),
        panel=PanelField("output", "Drawing Model",
            "Model that draws the SVG; needed where the account may choose one")),
    Parameter("svg_reasoning_effort", choices=SVG_EFFORTS, formats=("svg",), needs="svg_model",
        flag=Flag("api", "reasoning effort of the model that draws, with --svg-model"),
        panel=PanelField("output", "Reasoning",
            "How long the drawing model thinks first; it needs the name of that model")),
    Parameter("partial_images", int, 0, least=0, most=3, formats=PIXEL_FORMATS, field="changed",
        flag=Flag("api", "previews while it is made; each costs a little", "0-3"),
        panel=PanelField("output", "Previews", "Images to see while waiting; each costs a little")),
    Parameter("previews_in_target", bool, False, formats=PIXEL_FORMATS, needs="partial_images",
        panel=PanelField("output", "Previews in Scene",
            "Show the previews where the result will be, until it comes; they are never saved")),
    Parameter("stream", bool, False, formats=PIXEL_FORMATS,
        flag=Flag("api", "let each of several images come when it is finished"),
        panel=PanelField("output", "Stream", "Let each of several images come as soon as it is finished")),
    Parameter("textures_dir", Path, in_manifest=False,
        flag=Flag("files", "folder that gets copies of the images and maps", "DIR"),
        panel=PanelField("output", "Copies",
            "Folder that gets copies of images and maps; that of the preferences when empty",
            in_preset=False)),
    Parameter("picture", int, 0),
    Parameter("maps", default=(), many=True, choices=MAPS, of_maps=True,
        flag=Flag("maps", f"material maps: {', '.join(BY_NAME)}", "KIND,…"),
        panel=PanelField("surface", "Maps", "Material maps to make from the image",
            initial=("base_color", "normal", "roughness", "height", "metallic"))),
    Parameter("displacement", default="none", choices=DISPLACEMENTS, of_maps=True,
        flag=Flag("maps", "show height as bump or true displacement (default: none)"),
        panel=PanelField("surface", "Displacement", "How the material shows its height")),
    Parameter("mapping", default="uv", choices=MAPPINGS, of_maps=True,
        flag=Flag("maps", "how the image lies: as the UV map, or upright and in real size (default: uv)"),
        panel=PanelField("surface", "Mapping", "How the image lies on the object", initial="upright")),
    Parameter("texture_size", float, of_maps=True,
        flag=Flag("maps", "what the image spans on the object", "METRES"),
        panel=PanelField("surface", "Real Size",
            "What the image spans on the object; 0 leaves it to Mapping", unset=0.0)),
    Parameter("decal_relief", bool, False, of_decal=True,
        flag=Flag("decal", "give the decal a relief, from its own brightness or by --height-by-model; "
            "--relief says how deep (default: flat)"),
        panel=PanelField("surface", "With Relief",
            "Give the decal a relief, which is made from its brightness, or from a height by the model")),
    Parameter("relief", float, least=0, most=MAX_RELIEF, of_relief=True,
        flag=Flag("maps", "depth of the surface at the image's real size, from its lowest to its highest "
            "point; default: as steep as the material usually is", "MM"),
        panel=PanelField("surface", "Relief",
            "Depth of the surface at its real size, from its lowest to its highest point; 0 leaves it to the "
            "material",
            unset=0.0)),
    Parameter("height_by_model", bool, False, of_relief=True,
        flag=Flag("maps", "ask the model for the height too: one more request"),
        panel=PanelField("surface", "Height by the Model",
            "Ask the model for the height of its image: one more request, which is paid, too",
            trait="needs_height")),
    Parameter("height_sheet", bool, False, of_relief=True, needs="height_by_model",
        flag=Flag("maps", "with --height-by-model, ask for image and height side by side in one request, "
            "where the model paints a sheet of that size"),
        panel=PanelField("surface", "In One Request",
            "Ask for image and height side by side, for one image at a lower price than a request for each, "
            "which is sent where the model paints no sheet of that size",
            trait="needs_height", initial=True)),
    Parameter("normal_strength", float, 1.0, least=0, most=MAX_STRENGTH, of_maps=True,
        flag=Flag("maps", "steepness of the normal map", "FACTOR"),
        panel=PanelField("strengths", "Normal Strength", "How steep the relief of the normal map is",
            short="Normal")),
    Parameter("height_strength", float, 1.0, least=0, most=MAX_STRENGTH, of_maps=True,
        flag=Flag("maps", "contrast of the height map", "FACTOR"),
        panel=PanelField("strengths", "Height Strength",
            "How much of the range from black to white the height takes", short="Height")),
    Parameter("ao_strength", float, 1.0, least=0, most=MAX_STRENGTH, of_maps=True,
        flag=Flag("maps", "darkness of the ambient occlusion", "FACTOR"),
        panel=PanelField("strengths", "AO Strength", "How dark hollows are in the ambient occlusion map",
            short="AO")),
    Parameter("roughness_contrast", float, 1.0, least=0, most=MAX_STRENGTH, of_maps=True,
        flag=Flag("maps", "spread of the roughness", "FACTOR"),
        panel=PanelField("strengths", "Roughness Contrast",
            "How much the roughness differs from its mean", short="Roughness")),
    Parameter("bits", int, 8, choices=BITS, of_maps=True,
        flag=Flag("maps", "of height and normal (default: 8)"),
        panel=PanelField("output", "Depth", "Of height and normal maps")),
    Parameter("convention", default="OPENGL", choices=CONVENTIONS, of_maps=True,
        flag=Flag("maps", "of the normal map in --textures-dir; Blender's own is OPENGL"),
        panel=PanelField("output", "Normals",
            "Of the normal map among the copies; Blender's own is always OpenGL")),
    Parameter("pack", choices=PACKINGS, of_maps=True,
        flag=Flag("maps", "also write several maps into one image"),
        panel=PanelField("output", "Pack", "An image of several maps for a game engine")),
    Parameter("export_to", choices=ENGINES, of_maps=True, needs="export_dir",
        flag=Flag("maps", "write the material as files for an engine, into --export-dir: "
            f"{', '.join(ENGINE_NAMES)}", "ENGINE")),
    Parameter("export_dir", Path, of_maps=True, needs="export_to",
        flag=Flag("maps", "folder for the files of --export-to; made if missing", "DIR")),
    Parameter("drawing_size", float, 1.0, least=0, most=1000, of_drawing=True,
        flag=Flag("drawing", "longer side of all curves (default: 1)", "METRES"),
        panel=PanelField("drawing", "Drawing Size", "Longer side of all curves")),
    Parameter("extrude", float, 0.0, least=0, most=100, of_drawing=True,
        flag=Flag("drawing", "thickness of the curves (default: 0, flat)", "METRES"),
        panel=PanelField("drawing", "Extrude", "Thickness of the curves; 0 leaves them flat")),
    Parameter("bevel", float, 0.0, least=0, most=100, of_drawing=True,
        flag=Flag("drawing", "how far the edges of the curves are rounded (default: 0)", "METRES"),
        panel=PanelField("drawing", "Bevel", "How far the edges are rounded, within the outline")),
    Parameter("sprite_fps", float, 8.0, least=0, most=240, of_sprite=True,
        flag=Flag("sprite", "images a second; a GIF has its own times (default: 8)", "IMAGES"),
        panel=PanelField("sprite", "Frame Rate", "Images a second; a GIF has its own times")),
    Parameter("sprite_as", default=SHEET, choices=SPRITES, of_sprite=True,
        flag=Flag("sprite", "one image of all frames, or files, which can't be packed (default: sheet)"),
        panel=PanelField("sprite", "Frames", "How the material gets them")),
    Parameter("align_frames", bool, True, of_sprite=True,
        flag=Flag("sprite", "leave images where they are; else they are laid over the first"),
        panel=PanelField("sprite", "Align Images",
            "Lay images over the first one, as they never stand in the same place; a GIF stays as it is")),
    Parameter("objects", default=(), many=True, of_model=True,
        flag=Flag("projection", "objects to paint, in place of the active one", "NAME,…")),
    Parameter("views", default="", of_model=True,
        flag=Flag("projection",
            "camera, view for the 3D view, names of cameras, auto for all around, or a number of sides "
            "(default: the view, in background the camera)", "VIEW"),
        panel=PanelField("projection", "View", "From where the model is painted", initial="view")),
    Parameter("in_sequence", bool, False, of_model=True,
        flag=Flag("projection", "paint several views one after another, each in a paid request of its own "
            "that sees what the ones before it painted"),
        panel=PanelField("projection", "In Sequence",
            "A paid request for each view, which sees what is painted so far")),
    Parameter("faces", default="all", choices=FACES, of_model=True,
        flag=Flag("projection", "paint all faces, those selected, or where a mask is painted (default: all)"),
        panel=PanelField("projection", "Faces", "Which faces are painted")),
    Parameter("new_image", bool, False, of_model=True,
        flag=Flag("projection", "paint new images and leave those that are there alone"),
        panel=PanelField("projection", "New Image", "Leave images that are there alone")),
    Parameter("image_size", int, 2048, least=64, most=8192, of_model=True,
        flag=Flag("projection", "pixels a side of new images (default: 2048)", "PIXELS"),
        panel=PanelField("projection", "Image Size", "Pixels a side of new images")),
    Parameter("feather", float, 8.0, least=0, most=256, of_model=True,
        flag=Flag("projection", "pixels of the answer over which an edge fades (default: 8)", "PIXELS"),
        panel=PanelField("projection", "Soft Edge", "Pixels of the answer over which an edge fades")),
    Parameter("guides", default=(), many=True, choices=GUIDES, of_model=True,
        flag=Flag("projection", "also send normal, depth or lines as the views see them", "KIND,…"),
        panel=PanelField("projection", "Also Send", "What is sent beside a clay render", initial=())),
    Parameter("surface_maps", bool, True, of_model=True,
        flag=Flag("projection", "all around, make no maps of normals, roughness and occlusion"),
        panel=PanelField("projection", "Maps",
            "All around, also make maps of normals, roughness and occlusion")),
    Parameter("sun", default="lamp", choices=SUNS, of_world=True,
        flag=Flag("world", "how the sun that is found lights: as a lamp, as a disc in the picture, or not "
            "(default: lamp)"),
        panel=PanelField("world", "Sun", "How the sun that is found in the picture lights")),
    Parameter("sky", default="auto", choices=SKIES, of_world=True,
        flag=Flag("world", "what sky it is, which says how bright its sun is (default: by the prompt)"),
        panel=PanelField("world", "Sky", "What sky it is, which says how bright its sun is")),
    Parameter("sun_azimuth", float, least=-360, most=360, of_world=True,
        flag=Flag("world", "where the sun is, clockwise from the middle of the picture (default: as found)",
            "DEGREES")),
    Parameter("sun_elevation", float, least=0, most=90, of_world=True,
        flag=Flag("world", "how high the sun stands (default: as found)", "DEGREES")),
    Parameter("world_strength", float, 1.0, least=0, most=1000, of_world=True,
        flag=Flag("world", "times as bright, sky and sun", "FACTOR"),
        panel=PanelField("world", "Strength", "How bright sky and sun are")),
    Parameter("world_rotation", float, 0.0, least=-360, most=360, of_world=True,
        flag=Flag("world", "turn sky and sun clockwise; without it the middle of the picture is at +Y",
            "DEGREES"),
        panel=PanelField("world", "Rotation", "Degrees by which sky and sun are turned clockwise")),
    Parameter("backdrop", bool, False, of_world=True,
        flag=Flag("world", "only the camera sees it: it lights nothing"),
        panel=PanelField("world", "Only a Backdrop", "Only the camera sees it: it lights nothing")),
    Parameter("repair_poles", bool, False, of_world=True,
        flag=Flag("world", "let the model repaint what is straight up and straight down: two more requests"),
        panel=PanelField("world", "Repair Poles",
            "Let the model repaint what is straight up and straight down: two more requests",
            trait="takes_masks")),
    Parameter("decal_size", float, 0.3, least=0, most=1000, of_decal=True,
        flag=Flag("decal", "longer side of the decal (default: 0.3)", "METRES"),
        panel=PanelField("decal", "Decal Size", "Longer side of the decal")),
    Parameter("at", tuple, (), many=True, is_repeated=True, parse=parse_coordinates, of_decal=True,
        flag=Flag("decal", "where the decal lies, such as `--at=-1,0,2`: on the nearest face of the object; "
            "repeatable, which takes one image after another (default: at the 3D cursor)", "X,Y,Z")),
    Parameter("normal", tuple, (), many=True, is_repeated=True, parse=parse_coordinates, of_decal=True,
        needs="at",
        flag=Flag("decal", "where the decal looks to; repeatable, one for each --at (default: as the face)",
            "X,Y,Z")),
    Parameter("moderation", default="auto", choices=MODERATIONS, field="changed",
        flag=Flag("api", "how strict the safety system is"),
        panel=PanelField("advanced", "Moderation", "How strictly prompts are filtered",
            trait="is_moderated")),
    Parameter("complexity", choices=COMPLEXITIES, model_values="complexities", field="changed",
        flag=Flag("api", "how much the model plans before it draws: low, medium or high, for models that "
            "take it (default: high); the price stays"),
        panel=PanelField("advanced", "Complexity",
            "How much the model plans before it draws; the price stays")),
    Parameter("input_fidelity", choices=FIDELITIES, model_values="input_fidelities",
        needs="references", field="changed",
        flag=Flag("api", "high or low, for models that take it"),
        panel=PanelField("advanced", "Fidelity", "How closely references are followed")),
    Parameter("safety_identifier", field="changed",
        flag=Flag("api", "a hash that stands for the end user", "HASH"),
        panel=PanelField("advanced", "Safety Identifier",
            "A hashed name of your user, where your account's terms ask for one",
            trait="is_moderated", in_preset=False)),
)
# fmt: on

PARAMETERS: Mapping[str, Parameter] = {row.name: row for row in _ROWS}
"""By name, in the order of the panel."""
CHOSEN_BY_MODEL = tuple(row for row in _ROWS if row.model_values)
"""Those of which models take different values."""
DROPPABLE = tuple(row for row in CHOSEN_BY_MODEL if row.default is None)
"""Those of them that are left out where the model does not take the value."""
SNAPPED = frozenset({"size", *(row.name for row in DROPPABLE)})
"""Parameters of which a model may take less than was chosen; see `normalize.snap_to_model`."""
STRENGTHS = tuple(row.name for row in _ROWS if row.panel and row.panel.section == "strengths")
