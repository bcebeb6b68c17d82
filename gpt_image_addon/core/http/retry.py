"""When to send again, and how long to wait before: pure decisions, and the loop that follows them."""

from __future__ import annotations

import math
import random
import re
import time
from collections.abc import Callable, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from ..errors import (
    APIConnectionError,
    APIError,
    APIStatusError,
    InsufficientQuotaError,
    ModerationError,
    RateLimitError,
)
from ..text.log import get_logger

if TYPE_CHECKING:
    from .client import Reply
    from .request_state import RequestState

log = get_logger(__name__)

MAX_TRIES = 3
BACKOFF = 0.5  # seconds before the first retry, doubled for each further one
MAX_BACKOFF = 8.0  # seconds
MAX_WAIT = 120.0  # seconds; a longer wait that the server names is not waited for
JITTER = 0.25  # share of the backoff that chance may take away

_NAMED = re.compile(r"try again in (?:(\d{1,9})h)?(?:(\d{1,9})m(?!s))?(?:(\d{1,9}(?:\.\d{1,9})?)(ms|s)\b)?")


def with_retries(
    attempt: Callable[[], Reply],
    failure: Callable[[Reply], APIError | None],
    request_state: RequestState,
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
    number = 0
    while True:
        number += 1
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
        if seconds is None:
            raise error
        if request_state.turn is not None and isinstance(error, RateLimitError):
            number -= request_state.turn.refused(seconds)
        if number == tries:
            raise error
        log.info("Try %d failed with %s; the next follows in %.1f s", number, error.code, seconds)
        request_state.settled()
        on_wait(seconds, error)
        request_state.wait(seconds)
        if request_state.turn is not None:
            request_state.turn.take(request_state)


def wait_before_retry(
    error: APIError, headers: Mapping[str, str], number: int, dice: Callable[[], float] = random.random
) -> float | None:
    """Seconds to wait after try ``number`` (from 1); None where another try is of no use or not safe."""
    if not _is_worth_a_retry(error, headers.get("x-should-retry", "").lower()):
        return None
    named = read_wait(headers, error.message)
    if named is not None:
        return named if named <= MAX_WAIT else None
    backoff = min(MAX_BACKOFF, BACKOFF * 2.0 ** (number - 1))
    return backoff * (1 - JITTER * dice())


def _is_worth_a_retry(error: APIError, asked: str) -> bool:
    if error.billed != "no" or isinstance(error, ModerationError | InsufficientQuotaError):
        return False
    if asked == "true" and isinstance(error, APIStatusError):
        return True
    return error.retryable and asked != "false"


def read_wait(headers: Mapping[str, str], message: str) -> float | None:
    """Seconds that the server asks to wait, in a header or in words; None where it names none."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        if name not in headers:
            continue
        seconds = _parse_seconds(headers[name], unit, headers.get("date", ""))
        if seconds is not None:
            return seconds
    found = _NAMED.search(message)
    if found is None or not any(found.groups()):
        return None
    hours, minutes, number = int(found[1] or 0), int(found[2] or 0), float(found[3] or 0)
    return hours * 3600 + minutes * 60 + number * (0.001 if found[4] == "ms" else 1)


def _parse_seconds(text: str, unit: float, date: str) -> float | None:
    """Seconds from a number of units, or until a date.

    :param date: when the server answered, by its own clock: that of this machine may be wrong.
    """
    try:
        number = float(text) * unit
    except ValueError:
        until, now = _parse_date(text), _parse_date(date)
        if until is None:
            return None
        number = until - (time.time() if now is None else now)
    return max(0.0, number) if math.isfinite(number) else None


def _parse_date(date: str) -> float | None:
    """Seconds since 1970 of a date as HTTP has them; None where it is none."""
    try:
        found = parsedate_to_datetime(date)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
