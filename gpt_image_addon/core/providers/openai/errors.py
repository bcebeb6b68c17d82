"""From an error answer of the Images API to a typed error with a sentence for people."""

from __future__ import annotations

import re

from ...errors import (
    NOT_VERIFIED,
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
from ...http.client import Reply
from ...request.parameters import PARAMETERS
from ...request.providers import PROVIDERS
from ...text.message import Message, message
from .error_bodies import Details, ErrorBody, quoted, read_error_body

BY_CODE: dict[str, type[APIStatusError]] = {
    **dict.fromkeys(
        (
            "insufficient_quota",
            "credit_balance_exhausted",
            "organization_spend_limit_exceeded",
            "project_spend_limit_exceeded",
            "organization_usage_limit_exceeded",
            "billing_hard_limit_reached",
        ),
        InsufficientQuotaError,
    ),
    **dict.fromkeys(
        ("moderation_blocked", "content_policy_violation", "content_filter", "contentfilter"), ModerationError
    ),
    "rate_limit_exceeded": RateLimitError,
}
"""Codes and types, in lower case, that say more than the status; the last three of moderation are Azure's."""
BY_WORDS = (
    (
        re.compile(r"exceeded your current quota|insufficient_quota|billing hard limit"),
        InsufficientQuotaError,
    ),
    (re.compile(r"rejected by the safety system|moderation_blocked"), ModerationError),
)
"""For proxies that replace the code by the status."""
BY_STATUS: dict[int, type[APIStatusError]] = {
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    408: InternalServerError,
    429: RateLimitError,
}
PLAIN: dict[type[APIStatusError], Message] = {
    AuthenticationError: Message("The server refused the key"),
    InsufficientQuotaError: Message("The account has no credit left, or reached its own limit"),
    RateLimitError: Message("The server asks to slow down"),
}
NEXT_STEPS: dict[type[APIStatusError], str] = {
    RateLimitError: "Wait a minute, or send fewer requests at once.",
    InternalServerError: "Try again later; https://status.openai.com tells of outages.",
    PermissionDeniedError: "Check what the key, its project and its country may use.",
}
"""Where the class of the error has none of its own."""
_FINAL = (InsufficientQuotaError, ModerationError)
RETRIED_STATUSES = frozenset({429, 500, 503})
UNDECIDED_STATUSES = frozenset({408, 502, 504})
"""Statuses of gateways: the image may have been made behind them, and billed."""
SVG_MODEL = frozenset({"svg", "svg.model"})  # what an answer names where the model that draws is missing
MAX_CATEGORIES = 10
TOO_LARGE = 413
UNVERIFIED = "must be verified"
NO_ACCESS = "No access"
_MAY_BE_BILLED = "The request may have been billed; it is not retried automatically."


def error_from(reply: Reply, model: str) -> APIStatusError | None:
    """The error that an answer stands for; None for a success."""
    if reply.status < 300:
        return None
    body = read_error_body(reply.body)
    details = body.details
    kind = _kind(reply.status, details)
    is_gateway = not body.is_the_apis and reply.status >= 500
    billed: Billed = "maybe" if reply.status in UNDECIDED_STATUSES or is_gateway else "no"
    problem = _message(kind, reply.status, body)
    if is_gateway:
        problem = message("A gateway answered {status} in place of the API.", status=reply.status)
        if body.said:
            problem = message(
                "A gateway answered {status} in place of the API: {said}.",
                status=reply.status,
                said=body.said.rstrip(".!"),
            )
    return kind(
        problem,
        status=reply.status,
        code=_text(details.get("code")) or _text(details.get("type")) or f"http_{reply.status}",
        param=_text(details.get("param")) or body.param or None,
        request_id=reply.request_id,
        retryable=reply.status in RETRIED_STATUSES and body.is_the_apis and kind not in _FINAL,
        billed=billed,
        next_step=_MAY_BE_BILLED if billed == "maybe" else _next_step(kind, reply.status, body, model),
    )


def error_in_stream(event: Details, request_id: str | None) -> APIStatusError:
    """The error that an event of a stream tells of, or an answer whose status says success.

    A refusal costs nothing; what failed while it was made may have been billed.
    """
    found = event.get("error")
    details: Details = found if isinstance(found, dict) else event
    body = ErrorBody(details, quoted(str(details.get("message") or "")))
    kind = _kind(500, details)
    billed: Billed = "maybe" if kind is InternalServerError else "no"
    return kind(
        _message(kind, 500, body),
        status=200,
        code=_text(details.get("code")) or _text(details.get("type")),
        param=_text(details.get("param")),
        request_id=request_id,
        billed=billed,
        next_step=_MAY_BE_BILLED if billed == "maybe" else _next_step(kind, 500, body, ""),
    )


def _kind(status: int, details: Details) -> type[APIStatusError]:
    for name in ("code", "type"):
        kind = BY_CODE.get(str(details.get(name)).lower())
        if kind is not None:
            return kind
    for words, kind in BY_WORDS:
        if status in (400, 403, 429) and words.search(str(details.get("message"))):
            return kind
    return BY_STATUS.get(status) or (InternalServerError if status >= 500 else BadRequestError)


def _message(kind: type[APIStatusError], status: int, body: ErrorBody) -> str:
    if kind is ModerationError:
        return _moderation(body.details)
    plain = PLAIN.get(kind, Message("The server refused the request"))
    if kind is InternalServerError:
        plain = message("The server failed with status {status}", status=status)
    if kind is PermissionDeniedError and UNVERIFIED in body.said:  # what to do follows in words of our own
        return NOT_VERIFIED
    if not body.said or kind is AuthenticationError:  # the API repeats parts of the key in that message
        return message("{problem}.", problem=plain)
    return message("{problem}: {reason}.", problem=plain, reason=body.said.rstrip(".!"))


def _next_step(kind: type[APIStatusError], status: int, body: ErrorBody, model: str) -> str | None:
    """What to do, as far as the details tell; None leaves it to the class of the error."""
    details, param = body.details, _text(body.details.get("param")) or body.param
    if body.is_page and status != TOO_LARGE:
        return (
            "A gateway, a firewall or a login page answers in its place: check the base URL and the network."
        )
    if kind is PermissionDeniedError and UNVERIFIED in body.said:
        return message(
            "Verify the organisation at {url} to use {model}, then wait some minutes.",
            url=PROVIDERS["openai"].verify_url,
            model=model,
        )
    if kind is PermissionDeniedError and "not supported" in body.said:
        return "OpenAI does not offer its API here; use another server or the offline provider."
    if kind is NotFoundError:
        code = str(details.get("code"))
        if code == "DeploymentNotFound":
            return "Check the name of the deployment in the base URL or as the model."
        return None if param == "model" or code == "model_not_found" else "Check the base URL."
    if status == TOO_LARGE:
        return "Send fewer or smaller images, or let the server take larger ones."
    if kind is BadRequestError and param in SVG_MODEL and "missing" in str(details.get("code")):
        return message(
            "Name the model that draws the SVG under {field} in the panel, or with --svg-model (svg_model in "
            "Python).",
            field=_panel_name("svg_model"),
        )
    if kind is BadRequestError and param == "output_format" and NO_ACCESS in body.said:
        return (
            "Not every account may ask for GIF and SVG: ask for PNG, or make curves or a sprite of files "
            "that you have, without a request."
        )
    if kind is BadRequestError:
        return message("Change {param}.", param=param) if param else "Change the request."
    return NEXT_STEPS.get(kind)


def _panel_name(parameter: str) -> Message:
    field = PARAMETERS[parameter].panel
    return Message(field.label if field is not None else parameter)


def _moderation(details: Details) -> str:
    found = details.get("moderation_details")
    more = found if isinstance(found, dict) else {}
    stage = {"input": Message(" at the prompt"), "output": Message(" at the finished image")}.get(
        str(more.get("moderation_stage")), ""
    )
    categories = more.get("categories")
    names = quoted(", ".join(map(str, categories[:MAX_CATEGORIES]))) if isinstance(categories, list) else ""
    return message(
        "The safety system blocked the request{stage}{names}.",
        stage=stage,
        names=f" ({names})" if names else "",
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
