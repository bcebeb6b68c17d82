"""What passes between the threads that speak HTTP and the thread that answers. Knows no Blender."""

from __future__ import annotations

import queue
from dataclasses import dataclass, field

from ..protocol import JsonObject, Notification, Request, Response


@dataclass(eq=False)
class ClientSession:
    """A client that began with ``initialize``, or one request of the stateless era."""

    id: str = ""
    """Empty where it lasts for one request."""


@dataclass(eq=False)
class Post:
    """A message that came, and the way back to who sent it."""

    session: ClientSession
    message: Request | Notification | Response
    replies: queue.SimpleQueue[JsonObject] = field(default_factory=queue.SimpleQueue)
    is_taken: bool = False
    """Somebody works at it."""
    is_gone: bool = False
    """Nobody waits for it any more."""


@dataclass(frozen=True, eq=False)
class Gone:
    """Who sent a request waits for it no longer."""

    post: Post


@dataclass(frozen=True, eq=False)
class Ended:
    """A client that will not come back."""

    session: ClientSession


Inbox = queue.SimpleQueue[Post | Gone | Ended]
