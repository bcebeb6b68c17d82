"""One HTTP exchange at a time: watched, so that another thread can stop it and that its outcome is known.

`requests` does the work. What it does not tell, and what money depends on, is whether the body had gone out
when something broke; the connection classes here note that.
"""

from __future__ import annotations

import contextlib
import random
import re
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError

from .connection import Connection
from .errors import (
    APIConnectionError,
    APIError,
    APITimeoutError,
    Billed,
    InvalidResponseError,
    JobCancelled,
)

CONNECT_TIMEOUT = 5.0  # seconds
READ_TIMEOUT = 600.0  # seconds without a byte; high quality often takes over 120
MAX_ANSWER_BYTES = 600 * 10**6  # ten 3840x2160 pictures in base64 stay below this
CHUNK = 64 * 1024  # bytes read at once
MAX_TRIES = 3
BACKOFF = 0.5  # seconds before the first retry, doubled for each further one
MAX_BACKOFF = 8.0  # seconds
MAX_WAIT = 120.0  # seconds; a longer wait that the server names is not waited for
JITTER = 0.25  # share of the backoff that chance may take away

Files = list[tuple[str, tuple[str, bytes, str]]]


@dataclass(frozen=True)
class Reply:
    """A whole answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def request_id(self) -> str | None:
        """The server's name for the exchange, for support."""
        return self.headers.get("x-request-id")


class Exchange:
    """The state of a running exchange, shared between the thread that waits and the one that may stop it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cancelled = threading.Event()
        self._socket: socket.socket | None = None
        self.body_sent = False
        """The whole request has left; from now on the server may be working, and billing."""

    @property
    def cancelled(self) -> bool:
        """Whether `cancel` was called."""
        return self._cancelled.is_set()

    @property
    def billed(self) -> Billed:
        """Whether an exchange that broke now may have cost money."""
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

    def watch(self, connected: socket.socket) -> None:
        """Note the socket, so that `cancel` can close it."""
        with self._lock:
            self._socket = connected
            if self.cancelled:
                _shut(connected)


def _shut(connected: socket.socket) -> None:
    with contextlib.suppress(OSError):  # already closed by the other side
        connected.shutdown(socket.SHUT_RDWR)


class _Watched:
    """Mixed into urllib3's connections by `_Adapter`: tells the exchange what happens."""

    exchange: Exchange

    def connect(self) -> None:
        super().connect()  # type: ignore[misc]
        self.exchange.watch(self.sock)  # type: ignore[attr-defined]

    def getresponse(self, *args: Any, **kwargs: Any) -> Any:
        self.exchange.body_sent = True
        return super().getresponse(*args, **kwargs)  # type: ignore[misc]


class _Adapter(HTTPAdapter):
    """Makes the connections of one exchange watched ones, also behind a proxy."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        super().__init__(max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self._watch(self.poolmanager)

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        return self._watch(super().proxy_manager_for(*args, **kwargs))

    def _watch(self, manager: Any) -> Any:
        manager.pool_classes_by_scheme = {
            scheme: type("Pool", (pool,), {"ConnectionCls": self._connection_class(connection)})
            for scheme, pool, connection in (
                ("http", HTTPConnectionPool, HTTPConnection),
                ("https", HTTPSConnectionPool, HTTPSConnection),
            )
        }
        return manager

    def _connection_class(self, base: type) -> type:
        return type("Connection", (_Watched, base), {"exchange": self.exchange})


class _Headers(AuthBase):
    """Sets our headers last, so that a ``~/.netrc`` entry can't replace the key."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self.headers = headers

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers.update(self.headers)
        return request


