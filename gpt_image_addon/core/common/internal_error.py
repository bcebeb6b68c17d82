"""What people read of a fault of our own."""

from __future__ import annotations

from ..errors import Billed, GptImageError
from ..text.log import get_logger
from ..text.message import message
from ..text.plain_text import shorten
from ..text.redaction import describe_error

MAX_DETAIL = 200  # characters of what is shown of a fault

log = get_logger(__name__)


def unexpected_error(error: Exception, billed: Billed = "no") -> GptImageError:
    """An error for a fault that nobody foresaw; the log gets all of it.

    Only its kind and the beginning of its words are shown: it may hold whatever it was about.
    """
    log.error("Something unexpected went wrong", exc_info=error)
    said = shorten(describe_error(error), MAX_DETAIL).rstrip(".")
    return GptImageError(
        message("Something unexpected went wrong: {said}.", said=said), code="internal", billed=billed
    )
