"""The words that are sent: the user's prompt with what a style and the other wishes add to it."""

from __future__ import annotations

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


KEEP_WORDS = (
    "Change only this in image 1: {change}\n"
    "Keep everything else in image 1 exactly as it is: shapes, layout, framing, camera, light, colors, "
    "saturation, contrast, texture and fine detail. Add nothing, remove nothing, move nothing."
)
"""OpenAI's guide to prompts: one change a turn, and the list of what stays on every turn."""


def compose(request: GenerationRequest) -> str:
    """The prompt as it is sent: scene and subject first, then style, then constraints.

    :raises InvalidRequestError: the style is not known.
    """
    prompt = request.prompt.strip()
    parts = [KEEP_WORDS.format(change=prompt) if request.keep_rest else prompt]
    if any(request.reference_labels):
        parts.append(_label_words(request.reference_labels))
    if request.style:
        parts.append(find_style(request.style).words)
    parts.append(surface_words(is_surface=request.surface_words, seamless=request.seamless))
    if request.background == "transparent":
        parts.append(TRANSPARENT_WORDS)
    return "\n".join(filter(None, parts))


def surface_words(*, is_surface: bool, seamless: bool) -> str:
    """What joins the prompt of a surface, each thing once; empty where nothing does.

    :param is_surface: ask for a flat surface in even light.
    :param seamless: ask for one that tiles.
    """
    if is_surface:
        return SEAMLESS_SURFACE_WORDS if seamless else SURFACE_WORDS
    return SEAMLESS_WORDS if seamless else ""


def _label_words(labels: tuple[str, ...]) -> str:
    named = [f"picture {number} is {label}" for number, label in enumerate(labels, 1) if label]
    return f"Of the pictures given, {', '.join(named)}."
