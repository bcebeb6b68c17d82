"""The user's consent to a call, as a stateless client brings it back: signed, for that call alone, once."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable
from typing import Any

from ..core.errors import InvalidRequestError

VALID_SECONDS = 600.0  # that a user may take to answer
NONCE_BYTES = 16


class Consents:
    """Signs questions and recognizes them; the secret is this process's own."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._secret = secrets.token_bytes(32)
        self._clock = clock
        self._open: dict[str, float] = {}
        """Until when each question that was asked can be answered."""

    def sign(self, *asked: Any) -> str:
        """The state of a question.

        :param asked: all that the consent is to: plain JSON values.
        """
        now = self._clock()
        self._open = {nonce: until for nonce, until in self._open.items() if until > now}
        nonce = secrets.token_hex(NONCE_BYTES)
        self._open[nonce] = now + VALID_SECONDS
        return f"{nonce}.{self._signature(nonce, asked)}"

    def take(self, state: object, *asked: Any) -> None:
        """Accept a state, which then can't be used again.

        :raises InvalidRequestError: it is not of this question, too old, or was used before.
        """
        nonce, _, signature = state.partition(".") if isinstance(state, str) else ("", "", "")
        given, expected = signature.encode("utf-8", "replace"), self._signature(nonce, asked).encode()
        is_ours = hmac.compare_digest(given, expected)
        until = self._open.pop(nonce, 0.0) if is_ours else 0.0
        if until <= self._clock():
            raise InvalidRequestError(
                "This consent does not belong to this call, is too old, or was used; nothing was sent.",
                code="consent_refused",
                param="requestState",
                next_step="Call the tool again without it: the user is asked anew.",
            )

    def _signature(self, nonce: str, asked: tuple[Any, ...]) -> str:
        text = json.dumps([nonce, *asked], sort_keys=True)
        return hmac.new(self._secret, text.encode(), hashlib.sha256).hexdigest()
