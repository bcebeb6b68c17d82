"""The one reader of image files that users name: references, masks, markups, sources of maps and tiles."""

from __future__ import annotations

import errno
from pathlib import Path

from ..common.files import read_file
from ..errors import InvalidRequestError
from ..text.message import message

MAX_FILE_BYTES = 256 * 2**20  # a larger file is refused


def read_image_file(path: Path, param: str = "references") -> bytes:
    """The bytes of an image file.

    :param param: parameter that names it.
    :raises InvalidRequestError: missing, no regular file, or too large.
    """
    try:
        return read_file(path, MAX_FILE_BYTES)
    except (OSError, ValueError) as error:  # a name with NUL is a ValueError
        reason = getattr(error, "strerror", None) or str(error)
        too_large = getattr(error, "errno", None) == errno.EFBIG
        raise InvalidRequestError(
            message("The image {path} can't be read: {reason}.", path=path, reason=reason),
            code="file_too_large" if too_large else "missing_file",
            param=param,
        ) from error
