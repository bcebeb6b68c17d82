"""The official client against the local server: both must speak the same protocol."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from typing import Any

import httpx2
import openai
import pytest
from PIL import Image

from ..api_server import DEPLOYMENT, ApiServer, faults

CURRENT = "gpt-image-2.6-sunburst"
ALIVE = [
    "gpt-image-2.6-sunburst",
    "gpt-image-2.6-flare",
    "gpt-image-2.5-sunburst",
    "gpt-image-2.5-sunburst-2026-09-08",
    "gpt-image-2.5-flare",
    "gpt-image-2.5-flare-2026-09-08",
    "gpt-image-2",
    "gpt-image-2-2026-04-21",
    "gpt-image-1.5",
    "gpt-image-1-mini",
    "chatgpt-image-latest",
]


@pytest.fixture(scope="module")
def transport() -> Iterator[httpx2.Client]:
    """One for all tests here: loading certificates is slow."""
    with httpx2.Client() as made:
        yield made


@pytest.fixture
def client(api_server: ApiServer, transport: httpx2.Client) -> openai.OpenAI:
    return openai.OpenAI(
        api_key=api_server.api_key, base_url=api_server.base_url, max_retries=0, http_client=transport
    )


def png(size: tuple[int, int] = (64, 48), *, alpha: int | None = None) -> bytes:
    buffer = io.BytesIO()
    colour = (200, 80, 20) if alpha is None else (200, 80, 20, alpha)
    Image.new("RGB" if alpha is None else "RGBA", size, colour).save(buffer, "PNG")
    return buffer.getvalue()


def image_file(name: str = "first.png", size: tuple[int, int] = (64, 48)) -> tuple[str, bytes, str]:
    return name, png(size), "image/png"


def images_of(answer: openai.types.ImagesResponse) -> list[bytes]:
    assert answer.data is not None
    return [base64.b64decode(entry.b64_json or "") for entry in answer.data]


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def test_models_are_listed_with_shutdown_dates(client: openai.OpenAI) -> None:
    listed = {model.id: model for model in client.models.list()}
    assert set(ALIVE) < set(listed)
    assert listed["gpt-image-1.5"].shutdown_date == "2026-12-01"
    assert listed[CURRENT].shutdown_date is None
    assert client.models.retrieve(CURRENT).object == "model"


@pytest.mark.parametrize("model", ALIVE)
def test_every_model_generates(client: openai.OpenAI, api_server: ApiServer, model: str) -> None:
    answer = client.images.generate(model=model, prompt="oak planks", size="1024x1024", quality="low")
    (image,) = images_of(answer)
    assert opened(image).size == (1024, 1024)
    (record,) = api_server.requests
    assert api_server.answers == {record.answers[0]: image}
    assert record.billed and api_server.bill_usd == record.cost_usd > 0
    assert answer.usage is not None and answer.usage.to_dict() == record.usage


@pytest.mark.parametrize(
    ("parameters", "mode", "size"),
    [
        ({"size": "1536x864", "output_format": "jpeg", "output_compression": 60}, "RGB", (1536, 864)),
        ({"background": "transparent", "output_format": "webp", "size": "816x816"}, "RGBA", (816, 816)),
        ({"background": "transparent", "moderation": "low"}, "RGBA", (1024, 1024)),
        ({"quality": "max", "complexity": "low", "size": "auto"}, "RGB", (1024, 1024)),
        ({"safety_identifier": "a1b2", "user": "old"}, "RGB", (1024, 1024)),
    ],
)
def test_parameters_shape_the_image(
    client: openai.OpenAI, parameters: dict[str, Any], mode: str, size: tuple[int, int]
) -> None:
    answer = client.images.generate(model=CURRENT, prompt="rust", **parameters)
    image = opened(images_of(answer)[0])
    assert (image.mode, image.size) == (mode, size)
    assert (image.format or "").lower() == answer.output_format == parameters.get("output_format", "png")
    assert answer.background == parameters.get("background", "opaque")
    assert answer.quality == parameters.get("quality", "medium")
    assert answer.safety_identifier == parameters.get("safety_identifier")
    if mode == "RGBA":
        assert image.getchannel("A").getextrema() == (0, 255)


def test_gif_and_svg(client: openai.OpenAI) -> None:
    animated = client.images.generate(
        model=CURRENT, prompt="x", output_format="gif", frame_count=4, size="256x256"
    )
    assert getattr(opened(images_of(animated)[0]), "n_frames", 0) == 4
    drawn = client.images.generate(
        model=CURRENT, prompt="x", output_format="svg", svg={"model": "gpt-6", "reasoning": {"effort": "low"}}
    )
    assert images_of(drawn)[0].startswith(b"<svg")
    assert drawn.svg_usage is not None and drawn.svg_usage.model == "gpt-6"


def test_several_images_differ_and_carry_provenance(client: openai.OpenAI) -> None:
    images = images_of(client.images.generate(model=CURRENT, prompt="moss", n=3, size="816x816"))
    assert len(set(images)) == 3
    assert all(b"caBX" in image for image in images)


def test_one_reference(client: openai.OpenAI, api_server: ApiServer) -> None:
    answer = client.images.edit(model=CURRENT, image=image_file(), prompt="older", size="1024x1024")
    assert opened(images_of(answer)[0]).size == (1024, 1024)
    (record,) = api_server.requests
    assert [(part.field, part.filename) for part in record.files] == [("image", "first.png")]
    assert record.fields == {"model": CURRENT, "prompt": "older", "size": "1024x1024"}


def test_several_references_mask_and_flags(client: openai.OpenAI, api_server: ApiServer) -> None:
    answer = client.images.edit(
        model="gpt-image-2.5-flare",
        image=[image_file(), image_file("second.png", (1024, 1024))],
        mask=("mask.png", png(alpha=0), "image/png"),
        prompt="older",
        n=2,
        stream=False,
        quality="xhigh",
        svg=None,
    )
    assert len(images_of(answer)) == 2
    (record,) = api_server.requests
    assert [part.field for part in record.files] == ["image[]", "image[]", "mask"]
    assert record.fields["stream"] == "false" and record.fields["n"] == "2"
    # 64x48 is magnified twice to 128x96: 4 * 3 cells; 1024x1024 has 1024.
    assert answer.usage is not None and answer.usage.input_tokens_details.image_tokens == 12 + 1024


def test_markup(client: openai.OpenAI) -> None:
    marked: dict[str, Any] = {
        "image": image_file(),
        "markup": ("m.png", png(alpha=100), "image/png"),
        "prompt": "x",
    }
    assert images_of(client.images.edit(model="gpt-image-2.5-flare", **marked))
    with pytest.raises(openai.BadRequestError) as caught:
        client.images.edit(model="gpt-image-2", **marked)
    assert caught.value.param == "markup"


@pytest.mark.parametrize("partials", [0, 2, 3])
def test_generation_stream(client: openai.OpenAI, api_server: ApiServer, partials: int) -> None:
    stream = client.images.generate(
        model=CURRENT, prompt="x", stream=True, partial_images=partials, quality="low"
    )
    *previews, final = list(stream)
    assert [event.type for event in previews] == ["image_generation.partial_image"] * partials
    assert [getattr(event, "partial_image_index", None) for event in previews] == list(range(partials))
    assert all(opened(base64.b64decode(event.b64_json)).size == (1024, 1024) for event in previews)
    assert final.type == "image_generation.completed"
    assert api_server.requests[0].answers == [
        next(key for key, value in api_server.answers.items() if value == base64.b64decode(final.b64_json))
    ]
    assert final.usage.output_tokens == 686 + 100 * partials  # 3.5 times 2.5's 196


def test_edit_stream(client: openai.OpenAI) -> None:
    stream = client.images.edit(
        model=CURRENT, image=[image_file()], prompt="x", stream=True, partial_images=1
    )
    assert [event.type for event in stream] == ["image_edit.partial_image", "image_edit.completed"]


@pytest.mark.parametrize(
    "shape", [{"split": 7}, {"comments": True, "done": True}, {"crlf": True, "split": 1000}]
)
def test_bent_streams_are_still_streams(
    client: openai.OpenAI, api_server: ApiServer, shape: dict[str, Any]
) -> None:
    api_server.script(faults.stream(**shape))
    stream = client.images.generate(model=CURRENT, prompt="x", stream=True, partial_images=1, size="816x816")
    assert [event.type.rpartition(".")[2] for event in stream] == ["partial_image", "completed"]


def test_error_event_in_a_stream(client: openai.OpenAI, api_server: ApiServer) -> None:
    api_server.script(faults.stream(error_after=1))
    stream = client.images.generate(model=CURRENT, prompt="x", stream=True, partial_images=1)
    with pytest.raises(openai.APIError, match="The stream broke"):
        list(stream)


STATUS_ERRORS: dict[int, type[openai.APIStatusError]] = {
    400: openai.BadRequestError,
    401: openai.AuthenticationError,
    403: openai.PermissionDeniedError,
    404: openai.NotFoundError,
    408: openai.APIStatusError,
    429: openai.RateLimitError,
    500: openai.InternalServerError,
    502: openai.InternalServerError,
    503: openai.InternalServerError,
    504: openai.InternalServerError,
}


@pytest.mark.parametrize("name", sorted(faults.ERRORS))
def test_every_error_row_reaches_the_client(client: openai.OpenAI, api_server: ApiServer, name: str) -> None:
    row = faults.ERRORS[name]
    api_server.script(faults.error(name))
    with pytest.raises(STATUS_ERRORS[row["status"]]) as caught:
        client.images.generate(model=CURRENT, prompt="x")
    error = caught.value
    assert (error.status_code, error.code, error.type) == (row["status"], row["code"], row["type"])
    assert error.param == row.get("param")
    assert error.request_id == api_server.requests[0].request_id
    assert row["message"] in error.message
    assert api_server.bill_usd == 0


def test_wrong_key_is_refused_and_masked(api_server: ApiServer) -> None:
    wrong = api_server.api_key[:-1] + "!"
    client = openai.OpenAI(api_key=wrong, base_url=api_server.base_url, max_retries=0)
    with client, pytest.raises(openai.AuthenticationError) as caught:
        client.images.generate(model=CURRENT, prompt="x")
    assert caught.value.code == "invalid_api_key"
    assert wrong not in caught.value.message and f"{wrong[:8]}***" in caught.value.message
    assert wrong not in str(api_server.requests[0].to_dict())


@pytest.mark.parametrize("model", ["dall-e-3", "gpt-image-1", "gpt-image-9"])
def test_dead_and_unknown_models(client: openai.OpenAI, model: str) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        client.images.generate(model=model, prompt="x")
    assert caught.value.code == "model_not_found"


def test_client_retries_what_it_may(api_server: ApiServer) -> None:
    busy = faults.error("slow_down", headers={"retry-after-ms": "1"})
    api_server.script(busy, busy)
    with openai.OpenAI(api_key=api_server.api_key, base_url=api_server.base_url, max_retries=2) as client:
        assert client.images.generate(model=CURRENT, prompt="x").data
    assert [record.status for record in api_server.requests] == [503, 503, 200]


def test_azure_routes(api_server: ApiServer) -> None:
    azure = openai.AzureOpenAI(
        api_key=api_server.api_key, azure_endpoint=api_server.origin, api_version="2026-09-01", max_retries=0
    )
    with azure:
        assert azure.images.generate(model=DEPLOYMENT, prompt="x").data
        assert azure.images.edit(model=DEPLOYMENT, image=[image_file()], prompt="x").data
        with pytest.raises(openai.NotFoundError) as caught:
            azure.images.generate(model="nobody", prompt="x")
    assert caught.value.code == "DeploymentNotFound"
    assert {record.path for record in api_server.requests[:2]} == {
        f"/openai/deployments/{DEPLOYMENT}/images/generations",
        f"/openai/deployments/{DEPLOYMENT}/images/edits",
    }
    with openai.OpenAI(api_key=api_server.api_key, base_url=f"{api_server.origin}/openai/v1") as newer:
        assert newer.images.generate(model=DEPLOYMENT, prompt="x").data


def test_links_are_served_without_a_key(client: openai.OpenAI, api_server: ApiServer) -> None:
    api_server.options.answer_with = "url"
    answer = client.images.generate(model=CURRENT, prompt="x")
    assert answer.data is not None and answer.data[0].url is not None
    fetched = httpx2.get(answer.data[0].url).content
    assert api_server.answers == {api_server.requests[0].answers[0]: fetched}
