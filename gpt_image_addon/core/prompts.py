"""The words that are sent: the user's prompt with what a style and the other wishes add to it."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from .errors import InvalidRequestError
from .request import GenerationRequest

STYLES_FILE = Path(__file__).with_name("styles.json")
TRANSPARENT_WORDS = "Isolated on a fully transparent background; no backdrop, no cast shadow."
SEAMLESS_WORDS = (
    "Seamless tileable texture seen straight from above, evenly lit without shadows or vignette, "
    "filling the whole picture."
)


@cache
def styles() -> dict[str, str]:
    """What each named style adds to a prompt."""
    return {row["name"]: row["words"] for row in json.loads(STYLES_FILE.read_text("utf-8"))["styles"]}


def compose(request: GenerationRequest) -> str:
    """The prompt as it is sent: scene and subject first, then style, then constraints.

    :raises InvalidRequestError: the style is not known.
    """
    parts = [request.prompt.strip()]
    if request.style:
        if request.style not in styles():
            raise InvalidRequestError(
                f"There is no style '{request.style}'; there are {', '.join(styles())}.", param="style"
            )
        parts.append(styles()[request.style])
    if request.seamless:
        parts.append(SEAMLESS_WORDS)
    if request.background == "transparent":
        parts.append(TRANSPARENT_WORDS)
    return "\n".join(parts)
