"""Broken connections as errors, in programs that would die of them."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager


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
