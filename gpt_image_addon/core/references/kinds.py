"""The one table of kinds of references: what each is called, what is said of it, whether it decides the size.

A model takes all images alike unless the prompt says what each is for: one line per image, by its index and a
description, before what is asked for (OpenAI's prompting guide for image edits).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from ..text.message import message

AUTO = "auto"
"""The kind of a reference that nothing was said of."""
NONE = "none"
"""The kind of a reference of which only the label is said."""
PREVIOUS = "previous"
SUBJECT = "subject"
GUIDE = "guide"
"""The kind of what shows a model that is to be painted."""
SHEET = "sheet"
"""The same from several sides, as tiles of one image."""
PAINTED = "painted"
"""The kind of what is painted of a model already."""
DRAWN = frozenset((GUIDE, SHEET, PAINTED))
"""Kinds that are made anew for each request."""
MATERIAL = "material"


class ReferenceKind(NamedTuple):
    """One kind of reference."""

    name: str
    """Identifier in requests and JSON; for what can be captured, also the name of the capture."""
    label: str
    """What people read."""
    tip: str
    icon: str
    description: str
    """What the image is, after "Image 1 is"; a label of the user's takes its place."""
    instruction: str
    """How the model should use it."""
    decides_size: bool = True
    """Whether an answer may take the shape of such an image."""
    is_capture: bool = False
    """Whether its name in place of a path captures the scene."""


REFERENCE_KINDS: tuple[ReferenceKind, ...] = (
    ReferenceKind(
        "viewport", "Viewport", "The 3D view: its objects and the view stay", "VIEW3D",
        "the current 3D view", "keep its objects, their places and the view", is_capture=True,
    ),
    ReferenceKind(
        "camera", "Camera Render", "A render from the camera: objects and framing stay", "CAMERA_DATA",
        "a render from the scene's camera", "keep its objects, their places and the framing", is_capture=True,
    ),
    ReferenceKind(
        "depth", "Depth", "Near is bright: shapes and distances are followed", "MOD_OPACITY",
        "a depth map", "lighter is nearer; follow its shapes and distances, never show its greys",
        is_capture=True,
    ),
    ReferenceKind(
        "normal", "Normals", "Which way surfaces face is followed", "NORMALS_FACE",
        "a normal map in camera space", "follow the directions of its surfaces, never show its colors",
        is_capture=True,
    ),
    ReferenceKind(
        "lines", "Line Art", "Its lines are the edges of what is drawn", "MOD_LINEART",
        "line art", "each line is an edge that stays in its place; draw no outlines", is_capture=True,
    ),
    ReferenceKind(
        "clay", "Clay Render", "Grey shapes that get materials", "SHADING_SOLID",
        "a clay render", "keep its objects, their places and the view; give its grey surfaces materials",
        is_capture=True,
    ),
    ReferenceKind(
        MATERIAL, "Material", "Only its surface is taken", "MATERIAL",
        "a material sample", "take only its surface, not its shape, objects or framing", decides_size=False,
    ),
    ReferenceKind(
        "style", "Style", "Only palette, light and brushwork are taken", "BRUSH_DATA",
        "a style reference", "take only its palette, light and brushwork, none of its objects",
        decides_size=False,
    ),
    ReferenceKind(
        PREVIOUS, "Previous Result", "The image to change: the rest of it stays", "FILE_REFRESH",
        "the image to edit", "change only what is asked for and keep everything else as it is",
    ),
    ReferenceKind(
        SUBJECT, "Subject", "What the new image shows", "OUTLINER_OB_IMAGE",
        "the subject", "keep its identity, shape and colors",
    ),
    ReferenceKind(
        GUIDE, "Model Guide", "Its shapes are painted within their outlines", "MOD_UVPROJECT",
        "a clay render of a model in front of a plain background",
        "paint the surfaces of its shapes and keep each outline, place, size and the view exactly; even "
        "light without shadows or highlights; keep the background flat, in its one color, with nothing on it",
    ),
    ReferenceKind(
        SHEET, "Model Sheet", "Each of its tiles is painted as the same model", "MESH_GRID",
        "a sheet of clay renders of one model from several sides, in front of a plain background",
        "paint each tile as the same object in the same materials and colors, so that they fit where tiles "
        "show the same place; keep each tile, outline, place and size exactly; even light without shadows or "
        "highlights; keep the background flat, in its one color, without lines between tiles",
    ),
    ReferenceKind(
        PAINTED, "Painted Model", "What is painted of the model already: materials and colors stay the same",
        "MATERIAL_DATA", "the same model, painted, seen from another side",
        "paint with exactly its materials, palette, light and brushwork, so that both are one object; do not "
        "copy its view", decides_size=False,
    ),
)  # fmt: skip
BY_NAME: Mapping[str, ReferenceKind] = {kind.name: kind for kind in REFERENCE_KINDS}
CAPTURES = tuple(kind.name for kind in REFERENCE_KINDS if kind.is_capture)
"""The words that stand for images of the scene in place of paths."""


def known_kinds(references: Sequence[str], kinds: Sequence[str]) -> tuple[str, ...]:
    """The kinds of references, those of captures filled in where they were left open.

    :param references: paths, or names of captures.
    :param kinds: as many or fewer, `AUTO` where one is open.
    :returns: nothing where no kind is known, else one kind for each reference; more kinds than references
        stay, to be refused.
    """
    given = (*kinds, *[AUTO] * (len(references) - len(kinds)))
    known = tuple(
        path if kind == AUTO and path in CAPTURES else kind
        for kind, path in zip(given, (*references, *[""] * len(given)), strict=False)
    )
    return known if any(kind != AUTO for kind in known) or len(kinds) > len(references) else ()


def may_decide_size(kind: str) -> bool:
    """Whether an answer may take the shape of a reference of this kind; also where it is `AUTO` or `NONE`."""
    return kind not in BY_NAME or BY_NAME[kind].decides_size


def deciding_reference(kinds: Sequence[str], count: int, *, is_masked: bool) -> int | None:
    """Number of the reference whose shape the size ``like`` takes, from 0; None where none decides.

    :param kinds: of the references, as many or fewer.
    :param count: how many references there are.
    :param is_masked: the first one has a mask, and decides.
    """
    if is_masked and count:
        return 0
    known = (*kinds, *[AUTO] * (count - len(kinds)))[:count]
    return next((number for number, kind in enumerate(known) if may_decide_size(kind)), None)


def find_excess(count: int, **given: Sequence[str]) -> Iterator[tuple[bool, str, str]]:
    """Whether there is more said of references than there are: broken or not, the parameter, a sentence.

    :param count: how many references there are.
    :param given: what is said of them, by the name of the parameter.
    """
    for name, values in given.items():
        yield (
            len(values) > count,
            name,
            message(
                "{name} has {given} values for {count} references; give one for each at most.",
                name=name,
                given=len(values),
                count=count,
            ),
        )
