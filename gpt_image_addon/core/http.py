"""One HTTP exchange at a time: watched, so that another thread can stop it and that its outcome is known.

`requests` does the work. What it does not tell, and what money depends on, is whether the body had gone out
when something broke; the connections of `watched` note that.
"""

from __future__ import annotations

import json as json_text
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urljoin, urlsplit

import requests
from requests.auth import AuthBase
from urllib3.exceptions import HTTPError

from .connection import Connection, is_loopback
from .errors import (
    NAME_LIMIT,
    APIConnectionError,
    APITimeoutError,
    ConfigurationError,
    InvalidResponseError,
    UntrustedCertificateError,
)
from .exchange import Exchange
from .logs import get_logger, guard_libraries
from .proxies import Proxy, check_route
from .redaction import hide, show
from .sessions import session_for
from .sigpipe import broken_pipes_as_errors
from .turns import RECEIVING

log = get_logger(__name__)
guard_libraries()

CONNECT_TIMEOUT = 5.0  # seconds
READ_TIMEOUT = 600.0  # seconds without a byte; high quality often takes over 120
MAX_ANSWER_BYTES = 600 * 10**6  # ten 3840x2160 pictures in base64 stay below this
MAX_PICTURE_BYTES = 100 * 10**6  # behind a link
MAX_LINK_HOPS = 5  # redirects from a link to its picture
CHUNK = 256 * 1024  # bytes read, and decoded, at once: under a millisecond in which no other thread runs

Files = list[tuple[str, tuple[str, bytes, str]]]


@dataclass(frozen=True)
class Reply:
    """An answer: whole, or its head where a sink took the body."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def request_id(self) -> str | None:
        """The server's name for the exchange, for support."""
        found = self.headers.get("x-request-id") or self.headers.get("apim-request-id")
        return show(found, NAME_LIMIT) if found else None


class Sink(Protocol):
    """Takes the body of an answer while it comes."""

    def feed(self, chunk: bytes) -> bool:
        """:returns: whether all is here, so that reading may stop."""
        ...


def _keep_body(head: Reply) -> Sink | None:
    return None


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
    sink: Callable[[Reply], Sink | None] = _keep_body,
    timeout: tuple[float, float] = (CONNECT_TIMEOUT, READ_TIMEOUT),
    limit: int | None = None,
) -> Reply:
    """Send once and read the whole answer, whatever its status.

    :param json: the body as JSON.
    :param fields: text fields of a multipart body, with ``files``.
    :param sink: called with the head of the answer; what it returns takes the body, None keeps it.
    :param timeout: seconds to connect, and seconds without a byte.
    :param limit: bytes that the answer may have; None for `MAX_ANSWER_BYTES`.
    :raises APIConnectionError: no connection, or it broke; ``billed`` says whether the request had left.
    :raises InvalidResponseError: the answer is too large, or a redirect, which is never followed.
    :raises JobCancelled: the exchange was cancelled.
    """
    hide(connection.api_key)
    exchange.proxy = connection.proxy
    headers = connection.headers()
    body: Any = fields
    if json is not None:
        body = json_text.dumps(json, ensure_ascii=False, separators=(",", ":")).encode()
        headers["Content-Type"] = "application/json"
    request = _Request(method, connection.url(path), headers, body, files, timeout)
    reply = _perform(request, exchange, sink, MAX_ANSWER_BYTES if limit is None else limit)
    if 300 <= reply.status < 400:
        raise InvalidResponseError(
            "The server redirects elsewhere; redirects are not followed, to keep the key here.",
            code="redirected",
            request_id=reply.request_id,
            next_step="Correct the base URL.",
        )
    return reply


def fetch(
    url: str, exchange: Exchange, *, timeout: tuple[float, float] = (CONNECT_TIMEOUT, READ_TIMEOUT)
) -> Reply:
    """Get what a link of an answer points to: without the key, and only over https or on this machine.

    :raises APIConnectionError: no connection, or it broke.
    :raises InvalidResponseError: the link leads where it must not, or what it names is too large.
    :raises JobCancelled: the exchange was cancelled.
    """
    for _ in range(MAX_LINK_HOPS):
        if urlsplit(url).scheme != "https" and not (urlsplit(url).scheme == "http" and is_loopback(url)):
            raise InvalidResponseError(
                "The server's answer links to a picture over an unsafe connection.",
                code="unsafe_link",
                billed=exchange.billed,
            )
        try:
            reply = _perform(
                _Request("GET", url, {}, None, None, timeout), exchange, _keep_body, MAX_PICTURE_BYTES
            )
        except ConfigurationError as error:  # the link leads elsewhere than the request did
            raise APIConnectionError(
                error.message, code=error.code, billed=exchange.billed, next_step=error.next_step
            ) from error
        target = reply.headers.get("location")
        if not 300 <= reply.status < 400 or not target:
            return reply
        url = urljoin(url, target)
    raise InvalidResponseError(
        "The link to a picture leads in circles.", code="unsafe_link", billed=exchange.billed
    )


