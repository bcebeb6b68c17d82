"""One request on its way to an answer."""

from __future__ import annotations

import email.message
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .faults import Step
from .records import Record

if TYPE_CHECKING:
    from .server import ApiServer


@dataclass
class RequestState:
    """A whole request and what is needed to answer it."""

    server: ApiServer
    method: str
    path: str
    query: str
    headers: email.message.Message
    body: bytes
    record: Record
    step: Step
    arguments: dict[str, str] = field(default_factory=dict)
    """The named parts of the path."""

    @property
    def media_type(self) -> str:
        return self.headers.get("Content-Type", "")
