"""Runs one request after the other against a hostile server, and checks what must hold after each."""

from __future__ import annotations

import base64
import io
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from gpt_image_addon.core.errors import GptImageError
from gpt_image_addon.core.http.endpoint import Connection
from gpt_image_addon.core.jobs import admission, estimates
from gpt_image_addon.core.jobs.job import Job, JobEvent
from gpt_image_addon.core.jobs.worker import Worker
from gpt_image_addon.core.journal.journal import Entry
from gpt_image_addon.core.journal.recovery import open_journal
from gpt_image_addon.core.journal.states import JobState
from gpt_image_addon.core.request.models import load_registry
from gpt_image_addon.core.request.pricing import BELIEVED_TIMES, Limits
from gpt_image_addon.core.request.request import Application, GenerationRequest
from gpt_image_addon.core.results.body_file import BODY_FILE
from gpt_image_addon.core.results.store import PreparedResult

from .server import HostileServer

KEY = "sk-hostile-0123456789abcdefghij"
MODEL = "gpt-image-2.6-sunburst"


def encode(edge: int = 16, shade: int = 10, kind: str = "PNG") -> bytes:
    """A small whole image."""
    stream = io.BytesIO()
    steps = bytes(number * number * 7 % 256 for number in range(edge * edge))
    image = Image.frombytes("L", (edge, edge), steps)
    Image.merge("RGB", (image, image.point(lambda value: shade), image)).save(stream, kind)
    return stream.getvalue()


IMAGE = encode()
TEXT = base64.b64encode(IMAGE).decode()
USAGE = {
    "total_tokens": 320,
    "input_tokens": 20,
    "output_tokens": 300,
    "input_tokens_details": {"text_tokens": 20, "image_tokens": 0},
}


def document(*entries: Any, **more: Any) -> bytes:
    """An answer; by default with one whole image."""
    return json.dumps({"created": 1, "data": list(entries) or [{"b64_json": TEXT}], **more}).encode()


@dataclass
class Ended:
    """How a request ended."""

    outcome: PreparedResult | GptImageError
    entry: Entry
    files: dict[str, bytes]
    """What lies in its result folder."""
    events: list[JobEvent]

    @property
    def error(self) -> GptImageError:
        assert isinstance(self.outcome, GptImageError), self.outcome
        return self.outcome

    @property
    def prepared(self) -> PreparedResult:
        assert isinstance(self.outcome, PreparedResult), self.outcome.text
        return self.outcome

    @property
    def text(self) -> str:
        """All that people read of it."""
        if isinstance(self.outcome, GptImageError):
            return self.outcome.text
        return " ".join(self.outcome.warnings)

    @property
    def images(self) -> list[bytes]:
        """The images that were received, in order."""
        return [data for name, data in sorted(self.files.items()) if name.startswith("image-")]


class Bench:
    """One state folder and one server."""

    def __init__(self, server: HostileServer, state: Path) -> None:
        self.server = server
        self.journal = open_journal(state)
        self.registry = load_registry()
        self.seconds = 20.0
        self.base_url = server.base_url

    def run(self, *, raw: bool = False, **changes: Any) -> Ended:
        """Send one request and check what must always hold.

        :param raw: let an unexpected exception through.
        """
        values = {"model": MODEL, "quality": "low", "size": "816x816", **changes}
        request = GenerationRequest(prompt="oak", provider="openai", **values)
        before = self.journal.spent_usd()
        checked = estimates.price_unchecked(request, self.registry, estimates.image_sizes(request))
        job = admission.admit(
            checked,
            Application(target="image"),
            digest=request.digest(),
            journal=self.journal,
            limits=Limits(),
            retry_unknown=True,
        )
        line = Worker(
            self.journal, self.registry, Connection(self.base_url, KEY), answer_seconds=self.seconds
        )
        events: list[JobEvent] = []
        outcome = self._run(line, job, events)
        entry = self.journal.entry(job.id)
        assert entry is not None
        ended = Ended(outcome, entry, self._files_of(job.id), events)
        self._check(ended, before, checked.price.high_usd)
        return ended

    @staticmethod
    def _run(line: Worker, job: Job, events: list[JobEvent]) -> PreparedResult | GptImageError:
        try:
            return line.run(job, events.append)
        except GptImageError as error:
            return error

    def _files_of(self, job: str) -> dict[str, bytes]:
        paths = self.journal.results.glob(f"*/{job}/*")
        return {path.name: path.read_bytes() for path in paths if path.is_file()}

    def _check(self, ended: Ended, spent_before: float, high_usd: float) -> None:
        """What holds whatever a server does."""
        error = ended.outcome if isinstance(ended.outcome, GptImageError) else None
        assert error is None or (error.exit_code != 1 and error.code != "internal"), error and error.text
        wanted = JobState.RECEIVED
        if error is not None:
            wanted = JobState.UNKNOWN if error.billed == "maybe" else JobState.FAILED
        assert ended.entry.state is wanted
        assert not list(self.journal.results.rglob("*.part"))
        spent = self.journal.spent_usd()
        assert math.isfinite(spent)
        assert 0 <= spent - spent_before <= high_usd * BELIEVED_TIMES + 1e-9
        if BODY_FILE in ended.files:
            assert error is None or ended.entry.id in ended.text  # its folder
        told = ended.text + json.dumps(error.to_dict() if error else {}) + repr(ended.outcome)
        told += json.dumps(ended.entry.error) + "".join(event.message for event in ended.events)
        told.encode()  # no half characters
        assert KEY not in told
        assert not [name for name, data in ended.files.items() if KEY.encode() in data]

    def close(self) -> None:
        self.journal.close()
