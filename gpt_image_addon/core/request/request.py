"""What the user asks for, as plain values: the request that is sent and what becomes of its result."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from ..common.arguments import PathText, kinds_of, typed
from ..common.coordinates import Coordinates
from ..references.points import Point
from .parameters import (
    ALPHA_FORMATS,
    DEFAULT_FORMAT,
    DEFAULT_SIZE,
    DRAWING,
    NO_OBJECT,
    SHEET,
)
from .sizes import AUTO, LIKE, PANORAMA_SIZE
from .targets import find_target

_T = TypeVar("_T", bound="_Values")


class _Values:
    """A frozen dataclass that round-trips through a dict of plain JSON values."""

    def to_dict(self) -> dict[str, Any]:
        """Only what differs from the defaults, so that a stored value stays readable."""
        fields = dataclasses.fields(self)  # type: ignore[arg-type]
        values = {field.name: getattr(self, field.name) for field in fields}
        return {
            field.name: list(values[field.name])
            if isinstance(values[field.name], tuple)
            else values[field.name]
            for field in fields
            if values[field.name] != field.default
        }

    @classmethod
    def from_dict(cls: type[_T], values: Mapping[str, Any]) -> _T:
        """The inverse of `to_dict`.

        :raises InvalidRequestError: a name that is not a parameter, or a value of another type.
        """
        return cls(**typed(kinds_of(cls), values))  # type: ignore[arg-type]


@dataclass(frozen=True)
class GenerationRequest(_Values):
    """One call to a provider. Values only: paths instead of images, so that it can be stored and repeated.

    The names are the API's own. `models.check` says what a model takes.
    """

    prompt: str = ""
    """What to make, in your words."""
    provider: str = ""
    """Empty means the provider of the settings."""
    model: str = ""
    """Empty means the provider's default model."""
    n: int = 1
    size: str = DEFAULT_SIZE
    """``WIDTHxHEIGHT`` in pixels; ``like`` for the shape of the first reference, or ``auto``."""
    quality: str = "auto"
    complexity: str | None = None
    background: str = "auto"
    output_format: str = DEFAULT_FORMAT
    output_compression: int | None = None
    """0 to 100, for jpeg and webp."""
    moderation: str = "auto"
    input_fidelity: str | None = None
    partial_images: int = 0
    """Previews while it is made; any make the call a stream."""
    stream: bool = False
    """Send each image as soon as it is finished."""
    safety_identifier: str | None = None
    """A hash that stands for the end user; never an address."""
    svg_model: str | None = None
    svg_reasoning_effort: str | None = None
    frame_count: int | None = None
    """Frames of a gif."""
    frame_duration_ms: int | None = None
    references: tuple[PathText, ...] = ()
    """Paths of images to show the model; any make the call an edit."""
    reference_kinds: tuple[str, ...] = ()
    """What each reference is, said in the prompt: ``depth``, ``style``, …; ``auto`` says nothing of files."""
    reference_labels: tuple[str, ...] = ()
    """What each reference shows, in your own words; empty leaves it to the kind."""
    mask: PathText | None = None
    """Path of an image that says where the first reference may change."""
    whole_image: bool = False
    """With a mask, send all of the image instead of the part around what may change."""
    markup: PathText | None = None
    """Path of a transparent image drawn over the first reference."""
    points: tuple[Point, ...] = ()
    """Places on the first reference: x and y from 0 to 1, from its lower left corner, and what should happen
    there. They are sent as numbered circles."""
    workflow: PathText | None = None
    """Path of a ComfyUI workflow that makes the image, in the API format or in an image."""
    workflow_values: tuple[str, ...] = ()
    """Values of the workflow's inputs, each as ``Title.input=value``."""
    workflow_places: tuple[str, ...] = ()
    """What goes to which of the workflow's inputs, each as ``role=Title.input``."""
    style: str | None = None
    """Name of a style whose words join the prompt."""
    seamless: bool = False
    """The result should tile."""
    keep_rest: bool = False
    """The prompt says what to change in the first reference; words that keep everything else join it."""
    panorama: bool = False
    """Words that ask for everything around, in an equirectangular image, join the prompt."""
    surface_words: bool = False
    """Words that ask for a flat surface in even light join the prompt, as the panel does for materials."""
    height_sheet: bool = False
    """With ``height_by_model``, ask for image and height side by side in one request, where both fit."""

    @property
    def files(self) -> tuple[str, ...]:
        """Paths of all its images, in the order references, mask, markup."""
        return (*self.references, *filter(None, (self.mask, self.markup)))

    @property
    def is_edit(self) -> bool:
        """Whether images go with the prompt."""
        return bool(self.references)

    @property
    def is_streamed(self) -> bool:
        """Whether the answer comes as a stream of events."""
        return self.stream or self.partial_images > 0

    def marked_as(self, *, takes_markup: bool) -> Literal["", "markup", "copy"]:
        """How the numbered circles of its points are sent: as a markup, or on a copy of the first reference
        behind the last one; without points not at all.

        :param takes_markup: whether its model does; beside a mask, and with a markup of one's own, none is.
        """
        if not self.points:
            return ""
        return "markup" if takes_markup and self.mask is None and self.markup is None else "copy"

    def digest(self, contents: Sequence[str] = ()) -> str:
        """A hash that is equal for equal requests.

        :param contents: hashes of the files behind references, mask, markup and workflow, in that order; they
            stand in for the paths, so that the same image elsewhere is the same request.
        """
        values = self.to_dict()
        for path in ("references", "mask", "markup", "workflow"):
            values.pop(path, None)
        text = json.dumps([values, list(contents)], sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()


NO_FILES: Mapping[str, Any] = {"textures_dir": None, "export_to": None, "export_dir": None}
"""Fields of `Application` that have files written, as they are without."""


def usual_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """The format, background and size of a request where none are named.

    :param values: parameters of a request and its application that are named.
    """
    output_format = values.get("output_format") or usual_format(values)
    return {
        "output_format": output_format,
        "background": usual_background({**values, "output_format": output_format}),
        "size": usual_size(values),
    }


def usual_size(values: Mapping[str, Any]) -> str:
    """The size where none is named; see `usual_values`."""
    if values.get("output_format") == "gif":  # the default is more than a gif may have
        return AUTO
    is_put_back = values.get("references") and values.get("mask") and values.get("composite", True)
    is_projected = find_target(values.get("target", "")).is_projected
    if is_put_back or is_projected:
        return LIKE
    return PANORAMA_SIZE if is_panorama(values) else DEFAULT_SIZE


def is_panorama(values: Mapping[str, Any]) -> bool:
    """Whether a panorama is asked for; see `usual_values`."""
    return bool(values.get("panorama") or find_target(values.get("target", "")).is_panorama)


def usual_format(values: Mapping[str, Any]) -> str:
    """The output format where none is named; see `usual_values`."""
    return DRAWING if find_target(values.get("target", "")).is_drawing else DEFAULT_FORMAT


def usual_background(values: Mapping[str, Any]) -> str:
    """The background where none is named; see `usual_values`."""
    is_decal = find_target(values.get("target", "")).is_decal
    return "transparent" if is_decal and values.get("output_format") in ALPHA_FORMATS else "auto"


@dataclass(frozen=True)
class Application(_Values):
    """What becomes of the result in Blender. Values only; data-blocks are named by `session_uid`."""

    target: str = "texture"
    maps: tuple[str, ...] = ()
    """Kinds of material maps to make; empty means those that the target needs."""
    picture: int = 0
    """Which of several images comes first: a texture or material shows that one."""
    name: str | None = None
    """Name for the data-blocks and files; made from the prompt when empty."""
    object_name: str | None = None
    """Object to put a texture or material on; the active object when empty."""
    object_uid: int | None = None
    """`session_uid` of that object, which survives a renaming."""
    object_uids: tuple[int, ...] = ()
    """`session_uid` of all objects that get it, where there are several; `object_uid` is one of them."""
    scene_uid: int | None = None
    """`session_uid` of the scene the request came from: a result never enters another file's scene."""
    view_matrix: tuple[float, ...] | None = None
    """Rows of the 4x4 world matrix of the view that a plane should face; the camera's when empty."""
    camera_frame: tuple[int, ...] | None = None
    """Width and height in pixels of the camera's frame that a reference shows: the image is fitted to it."""
    keeps_clear: bool = False
    """Planes stand beside what is active, and beside earlier ones, where they would be in it."""
    new_material: bool = False
    """A texture comes in a material of its own; the one in its place is not changed."""
    composite: bool = True
    """After a masked edit, put back what lies outside the mask."""
    accept: bool = False
    """Put an answer into its image even where it does not match it."""
    textures_dir: PathText | None = None
    """Folder that gets copies of the images and maps."""
    export_to: str | None = None
    """Engine that a material is written for; see `engines.table`."""
    export_dir: PathText | None = None
    """Folder that gets its files."""
    overwrite: bool = False
    """Replace whatever has the name of such a copy or file; without, ours gets another name."""
    relief: float | None = None
    """Millimetres from the deepest to the highest at the image's real size; None for what is usual."""
    normal_strength: float = 1.0
    height_strength: float = 1.0
    ao_strength: float = 1.0
    roughness_contrast: float = 1.0
    convention: str = "OPENGL"
    """Of the normal map in `textures_dir`; Blender's own is always OpenGL."""
    bits: int = 8
    """Of height and normal maps."""
    pack: str | None = None
    """Layout of a packed image to make from the maps."""
    displacement: str = "none"
    """How a material shows its height: not (a normal map does), as bump, or as true displacement."""
    mapping: str = "uv"
    """How the image lies on an object: as the UV map, or ``upright`` and in the material's usual size."""
    texture_size: float | None = None
    """Metres that the image spans; None leaves it to `mapping`."""
    height_by_model: bool = False
    """Ask the model for the height of its image: one more request."""
    decal_relief: bool = False
    """A decal gets a relief: `relief` deep, and where ``height_by_model`` is set by that height."""
    repair_seams: bool = False
    """Let the model repaint seams that no cut can hide: one more request for each such image."""
    edit_of: str | None = None
    """The job whose image is edited, with ``/N`` for the N-th of its images."""
    objects: tuple[str, ...] = ()
    """Names of the objects to paint with the target ``model``; else those that the others name."""
    views: str = ""
    """From where they are painted: ``camera``, ``view`` for the 3D view, names of cameras, ``auto`` for all
    around, or a number of sides; empty as the scene is seen now."""
    in_sequence: bool = False
    """Several views are requests of their own, one after another: each shows the model what the ones before
    it painted."""
    faces: str = "all"
    """Which of their faces are painted."""
    new_image: bool = False
    """They get new images, also where their materials show some."""
    image_size: int = 2048
    """Pixels a side of a new image."""
    feather: float = 8.0
    """Pixels of the answer over which an edge fades."""
    guides: tuple[str, ...] = ()
    """What is shown of them beside a clay render."""
    surface_maps: bool = True
    """Painted all around they get maps of normals, roughness and occlusion as well."""
    drawing_size: float = 1.0
    """Metres of the longer side of all curves."""
    extrude: float = 0.0
    """Metres of the curves' thickness."""
    bevel: float = 0.0
    """Metres by which the edges of curves are rounded."""
    sprite_fps: float = 8.0
    """Images a second where they say no times of their own."""
    sprite_as: str = SHEET
    """How the frames of a sprite reach its material: ``sheet``, or ``sequence`` for a file each."""
    align_frames: bool = True
    """Lay the images of a sprite over the first one; those of a GIF stay where they are."""
    projection: str | None = None
    """The views that a result is projected from, and onto what; see `projection.Projection.to_text`."""
    sun: str = "lamp"
    """How the sun of a world lights: as a ``lamp``, as a ``disc`` in the picture, or ``none``."""
    sky: str = "auto"
    """What sky a world shows; ``auto`` goes by the words of the prompt."""
    sun_azimuth: float | None = None
    """Degrees clockwise from the middle of the picture; None takes what is found."""
    sun_elevation: float | None = None
    """Degrees above the horizon; None takes what is found."""
    world_strength: float = 1.0
    """Times as bright, sky and sun."""
    world_rotation: float = 0.0
    """Degrees by which sky and sun are turned clockwise, seen from above."""
    backdrop: bool = False
    """Only the camera sees the world: it lights nothing."""
    repair_poles: bool = False
    """Let the model repaint what a world shows straight up and down: two more requests."""
    decal_size: float = 0.3
    """Metres of the longer side of a decal."""
    at: tuple[Coordinates, ...] = ()
    """Where decals lie, in the world; the 3D cursor when empty. Each takes the next image of the result."""
    normal: tuple[Coordinates, ...] = ()
    """Where they look to; that of the face when empty."""
    previews_in_target: bool = False
    """Show the previews of ``partial_images`` in the scene, where the result will be."""

    @property
    def map_kinds(self) -> tuple[str, ...]:
        """Kinds of material maps that are made: those that were named, else those that the target needs."""
        target = find_target(self.target)
        if target.is_projected:
            return ()
        kinds = self.maps or target.maps
        return tuple(dict.fromkeys((*kinds, *target.relief_maps))) if self.has_relief else kinds

    @property
    def has_relief(self) -> bool:
        """Whether a relief is made of what has none by itself."""
        return self.decal_relief and bool(find_target(self.target).relief_maps)

    def without_active_object(self) -> Application:
        """The same for when nobody watches: an object that was not named is left alone."""
        if self.object_name or self.object_uid is not None or self.object_uids:
            return self
        return dataclasses.replace(self, object_uid=NO_OBJECT)
