"""A progress bar on stderr; nothing where nobody looks."""

from __future__ import annotations

import sys
import time
from types import TracebackType

WIDTH = 24  # characters
REDRAW_SECONDS = 0.1


class ProgressBar:
    """One line that is drawn over and over."""

    def __init__(self, total: int) -> None:
        """
        :param total: how many things there are to do.
        """
        self.total = total
        self._shown = sys.stderr.isatty()
        self._started = time.monotonic()
        self._drawn = 0.0

    def show(self, done: int, more: str) -> None:
        """Draw it, but not too often.

        :param more: what to say besides.
        """
        now = time.monotonic()
        if not self._shown or (now - self._drawn < REDRAW_SECONDS and done < self.total):
            return
        self._drawn = now
        share = done / self.total if self.total else 1.0
        rate = done / max(now - self._started, 1e-3)
        filled = round(WIDTH * share)
        bar = "#" * filled + "." * (WIDTH - filled)
        sys.stderr.write(f"\r\x1b[K[{bar}] {done}/{self.total} · {rate:.1f}/s · {more}")
        sys.stderr.flush()

    def __enter__(self) -> ProgressBar:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._drawn:
            sys.stderr.write("\n")
