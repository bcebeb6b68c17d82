"""The words that are sent: the user's prompt with what a style and the other wishes add to it."""

from __future__ import annotations

from collections.abc import Sequence

from ..references.kinds import AUTO, BY_NAME
from ..references.points import describe_points
from .normalize import check_length
from .request import GenerationRequest
from .styles import find_style

TRANSPARENT_WORDS = "Isolated on a fully transparent background; no backdrop, no cast shadow."
SEAMLESS_WORDS = (
    "Seamless tileable texture seen straight from above, evenly lit without shadows or vignette, "
    "filling the whole picture."
)
SURFACE_WORDS = (
    "A flat surface seen straight on, without perspective, in even light without shadows, highlights or "
    "vignette, filling the whole image from edge to edge."
)
SEAMLESS_SURFACE_WORDS = f"Seamless tileable texture: {SURFACE_WORDS[0].lower()}{SURFACE_WORDS[1:]}"

PANORAMA_WORDS = (
    "An equirectangular 360 by 180 degree panorama, twice as wide as high: the horizon is straight across "
    "the middle, straight up is the upper edge, straight down the lower one, and the left edge continues at "
    "the right one. The sun, where it shows, is a small distinct disc; the sky is not blown out."
)
SHEET_WORDS = (
    "The image is a sheet of two halves of the same size side by side, without a gap, line, frame or text. "
    "The left half is the surface described above, complete from edge to edge: base color only, in flat "
    "light, without shadows. The right half is the height map of exactly the left half: greyscale only, "
    "white where the surface stands highest, black where it lies deepest, smooth steps of grey in between. "
    "Every edge is at the same place in both halves; nothing is moved, added, cropped or rescaled. Color, "
    "stains, light and shadow are no height."
)
SEAMLESS_SHEET_WORDS = (
    "Each half tiles by itself: its right edge continues at its own left edge, not in the other half."
)
KEEP_WORDS = (
    "Change only this in image 1: {change}\n"
    "Keep everything else in image 1 exactly as it is: shapes, layout, framing, camera, light, colors, "
    "saturation, contrast, texture and fine detail. Add nothing, remove nothing, move nothing."
)
"""OpenAI's guide to prompts: one change a turn, and the list of what stays on every turn."""


def compose(request: GenerationRequest, *, takes_markup: bool = False) -> str:
    """The prompt as it is sent: what the references are, scene and subject, then style, then constraints.

    :param takes_markup: whether its model does; see `GenerationRequest.marked_as`.
    :raises InvalidRequestError: the style is not known, or the whole is too long.
    """
    parts = describe_references(len(request.references), request.reference_kinds, request.reference_labels)
    prompt = request.prompt.strip()
    parts.append(KEEP_WORDS.format(change=prompt) if request.keep_rest else prompt)
    is_copied = request.marked_as(takes_markup=takes_markup) == "copy"
    parts += describe_points(request.points, len(request.references) + 1 if is_copied else 0)
    if request.style:
        parts.append(find_style(request.style).words)
    parts.append(surface_words(is_surface=request.surface_words, seamless=request.seamless))
    if request.panorama:
        parts.append(PANORAMA_WORDS)
    if request.height_sheet:
        parts.append(SHEET_WORDS)
        parts.append(SEAMLESS_SHEET_WORDS if request.seamless else "")
    if request.background == "transparent":
        parts.append(TRANSPARENT_WORDS)
    prompt = "\n".join(filter(None, parts))
    check_length(prompt)
    return prompt


def surface_words(*, is_surface: bool, seamless: bool) -> str:
    """What joins the prompt of a surface, each thing once; empty where nothing does.

    :param is_surface: ask for a flat surface in even light.
    :param seamless: ask for one that tiles.
    """
    if is_surface:
        return SEAMLESS_SURFACE_WORDS if seamless else SURFACE_WORDS
    return SEAMLESS_WORDS if seamless else ""


def describe_reference(number: int, kind: str, label: str = "") -> str:
    """The line of the prompt about one reference; empty where nothing is said of it.

    :param number: its place among the images of the request, from 1.
    :param kind: one of the table, `AUTO` or `NONE`.
    :param label: the user's own words for what it is.
    """
    row = BY_NAME.get(kind)
    name = " ".join(label.split()).rstrip(".:;") or (row.description if row else "")
    if not name:
        return ""
    return f"Image {number} is {name}{f': {row.instruction}' if row else ''}."


def describe_references(count: int, kinds: Sequence[str], labels: Sequence[str]) -> list[str]:
    """The lines of the prompt about all references.

    :param count: how many there are.
    :param kinds: of the first ones; the rest is `AUTO`.
    :param labels: of the first ones; the rest has none.
    """
    every_kind, every_label = (*kinds, *[AUTO] * count), (*labels, *[""] * count)
    lines = (
        describe_reference(number + 1, every_kind[number], every_label[number]) for number in range(count)
    )
    return list(filter(None, lines))
