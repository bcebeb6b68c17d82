"""Turns what was made into bytes for the wire, straight or mangled as a step asks."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from . import images, sample_images
from .errors import ApiError
from .faults import Step, StreamShape
from .images import Job
from .records import sha256

JSON = "application/json"
SUFFIXES = {"jpeg": "jpg"}
_HTML = (
    b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1><hr>proxy</body></html>"
)


@dataclass
class Answer:
    """One HTTP answer. `chunks` is set for streams, `content_length` where it is to be wrong."""

    status: int = 200
    body: bytes = b""
    content_type: str = JSON
    headers: dict[str, str] = field(default_factory=dict)
    chunks: list[bytes] | None = None
    content_length: int | None = None
    cut: bool = False
    """Close the connection after the last chunk without ending the body."""


def refusal(error: ApiError) -> Answer:
    return Answer(error.status, error.body(), headers=error.headers)


def as_json(document: Any, status: int = 200) -> Answer:
    return Answer(status, json.dumps(document).encode())


def whole(job: Job, made: Sequence[bytes], step: Step, file_url: str, *, link: bool) -> Answer:
    """The answer to a request without streaming. `link` answers with URLs below `file_url`."""
    shown = _swapped(made, step.answer)
    suffix = SUFFIXES.get(job.parameters.output_format, job.parameters.output_format)
    if link or step.answer == "url":
        data = [{"url": f"{file_url}/{sha256(image)}.{suffix}"} for image in shown]
    else:
        data = [{"b64_json": text} for text in _texts(shown, step.answer)]
    document = images.document(job, data, job.usage(len(made), 0))
    _mangle_document(document, step.answer)
    return _mangled(as_json(document), step)


def _swapped(made: Sequence[bytes], how: str) -> list[bytes]:
    if how == "bomb":
        return [sample_images.bomb() for _ in made]
    if how == "one_corrupt":
        return [*made[:-1], sample_images.corrupted(made[-1])]
    if how == "not_an_image":
        return [b"this is not an image" for _ in made]
    return list(made)


def _texts(shown: Sequence[bytes], how: str) -> list[str]:
    texts = [images.base64_text(image) for image in shown]
    if how == "truncated_base64":
        return [text[: len(text) // 2 // 4 * 4 + 1] for text in texts]
    return texts


def _mangle_document(document: dict[str, Any], how: str) -> None:
    if how == "empty_data":
        document["data"] = []
    elif how == "no_data":
        del document["data"]
    elif how == "no_usage":
        del document["usage"]


def _mangled(answer: Answer, step: Step) -> Answer:
    if step.answer == "truncated_json":
        answer.body = answer.body[: len(answer.body) // 2]
    elif step.answer == "wrong_content_type":
        answer.content_type = "text/plain"
    elif step.answer == "html":
        answer = Answer(502, _HTML, "text/html")
    elif step.answer == "gzip":
        answer.body = gzip.compress(answer.body, 1)
        answer.headers["Content-Encoding"] = "gzip"
    elif step.answer == "redirect":
        answer = Answer(307, headers={"Location": step.location})
    elif step.answer == "content_length_too_long":
        answer.content_length = len(answer.body) + 1000
    elif step.answer == "content_length_too_short":
        answer.content_length = len(answer.body) - 1000
    answer.status = step.status or answer.status
    answer.headers.update(step.headers)
    return answer


def streamed(job: Job, made: Sequence[bytes], step: Step) -> Answer:
    """The answer to a streaming request, as chunks to be sent one by one."""
    shape = step.stream or StreamShape()
    events = images.events(job, made, _texts(_swapped(made, step.answer), step.answer), shape)
    if shape.error_after is not None:
        inner = ApiError(500, "The stream broke.", type="server_error", code="server_error").error
        events = [*events[: shape.error_after], {"type": "error", "error": inner}]
    if shape.end_after is not None:
        events = events[: shape.end_after]
    chunks = [_event(event, shape) for event in events]
    if shape.done:
        chunks.append(b"data: [DONE]\n\n")
    if shape.comments:
        chunks = [piece for chunk in chunks for piece in (b": keep-alive\n\n", chunk)]
    if shape.crlf:
        chunks = [chunk.replace(b"\n", b"\r\n") for chunk in chunks]
    if shape.cut is not None:
        chunks = [b"".join(chunks)[: shape.cut]]
    if shape.split:
        stream = b"".join(chunks)
        chunks = [stream[at : at + shape.split] for at in range(0, len(stream), shape.split)]
    answer = Answer(content_type="text/event-stream; charset=utf-8", chunks=chunks, cut=shape.cut is not None)
    answer.headers["Cache-Control"] = "no-cache"
    return answer


def _event(event: Mapping[str, Any], shape: StreamShape) -> bytes:
    head = b"" if shape.bare_data else f"event: {event['type']}\n".encode()
    return head + b"data: " + json.dumps(event).encode() + b"\n\n"
