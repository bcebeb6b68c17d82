"""Keeps workers from crowding the main thread out of Python while somebody looks at a window.

Python runs one thread at a time. With many workers that all want to run, the main thread queues behind each
of them for every panel that is drawn and every tick; so, with a window, they do their heavy parts in turns.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

BREATH = 0.0002  # seconds that a worker steps back after its turn: enough for another thread to go first


class Turns:
    """One thread at a time inside ``with turns:``, unless nobody is waiting for the window."""

    enabled = False
    """For all of them; set by whoever knows whether there is a window. Without one, threads run freely."""

    def __init__(self) -> None:
        self._lock = threading.RLock()

    @contextmanager
    def one(self) -> Iterator[None]:
        """Wait for the turn, and step back after it."""
        if not Turns.enabled:
            yield
            return
        with self._lock:
            yield
        time.sleep(BREATH)


RECEIVING = Turns()
"""Short: taking a piece of an answer."""
PREPARING = Turns()
"""Long: decoding pictures and making maps."""
