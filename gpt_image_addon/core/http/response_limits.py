"""What the answer to one request may take: so much time as a whole, and so many bytes on the wire.

The time without a byte, which sockets know, ends no answer that trickles; and what libraries read between the
pieces of an answer, such as its head, nobody else counts.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

ANSWER_SECONDS = 1800.0
HEAD_BYTES = 1_000_000  # of everything before the body: status, headers, and answers that only say "go on"


class AnswerTooLargeError(Exception):
    """The answer goes on beyond its limit."""


@dataclass
class Allowance:
    """What one answer may still take."""

    seconds: float
    """From now on, for the request and the whole answer."""
    body_bytes: int
    """Of the body as it is read; with what frames its pieces it may take twice as many on the wire."""
    _wire_bytes: int = HEAD_BYTES
    _end: float = field(init=False)

    def __post_init__(self) -> None:
        self._end = time.monotonic() + self.seconds

    def begin_body(self) -> None:
        """The head is complete."""
        self._wire_bytes = 2 * self.body_bytes + HEAD_BYTES

    def again(self) -> Allowance:
        """The same for the next answer to the same question, in what is left of the time."""
        return Allowance(self._end - time.monotonic(), self.body_bytes)

    def left(self) -> float:
        """Seconds that are left.

        :raises TimeoutError: none are.
        """
        seconds = self._end - time.monotonic()
        if seconds <= 0:
            raise TimeoutError("timed out")
        return seconds

    def take(self, count: int) -> None:
        """So many bytes came.

        :raises AnswerTooLargeError: more than there may be.
        """
        self._wire_bytes -= count
        if self._wire_bytes < 0:
            raise AnswerTooLargeError
