"""The rate limits of a key: a sliding window over requests and over input images."""

from __future__ import annotations

import math
import threading
import time
from collections import deque

from .errors import ApiError
from .options import Options

_UNLIMITED = 10_000


class RateLimiter:
    """Counts accepted requests; safe for many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken: dict[str, deque[float]] = {"images": deque(), "input-images": deque()}

    def take(self, options: Options, model: str, input_images: int) -> None:
        """Count a request and its references. Raises ApiError (429) naming the wait when there is no room."""
        now = time.monotonic()
        demands = (
            ("images", options.requests_per_minute, 1),
            ("input-images", options.input_images_per_minute, input_images),
        )
        with self._lock:
            for kind, limit, wanted in demands:
                taken = self._taken[kind]
                while taken and taken[0] <= now - options.minute:
                    taken.popleft()
                if limit is not None and len(taken) + wanted > limit:
                    overdue = taken[min(len(taken), len(taken) + wanted - limit) - 1] if taken else now
                    raise _too_many(kind, model, limit, len(taken), wanted, overdue + options.minute - now)
            for kind, _, wanted in demands:
                self._taken[kind].extend([now] * wanted)

    def headers(self, options: Options) -> dict[str, str]:
        limit = options.requests_per_minute or _UNLIMITED
        with self._lock:
            remaining = (
                max(limit - len(self._taken["images"]), 0) if options.requests_per_minute else limit - 1
            )
        return {
            "x-ratelimit-limit-requests": str(limit),
            "x-ratelimit-remaining-requests": str(remaining),
            "x-ratelimit-reset-requests": f"{options.minute / limit:.3f}s",
        }


def _too_many(kind: str, model: str, limit: int, used: int, wanted: int, wait: float) -> ApiError:
    milliseconds = math.ceil(wait * 1000)
    shown = f"{milliseconds}ms" if milliseconds < 1000 else f"{milliseconds / 1000:.4g}s"
    message = (
        f"Rate limit reached for {model} on {kind} per min: Limit {limit}, Used {used}, Requested {wanted}. "
        f"Please try again in {shown}. Visit https://platform.openai.com/account/rate-limits to learn more."
    )
    headers = {"retry-after-ms": str(milliseconds), "retry-after": str(math.ceil(wait))}
    return ApiError(429, message, type=kind, code="rate_limit_exceeded", headers=headers)
