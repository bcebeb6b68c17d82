"""OpenAI's Images API, and servers that speak it."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import zlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ...errors import APIConnectionError, APIError, InvalidResponseError
from ...http.client import MAX_ANSWER_BYTES, Files, Reply, Sink, send
from ...http.decompression import UnpackedTooLargeError, unpack
from ...http.endpoint import IMAGE_FIELDS, Connection, is_loopback
from ...http.request_state import RequestState
from ...http.retry import with_retries
from ...imaging.formats import Upload, verify
from ...request.request import GenerationRequest
from ..base import Answer, Reporter, Uploads
from .downloads import fetch_all, not_followed
from .errors import error_from
from .fields import make_fields
from .models_endpoint import list_models
from .response import AnswerReader

GENERATIONS = "/images/generations"
EDITS = "/images/edits"


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


def form_files(uploads: Uploads, picture_fields: str = "brackets") -> Files:
    """The images of a multipart form.

    :param picture_fields: one of `endpoint.IMAGE_FIELDS`, for several references; one is ``image``.
    """
    name = "image" if len(uploads.references) == 1 else IMAGE_FIELDS[picture_fields]
    named: list[tuple[str, Upload]] = [(name, upload) for upload in uploads.references]
    named += [(key, upload) for key, upload in (("mask", uploads.mask), ("markup", uploads.markup)) if upload]
    return [(key, (upload.name, upload.data, upload.mime)) for key, upload in named]


def json_images(uploads: Uploads) -> dict[str, Any]:
    """The images of an edit in the JSON form, as data URLs."""
    found: dict[str, Any] = {"images": [_data_url(upload) for upload in uploads.references]}
    for name, upload in (("mask", uploads.mask), ("markup", uploads.markup)):
        if upload is not None:
            found[name] = _data_url(upload)
    return found


def _data_url(upload: Upload) -> dict[str, str]:
    return {"image_url": f"data:{upload.mime};base64,{base64.b64encode(upload.data).decode()}"}


def _is_whole(image: bytes) -> bool:
    try:
        verify(image)
    except InvalidResponseError:
        return False
    return True


class OpenAIProvider:
    """Sends requests to ``connection.base_url``."""

    relief = None

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def list_models(self) -> list[str]:
        """See `Provider.list_models`."""
        return list_models(self.connection)

    def generate(
        self,
        request: GenerationRequest,
        prompt: str,
        uploads: Uploads,
        request_state: RequestState,
        report: Reporter,
    ) -> Answer:
        """See `Provider.generate`."""
        values = make_fields(request, prompt)
        reader = AnswerReader(request.n, report.on_partial)

        def attempt() -> Reply:
            try:
                return self._send(values, uploads, request_state, reader.open)
            except (APIConnectionError, InvalidResponseError):
                if reader.keeps_what_came():
                    return reader.head
                raise

        def on_wait(seconds: float, error: APIError) -> None:
            report.on_wait(seconds, error.message)

        def failure(reply: Reply) -> APIError | None:
            error = error_from(reply, request.model)
            return None if error is not None and reader.holds_images(reply) else error

        with_retries(attempt, failure, request_state, on_wait=on_wait)
        answer = reader.answer()
        if not reader.links:
            return answer
        return fetch_all(answer, reader.links, request_state, local=is_loopback(self.connection.base_url))

    def read(self, request: GenerationRequest, body: Iterable[bytes]) -> Answer:
        """See `Provider.read`. Links in it are not followed, and so its bytes are worth keeping."""
        reader = AnswerReader(request.n, lambda index, preview: None)
        with contextlib.suppress(UnpackedTooLargeError, zlib.error):  # what came before counts
            for piece in unpack(body, MAX_ANSWER_BYTES):
                if reader.feed(piece):
                    break
        answer = reader.answer()
        if not any(map(_is_whole, answer.images)):
            raise InvalidResponseError("The server's answer holds no whole image.", billed="maybe")
        if not reader.links:
            return answer
        warnings = (*answer.warnings, *not_followed(reader.links))
        return dataclasses.replace(answer, is_whole=False, warnings=warnings)

    def _send(
        self,
        values: Mapping[str, Any],
        uploads: Uploads,
        request_state: RequestState,
        sink: Callable[[Reply], Sink | None],
    ) -> Reply:
        if not uploads.references:
            return send(self.connection, "POST", GENERATIONS, request_state, json=values, sink=sink)
        return send(
            self.connection,
            "POST",
            EDITS,
            request_state,
            fields=form_fields(values),
            files=form_files(uploads, self.connection.picture_fields),
            sink=sink,
        )
