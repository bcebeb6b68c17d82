"""Why an exchange brought no answer: errors that say whether the request had left, and what to do."""

from __future__ import annotations

import zlib

import requests

from ..errors import APIConnectionError, APIError, APITimeoutError, EndpointError, InvalidResponseError
from ..text.message import message
from .proxy import Proxy
from .request_state import RequestState


def too_large(request_state: RequestState, request_id: str | None = None) -> InvalidResponseError:
    """The error for an answer that goes on beyond its limit."""
    return InvalidResponseError(
        message(
            "The answer is larger than {megabytes} MB.", megabytes=request_state.allowance.body_bytes // 10**6
        ),
        code="answer_too_large",
        request_id=request_id,
        billed=request_state.billed,
    )


def connection_error(error: Exception, request_state: RequestState, proxy: Proxy) -> APIError:
    """The error for what broke, or for whom nothing was sent at all."""
    if "CERTIFICATE_VERIFY_FAILED" in str(error) or "doesn't match" in str(error):
        return EndpointError(
            "The server's certificate can't be trusted, so nothing was sent.",
            code="untrusted_certificate",
            billed=request_state.billed,
            next_step="Check the base URL; a company's own certificate goes into REQUESTS_CA_BUNDLE.",
        )
    if isinstance(error, requests.exceptions.ProxyError) and not request_state.body_sent:
        problem = message("The proxy {proxy} can't be reached or refused the connection.", proxy=proxy.shown)
        if " 407" in str(error):
            problem = message("The proxy {proxy} wants a user name and a password.", proxy=proxy.shown)
        return APIConnectionError(
            problem,
            code="proxy_error",
            retryable=True,
            billed=request_state.billed,
            next_step="Check the proxy in the preferences, or HTTPS_PROXY and HTTP_PROXY.",
        )
    if isinstance(error, zlib.error):
        return InvalidResponseError("The answer can't be unpacked.", billed=request_state.billed)
    timed_out = isinstance(error, requests.Timeout) or "timed out" in str(error)
    kind: type[APIConnectionError] = APITimeoutError if timed_out else APIConnectionError
    return (
        _make_unsent(kind, timed_out, request_state)
        if not request_state.body_sent
        else _make_unanswered(kind, timed_out)
    )


def _make_unsent(
    kind: type[APIConnectionError], timed_out: bool, request_state: RequestState
) -> APIConnectionError:
    what = "The server did not take the connection in time" if timed_out else "The server can't be reached"
    return kind(
        f"{what}.",
        retryable=True,
        billed=request_state.billed,
        next_step="Check the network and the base URL.",
    )


def _make_unanswered(kind: type[APIConnectionError], timed_out: bool) -> APIConnectionError:
    late, broken = (
        "The server did not answer in time",
        "The connection broke before the answer was complete",
    )
    return kind(
        f"{late if timed_out else broken}.",
        retryable=False,
        billed="maybe",
        next_step="The request may have been billed; it is not retried automatically.",
    )
