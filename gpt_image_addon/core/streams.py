"""Writing to standard output and error, which may be closed, full, or a pipe that nobody reads.

What a command has to say about its work can fail; the work is done all the same.
"""

from __future__ import annotations

import contextlib
import os
from typing import TextIO

from .sigpipe import broken_pipes_as_errors


def open_missing() -> None:
    """Put the null device where the parent left standard input, output or error closed.

    Otherwise the next files that are opened get their numbers, and what Blender prints goes into those.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            with contextlib.suppress(OSError):
                os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free


def write(stream: TextIO | None, text: str) -> str:
    """Write a text at once.

    :returns: why that failed; empty where it did not.
    """
    if stream is None:
        return "it is closed"
    try:
        with broken_pipes_as_errors():
            stream.write(_encodable(stream, text))
            stream.flush()
    except (OSError, ValueError) as error:  # ValueError: Python has closed it
        _abandon(stream)
        return (error.strerror if isinstance(error, OSError) else None) or str(error)
    return ""


def can_encode(stream: TextIO | None, text: str) -> bool:
    """Whether a stream takes every character of a text."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    try:
        text.encode(encoding, getattr(stream, "errors", None) or "strict")
    except UnicodeEncodeError:
        return False
    return True


def _encodable(stream: TextIO, text: str) -> str:
    return text if can_encode(stream, text) else text.encode("ascii", "backslashreplace").decode()


def _abandon(stream: TextIO) -> None:
    """What is still in the stream's buffer must not fail again when Python ends."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)
    with contextlib.suppress(OSError, ValueError):
        stream.flush()
