"""From an error answer of the Images API to a typed error with a sentence for people."""

from __future__ import annotations

import json
import re
from typing import Any

from ..errors import (
    APIStatusError,
    AuthenticationError,
    BadRequestError,
    Billed,
    InsufficientQuotaError,
    InternalServerError,
    ModerationError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
)
from ..http import Reply

QUOTA_CODES = frozenset(
    {
        "insufficient_quota",
        "credit_balance_exhausted",
        "organization_spend_limit_exceeded",
        "project_spend_limit_exceeded",
        "organization_usage_limit_exceeded",
        "billing_hard_limit_reached",
    }
)
RETRIED_STATUSES = frozenset({429, 500, 503})
BY_STATUS: dict[int, type[APIStatusError]] = {
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    408: InternalServerError,
    429: RateLimitError,
}
VERIFY_URL = "https://platform.openai.com/settings/organization/general"
MAX_QUOTED = 300  # characters of a server's message that are shown


def error_from(reply: Reply, model: str) -> APIStatusError | None:
    """The error that an answer stands for; None for a success."""
    if reply.status < 300:
        return None
    details = _error_object(reply.body)
    kind = _kind(reply.status, details or {})
    said = _shortened(str((details or {}).get("message") or ""))
    own = details is not None
    message, next_step = _words(kind, reply.status, details or {}, said, model)
    if not own and reply.status >= 500:
        message = f"A gateway answered {reply.status} in place of the API."
    # A 5xx that the API did not write itself may hide a picture that was made, and billed.
    billed: Billed = "maybe" if reply.status in (408, 502, 504) or (not own and reply.status >= 500) else "no"
    return kind(
        message,
        status=reply.status,
        code=_text((details or {}).get("code"))
        or _text((details or {}).get("type"))
        or f"http_{reply.status}",
        param=_text((details or {}).get("param")),
        request_id=reply.request_id,
        retryable=reply.status in RETRIED_STATUSES and own and not issubclass(kind, InsufficientQuotaError),
        billed=billed,
        next_step=next_step,
    )


def _error_object(body: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(body)["error"]
    except (ValueError, KeyError, TypeError):
        return None
    return found if isinstance(found, dict) else None


def _kind(status: int, details: dict[str, Any]) -> type[APIStatusError]:
    if details.get("code") == "moderation_blocked":
        return ModerationError
    if status == 429 and (details.get("code") in QUOTA_CODES or details.get("type") == "insufficient_quota"):
        return InsufficientQuotaError
    return BY_STATUS.get(status) or (InternalServerError if status >= 500 else BadRequestError)


def _words(
    kind: type[APIStatusError], status: int, details: dict[str, Any], said: str, model: str
) -> tuple[str, str | None]:
    """The message, and the next step where the class's own does not fit."""
    if kind is ModerationError:
        return _moderation(details), None
    if kind is PermissionDeniedError and "must be verified" in said:
        return (
            f"The organisation must be verified before it may use {model}.",
            f"Verify it at {VERIFY_URL}, then wait some minutes.",
        )
    plain = {
        AuthenticationError: "The server refused the key.",
        InsufficientQuotaError: "The account has no credit left, or reached its own limit.",
        RateLimitError: "The server asks to slow down.",
        InternalServerError: f"The server failed with status {status}.",
    }.get(kind, "The server refused the request.")
    if not said or kind is AuthenticationError:  # the API repeats parts of the key in that message
        return plain, None
    return f"{plain[:-1]}: {said.rstrip('.!')}.", None


def _moderation(details: dict[str, Any]) -> str:
    found = details.get("moderation_details")
    more = found if isinstance(found, dict) else {}
    stage = {"input": " at the prompt", "output": " at the finished picture"}.get(
        str(more.get("moderation_stage")), ""
    )
    categories = more.get("categories")
    names = ", ".join(map(str, categories)) if isinstance(categories, list) and categories else ""
    return f"The safety system blocked the request{stage}{f' ({names})' if names else ''}."


def _shortened(text: str) -> str:
    text = re.sub(r"\bsk-[\w*-]+", "sk-…", " ".join(text.split()))
    return text if len(text) <= MAX_QUOTED else text[: MAX_QUOTED - 1] + "…"


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
