"""Sessions of `requests`, whose connections a batch uses more than once.

A server may close a connection that rests at the very moment when the next request leaves on it: then the
request went out, no answer comes, and nobody knows whether it was billed. So a connection is used again only
when it has rested for less than a second, far less than servers wait, and when nothing is to be read from it,
such as its end. What breaks all the same is judged, and never repeated, as on any other connection.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import requests

from .connections import WatchedAdapter
from .request_state import RequestState

FRESH_SECONDS = 1.0


class _Session(requests.Session):
    """Follows no redirect, and does not read what comes with one."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        return None


def _open(request_state: RequestState, send_timeout: float) -> requests.Session:
    session = _Session()
    adapter = WatchedAdapter(request_state, send_timeout)
    for scheme in ("http://", "https://"):
        session.mount(scheme, adapter)
    return session


def _adapter(session: requests.Session) -> WatchedAdapter:
    found = session.get_adapter("https://")
    assert isinstance(found, WatchedAdapter)
    return found


class Sessions:
    """The sessions that rest between two requests of a batch; usable from every thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._resting: list[tuple[float, requests.Session]] = []

    def take(self, request_state: RequestState, send_timeout: float) -> requests.Session:
        """A session for one request."""
        with self._lock:
            since, session = self._resting.pop() if self._resting else (0.0, None)
        if session is None or time.monotonic() - since > FRESH_SECONDS:
            if session is not None:
                session.close()
            return _open(request_state, send_timeout)
        adapter = _adapter(session)
        adapter.request_state, adapter.send_timeout = request_state, send_timeout
        return session

    def rest(self, session: requests.Session) -> None:
        """Take a session back whose request was answered to the end."""
        session.cookies.clear()  # each request stands for itself
        with self._lock:
            self._resting.append((time.monotonic(), session))

    def close(self) -> None:
        """End all connections that rest."""
        with self._lock:
            resting, self._resting = self._resting, []
        for _, session in resting:
            session.close()


@contextmanager
def session_for(request_state: RequestState, send_timeout: float) -> Iterator[requests.Session]:
    """The session of one request: one of its own, or where the exchange names `Sessions` one of those."""
    sessions = request_state.sessions
    session = sessions.take(request_state, send_timeout) if sessions else _open(request_state, send_timeout)
    try:
        yield session
    except BaseException:
        session.close()
        raise
    if sessions is None or request_state.cancelled:
        session.close()
    else:
        sessions.rest(session)
