"""What the panel offers to choose from: items of enum properties, as tables."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import bpy

from ...app import settings
from ...core.errors import GptImageError
from ...core.references.kinds import AUTO, NONE, REFERENCE_KINDS
from ...core.references.views import ALL_AROUND
from ...core.request.parameters import DEFAULT_SIZE, KINDS_OF_REFERENCES, PARAMETERS
from ...core.request.providers import PROVIDERS as PROVIDER_ROWS
from ...core.request.targets import list_targets
from . import state

if TYPE_CHECKING:
    from ...core.request.styles import Style

NO_STYLE = PARAMETERS["style"].unset
NO_STYLE_LABEL = "No Style"
NO_STYLE_TIP = "Only the prompt is sent"
OWN_STYLES = "Own Styles"
CUSTOM_SIZE = "custom"
USUAL_SIZE = "usual"

AUTOMATIC = "auto"
"""The provider that can be used, see `providers.choose_provider`."""
PROVIDERS = (
    (AUTOMATIC, "Automatic", "OpenAI where there is a key, offline drafts where there is none"),
    *((name, info.label, info.description) for name, info in PROVIDER_ROWS.items()),
)
VIEWS = (
    ("view", "3D View", "As this view shows it", "VIEW3D", 0),
    ("camera", "Camera", "As the scene's camera shows it", "CAMERA_DATA", 1),
    (ALL_AROUND, "All Around", "From the sides that show most of it, in one request", "MESH_GRID", 2),
)
"""From where a model is painted."""
TARGETS = tuple((name, info.label, info.description, info.icon, info.number) for name, info in list_targets())
FIXED_SIZES = (
    (DEFAULT_SIZE, "Square", "1024 x 1024 pixels", "NONE", 0),
    ("1536x1024", "Landscape", "1536 x 1024 pixels", "NONE", 1),
    ("1024x1536", "Portrait", "1024 x 1536 pixels", "NONE", 2),
    ("2048x2048", "Large Square", "2048 x 2048 pixels", "NONE", 3),
    ("2048x1152", "Widescreen", "2048 x 1152 pixels", "NONE", 4),
    ("3840x2160", "4K Widescreen", "3840 x 2160 pixels", "NONE", 5),
    ("auto", "Automatic", "The model chooses", "NONE", 6),
    (
        CUSTOM_SIZE,
        "Custom",
        "Width and height of your own; the nearest size that the model takes is used",
        "NONE",
        7,
    ),
)
SIZES = (
    (
        USUAL_SIZE,
        "Default",
        "The size that the add-on's preferences name; with a reference, the shape of the first one at that "
        "detail",
        "NONE",
        8,
    ),
    *FIXED_SIZES,
)
REFERENCES = (
    ("viewport", "Viewport", "This 3D view as it is shown, without overlays", "VIEW3D", 0),
    ("camera", "Camera", "A quick render from the scene's camera", "CAMERA_DATA", 1),
    ("depth", "Depth Guide", "How far things are from the camera: near is bright", "MOD_OPACITY", 2),
    ("normal", "Normal Guide", "Which way surfaces face, seen from the camera", "NORMALS_FACE", 3),
    ("lines", "Line Art", "The edges that the camera sees, black on white", "MOD_LINEART", 6),
    ("clay", "Clay Render", "The scene from its camera with everything in grey", "SHADING_SOLID", 7),
    ("image", "Image", "An image of this file", "IMAGE_DATA", 4),
    ("file", "File", "An image file", "FILE_IMAGE", 5),
)
KIND_ICONS = {AUTO: "AUTO", NONE: "FONT_DATA", **{kind.name: kind.icon for kind in REFERENCE_KINDS}}
KINDS = tuple(
    (name, label, tip, KIND_ICONS[name], number)
    for number, (name, label, tip) in enumerate(KINDS_OF_REFERENCES)
)
"""What references can be said to be."""
MASKS = (
    ("none", "None", "The whole image may change"),
    ("image", "Painted Image", "White or transparent parts of an image may change"),
    ("faces", "Selected Faces", "Where the selected faces lie in the UV map may change"),
    ("rectangle", "Rectangle", "A rectangle drawn over the 3D view may change"),
    ("file", "File", "White or transparent parts of an image file may change"),
)
ONTO = (
    ("selected", "All Selected", "All selected objects get it"),
    ("active", "Active Only", "Only the active object gets it; without one, the first that is selected"),
)
ANSWERED_BEFORE = (
    ("reuse", "Use the Stored Result", "Take what was made before; nothing is sent and nothing paid"),
    ("send", "Send Again", "Ask for another image; it is paid again"),
)
HISTORY = (
    ("all", "All", "Everything, newest first"),
    ("favourites", "Favourites", "What is marked as a favourite"),
    ("unapplied", "Not Applied", "Paid for and in no scene yet"),
    ("unknown", "Unknown", "Sent without an answer: it may have been billed"),
    ("failed", "Failed", "What failed or was cancelled"),
)


@dataclass
class StyleItems:
    """The styles as Blender lists them."""

    items: list[tuple[str, str, str, str, int]] = field(default_factory=list)
    """Blender keeps no copy of the strings of a callback: they have to live here. Empty before the first."""
    words: dict[str, str] = field(default_factory=dict)
    """What each adds to the prompt, by name."""
    own: frozenset[str] = frozenset()
    """Names of the user's own ones."""