@dataclass(frozen=True)
class _Request:
    method: str
    url: str
    headers: Mapping[str, str]
    body: Any
    files: Files | None
    timeout: tuple[float, float]


def _perform(
    request: _Request, exchange: Exchange, sink: Callable[[Reply], Sink | None], limit: int
) -> Reply:
    exchange.check()
    exchange.body_sent = False
    proxy = check_route(request.url, exchange.proxy)
    started = time.monotonic()
    try:
        with (
            broken_pipes_as_errors(),
            session_for(exchange, send_timeout=request.timeout[1]) as session,
            session.request(
                request.method,
                request.url,
                data=request.body,
                files=request.files,
                auth=_Headers(request.headers),
                timeout=request.timeout,
                proxies=dict(proxy.for_requests()),
                allow_redirects=False,
                stream=True,
            ) as response,
        ):
            reply = _read(response, exchange, sink, limit)
    except (requests.RequestException, HTTPError, OSError) as error:
        exchange.check()
        log.debug("%s %s broke: %s", request.method, request.url, error)
        raise _connection_error(error, exchange, proxy) from error
    finally:
        exchange.release()
    exchange.check()
    log.debug(
        "%s %s: %d in %.2f s (%s)",
        request.method,
        request.url,
        reply.status,
        time.monotonic() - started,
        reply.request_id,
    )
    return reply


def _read(
    response: requests.Response, exchange: Exchange, sink: Callable[[Reply], Sink | None], limit: int
) -> Reply:
    # urllib3 2 would drop the last piece of an answer that is shorter than its head says.
    response.raw.enforce_content_length = False
    head = Reply(response.status_code, response.headers)
    taker = sink(head)
    body = bytearray()
    total = 0
    if int(response.raw.length_remaining or 0) > limit:
        raise _too_large(head, exchange, limit)
    for chunk in response.raw.stream(CHUNK, decode_content=True):
        total += len(chunk)
        if total > limit:
            raise _too_large(head, exchange, limit)
        if taker is None:
            body += chunk
        else:
            with RECEIVING.one():
                full = taker.feed(chunk)
            if full:
                return head
    if response.raw.length_remaining:
        raise requests.ConnectionError("the answer ended early")
    return Reply(head.status, head.headers, bytes(body))


def _too_large(head: Reply, exchange: Exchange, limit: int) -> InvalidResponseError:
    return InvalidResponseError(
        f"The answer is larger than {limit // 10**6} MB.",
        code="answer_too_large",
        request_id=head.request_id,
        billed=exchange.billed,
    )


def _connection_error(error: Exception, exchange: Exchange, proxy: Proxy) -> APIConnectionError:
    if "CERTIFICATE_VERIFY_FAILED" in str(error) or "doesn't match" in str(error):
        return UntrustedCertificateError(
            "The server's certificate can't be trusted, so nothing was sent.", billed=exchange.billed
        )
    if isinstance(error, requests.exceptions.ProxyError) and not exchange.body_sent:
        message = f"The proxy {proxy.shown} can't be reached or refused the connection."
        if " 407" in str(error):
            message = f"The proxy {proxy.shown} wants a user name and a password."
        return APIConnectionError(
            message,
            code="proxy_error",
            retryable=True,
            billed=exchange.billed,
            next_step="Check the proxy in the preferences, or HTTPS_PROXY and HTTP_PROXY.",
        )
    timed_out = isinstance(error, requests.Timeout) or "timed out" in str(error)
    kind: type[APIConnectionError] = APITimeoutError if timed_out else APIConnectionError
    return _unsent(kind, timed_out, exchange) if not exchange.body_sent else _unanswered(kind, timed_out)


def _unsent(kind: type[APIConnectionError], timed_out: bool, exchange: Exchange) -> APIConnectionError:
    what = "The server did not take the connection in time" if timed_out else "The server can't be reached"
    return kind(
        f"{what}.",
        retryable=True,
        billed=exchange.billed,
        next_step="Check the network and the base URL.",
    )


def _unanswered(kind: type[APIConnectionError], timed_out: bool) -> APIConnectionError:
    late, broken = (
        "The server did not answer in time",
        "The connection broke before the answer was complete",
    )
    return kind(
        f"{late if timed_out else broken}.",
        retryable=False,
        billed="maybe",
        next_step="The request may have been billed; it is not sent again by itself.",
    )
