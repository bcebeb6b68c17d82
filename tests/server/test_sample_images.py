"""The images the server answers with are what the request asked for."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
import pytest
import requests
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from ..api_server import ApiServer, sample_images
from .raw import edit, generate, image_file, part


def pixels(response: requests.Response, index: int = 0) -> NDArray[np.int16]:
    data = base64.b64decode(response.json()["data"][index]["b64_json"])
    return np.asarray(Image.open(io.BytesIO(data))).astype(np.int16)


def test_the_request_decides_the_image(api_server: ApiServer) -> None:
    same, again = generate(api_server, prompt="a"), generate(api_server, prompt="a")
    other = generate(api_server, prompt="b")
    assert np.array_equal(pixels(same), pixels(again))
    assert not np.array_equal(pixels(same), pixels(other))
    first, second = api_server.requests[:2]
    assert first.answers != second.answers  # the provenance names the request
    api_server.options.provenance = False
    assert same.json()["data"] != generate(api_server, prompt="a").json()["data"]
    assert api_server.requests[3].answers != first.answers


def test_provenance_is_a_sound_chunk() -> None:
    plain = sample_images.painted(1, (64, 64), "png", 100, False, False)
    stamped = sample_images.stamped(plain, b"note")
    opened = Image.open(io.BytesIO(stamped))
    opened.load()
    assert np.array_equal(np.asarray(opened), np.asarray(Image.open(io.BytesIO(plain))))
    assert stamped[33:49] == b"\0\0\0\4caBXnote" + stamped[45:49] and len(stamped) == len(plain) + 16


def test_a_masked_edit_follows_the_mask_loosely(api_server: ApiServer) -> None:
    mask = Image.new("RGBA", (64, 64), (0, 0, 0, 255))
    ImageDraw.Draw(mask).rectangle((0, 0, 31, 63), fill=(0, 0, 0, 0))
    buffer = io.BytesIO()
    mask.save(buffer, "PNG")
    files = [part("image", image_file((64, 64))), part("mask", buffer.getvalue())]
    made = pixels(edit(api_server, files, size="1024x1024"))
    change = np.abs(made - np.array([200, 80, 20])).max(axis=2)
    assert change[:, :480].min() > 3
    assert (change[:, 544:] == 3).all()


def test_an_edit_shows_its_reference(api_server: ApiServer) -> None:
    dark = pixels(edit(api_server, [part("image", image_file(colour=0))]))
    light = pixels(edit(api_server, [part("image", image_file(colour=255))]))
    assert (light[..., 0] - dark[..., 0] > 100).all()


def test_noise_is_as_heavy_as_a_photograph(api_server: ApiServer) -> None:
    api_server.options.noise = True
    generate(api_server)
    (made,) = api_server.answers.values()
    assert 3_000_000 < len(made) < 3_500_000


@pytest.mark.parametrize("output_format", ["png", "jpeg", "webp"])
def test_partials_have_the_size_and_format_of_the_image(output_format: str) -> None:
    final = sample_images.painted(2, (320, 160), output_format, 90, output_format == "webp", False)
    with Image.open(io.BytesIO(final)) as whole:
        for index in range(3):
            with Image.open(io.BytesIO(sample_images.partial(final, index, 3))) as preview:
                assert (preview.size, preview.format, preview.mode) == (whole.size, whole.format, whole.mode)


@pytest.mark.parametrize(
    ("compression", "parameters"), [(10, {"output_format": "jpeg"}), (10, {"output_format": "webp"})]
)
def test_compression_makes_it_smaller(
    api_server: ApiServer, compression: int, parameters: dict[str, Any]
) -> None:
    generate(api_server, **parameters)
    generate(api_server, output_compression=compression, **parameters)
    large, small = (len(api_server.answers[record.answers[0]]) for record in api_server.requests)
    assert small < large
