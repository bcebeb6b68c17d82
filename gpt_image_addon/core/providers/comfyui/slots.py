"""How much of a server's queue is ours: it runs one prompt after the other, and others wait behind ours."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from ...http.request_state import RequestState

MOST_QUEUED = 2  # prompts of this process at one server: one that runs, and one that is next
CHECK_SECONDS = 0.1

_slots: dict[str, threading.Semaphore] = {}
_lock = threading.Lock()


@contextmanager
def queue_slot(url: str, state: RequestState) -> Iterator[None]:
    """A place in the queue of a server, as long as the block runs.

    :raises JobCancelled: the request was cancelled before it had one.
    """
    with _lock:
        found = _slots.setdefault(url, threading.Semaphore(MOST_QUEUED))
    while not found.acquire(timeout=CHECK_SECONDS):
        state.check()
    try:
        yield
    finally:
        found.release()
