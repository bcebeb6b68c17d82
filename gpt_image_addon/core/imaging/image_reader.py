"""The one reader of image files that users name: references, masks, markups, sources of maps and tiles."""

from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path

from ..common.files import open_file, read_file
from ..errors import InvalidRequestError
from ..text.message import message

MAX_FILE_BYTES = 256 * 2**20  # a larger file is refused


def hash_image_file(path: Path, param: str = "references") -> str:
    """SHA-256 of an image file of any size.

    :param param: parameter that names it.
    :raises InvalidRequestError: missing, or no regular file.
    """
    try:
        with open_file(path) as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except (OSError, ValueError) as error:
        raise _unreadable(path, param, error) from error


def read_image_file(path: Path, param: str = "references") -> bytes:
    """The bytes of an image file.

    :param param: parameter that names it.
    :raises InvalidRequestError: missing, no regular file, or too large.
    """
    try:
        return read_file(path, MAX_FILE_BYTES)
    except (OSError, ValueError) as error:  # a name with NUL is a ValueError
        raise _unreadable(path, param, error) from error


def open_own_file(path: Path, param: str) -> bytes | Path:
    """An image file of the user's own: its bytes, or its path where it is larger than others may be.

    :param param: parameter that names it.
    :raises InvalidRequestError: missing, or no regular file.
    """
    try:
        with open_file(path) as stream:
            size = os.fstat(stream.fileno()).st_size
    except (OSError, ValueError) as error:
        raise _unreadable(path, param, error) from error
    return path if size > MAX_FILE_BYTES else read_image_file(path, param)


def _unreadable(path: Path, param: str, error: Exception) -> InvalidRequestError:
    reason = getattr(error, "strerror", None) or str(error)
    too_large = getattr(error, "errno", None) == errno.EFBIG
    return InvalidRequestError(
        message("The image {path} can't be read: {reason}.", path=path, reason=reason),
        code="file_too_large" if too_large else "missing_file",
        param=param,
    )
