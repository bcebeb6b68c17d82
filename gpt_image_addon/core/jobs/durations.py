"""How long requests took, to show how far one is that says nothing about itself."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

from ..common.files import PRIVATE_FILE, read_file, replace_file
from ..errors import StorageError
from ..request.providers import find_provider
from ..request.request import GenerationRequest
from ..request.sizes import AUTO, parse_size
from ..results.store import PreparedResult
from ..text.json_reader import parse_json
from ..text.log import get_logger
from .job import Emit, Job, Work

log = get_logger(__name__)

DURATIONS_FILE = "durations.json"
NEWEST_WEIGHT = 0.3  # of the newest duration in the running average
FILE_LIMIT = 10**6  # bytes; one holds a few numbers
MEGAPIXEL = 2**20


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
        return self._seconds.get(_key(request), find_provider(request.provider).usual_seconds)

    def note(self, request: GenerationRequest, seconds: float) -> None:
        """Learn from a request that was answered."""
        with self._lock:
            before = self._seconds.get(_key(request), seconds)
            self._seconds[_key(request)] = round(before + NEWEST_WEIGHT * (seconds - before), 2)
            text = json.dumps(self._seconds)
        try:
            replace_file(self.path, text.encode(), PRIVATE_FILE)
        except StorageError as error:
            log.warning("Durations can't be kept: %s", error.text)

    def timed(self, work: Work) -> Work:
        """The same work, noting how long it took when it succeeds."""

        def run(job: Job, emit: Emit) -> PreparedResult:
            started = time.monotonic()
            prepared = work(job, emit)
            self.note(job.request, time.monotonic() - started)
            return prepared

        return run


def _key(request: GenerationRequest) -> str:
    area = 1.0
    if request.size != AUTO:
        width, height = parse_size(request.size)
        area = max(1.0, round(2 * width * height / MEGAPIXEL) / 2)
    return f"{request.model} {request.quality} {area:g} {request.n} {'edit' if request.is_edit else 'new'}"
