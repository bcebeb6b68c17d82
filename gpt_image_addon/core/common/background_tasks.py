"""Small tasks for a thread of their own; the main thread takes their answers when it has time."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Any

from ..errors import GptImageError
from .unexpected import unexpected_error

Work = Callable[[], Any]
Done = Callable[[Any, GptImageError | None], None]
"""Gets what the work returned, or why it has not."""


class Errands:
    """Tasks on daemon threads, and their answers in the order in which they came."""

    def __init__(self) -> None:
        self._answers: queue.SimpleQueue[tuple[Done, Any, GptImageError | None]] = queue.SimpleQueue()
        self._pending = 0

    @property
    def pending(self) -> bool:
        """Whether an answer is still to come or to be taken."""
        return self._pending > 0

    def start(self, work: Work, done: Done) -> None:
        """Begin a task; `drain` calls ``done``."""
        self._pending += 1
        threading.Thread(target=self._run, args=(work, done), name="gpt-image-errand", daemon=True).start()

    def drain(self) -> bool:
        """Hand over the answers that have come; returns whether there were any."""
        any_came = False
        while not self._answers.empty():
            done, answer, error = self._answers.get_nowait()
            self._pending -= 1
            any_came = True
            done(answer, error)
        return any_came

    def _run(self, work: Work, done: Done) -> None:
        try:
            self._answers.put((done, work(), None))
        except GptImageError as error:
            self._answers.put((done, None, error))
        except Exception as error:
            self._answers.put((done, None, unexpected_error(error)))
