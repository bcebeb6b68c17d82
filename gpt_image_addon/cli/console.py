"""What people see on stderr: sentences, warnings of the log, and a line that shows how far something is."""

from __future__ import annotations

import json
import logging
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from ..core.common.streams import write
from ..core.text.log import ROOT
from ..core.text.plain_text import HIDDEN, clean, clean_block
from ..core.text.redaction import redact

_STEERING = re.compile(f"[\x7f-\x9f\u2028\u2029\ud800-\udfff{HIDDEN}]")
"""What JSON need not escape, but a terminal may obey, or no file takes."""
BAR_WIDTH = 20  # characters
DEFAULT_COLUMNS = 80  # of a terminal that does not tell


class Console:
    """Stderr, with the loudness that the user chose.

    The line of progress is drawn over itself and only in a terminal; into a file or a pipe it would be noise.
    With ``verbose`` a file gets each step as a line instead.
    """

    def __init__(self) -> None:
        self.quiet = False
        self.verbose = False
        self._drawn = 0
        self._last = ""

    def say(self, text: str) -> None:
        """A sentence; nothing when quiet."""
        if not self.quiet:
            self.print(text)

    def print(self, text: str) -> None:
        """A sentence that must be seen: what went wrong."""
        self.clear()
        write(sys.stderr, (clean_block(redact(text)), "\n"))

    def progress(self, share: float, text: str, seconds: float) -> None:
        """Show how far something is.

        :param share: 0 to 1.
        :param text: what happens now.
        :param seconds: since it began.
        """
        if self.quiet:
            return
        if is_terminal():
            self._draw(bar(share, clean(redact(text)), seconds, columns()))
        elif self.verbose and text != self._last:
            self._last = text
            self.print(f"[{share:4.0%}] {text}")

    def clear(self) -> None:
        """Take the line of progress away."""
        if self._drawn:
            self._draw("")

    def _draw(self, line: str) -> None:
        erased = "" if line else "\r"
        write(sys.stderr, (f"\r{line:{self._drawn}}{erased}",))
        self._drawn = len(line)


def bar(share: float, text: str, seconds: float, width: int) -> str:
    """One line of progress, short enough for a terminal of this width."""
    share = min(max(share, 0.0), 1.0)
    filled = round(share * BAR_WIDTH)
    line = f"[{'#' * filled}{'-' * (BAR_WIDTH - filled)}] {share:4.0%} {seconds:4.0f} s  {text}"
    return line[: max(width - 1, 0)]


def is_terminal() -> bool:
    """Whether stderr is a terminal that can draw over a line."""
    return sys.stderr is not None and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


def columns() -> int:
    """Characters in a line of the terminal."""
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or DEFAULT_COLUMNS
    except (OSError, ValueError, AttributeError):
        return DEFAULT_COLUMNS


class _Handler(logging.Handler):
    def __init__(self, console: Console, level: int) -> None:
        super().__init__(level)
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        self._console.print(self.format(record))


def to_json(value: Any) -> str:
    """JSON that says the same and can be shown and stored anywhere."""
    return _STEERING.sub(lambda mark: json.dumps(mark[0])[1:-1], json.dumps(value, ensure_ascii=False))


@contextmanager
def any_text() -> Iterator[None]:
    """Let stdout and stderr take every text, whatever letters they have."""
    before = [(stream, getattr(stream, "errors", None)) for stream in (sys.stdout, sys.stderr)]
    for stream, _ in before:
        _set_errors(stream, "backslashreplace")
    try:
        yield
    finally:
        for stream, errors in before:
            _set_errors(stream, errors)


def _set_errors(stream: Any, errors: str | None) -> None:
    with suppress(AttributeError, ValueError, OSError):  # replaced by somebody, or closed
        stream.reconfigure(errors=errors)


@contextmanager
def speaking(console: Console, *, quiet: bool, verbose: bool) -> Iterator[None]:
    """Set the loudness for one command, that of the package's log included."""
    console.quiet, console.verbose = quiet, verbose
    level = logging.DEBUG if verbose else logging.ERROR if quiet else logging.WARNING
    logger = logging.getLogger(ROOT)
    before = logger.level, logger.propagate
    handler = _Handler(console, level)
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    logger.addHandler(handler)
    logger.setLevel(level)
    logger.propagate = False
    try:
        yield
    finally:
        console.clear()
        logger.removeHandler(handler)
        logger.setLevel(before[0])
        logger.propagate = before[1]
        console.quiet = console.verbose = False
