"""Raw requests to the server, for what the official client would never send."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

import requests
from PIL import Image

from ..api_server import ApiServer

MODEL = "gpt-image-2.6-sunburst"
EDIT_MODEL = "gpt-image-2.5-flare"
FilePart = tuple[str, tuple[str, bytes, str]]


def image_file(
    size: tuple[int, int] = (64, 48), *, alpha: int | None = None, kind: str = "PNG", colour: int = 200
) -> bytes:
    """An encoded flat image; with an alpha value where one is given."""
    buffer = io.BytesIO()
    channels = (colour, 80, 20) if alpha is None else (colour, 80, 20, alpha)
    Image.new("RGB" if alpha is None else "RGBA", size, channels).save(buffer, kind)
    return buffer.getvalue()


def part(field: str, data: bytes | None = None, media_type: str = "image/png") -> FilePart:
    return field, ("a.png", image_file() if data is None else data, media_type)


def bearer(server: ApiServer) -> dict[str, str]:
    return {"Authorization": f"Bearer {server.api_key}"}


def generate(server: ApiServer, timeout: float = 20, **parameters: Any) -> requests.Response:
    """A generation: the parameters over a valid model and prompt."""
    sent = {"model": MODEL, "prompt": "x", **parameters}
    url = f"{server.base_url}/images/generations"
    return requests.post(url, json=sent, headers=bearer(server), timeout=timeout)


def edit(
    server: ApiServer, files: Sequence[FilePart] = (part("image"),), /, **fields: str
) -> requests.Response:
    """A multipart edit with text fields over a valid model and prompt."""
    sent = {"model": EDIT_MODEL, "prompt": "x", **fields}
    url = f"{server.base_url}/images/edits"
    return requests.post(url, data=sent, files=list(files), headers=bearer(server), timeout=20)


def edit_json(server: ApiServer, **fields: Any) -> requests.Response:
    """An edit in its JSON form."""
    sent = {"model": EDIT_MODEL, "prompt": "x", **fields}
    return requests.post(f"{server.base_url}/images/edits", json=sent, headers=bearer(server), timeout=20)


def error_of(response: requests.Response) -> Mapping[str, Any]:
    """The error object, after checking that body and headers are as the API sends them."""
    body = json.loads(response.content)
    assert set(body) == {"error"} and {"message", "type", "param", "code"} <= set(body["error"])
    assert response.headers["x-request-id"].startswith("req_")
    assert int(response.headers["openai-processing-ms"]) >= 0
    assert "x-ratelimit-limit-requests" in response.headers
    error: Mapping[str, Any] = body["error"]
    return error
