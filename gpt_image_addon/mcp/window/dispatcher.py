"""Hands what comes in over HTTP to servers, one for each client, and what they say back. Knows no Blender.

Called in one thread alone.
"""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from .. import protocol
from ..consent import Consents
from ..protocol import JsonObject, ProtocolError, Request, RequestId, Tool
from ..server import Server
from .posts import ClientSession, Ended, Gone, Inbox, Post

SHOWN_SECONDS = 300.0  # that a client is shown after it last said something
STEP_SECONDS = 0.005  # after which a step takes nothing more of what has come
STOPPED = "The user lets agents in no longer. What was begun goes on, and history knows it."


@dataclass(frozen=True)
class SeenClient:
    """A client as the user sees it."""

    name: str
    calls: tuple[str, ...]
    """What it waits for, in a few words each."""


@dataclass(eq=False)
class _Line:
    """A client's server, and where its answers go."""

    server: Server
    open: dict[RequestId, Post] = field(default_factory=dict)


class Dispatcher:
    """All clients of a window."""

    def __init__(
        self,
        tools: Mapping[str, Tool],
        inbox: Inbox,
        *,
        info: JsonObject,
        instructions: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """
        :param info: name and version of the server.
        """
        self._tools, self._inbox, self._clock = tools, inbox, clock
        self._about: JsonObject = {"info": info, "instructions": instructions, "clock": clock}
        self._consents = Consents(clock)
        self._lines: dict[ClientSession, _Line] = {}
        self._seen: dict[str, float] = {}
        """When each client last said something, by its name."""
        self.answered = 0
        """Calls that were answered."""

    def step(self) -> None:
        """Take what has come, as much as the window can wait for, and let every open call get on."""
        started = time.perf_counter()
        is_first = True
        while is_first or time.perf_counter() - started < STEP_SECONDS:
            is_first = False
            try:
                came = self._inbox.get_nowait()
            except queue.Empty:
                break
            if isinstance(came, Post):
                self._take(came)
            elif isinstance(came, Gone):
                self._give_up(came.post)
            else:
                self._end(came)
        for line in list(self._lines.values()):
            line.server.step()

    def clients(self) -> tuple[SeenClient, ...]:
        """Who has said something lately, the newest first."""
        calls: dict[str, list[str]] = {}
        for line in self._lines.values():
            calls.setdefault(line.server.client_name, []).extend(line.server.open_calls)
        limit = self._clock() - SHOWN_SECONDS
        names = sorted(
            (name for name, last in self._seen.items() if last > limit or calls.get(name)),
            key=lambda name: -self._seen[name],
        )
        return tuple(SeenClient(name, tuple(calls.get(name, ()))) for name in names)

    def close(self) -> None:
        """Refuse what is open; whether its jobs go on is the tools' affair."""
        while not self._inbox.empty():
            self.step()
        refused = ProtocolError(protocol.NOT_AVAILABLE, STOPPED)
        for line in self._lines.values():
            line.server.close()
            for identity, post in line.open.items():
                post.replies.put(protocol.refusal(identity, refused))
        self._lines.clear()

    def _take(self, post: Post) -> None:
        if post.is_gone:
            return
        post.is_taken = True
        line = self._lines.get(post.session)
        if line is None:
            line = self._lines[post.session] = self._make_line(post.session)
        message = post.message
        if isinstance(message, Request):
            if message.id in line.open:
                busy = ProtocolError(protocol.INVALID_REQUEST, "A request with this id is still open.")
                post.replies.put(protocol.refusal(message.id, busy))
                return
            line.open[message.id] = post
        line.server.take(message)
        self._seen[line.server.client_name] = self._clock()

    def _make_line(self, session: ClientSession) -> _Line:
        def send(message: JsonObject, about: RequestId | None) -> None:
            self._send(session, message, about)

        return _Line(Server(self._tools, send, identity=session.id, consents=self._consents, **self._about))

    def _send(self, session: ClientSession, message: JsonObject, about: RequestId | None) -> None:
        line = self._lines.get(session)
        post = line.open.get(about) if line is not None and about is not None else None
        if line is None or post is None or about is None:
            return
        post.replies.put(message)
        if protocol.is_final(message):
            del line.open[about]
            if not session.id:
                del self._lines[session]

    def _give_up(self, post: Post) -> None:
        line = self._lines.get(post.session)
        if (
            line is None
            or not isinstance(post.message, Request)
            or line.open.get(post.message.id) is not post
        ):
            return
        del line.open[post.message.id]
        line.server.give_up(post.message.id)
        if not post.session.id:
            del self._lines[post.session]

    def _end(self, ended: Ended) -> None:
        line = self._lines.pop(ended.session, None)
        if line is not None:
            line.server.close()
