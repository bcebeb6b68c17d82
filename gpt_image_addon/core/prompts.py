"""The words that are sent: the user's prompt with what a style and the other wishes add to it."""

from __future__ import annotations

from .errors import InvalidRequestError
from .request import GenerationRequest
from .styles import all_styles

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
        parts.append(_style_words(request.style))
    if request.seamless:
        parts.append(SEAMLESS_WORDS)
    if request.background == "transparent":
        parts.append(TRANSPARENT_WORDS)
    return "\n".join(parts)


def _style_words(name: str) -> str:
    known = all_styles()
    style = known.get(name)
    if style is None:
        raise InvalidRequestError(f"There is no style '{name}'; there are {', '.join(known)}.", param="style")
    return style.words


def _label_words(labels: tuple[str, ...]) -> str:
    named = [f"picture {number} is {label}" for number, label in enumerate(labels, 1) if label]
    return f"Of the pictures given, {', '.join(named)}."
