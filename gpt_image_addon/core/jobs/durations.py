"""How long requests and local work took, to show how far one is that says nothing about itself."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

from ..common.files import PRIVATE_FILE, read_file, replace_file
from ..errors import StorageError
from ..request.providers import find_provider
from ..request.request import GenerationRequest
from ..request.sizes import is_open, parse_size
from ..text.json_reader import parse_json
from ..text.log import get_logger

log = get_logger(__name__)

DURATIONS_FILE = "durations.json"
NEWEST_WEIGHT = 0.3  # of the newest duration in the running average
FILE_LIMIT = 10**6  # bytes; one holds a few numbers
MEGAPIXEL = 2**20
LOCAL_SECONDS = 2.0  # that local work is expected to take before any was done

T = TypeVar("T")
P = ParamSpec("P")


class Durations:
    """Running averages by model, quality and size; usable from every thread."""

    def __init__(self, path: Path) -> None:
        """
        :param path: their file; a missing or broken one is an empty one.
        """
        self.path = path
        self._lock = threading.Lock()
        try:
            found = parse_json(read_file(path, FILE_LIMIT))
            self._seconds = {str(key): float(value) for key, value in found.items()}
        except (OSError, ValueError, AttributeError, TypeError):
            self._seconds = {}

    def expected(self, request: GenerationRequest) -> float:
        """Seconds that a request like this one takes."""
        return self._seconds.get(name_kind(request), find_provider(request.provider).usual_seconds)

    def expected_of(self, kind: str) -> float:
        """Seconds that local work of a kind takes."""
        return self._seconds.get(kind, LOCAL_SECONDS)

    def note(self, kind: str, seconds: float) -> None:
        """Learn from work that succeeded.

        :param kind: that of local work, or of a request, see `name_kind`.
        """
        with self._lock:
            before = self._seconds.get(kind, seconds)
            self._seconds[kind] = round(before + NEWEST_WEIGHT * (seconds - before), 2)
            text = json.dumps(self._seconds)
        try:
            replace_file(self.path, text.encode(), PRIVATE_FILE)
        except StorageError as error:
            log.warning("Durations can't be kept: %s", error.text)

    def timed(self, kind: str, work: Callable[P, T]) -> Callable[P, T]:
        """The same work, noting how long its kind took when it succeeds."""

        def run(*args: P.args, **named: P.kwargs) -> T:
            started = time.monotonic()
            made = work(*args, **named)
            self.note(kind, time.monotonic() - started)
            return made

        return run


def name_kind(request: GenerationRequest) -> str:
    """Requests of the same kind take about as long."""
    area = 1.0
    if not is_open(request.size):
        width, height = parse_size(request.size)
        area = max(1.0, round(2 * width * height / MEGAPIXEL) / 2)
    return f"{request.model} {request.quality} {area:g} {request.n} {'edit' if request.is_edit else 'new'}"
