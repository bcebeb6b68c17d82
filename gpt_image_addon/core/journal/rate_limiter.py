"""How fast requests may follow each other, agreed upon by all processes that share a journal.

The journal holds, for each server and kind of limit, the moment from which the next request may leave
(a token bucket that holds one token, known as GCRA: ITU-T I.371, Annex A). Images leave evenly instead of
in bursts. A refusal for being too fast moves that moment for everybody.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..errors import JobCancelled

if TYPE_CHECKING:
    from ..http.request_state import RequestState
    from .journal import Journal

MINUTE = 60.0  # seconds
LONGEST_WAIT = 900.0  # seconds; a later moment was noted before a clock was set back
PATIENCE = 3600.0  # seconds that one request lets itself be told to wait
LOOK_SECONDS = 0.5  # how long a waiting request does not look
IMAGES, INPUT_IMAGES, EVERYTHING = "images", "input_images", "everything"


@dataclass(frozen=True)
class RateLimiter:
    """The limits of one server."""

    journal: Journal
    server: str
    """The base URL."""
    images_per_minute: float | None = None
    """None for no limit."""
    input_images_per_minute: float | None = None
    stopped: threading.Event = field(default_factory=threading.Event)
    """Set it to let nothing leave any more."""

    def turn(self, images: int, input_images: int) -> Slot:
        """For one request with so many images to make and to look at."""
        return Slot(self, {IMAGES: images, INPUT_IMAGES: input_images})

    def interval(self, kind: str) -> float:
        """Seconds that one image keeps the next ones waiting."""
        limit = {IMAGES: self.images_per_minute, INPUT_IMAGES: self.input_images_per_minute}.get(kind)
        return MINUTE / limit if limit else 0.0

    def wait_or_take(self, demands: Mapping[str, int]) -> float:
        """Seconds until the next look; 0 where the request may leave now, which is noted.

        :raises StorageError: the journal can't be read or written.
        """
        limited = {kind: count for kind, count in demands.items() if count and self.interval(kind)}
        if not limited:
            return self._wait([EVERYTHING])
        with self.journal.transaction() as connection:
            wait = self._wait([EVERYTHING, *limited])
            if wait <= 0:
                now = time.time()
                connection.executemany(
                    "INSERT OR REPLACE INTO pace (name, free) VALUES (?, ?)",
                    [
                        (self._name(kind), now + count * self.interval(kind))
                        for kind, count in limited.items()
                    ],
                )
        return wait

    def _wait(self, kinds: list[str]) -> float:
        marks = ",".join("?" * len(kinds))
        rows = self.journal.query(
            f"SELECT free FROM pace WHERE name IN ({marks})", *(self._name(kind) for kind in kinds)
        )
        now = time.time()
        waits = [row["free"] - now for row in rows]
        return max((wait for wait in waits if 0 < wait <= LONGEST_WAIT), default=0.0)

    def hold(self, seconds: float) -> None:
        """Let nobody send for so long.

        :raises StorageError: the journal can't be written.
        """
        with self.journal.transaction() as connection:
            connection.execute(
                "INSERT INTO pace (name, free) VALUES (?1, ?2)"
                " ON CONFLICT (name) DO UPDATE SET free = MAX(?2, CASE WHEN free > ?3 THEN 0 ELSE free END)",
                (self._name(EVERYTHING), time.time() + seconds, time.time() + LONGEST_WAIT),
            )

    def _name(self, kind: str) -> str:
        return f"{self.server} {kind}"


@dataclass
class Slot:
    """One request's place in the row."""

    pace: RateLimiter
    demands: Mapping[str, int]
    _patience: float = PATIENCE

    def take(self, request_state: RequestState) -> None:
        """Wait until the request may leave.

        :raises JobCancelled: ``request_state`` was cancelled, or nothing is to leave any more.
        """
        while not self.pace.stopped.is_set():
            wait = self.pace.wait_or_take(self.demands)
            if wait <= 0:
                return
            request_state.wait(min(wait, LOOK_SECONDS))
        raise JobCancelled("The run was stopped before this was sent.")

    def refused(self, seconds: float) -> bool:
        """The server asks to wait: so does everybody.

        :returns: whether the try does not count, because only its moment was wrong.
        """
        self.pace.hold(seconds)
        self._patience -= max(seconds, 1.0)
        return self._patience > 0
