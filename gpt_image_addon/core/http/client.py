"""One HTTP exchange at a time: watched, so that another thread can stop it and that its outcome is known.

`requests` does the work. What it does not tell, and what money depends on, is whether the body had gone out
when something broke; the connections of `connections` note that.
"""

from __future__ import annotations

import json as json_text
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any, Protocol
from urllib.parse import urljoin, urlsplit

import requests
from urllib3.exceptions import HTTPError

from ..common.files import storage_errors
from ..common.streams import broken_pipes_as_errors
from ..common.threads import RECEIVING
from ..errors import (
    NAME_LIMIT,
    APIConnectionError,
    ConfigurationError,
    EndpointError,
    InvalidResponseError,
)
from ..results.body_file import BodyFile
from ..text.log import get_logger, guard_libraries
from ..text.message import message
from ..text.redaction import hide, show
from .bounded_response import Allowance, AnswerTooLargeError
from .connection_errors import connection_error, too_large
from .decompression import ACCEPTED, UnpackedTooLargeError, Unpacker
from .endpoint import Connection, is_loopback
from .pool import session_for
from .proxy import check_route
from .request_state import RequestState

log = get_logger(__name__)
guard_libraries()

CONNECT_TIMEOUT = 5.0  # seconds
READ_TIMEOUT = 600.0  # seconds without a byte; high quality often takes over 120
MAX_ANSWER_BYTES = 600 * 10**6  # ten 3840x2160 images in base64 stay below this
MAX_TEXT_BYTES = 64 * 10**6  # of an answer without images
MAX_ERROR_BYTES = 32 * 10**6  # of the body of an error; more of it is not read
MAX_IMAGE_BYTES = 100 * 10**6  # behind a link
LINK_TIMEOUT = (5.0, 60.0)  # seconds to connect, and without a byte
LINK_SECONDS = 600.0  # for all that is behind one link
MAX_LINK_HOPS = 5  # redirects from a link to its image
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


