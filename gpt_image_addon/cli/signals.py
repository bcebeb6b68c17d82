"""Ctrl-C, and the signals by which schedulers, terminals and systems end a process."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

ENDING = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)
)
"""A scheduler sends SIGTERM, a closed terminal SIGHUP; Windows has SIGBREAK for both."""

Handler = Callable[[int, FrameType | None], None]


def interrupt(number: int, frame: FrameType | None) -> None:
    """A handler that ends what runs, as Ctrl-C does in Python."""
    raise KeyboardInterrupt


def _ignore(number: int, frame: FrameType | None) -> None:
    """Unlike `signal.SIG_IGN` this is not inherited by programs that are started meanwhile."""


@contextlib.contextmanager
def catch_signals(handler: Handler = interrupt) -> Iterator[None]:
    """Let the signals that end a process call a function.

    Blender ignores Ctrl-C in commands, so that Python raises no KeyboardInterrupt by itself. What a parent
    has switched off, as ``nohup`` does with SIGHUP, stays off.
    """
    before: dict[int, Any] = {}
    for number in ENDING:
        found = signal.getsignal(number)
        if number != signal.SIGINT and found is signal.SIG_IGN:
            continue
        with contextlib.suppress(ValueError, OSError):  # not on the main thread
            signal.signal(number, handler)
            before[number] = found
    try:
        yield
    finally:
        for number, found in before.items():
            # None stands for a handler that is not Python's, Blender's own.
            signal.signal(number, signal.SIG_DFL if found is None else found)


@contextlib.contextmanager
def ignore_signals() -> Iterator[None]:
    """Nothing interrupts what happens in here."""
    with catch_signals(_ignore):
        yield
