"""Offline drafts: images without a network, a key or a price."""

from __future__ import annotations

import io
from collections.abc import Iterable

import numpy as np
from PIL import Image

from ...errors import InvalidResponseError
from ...http.endpoint import Connection
from ...http.request_state import RequestState
from ...imaging.formats import Upload, decode
from ...imaging.png_writer import encode_png
from ...request.models import DEFAULT_GIF_FRAMES
from ...request.parameters import ANIMATED, DEFAULT_SIZE, DRAWING
from ...request.pricing import Usage
from ...request.providers import PROVIDERS
from ...request.request import GenerationRequest
from ...request.sizes import AUTO, parse_size
from ...text.message import join, message
from ..base import Answer, Reporter, Uploads
from .painter import RELIEF, Draft, draw_logo, encode_gif, paint

LOGO = "logo"
FRAME_MS = 100  # where the request names none
JPEG_QUALITY = 92  # where the request names no compression


class OfflineProvider:
    """Paints drafts on this machine."""

    relief = RELIEF

    def __init__(self, connection: Connection) -> None:
        """
        :param connection: not used, as there is no server.
        """

    def list_models(self) -> list[str]:
        """See `Provider.list_models`."""
        return [PROVIDERS["offline"].default_model]

    def generate(
        self,
        request: GenerationRequest,
        prompt: str,
        uploads: Uploads,
        request_state: RequestState,
        report: Reporter,
    ) -> Answer:
        """See `Provider.generate`; the style's words are not drawn, so the request's own prompt is used."""
        if request.output_format == DRAWING:
            logos = tuple(draw_logo(request.prompt, index).encode() for index in range(request.n))
            return Answer(logos, usage=Usage(), warnings=(_notice(LOGO, uploads.mask),))
        width, height = parse_size(DEFAULT_SIZE if request.size == AUTO else request.size)
        references = [decode(upload.data) for upload in uploads.references]
        images, heights, families = [], [], []
        for index in range(request.n):
            request_state.check()
            draft = paint(
                request.prompt,
                width,
                height,
                index=index,
                transparent=request.background == "transparent" or request.output_format in ANIMATED,
                references=references,
            )
            images.append(_encode(draft, request))
            heights.append(encode_png(np.rint(draft.height * 65535).astype(np.uint16)))
            families.append(draft.family)
        return Answer(
            tuple(images), tuple(heights), usage=Usage(), warnings=(_notice(families[0], uploads.mask),)
        )

    def read(self, request: GenerationRequest, body: Iterable[bytes]) -> Answer:
        """See `Provider.read`.

        :raises InvalidResponseError: always, as no server answers.
        """
        raise InvalidResponseError("An offline draft has no answer of a server.")


def _notice(family: str, mask: Upload | None) -> str:
    notice = message(
        "This is an offline draft ({family}), drawn on this machine and not by a model.", family=family
    )
    return join(notice, "Drafts take no mask; the whole image was painted.") if mask is not None else notice


def _encode(draft: Draft, request: GenerationRequest) -> bytes:
    if request.output_format == "png":
        return encode_png(draft.color)
    if request.output_format in ANIMATED:
        count = request.frame_count or DEFAULT_GIF_FRAMES
        return encode_gif(draft.color, count, request.frame_duration_ms or FRAME_MS)
    quality = JPEG_QUALITY if request.output_compression is None else request.output_compression
    stream = io.BytesIO()
    Image.fromarray(draft.color).save(stream, request.output_format.upper(), quality=quality)
    return stream.getvalue()