def style_items(owner: Any, context: bpy.types.Context | None) -> list[tuple[str, str, str, str, int]]:
    """The styles under the titles of their groups, each with what it is for."""
    known = state.part(StyleItems)
    if not known.items:
        refresh_styles()
    return known.items


def words_of(style: str) -> str:
    """What a style adds to the prompt; empty where it adds nothing."""
    style_items(None, None)
    return state.part(StyleItems).words.get(style, "")


def is_own(style: str) -> bool:
    """Whether a style is one of the user's own. Quick enough for drawing."""
    return style in state.part(StyleItems).own


def refresh_styles() -> None:
    """Read the styles again, after some came or went; a broken file of own ones counts as none."""
    from ...core.request import styles

    try:
        own = styles.user_styles()
    except GptImageError:
        own = {}
    found = {**styles.curated_styles(), **own}
    known = state.part(StyleItems)
    known.own = frozenset(own)
    known.words = {style.name: style.words for style in found.values()}
    known.items[:] = _group(found.values())


def _group(styles: Iterable[Style]) -> list[tuple[str, str, str, str, int]]:
    """Rows without an identifier are titles, and each begins a column of the menu."""
    groups: dict[str, list[Style]] = {}
    for style in styles:
        groups.setdefault(style.group or OWN_STYLES, []).append(style)
    items = [(NO_STYLE, NO_STYLE_LABEL, NO_STYLE_TIP, "NONE", 0)]
    for title, members in groups.items():
        items.append(("", title, "", "NONE", 0))
        # A number made from the name stays the same when other styles come and go.
        items += [
            (style.name, style.label, style.tip or style.words, "NONE", zlib.crc32(style.name.encode()) >> 1)
            for style in members
        ]
    return items


def set_size(values: Any, size: str) -> None:
    """Let the panel ask for a size: one of its list, or one of its own.

    :param size: ``WIDTHxHEIGHT``, or an entry of the list.
    """
    if size in {item[0] for item in SIZES}:
        values.size = size
        return
    width, height = size.split("x")
    values.size, values.width, values.height = CUSTOM_SIZE, int(width), int(height)


def read_usual_size() -> str:
    """The size of the preferences."""
    found = settings.preferences()
    size = getattr(found, "default_size", DEFAULT_SIZE)
    return f"{found.default_width}x{found.default_height}" if size == CUSTOM_SIZE else str(size)
