"""Keeps workers from crowding the main thread out of Python while somebody looks at a window.

Python runs one thread at a time. With many workers that all want to run, the main thread queues behind each
of them for every panel that is drawn and every tick; so, with a window, they do their heavy parts in turns.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

SHORTEST_REST = 0.0002  # seconds: enough for another thread to go first
LONGEST_REST = 0.02  # seconds


class Turns:
    """One thread at a time inside ``with turns.one():``, unless nobody is waiting for the window."""

    enabled = False
    """For all of them; set by whoever knows whether there is a window. Without one, threads run freely."""

    def __init__(self) -> None:
        self._lock = threading.RLock()

    @contextmanager
    def one(self) -> Iterator[None]:
        """Wait for the turn, and rest for as long as it took."""
        if not Turns.enabled:
            yield
            return
        with self._lock:
            started = time.perf_counter()
            yield
            # The next one waits as well: half of the time is for whoever draws the window.
            time.sleep(min(max(time.perf_counter() - started, SHORTEST_REST), LONGEST_REST))


RECEIVING = Turns()
"""Short: taking a piece of an answer."""
STORING = Turns()
"""Hashing an answer, and writing it to the disk."""
PREPARING = Turns()
"""Long: decoding pictures and making maps."""
