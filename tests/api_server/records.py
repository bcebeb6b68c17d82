"""What arrived and what was answered: one record a request, and the server's books."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from .errors import masked

KEPT_BYTES = 200_000_000  # of finished images; the oldest are forgotten first
SECRET_HEADERS = ("authorization", "api-key")


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@dataclass(frozen=True)
class FileRecord:
    """A file part of a multipart body, or an image of a JSON edit."""

    field: str
    filename: str | None
    content_type: str | None
    size: int
    sha256: str


@dataclass
class Record:
    """One request. Times are seconds since the epoch; `headers` have lower-case names and a masked key."""

    index: int
    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    request_id: str
    client_port: int
    received_at: float
    state: str = "receiving"
    """receiving, processing, answering, then done."""
    fields: dict[str, Any] = field(default_factory=dict)
    """JSON values as they came, or the text fields of a multipart body."""
    files: list[FileRecord] = field(default_factory=list)
    body_bytes: int = 0
    stalled_at: str | None = None
    """The stage a scripted stall holds it at, while it does."""
    client_left_at: float | None = None
    answered_at: float | None = None
    """When the last byte of the answer was handed to the socket; None when it never was."""
    status: int | None = None
    error_code: str | None = None
    answers: list[str] = field(default_factory=list)
    """sha256 of each finished image, in the order of `data`."""
    usage: dict[str, Any] | None = None
    billed: bool = False
    cost_usd: float = 0.0
    step: str | None = None
    """The scripted step that this request consumed."""

    def to_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


class Books:
    """All records, the bill and the last answers; safe for many threads."""

    def __init__(self, log: Path | None = None) -> None:
        self.changed = threading.Condition()
        self.requests: list[Record] = []
        self.answers: OrderedDict[str, bytes] = OrderedDict()
        self._kept_bytes = 0
        self._log: TextIO | None = log.open("a", encoding="utf-8") if log else None

    def open(self, method: str, path: str, query: str, headers: Mapping[str, str], port: int) -> Record:
        shown = {name.lower(): value for name, value in headers.items()}
        for name in SECRET_HEADERS:
            if name in shown:
                shown[name] = " ".join(
                    masked(word) if len(word) > 12 else word for word in shown[name].split()
                )
        with self.changed:
            index = len(self.requests)
            request_id = f"req_{hashlib.md5(f'{id(self)}/{index}'.encode()).hexdigest()}"
            record = Record(index, method, path, query, shown, request_id, port, time.time())
            self.requests.append(record)
            self.changed.notify_all()
        return record

    def note(self, record: Record, **changes: Any) -> None:
        """Set attributes of a record and wake whoever waits for them."""
        with self.changed:
            for name, value in changes.items():
                setattr(record, name, value)
            self.changed.notify_all()

    def keep(self, image: bytes) -> str:
        """Remember an image that was made; returns its sha256."""
        digest = sha256(image)
        with self.changed:
            if digest not in self.answers:
                self._kept_bytes += len(image)
            self.answers[digest] = image
            while self._kept_bytes > KEPT_BYTES and len(self.answers) > 1:
                self._kept_bytes -= len(self.answers.popitem(last=False)[1])
        return digest

    def close(self, record: Record) -> None:
        self.note(record, state="done")
        with self.changed:
            if self._log is not None:
                self._log.write(json.dumps(record.to_dict()) + "\n")
                self._log.flush()

    def wait(self, condition: Callable[[], bool], timeout: float) -> bool:
        with self.changed:
            return self.changed.wait_for(condition, timeout)

    def shut(self) -> None:
        with self.changed:
            if self._log is not None:
                self._log.close()
                self._log = None