def send(
    connection: Connection,
    method: str,
    path: str,
    exchange: Exchange,
    *,
    json: Mapping[str, Any] | None = None,
    fields: Mapping[str, str] | None = None,
    files: Files | None = None,
    timeout: tuple[float, float] = (CONNECT_TIMEOUT, READ_TIMEOUT),
) -> Reply:
    """Send once and read the whole answer, whatever its status.

    :param json: the body as JSON.
    :param fields: text fields of a multipart body, with ``files``.
    :raises APIConnectionError: no connection, or it broke; ``billed`` says whether the request had left.
    :raises InvalidResponseError: the answer is too large, or a redirect, which is never followed.
    :raises JobCancelled: the exchange was cancelled.
    """
    exchange.check()
    exchange.body_sent = False
    with requests.Session() as session:
        for scheme in ("http://", "https://"):
            session.mount(scheme, _Adapter(exchange))
        try:
            with session.request(
                method,
                connection.base_url.rstrip("/") + path,
                json=json,
                data=fields,
                files=files,
                auth=_Headers(connection.headers()),
                timeout=timeout,
                allow_redirects=False,
                stream=True,
            ) as response:
                reply = Reply(response.status_code, response.headers, _read(response, exchange))
        except (requests.RequestException, HTTPError, OSError) as error:
            exchange.check()
            raise _connection_error(error, exchange) from error
    exchange.check()
    if 300 <= reply.status < 400:
        raise InvalidResponseError(
            "The server redirects elsewhere; redirects are not followed, to keep the key here.",
            code="redirected",
            request_id=reply.request_id,
            next_step="Correct the base URL.",
        )
    return reply


def _read(response: requests.Response, exchange: Exchange) -> bytes:
    body = bytearray()
    for chunk in response.raw.stream(CHUNK, decode_content=True):
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            raise InvalidResponseError(
                f"The answer is larger than {MAX_ANSWER_BYTES // 10**6} MB.",
                code="answer_too_large",
                request_id=response.headers.get("x-request-id"),
                billed=exchange.billed,
            )
    if response.raw.length_remaining:  # urllib3 1.26 does not complain by itself
        raise requests.ConnectionError("the answer ended early")
    return bytes(body)


def _connection_error(error: Exception, exchange: Exchange) -> APIConnectionError:
    timed_out = isinstance(error, requests.Timeout) or "timed out" in str(error)
    kind: type[APIConnectionError] = APITimeoutError if timed_out else APIConnectionError
    if not exchange.body_sent:
        what = (
            "The server did not take the connection in time" if timed_out else "The server can't be reached"
        )
        return kind(f"{what}.", retryable=True, next_step="Check the network and the base URL.")
    what = (
        "The server did not answer in time"
        if timed_out
        else "The connection broke before the answer was complete"
    )
    return kind(
        f"{what}.",
        retryable=False,
        billed="maybe",
        next_step="The request may have been billed; it is not sent again by itself.",
    )


def with_retries(
    attempt: Callable[[], Reply],
    failure: Callable[[Reply], APIError | None],
    exchange: Exchange,
    *,
    on_wait: Callable[[float, APIError], None] = lambda seconds, error: None,
    tries: int = MAX_TRIES,
) -> Reply:
    """Send until there is an answer that is no error, as often as that is safe.

    :param failure: the error that a reply stands for; None for a success.
    :param on_wait: told before each wait, with its seconds and the reason.
    :raises APIError: the last error.
    :raises JobCancelled: cancelled while waiting or sending.
    """
    for number in range(1, tries + 1):
        headers: Mapping[str, str] = {}
        try:
            reply = attempt()
            error = failure(reply)
            if error is None:
                return reply
            headers = reply.headers
        except APIConnectionError as broken:
            error = broken
        seconds = wait_before_retry(error, headers, number)
        if number == tries or seconds is None:
            raise error
        on_wait(seconds, error)
        exchange.wait(seconds)
    raise AssertionError("unreachable: the last try returns or raises")


def wait_before_retry(
    error: APIError, headers: Mapping[str, str], number: int, dice: Callable[[], float] = random.random
) -> float | None:
    """Seconds to wait after try ``number`` (from 1); None where another try is of no use or not safe."""
    if not error.retryable or error.billed != "no" or headers.get("x-should-retry") == "false":
        return None
    named = named_wait(headers, error.message)
    if named is not None:
        return named if named <= MAX_WAIT else None
    backoff = min(MAX_BACKOFF, BACKOFF * 2.0 ** (number - 1))
    return backoff * (1 - JITTER * dice())


def named_wait(headers: Mapping[str, str], message: str) -> float | None:
    """Seconds that the server asks to wait, in a header or in words; None where it names none."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            return max(0.0, float(headers[name]) * unit)
        except (KeyError, ValueError):
            continue
    found = re.search(r"try again in (?:(\d+)m)?(\d+(?:\.\d+)?)(ms|s)\b", message)
    if found is None:
        return None
    return int(found[1] or 0) * 60 + float(found[2]) * (0.001 if found[3] == "ms" else 1)
