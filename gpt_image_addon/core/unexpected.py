"""What people read of a fault of our own."""

from __future__ import annotations

from .errors import Billed, GptImageError
from .logs import get_logger

MAX_DETAIL = 200  # characters of what the fault says

log = get_logger(__name__)


def unexpected_error(error: Exception, billed: Billed = "no") -> GptImageError:
    """An error for a fault that nobody foresaw; the log gets all of it.

    Only its kind and the beginning of its words are shown: it may hold whatever it was about.
    """
    log.error("Something unexpected went wrong", exc_info=error)
    detail = " ".join(str(error).split())[:MAX_DETAIL].rstrip(".")
    said = f"{type(error).__name__}: {detail}" if detail else type(error).__name__
    return GptImageError(f"Something unexpected went wrong: {said}.", code="internal", billed=billed)
