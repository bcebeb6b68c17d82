"""Writing to pipes that nobody may read: standard output and error, which may be closed or full, too.

What a command has to say about its work can fail; the work is done all the same.
"""

from __future__ import annotations

import codecs
import contextlib
import json
import os
import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TextIO

AS_JSON = "gpt_image_json"
"""Characters that an encoding does not have are written as JSON's strings escape them."""


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


_wire: int | None = None


def take_output() -> int:
    """A descriptor of standard output for what a protocol writes; all else goes to standard error then.

    A second call returns the same one.
    """
    global _wire
    if _wire is None:
        _wire = os.dup(1)
        os.dup2(2, 1)
    return _wire


@contextmanager
def broken_pipes_as_errors() -> Iterator[None]:
    """Let writing to a closed connection raise BrokenPipeError in this thread.

    Python's own program ignores SIGPIPE; a Blender that embeds it need not, and then the signal ends Blender.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows has no such signal
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGPIPE})
    try:
        yield
    finally:
        if signal.SIGPIPE not in before:
            if signal.SIGPIPE in signal.sigpending():
                signal.sigwait({signal.SIGPIPE})
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


def write(stream: TextIO | None, pieces: Iterable[str], errors: str = "backslashreplace") -> str:
    """Write texts at once.

    :param errors: what becomes of characters that the stream's encoding does not have.
    :returns: why that failed; empty where it did not.
    """
    if stream is None:
        return "it is closed"
    encoding = getattr(stream, "encoding", None) or "utf-8"
    try:
        with broken_pipes_as_errors():
            for piece in pieces:
                stream.write(piece.encode(encoding, errors).decode(encoding))
            stream.flush()
    except (OSError, ValueError) as error:  # ValueError: Python has closed it
        _abandon(stream)
        return (error.strerror if isinstance(error, OSError) else None) or str(error)
    except RuntimeError as error:  # a signal came while something was being written, and its handler writes
        return str(error)
    return ""


def _escape(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    return "".join(json.dumps(character)[1:-1] for character in text), error.end


codecs.register_error(AS_JSON, _escape)


def _abandon(stream: TextIO) -> None:
    """What is still in the stream's buffer must not fail again when Python ends."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)
    with contextlib.suppress(OSError, ValueError):
        stream.flush()
