"""The state of one exchange with a server: whether it was cancelled, and whether it may have cost money."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING, Protocol

from ..errors import Billed, JobCancelled
from .bounded_response import ANSWER_SECONDS, Allowance, BoundedResponse

if TYPE_CHECKING:
    import requests

    from ..results.body_file import BodyFile


class Slot(Protocol):
    """One request's place in the row of all that go to its server."""

    def take(self, request_state: RequestState) -> None:
        """Wait until the request may leave."""
        ...

    def refused(self, seconds: float) -> bool:
        """The server asks to wait; returns whether the try does not count."""
        ...


class SessionPool(Protocol):
    """Connections that several requests use, one after the other."""

    def take(self, request_state: RequestState, send_timeout: float) -> requests.Session:
        """A session that nobody else uses meanwhile."""
        ...

    def rest(self, session: requests.Session) -> None:
        """Its request has ended."""
        ...


class RequestState:
    """The state of a running exchange, shared between the thread that waits and the one that may stop it."""

    def __init__(self, answer_seconds: float = ANSWER_SECONDS) -> None:
        """
        :param answer_seconds: how long each request may take, with its whole answer.
        """
        self._lock = threading.Lock()
        self._cancelled = threading.Event()
        self._socket: socket.socket | None = None
        self.body_sent = False
        """The whole request has left; from now on the server may be working, and billing."""
        self.turn: Slot | None = None
        """What keeps requests apart, where something does."""
        self.proxy = ""
        """Address of the proxy to use instead of the environment's; empty for those."""
        self.sessions: SessionPool | None = None
        """Whose connections may be used; None for one of its own."""
        self.answer_seconds = answer_seconds
        self.allowance = Allowance(answer_seconds, 0)
        """What the answer that is waited for may still take."""
        self.response: BoundedResponse | None = None
        """What reads the answer."""
        self.received: BodyFile | None = None
        """Takes the body of the answer as it comes; None where nothing would be lost with it."""
        self.job = ""
        """Id of the job that is sent, for servers that find a request again by a name of ours."""
        self.answered = False
        """The answer is here, and with it the bill; only images behind links are missing."""

    @property
    def cancelled(self) -> bool:
        """Whether `cancel` was called."""
        return self._cancelled.is_set()

    @property
    def billed(self) -> Billed:
        """Whether an exchange that broke now may have cost money."""
        if self.answered:
            return "yes"
        return "maybe" if self.body_sent else "no"

    def cancel(self) -> None:
        """Stop the exchange from any thread: a blocked read or write ends at once."""
        self._cancelled.set()
        with self._lock:
            if self._socket is not None:
                _shut(self._socket)

    def wait(self, seconds: float) -> None:
        """Sleep, unless cancelled.

        :raises JobCancelled: when cancelled meanwhile.
        """
        if self._cancelled.wait(seconds):
            self.check()

    def check(self) -> None:
        """:raises JobCancelled: when cancelled."""
        if self.cancelled:
            raise JobCancelled("The job was cancelled.", billed=self.billed)

    def settled(self) -> None:
        """The server has refused the last try, so nothing is open that could cost money."""
        self.body_sent = False

    def watch(self, connected: socket.socket) -> None:
        """Note a connection, so that `cancel` can end it.

        A duplicate is kept: the original changes hands during a TLS handshake, and its number may be in use
        for another connection when `cancel` comes.
        """
        with self._lock:
            self._forget()
            # A TLS socket can't duplicate itself.
            self._socket = socket.fromfd(
                connected.fileno(), connected.family, connected.type, connected.proto
            )
            if self.cancelled:
                _shut(self._socket)

    def release(self) -> None:
        """The connection is closed."""
        with self._lock:
            self._forget()

    def _forget(self) -> None:
        if self._socket is not None:
            self._socket.close()
        self._socket = None


def _shut(connected: socket.socket) -> None:
    with contextlib.suppress(OSError):  # already closed by the other side
        connected.shutdown(socket.SHUT_RDWR)
