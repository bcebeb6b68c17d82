"""What an offline draft will not show of a request, said before it is made."""

from __future__ import annotations

from ...request.parameters import ANIMATED, DRAWING
from ...request.request import GenerationRequest
from ...text.message import message
from .painter.unread import find_unread

ONLY_RECOLORED = "Drafts only change the colors of references; they draw nothing new into them."
NOTHING_KNOWN = "Drafts find no surface here; they know brick, wood, metal, fabric and the like."


def find_hints(request: GenerationRequest) -> tuple[str, ...]:
    """Sentences about what is not understood; none where all is."""
    if request.output_format == DRAWING:
        return ()
    if request.references:
        return (ONLY_RECOLORED,)
    is_cut_out = request.background == "transparent" or request.output_format in ANIMATED
    word = find_unread(request.prompt, transparent=is_cut_out)
    if word is None:
        return ()
    if not word:
        return (NOTHING_KNOWN,)
    return (
        message("Drafts know no '{word}', only surfaces such as brick, wood, metal or fabric.", word=word),
    )
