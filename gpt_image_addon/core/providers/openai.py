"""OpenAI's Images API, and servers that speak it."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from typing import Any

from ..connection import Connection
from ..errors import APIError, InvalidResponseError
from ..http import Exchange, Files, Reply, send, with_retries
from ..pricing import Usage
from ..request import GenerationRequest
from .base import Answer, Reporter, Uploads
from .openai_errors import error_from

GENERATIONS = "/images/generations"
EDITS = "/images/edits"
DECODE_STEP = 256 * 1024  # characters of base64 decoded at once; a whole picture would stall other threads
UNLESS_DEFAULT: dict[str, Any] = {
    "background": "auto",
    "moderation": "auto",
    "output_format": "png",
    "output_compression": None,
    "complexity": None,
    "input_fidelity": None,
    "safety_identifier": None,
    "frame_count": None,
    "frame_duration_ms": None,
}
_PICTURE = re.compile(rb'("b64_json"\s*:\s*)"([^"]*)"')


def parameters(request: GenerationRequest, prompt: str) -> dict[str, Any]:
    """The fields of a request, without its pictures; what equals the API's own default is left out."""
    values: dict[str, Any] = {
        "model": request.model,
        "prompt": prompt,
        "n": request.n,
        "size": request.size,
        "quality": request.quality,
    }
    values |= {
        name: getattr(request, name)
        for name, default in UNLESS_DEFAULT.items()
        if getattr(request, name) != default
    }
    if request.output_format == "svg" and request.svg_model:
        svg: dict[str, Any] = {"model": request.svg_model}
        if request.svg_reasoning_effort:
            svg["reasoning"] = {"effort": request.svg_reasoning_effort}
        values["svg"] = svg
    return values


def form_fields(values: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """The same fields as text of a multipart form; nested ones as ``outer[inner]``."""
    fields: dict[str, str] = {}
    for name, value in values.items():
        key = f"{prefix}[{name}]" if prefix else name
        if isinstance(value, Mapping):
            fields |= form_fields(value, key)
        else:
            fields[key] = str(value).lower() if isinstance(value, bool) else str(value)
    return fields


def form_files(uploads: Uploads) -> Files:
    """The pictures of a multipart form: one as ``image``, several as ``image[]``."""
    name = "image" if len(uploads.references) == 1 else "image[]"
    named = [(name, upload) for upload in uploads.references]
    named += [(key, upload) for key, upload in (("mask", uploads.mask), ("markup", uploads.markup)) if upload]
    return [(key, (upload.name, upload.data, upload.mime)) for key, upload in named]


class OpenAIProvider:
    """Sends requests to ``connection.base_url``."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def generate(
        self, request: GenerationRequest, prompt: str, uploads: Uploads, exchange: Exchange, report: Reporter
    ) -> Answer:
        """See `Provider.generate`."""
        values = parameters(request, prompt)

        def attempt() -> Reply:
            if not uploads.references:
                return send(self.connection, "POST", GENERATIONS, exchange, json=values)
            return send(
                self.connection,
                "POST",
                EDITS,
                exchange,
                fields=form_fields(values),
                files=form_files(uploads),
            )

        def on_wait(seconds: float, error: APIError) -> None:
            report.on_wait(seconds, error.message)

        reply = with_retries(
            attempt, lambda reply: error_from(reply, request.model), exchange, on_wait=on_wait
        )
        return read_answer(reply)


def read_answer(reply: Reply) -> Answer:
    """The pictures and the usage of a successful answer.

    :raises InvalidResponseError: there is no picture in it.
    """
    pictures: list[bytes] = []

    def lift(found: re.Match[bytes]) -> bytes:
        pictures.append(decode_base64(found[2], reply.request_id))
        return found[1] + b'""'

    # The pictures are taken out before the rest is parsed: json would copy each of them twice more.
    rest = _PICTURE.sub(lift, reply.body)
    try:
        answer = json.loads(rest)
        data = answer["data"]
        usage = read_usage(answer.get("usage"))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _unusable("The server's answer can't be read", reply.request_id) from error
    if not isinstance(data, list) or not pictures:
        raise _unusable("The server's answer holds no picture", reply.request_id)
    return Answer(tuple(pictures), usage=usage, request_id=reply.request_id)


def decode_base64(text: bytes, request_id: str | None = None) -> bytes:
    """Decode in steps, each short enough to let other threads run.

    :raises InvalidResponseError: not base64, or cut off.
    """
    text = text.replace(b"\\/", b"/")
    try:
        return b"".join(
            base64.b64decode(text[start : start + DECODE_STEP], validate=True)
            for start in range(0, len(text), DECODE_STEP)
        )
    except binascii.Error as error:
        raise _unusable("A picture in the server's answer is cut off or broken", request_id) from error


def read_usage(found: object) -> Usage | None:
    """Tokens by kind; None where the answer tells none."""
    if not isinstance(found, dict):
        return None
    inputs = _details(found, "input_tokens_details")
    outputs = _details(found, "output_tokens_details")
    text_out = _count(outputs, "text_tokens")
    return Usage(
        input_text=_count(inputs, "text_tokens"),
        input_image=_count(inputs, "image_tokens"),
        output_text=text_out,
        output_image=_count(found, "output_tokens") - text_out,
    )


def _details(usage: dict[str, Any], key: str) -> dict[str, Any]:
    found = usage.get(key)
    return found if isinstance(found, dict) else {}


def _count(values: dict[str, Any], key: str) -> int:
    found = values.get(key)
    return found if isinstance(found, int) else 0


def _unusable(message: str, request_id: str | None) -> InvalidResponseError:
    return InvalidResponseError(
        f"{message}.",
        request_id=request_id,
        billed="maybe",
        next_step="The request may have been billed; it is not sent again by itself.",
    )
