"""The words that are sent: the user's prompt with what a style and the other wishes add to it."""

from __future__ import annotations

from ..errors import InvalidRequestError
from ..references.kinds import describe_all
from ..text.message import message
from .parameters import PROMPT_LIMIT
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


def compose(request: GenerationRequest) -> str:
    """The prompt as it is sent: what the references are, scene and subject, then style, then constraints.

    :raises InvalidRequestError: the style is not known, or the whole is too long.
    """
    parts = describe_all(len(request.references), request.reference_kinds, request.reference_labels)
    parts.append(request.prompt.strip())
    if request.style:
        parts.append(find_style(request.style).words)
    parts.append(surface_words(is_surface=request.surface_words, seamless=request.seamless))
    if request.background == "transparent":
        parts.append(TRANSPARENT_WORDS)
    prompt = "\n".join(filter(None, parts))
    if len(prompt) > PROMPT_LIMIT:
        raise InvalidRequestError(
            message(
                "With the words that join it the prompt has {count} characters; {limit} is the limit.",
                count=f"{len(prompt):,}",
                limit=f"{PROMPT_LIMIT:,}",
            ),
            param="prompt",
            next_step="Shorten the prompt or the labels of the references.",
        )
    return prompt


def surface_words(*, is_surface: bool, seamless: bool) -> str:
    """What joins the prompt of a surface, each thing once; empty where nothing does.

    :param is_surface: ask for a flat surface in even light.
    :param seamless: ask for one that tiles.
    """
    if is_surface:
        return SEAMLESS_SURFACE_WORDS if seamless else SURFACE_WORDS
    return SEAMLESS_WORDS if seamless else ""
