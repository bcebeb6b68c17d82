"""The words that are sent: the user's prompt with what a style and the other wishes add to it."""

from __future__ import annotations

from .request import GenerationRequest
from .styles import find_style

TRANSPARENT_WORDS = "Isolated on a fully transparent background; no backdrop, no cast shadow."
SEAMLESS_WORDS = (
    "Seamless tileable texture seen straight from above, evenly lit without shadows or vignette, "
    "filling the whole picture."
)


def compose(request: GenerationRequest) -> str:
    """The prompt as it is sent: scene and subject first, then style, then constraints.

    :raises InvalidRequestError: the style is not known.
    """
    parts = [request.prompt.strip()]
    if any(request.reference_labels):
        parts.append(_label_words(request.reference_labels))
    if request.style:
        parts.append(find_style(request.style).words)
    if request.seamless:
        parts.append(SEAMLESS_WORDS)
    if request.background == "transparent":
        parts.append(TRANSPARENT_WORDS)
    return "\n".join(parts)


def _label_words(labels: tuple[str, ...]) -> str:
    named = [f"picture {number} is {label}" for number, label in enumerate(labels, 1) if label]
    return f"Of the pictures given, {', '.join(named)}."
