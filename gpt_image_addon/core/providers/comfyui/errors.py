"""What ComfyUI says of a graph that it refuses or that failed, as a typed error with a sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ...errors import (
    APIError,
    APIStatusError,
    AuthenticationError,
    BadRequestError,
    Billed,
    InsufficientQuotaError,
    InternalServerError,
    JobCancelled,
    ModerationError,
    PermissionDeniedError,
    RateLimitError,
)
from ...http.client import Reply
from ...text.json_reader import read_json
from ...text.message import Message, message
from ...text.plain_text import clean, shorten

MAX_SHOWN = 300  # characters of a text of the server
MAX_FAULTS = 3  # that a sentence names
MODERATED = re.compile(r"moderation|safety system|content_policy|content policy", re.IGNORECASE)
REFUSED = re.compile(r"\(Type: (?:invalid_request_error|image_generation_user_error|invalid_value)\)")
"""What an error of OpenAI's says that came before anything was made."""
CREDITS = "Add credits to the Comfy account at https://platform.comfy.org."
BY_WORDS: tuple[tuple[re.Pattern[str], type[APIStatusError], int, Message, str], ...] = (
    (
        re.compile(r"^Unauthorized|Please login first"),
        AuthenticationError,
        401,
        Message("The Comfy account refused the key."),
        "Check COMFY_API_KEY, or the Comfy key in the preferences.",
    ),
    (
        re.compile(r"^Payment Required"),
        InsufficientQuotaError,
        402,
        Message("The Comfy account has no credits left."),
        CREDITS,
    ),
    (
        re.compile(r"problem with your account"),
        PermissionDeniedError,
        409,
        Message("There is a problem with the Comfy account."),
        "Write to support@comfy.org.",
    ),
    (
        re.compile(r"^Rate Limit Exceeded"),
        RateLimitError,
        429,
        Message("The Comfy account is asked to slow down; ComfyUI has tried many times."),
        "Wait a minute, or send fewer requests at once.",
    ),
)
"""How ComfyUI's own nodes put what the Comfy account answers, before anything is made."""


def _say(found: object) -> str:
    """One line of a text of the server."""
    return shorten(" ".join(clean(str(found or "")).split()), MAX_SHOWN).rstrip(".!")


def _list_faults(node_errors: object) -> Iterator[str]:
    """What is wrong with which node."""
    for name, node in node_errors.items() if isinstance(node_errors, dict) else ():
        errors = node.get("errors") if isinstance(node, dict) else None
        where = _say(node.get("class_type")) if isinstance(node, dict) else ""
        for error in errors if isinstance(errors, list) else ():
            if isinstance(error, dict):
                told = ": ".join(filter(None, (_say(error.get("message")), _say(error.get("details")))))
                yield f"{where or _say(name)} ({told})"


def refused_prompt(reply: Reply, billed: Billed = "no") -> APIError:
    """The error of a graph that was not taken, or only in part."""
    try:
        found = read_json(reply.body)
    except ValueError:
        found = None
    found = found if isinstance(found, dict) else {}
    error = found.get("error")
    faults = list(_list_faults(found.get("node_errors")))
    code = error.get("type") if isinstance(error, dict) else None
    told = "; ".join(faults[:MAX_FAULTS])
    if not told and isinstance(error, dict):
        told = ": ".join(filter(None, (_say(error.get("message")), _say(error.get("details")))))
    if reply.status >= 500 and not told:
        return InternalServerError(
            message("ComfyUI failed with status {status}.", status=reply.status),
            status=reply.status,
            code=f"http_{reply.status}",
            billed=billed,
            next_step="Look into the log of ComfyUI.",
        )
    return BadRequestError(
        message("ComfyUI refuses the graph: {reason}.", reason=told or reply.status),
        status=reply.status,
        code=code if isinstance(code, str) else "invalid_prompt",
        billed=billed,
        next_step="Change the request, or update ComfyUI.",
    )


def failed_prompt(error: Mapping[str, Any], maybe: Billed) -> APIError | JobCancelled:
    """The error of a graph that failed while it ran.

    :param error: what the server says of it.
    :param maybe: whether what failed may have been billed, where it does not say more.
    """
    said = _say(error.get("exception_message"))
    if str(error.get("exception_type", "")).endswith("ProcessingInterrupted"):
        return JobCancelled("The job was cancelled in ComfyUI.", billed=maybe)
    for words, kind, status, problem, step in BY_WORDS:
        if words.search(said):
            return kind(problem, status=status, code=f"http_{status}", next_step=step)
    if MODERATED.search(said):
        return ModerationError(
            "The safety system blocked the request.", status=400, code="moderation_blocked"
        )
    if REFUSED.search(said):
        return BadRequestError(
            message("The server refused the request: {reason}.", reason=said),
            status=400,
            next_step="Change the request.",
        )
    return InternalServerError(
        message(
            "ComfyUI failed at {node}: {reason}.",
            node=_say(error.get("node_type")) or "?",
            reason=said or Message("no reason is given"),
        ),
        status=500,
        code="execution_error",
        billed=maybe,
        next_step="ComfyUI itself may have tried several times, and each may have been billed."
        if maybe == "maybe"
        else "Look into the log of ComfyUI.",
    )
