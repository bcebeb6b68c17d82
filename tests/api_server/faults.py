"""Everything a test can ask to go wrong: error rows by name, mangled answers, and steps that use them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from .errors import INVALID, ApiError

STAGES = ("headers", "body", "processing", "answer_headers", "answer")
"""Before the body is read, in the middle of it, after it, after the answer's head, in its middle."""

BAD_IMAGES = ("bomb", "one_corrupt", "not_an_image", "truncated_base64")
"""Answers whose frame is sound; a stream has them, too. Other answers to a stream are no stream."""

ANSWERS = (
    *BAD_IMAGES,
    "truncated_json",
    "not_streamed",
    "wrong_content_type",
    "html",
    "gzip",
    "empty_data",
    "no_data",
    "no_usage",
    "url",
    "redirect",
    "content_length_too_long",
    "content_length_too_short",
)

_VERIFY = (
    "Your organization must be verified to use the model `gpt-image-2.6-sunburst`. Please go to: "
    "https://platform.openai.com/settings/organization/general and click on Verify Organization. If you just "
    "verified, it can take up to 15 minutes for access to propagate."
)
_QUOTA = "You exceeded your current quota, please check your plan and billing details."
_RATE = (
    "Rate limit reached for gpt-image-2.6-sunburst on images per min: Limit 5, Used 5, Requested 1. "
    "Please try again in 12s."
)
_RATE_HEADERS = {
    "retry-after-ms": "12000",
    "retry-after": "12",
    "x-ratelimit-limit-requests": "5",
    "x-ratelimit-remaining-requests": "0",
    "x-ratelimit-reset-requests": "12s",
}
_BUSY = "The server is currently overloaded. Please try again later."
_BROKEN = "The server had an error while processing your request. Sorry about that!"
_MODERATION = {"moderation_details": {"moderation_stage": "input", "categories": ["violence"]}}


def _row(status: int, message: str, type: str, code: str | None, **more: Any) -> dict[str, Any]:
    return {"status": status, "message": message, "type": type, "code": code, **more}


ERRORS: dict[str, dict[str, Any]] = {
    "invalid_api_key": _row(401, "Incorrect API key provided: sk-test-****.", INVALID, "invalid_api_key"),
    "organization_not_verified": _row(403, _VERIFY, INVALID, None),
    "unsupported_country": _row(
        403,
        "Country, region, or territory not supported",
        "request_forbidden",
        "unsupported_country_region_territory",
    ),
    "model_not_found": _row(404, "The model 'x' does not exist.", INVALID, "model_not_found"),
    "moderation_blocked": _row(
        400,
        "Your request was rejected by the safety system.",
        "image_generation_user_error",
        "moderation_blocked",
        extra=_MODERATION,
    ),
    "invalid_value": _row(400, "Invalid value: '7x7'.", INVALID, "invalid_value", param="size"),
    "rate_limit_exceeded": _row(429, _RATE, "requests", "rate_limit_exceeded", headers=_RATE_HEADERS),
    "slow_down": _row(503, _BUSY, "service_unavailable_error", "slow_down"),
    "slow_down_429": _row(429, _BUSY, "service_unavailable_error", "slow_down"),
    "server_is_overloaded": _row(503, _BUSY, "service_unavailable_error", "server_is_overloaded"),
    "server_is_overloaded_429": _row(429, _BUSY, "service_unavailable_error", "server_is_overloaded"),
    "request_timeout": _row(408, "The request timed out.", "server_error", "server_error"),
    "server_error": _row(500, _BROKEN, "server_error", "server_error"),
    "bad_gateway": _row(502, "Bad gateway.", "server_error", "server_error"),
    "gateway_timeout": _row(504, "Gateway timeout.", "server_error", "server_error"),
    "litellm_rate_limit": _row(429, "litellm.RateLimitError: too many requests", "throttling_error", "429"),
    **{
        code: _row(429, _QUOTA, "insufficient_quota", code)
        for code in (
            "insufficient_quota",
            "credit_balance_exhausted",
            "organization_spend_limit_exceeded",
            "project_spend_limit_exceeded",
            "organization_usage_limit_exceeded",
            "billing_hard_limit_reached",
        )
    },
}
"""Rows of the API's error table by name."""