def send(
    connection: Connection,
    method: str,
    path: str,
    request_state: RequestState,
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
    :param limit: bytes that the answer may have; None for `MAX_ANSWER_BYTES`, or without a sink
        `MAX_TEXT_BYTES`.
    :raises APIConnectionError: no connection, it broke, or the answer takes longer than the exchange allows;
        ``billed`` says whether the request had left.
    :raises InvalidResponseError: the answer is too large, or can't be unpacked.
    :raises EndpointError: a redirect, which is never followed, or a certificate that can't be trusted.
    :raises JobCancelled: the exchange was cancelled.
    """
    hide(connection.api_key)
    request_state.proxy = connection.proxy
    headers = connection.headers()
    body: Any = fields
    if json is not None:
        body = json_text.dumps(json, ensure_ascii=False, separators=(",", ":")).encode()
        headers["Content-Type"] = "application/json"
    if limit is None:
        limit = MAX_TEXT_BYTES if sink is _keep_body else MAX_ANSWER_BYTES
    request_state.allowance = Allowance(request_state.answer_seconds, limit)
    request = _Request(method, connection.url(path), headers, body, files, timeout)
    reply = _perform(request, request_state, sink, request_state.received)
    if _is_redirect(reply.status):
        raise EndpointError(
            "The server redirects elsewhere; redirects are not followed, to keep the key here.",
            code="redirected",
            request_id=reply.request_id,
            next_step="Correct the base URL.",
        )
    return reply


def fetch(
    url: str,
    request_state: RequestState,
    *,
    local: bool = False,
    timeout: tuple[float, float] = LINK_TIMEOUT,
    seconds: float = LINK_SECONDS,
) -> Reply:
    """Get what a link of an answer points to, without the key.

    :param local: whether it may lead to this machine, as that of a server here may.
    :param seconds: for all of it, its redirects included; `LINK_SECONDS` at most.
    :raises APIConnectionError: no connection, or it broke.
    :raises InvalidResponseError: the link leads where it must not, or what it names is too large.
    :raises JobCancelled: the exchange was cancelled.
    """
    request_state.allowance = Allowance(min(seconds, LINK_SECONDS), MAX_IMAGE_BYTES)
    for _ in range(MAX_LINK_HOPS):
        if not _is_safe(url, local):
            raise InvalidResponseError(
                "The server's answer links to an image over an unsafe connection.",
                code="unsafe_link",
                billed=request_state.billed,
            )
        try:
            reply = _perform(_Request("GET", url, {}, None, None, timeout), request_state, _keep_body, None)
        except ConfigurationError as error:  # the link leads elsewhere than the request did
            raise APIConnectionError(
                error.message, code=error.code, billed=request_state.billed, next_step=error.next_step
            ) from error
        target = reply.headers.get("location")
        if not _is_redirect(reply.status) or not target:
            return reply
        url = _join(url, target)
        request_state.allowance = request_state.allowance.again()
    raise InvalidResponseError(
        "Too many redirects while downloading an image.", code="unsafe_link", billed=request_state.billed
    )


def _is_redirect(status: int) -> bool:
    return 300 <= status < 400


def _is_safe(url: str, local: bool) -> bool:
    """Whether a link may be followed: over https, or on this machine where that is meant."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return False
    if not host:
        return False
    return local and parts.scheme in ("http", "https") if is_loopback(url) else parts.scheme == "https"


def _join(url: str, target: str) -> str:
    try:
        return urljoin(url, target)
    except ValueError:
        return ""


@dataclass(frozen=True)
class _Request:
    method: str
    url: str
    headers: Mapping[str, str]
    body: Any
    files: Files | None
    timeout: tuple[float, float]


def _perform(
    request: _Request,
    request_state: RequestState,
    sink: Callable[[Reply], Sink | None],
    received: BodyFile | None,
) -> Reply:
    request_state.check()
    request_state.body_sent = False
    proxy = check_route(request.url, request_state.proxy)
    if received is not None:
        with storage_errors(message("No answer could be stored")):
            received.hold_handles()

    def set_headers(prepared: requests.PreparedRequest) -> requests.PreparedRequest:
        """Last of all, so that a ``~/.netrc`` entry can't replace the key."""
        prepared.headers.update({"Accept-Encoding": ACCEPTED, **request.headers})
        return prepared

    started = time.monotonic()
    try:
        with (
            broken_pipes_as_errors(),
            session_for(request_state, send_timeout=request.timeout[1]) as session,
            session.request(
                request.method,
                request.url,
                data=request.body,
                files=request.files,
                auth=set_headers,
                timeout=request.timeout,
                proxies=dict(proxy.for_requests()),
                allow_redirects=False,
                stream=True,
            ) as response,
        ):
            reply = _read(response, request_state, sink, received)
    except AnswerTooLargeError as error:  # in its head already
        raise too_large(request_state) from error
    except (requests.RequestException, HTTPError, HTTPException, OSError, UnicodeError, zlib.error) as error:
        request_state.check()
        log.debug("%s %s broke: %s", request.method, request.url, error)
        raise connection_error(error, request_state, proxy) from error
    finally:
        request_state.release()
    request_state.check()
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
    response: requests.Response,
    request_state: RequestState,
    sink: Callable[[Reply], Sink | None],
    received: BodyFile | None,
) -> Reply:
    head = Reply(response.status_code, response.headers)
    if _is_redirect(head.status):
        return head
    try:
        return _read_body(response, head, request_state, sink(head), received)
    except (AnswerTooLargeError, UnpackedTooLargeError) as error:
        raise too_large(request_state, head.request_id) from error


def _read_body(
    response: requests.Response,
    head: Reply,
    request_state: RequestState,
    taker: Sink | None,
    received: BodyFile | None,
) -> Reply:
    limit = request_state.allowance.body_bytes
    if head.status < 300 and int(response.raw.length_remaining or 0) > limit:
        raise AnswerTooLargeError
    body = bytearray()
    for piece in _pieces(response, request_state, received):
        if taker is not None:
            with RECEIVING.hold():
                full = taker.feed(piece)
            if full:
                return head
            continue
        body += piece
        if head.status >= 300 and len(body) >= MAX_ERROR_BYTES:
            break
    else:
        response.raw.release_conn()
    return Reply(head.status, head.headers, bytes(body))


def _pieces(
    response: requests.Response, request_state: RequestState, received: BodyFile | None
) -> Iterator[bytes]:
    """The body, unpacked; each piece of it has been kept as it came before.

    It is read below urllib3, which collects and unpacks pieces in its own way, another in each version.
    """
    assert request_state.response is not None
    limit = request_state.allowance.body_bytes
    if received is not None:
        received.restart()
    unpacker = Unpacker(response.headers.get("content-encoding", ""), limit)
    total = 0
    for chunk in request_state.response.read_pieces(CHUNK):
        if received is not None:
            received.write(chunk)
        for piece in unpacker.feed(chunk):
            total += len(piece)
            if total > limit:
                raise AnswerTooLargeError
            yield piece
    yield from unpacker.close()