@dataclass(frozen=True)
class StreamShape:
    """How an event stream is bent. Indices count the events of an untouched stream from 0."""

    split: int = 0
    """Send the stream in pieces of so many bytes, a write each; 0 sends an event at a time."""
    comments: bool = False
    """Put comment lines and an empty keep-alive between events."""
    done: bool = False
    """Finish with `data: [DONE]`."""
    crlf: bool = False
    bare_data: bool = False
    """Leave the `event:` lines out."""
    drop_partials: tuple[int, ...] = ()
    """`partial_image_index` values that are never sent."""
    final_first: bool = False
    """The finished image comes before the partials."""
    error_after: int | None = None
    """So many events, then an error event, then the end."""
    end_after: int | None = None
    """So many events, then the end of a well-formed stream."""
    cut: int | None = None
    """So many bytes of the stream, then a connection closed in the middle of it."""


@dataclass(frozen=True)
class Step:
    """What happens to one request. Fields left alone change nothing; see the functions below."""

    error: str = ""
    answer: str = ""
    reset: str = ""
    stall: str = ""
    delay: float = 0.0
    delay_at: str = "processing"
    location: str = ""
    status: int | None = None
    message: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    billed: bool | None = None
    stream: StreamShape | None = None
    match: str = "/images/"

    def __post_init__(self) -> None:
        if self.error and self.error not in ERRORS:
            raise ValueError(f"no error row {self.error!r}; there are {', '.join(sorted(ERRORS))}")
        if self.answer and self.answer not in ANSWERS:
            raise ValueError(f"no answer {self.answer!r}; there are {', '.join(ANSWERS)}")
        for stage in (self.reset, self.stall, self.delay_at):
            if stage and stage not in STAGES:
                raise ValueError(f"no stage {stage!r}; there are {', '.join(STAGES)}")

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Step:
        """A step of a script file; unknown names raise TypeError."""
        values = dict(values)
        if values.get("stream") is not None:
            shape = dict(values["stream"])
            shape["drop_partials"] = tuple(shape.get("drop_partials", ()))
            values["stream"] = StreamShape(**shape)
        return cls(**values)

    def name(self) -> str:
        """The fields that differ from an untouched request, for the record."""
        changed = {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) != f.default}
        return ", ".join(f"{name}={value}" for name, value in changed.items() if value != {}) or "nothing"

    def refusal(self) -> ApiError | None:
        """The error this step answers with, if it does."""
        if not self.error:
            return None
        row = dict(ERRORS[self.error])
        row["headers"] = {**row.get("headers", {}), **self.headers}
        row["status"] = self.status or row["status"]
        row["message"] = self.message or row["message"]
        refusal = ApiError(row.pop("status"), row.pop("message"), **row)
        refusal.error.update(self.body or {})
        return refusal


def ok() -> Step:
    """An untouched request, to let some pass before the next step."""
    return Step()


def error(name: str, **changes: Any) -> Step:
    """Refuse with a row of ERRORS; `status`, `message`, `headers` and `body` change it."""
    return Step(error=name, **changes)


def answer(name: str, **changes: Any) -> Step:
    """Do the work, bill it, and answer with one of ANSWERS."""
    return Step(answer=name, **changes)


def reset(stage: str, **changes: Any) -> Step:
    """Reset the connection at a stage of STAGES. From `processing` on the work is done and billed."""
    return Step(reset=stage, **changes)


def stall(stage: str, **changes: Any) -> Step:
    """Hold the request at a stage until `server.release()` or the client goes away."""
    return Step(stall=stage, **changes)


def delay(seconds: float, stage: str = "processing", **changes: Any) -> Step:
    """Wait at a stage, less when the client goes away."""
    return Step(delay=seconds, delay_at=stage, **changes)


def redirect(location: str, status: int = 307, **changes: Any) -> Step:
    """Answer with a redirect to another URL."""
    return Step(answer="redirect", location=location, status=status, **changes)


def stream(**shape: Any) -> Step:
    """Bend an event stream; the fields of StreamShape."""
    return Step(stream=StreamShape(**shape))


def load_script(text: str) -> list[Step]:
    """Steps from a JSON array of objects with the fields of Step."""
    return [Step.from_dict(values) for values in json.loads(text)]
