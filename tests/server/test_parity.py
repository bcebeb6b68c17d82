"""The official client and ours against the same server: both send, read and are refused alike."""

from __future__ import annotations

import base64
import dataclasses
import io
import json
from collections.abc import Iterator
from datetime import date
from typing import Any

import httpx2
import openai
import pytest
from PIL import Image

from gpt_image_addon.core.errors import APIStatusError, InvalidRequestError
from gpt_image_addon.core.http.endpoint import Connection
from gpt_image_addon.core.http.request_state import RequestState
from gpt_image_addon.core.imaging.formats import Upload
from gpt_image_addon.core.providers.base import Answer, Reporter, Uploads
from gpt_image_addon.core.providers.openai.client import OpenAIProvider
from gpt_image_addon.core.request.models import check, load_registry
from gpt_image_addon.core.request.request import GenerationRequest

from ..api_server import DEPLOYMENT, ApiServer, Record, faults

MODELS = (
    "gpt-image-2.6-sunburst",
    "gpt-image-2.6-flare",
    "gpt-image-2.5-sunburst",
    "gpt-image-2.5-flare-2026-09-08",
    "gpt-image-2",
    "gpt-image-2-2026-04-21",
    "gpt-image-1.5",
    "chatgpt-image-latest",
    "gpt-image-1-mini",
)
TODAY = date(2026, 11, 22)
PROMPT = "Eichenbohlen, geölt: “weathered” 木\n\\ \x7f"
GIF = {"output_format": "gif", "size": "720x720"}

CHANGES: tuple[dict[str, Any], ...] = (
    {},
    {"n": 3},
    *({"quality": quality} for quality in ("low", "medium", "high", "xhigh", "max", "auto")),
    *({"size": size} for size in ("auto", "1536x1024", "1024x1536", "1920x1088", "816x816", "3840x1280")),
    *({"size": size} for size in ("1920x1080", "512x512", "3856x1296", "3840x1264", "2896x2896")),
    *({"complexity": complexity} for complexity in ("low", "medium", "high")),
    *({"background": background} for background in ("auto", "opaque", "transparent")),
    {"background": "transparent", "output_format": "webp"},
    {"background": "transparent", "output_format": "jpeg"},
    {"output_format": "jpeg", "output_compression": 0},
    {"output_format": "webp", "output_compression": 100},
    {"output_format": "png", "output_compression": 50},
    {"moderation": "low"},
    *({"input_fidelity": fidelity} for fidelity in ("high", "low")),
    *({"partial_images": count} for count in (1, 2, 3)),
    {"stream": True},
    {"stream": True, "n": 3},
    {"stream": True, "partial_images": 2, "n": 2, "output_format": "webp"},
    {"safety_identifier": "4f9a2c"},
    GIF,
    GIF | {"frame_count": 16, "frame_duration_ms": 80},
    GIF | {"size": "736x736", "frame_count": 13},
    GIF | {"size": "816x816", "frame_count": 12},
    GIF | {"size": "832x832", "frame_count": 10},
    GIF | {"size": "960x960", "frame_count": 9},
    GIF | {"size": "1024x1024"},
    GIF | {"size": "720x704"},
    GIF | {"size": "auto"},
    GIF | {"partial_images": 1},
    {"frame_count": 4},
    {"output_format": "svg", "svg_model": "gpt-6"},
    {"output_format": "svg", "svg_model": "gpt-6", "svg_reasoning_effort": "xhigh"},
    {"output_format": "svg", "svg_model": "gpt-6", "n": 2},
    {"output_format": "svg", "svg_model": "gpt-6", "stream": True},
    {"svg_model": "gpt-6"},
)
FILES: tuple[tuple[int, str | None], ...] = ((1, None), (3, None), (1, "mask"), (2, "mask"), (1, "markup"))
"""How many references, and what is laid over the first."""


def _png(colour: tuple[int, ...], size: tuple[int, int] = (96, 64)) -> bytes:
    stream = io.BytesIO()
    Image.new("RGBA" if len(colour) == 4 else "RGB", size, colour).save(stream, "PNG")
    return stream.getvalue()


IMAGES = [_png((40 * n, 90, 20)) for n in range(3)]
OVERLAY = _png((10, 20, 30, 0))


@pytest.fixture(scope="module")
def transport() -> Iterator[httpx2.Client]:
    with httpx2.Client() as made:
        yield made


@pytest.fixture
def official(api_server: ApiServer, transport: httpx2.Client) -> openai.OpenAI:
    return openai.OpenAI(
        api_key=api_server.api_key, base_url=api_server.base_url, max_retries=0, http_client=transport
    )


def request_of(model: str, changes: dict[str, Any], references: int = 0) -> GenerationRequest:
    return GenerationRequest(
        prompt=PROMPT,
        provider="openai",
        **{"model": model, "quality": "low", **changes},
        references=tuple(map(str, range(references))),
    )


def uploads_of(references: int, overlay: str | None) -> Uploads:
    shown = tuple(Upload(f"{n}.png", IMAGES[n], "image/png", 96, 64) for n in range(references))
    laid = Upload("over.png", OVERLAY, "image/png", 96, 64)
    return Uploads(shown, **({overlay: laid} if overlay else {}))


def ours(
    server: ApiServer, request: GenerationRequest, uploads: Uploads | None = None, **connection: Any
) -> tuple[Answer, list[bytes]]:
    partials: list[bytes] = []
    provider = OpenAIProvider(
        Connection(**{"base_url": server.base_url, "api_key": server.api_key, **connection})
    )
    report = Reporter(on_partial=lambda index, data: partials.append(data))
    answer = provider.generate(request, request.prompt, uploads or Uploads(), RequestState(), report)
    return answer, partials


def arguments(request: GenerationRequest, changes: dict[str, Any]) -> dict[str, Any]:
    """What the official client is given for the same request: exactly what the user set."""
    given = {"model": request.model, "prompt": request.prompt, "n": 1, "size": "1024x1024", "quality": "low"}
    given |= {name: value for name, value in changes.items() if not name.startswith("svg_")}
    for name, default in (("background", "auto"), ("output_format", "png")):
        if given.get(name) == default:
            del given[name]
    if request.partial_images:
        given["stream"] = True
    if request.svg_model:
        given["svg"] = {"model": request.svg_model}
        if request.svg_reasoning_effort:
            given["svg"]["reasoning"] = {"effort": request.svg_reasoning_effort}
    return given


def theirs(client: openai.OpenAI, given: dict[str, Any], uploads: Uploads) -> tuple[list[bytes], list[bytes]]:
    """Images and partials that the official client reads."""
    if uploads.references:
        named = [(upload.name, upload.data, upload.mime) for upload in uploads.references]
        given = given | {"image": named[0] if len(named) == 1 else named}
        for name, upload in (("mask", uploads.mask), ("markup", uploads.markup)):
            if upload:
                given[name] = (upload.name, upload.data, upload.mime)
    call = client.images.edit if uploads.references else client.images.generate
    answer = call(**given)
    if not given.get("stream"):
        return [base64.b64decode(entry.b64_json) for entry in answer.data], []
    events = [(event.type, base64.b64decode(event.b64_json)) for event in answer]
    return (
        [data for kind, data in events if kind.endswith("completed")],
        [data for kind, data in events if kind.endswith("partial_image")],
    )


def sent(record: Record) -> dict[str, Any]:
    """What a request says, but for what differs by nature: boundaries, names of clients, order in a form."""
    fields = record.fields if not record.files else dict(sorted(record.fields.items()))
    return {
        "path": record.path,
        "query": record.query,
        "fields": json.dumps(fields),
        "files": [(file.field, file.content_type, file.sha256) for file in record.files],
        "type": record.headers["content-type"].split(";")[0],
        "key": (record.headers.get("authorization"), record.headers.get("api-key")),
    }


def check_parity(
    server: ApiServer,
    client: openai.OpenAI,
    request: GenerationRequest,
    given: dict[str, Any],
    uploads: Uploads,
) -> None:
    images, partials = theirs(client, given, uploads)
    answer, previews = ours(server, request, uploads)
    first, second = server.requests[-2:]
    assert sent(first) == sent(second)
    if not uploads.references:
        assert first.body_bytes == second.body_bytes
    assert [server.answers[sha] for sha in first.answers] == images
    assert [server.answers[sha] for sha in second.answers] == list(answer.images)
    assert len(partials) == len(previews) == request.partial_images
    assert answer.usage is not None and second.usage is not None
    assert answer.usage.to_dict()["total_tokens"] == second.usage["total_tokens"]
    assert answer.request_id == second.request_id
    assert answer.warnings == ()


@pytest.mark.parametrize("model", MODELS)
def test_generations(api_server: ApiServer, official: openai.OpenAI, model: str) -> None:
    registry = load_registry()
    compared = 0
    for changes in CHANGES:
        request = request_of(model, changes)
        given = arguments(request, changes)
        try:
            check(request, registry, TODAY)
        except InvalidRequestError:
            with pytest.raises((openai.APIStatusError, TypeError)):
                theirs(official, given, Uploads())
        else:
            check_parity(api_server, official, request, given, Uploads())
            compared += 1
    assert compared >= 20


@pytest.mark.parametrize("model", MODELS)
def test_edits(api_server: ApiServer, official: openai.OpenAI, model: str) -> None:
    registry = load_registry()
    compared = 0
    for index, changes in enumerate(CHANGES):
        references, overlay = FILES[index % len(FILES)]
        uploads = uploads_of(references, overlay)
        request = dataclasses.replace(
            request_of(model, changes, references), **({overlay: "over.png"} if overlay else {})
        )
        given = arguments(request, {k: v for k, v in changes.items() if k != "moderation"})
        try:
            warnings = check(request, registry, TODAY)
        except InvalidRequestError:
            with pytest.raises(openai.APIStatusError):
                theirs(official, given, uploads)
        else:
            assert ("moderation" in " ".join(warnings)) is ("moderation" in changes)
            check_parity(api_server, official, request, given, uploads)
            compared += 1
    assert compared >= 15


@pytest.mark.parametrize(
    ("step", "count"),
    [
        (faults.stream(split=1000), 1),
        (faults.stream(comments=True, done=True, crlf=True), 1),
        (faults.stream(drop_partials=(0,)), 1),
        (faults.stream(drop_partials=(0, 1, 2)), 1),
        (faults.stream(comments=True, done=True, split=4096), 2),
        (faults.answer("gzip"), 0),
        (faults.answer("wrong_content_type"), 0),
    ],
    ids=lambda value: value.name() if isinstance(value, faults.Step) else None,
)
def test_both_read_the_same(
    api_server: ApiServer, official: openai.OpenAI, step: faults.Step, count: int
) -> None:
    changes = {"partial_images": 3, "n": count} if count else {}
    request = request_of("gpt-image-2.5-flare", changes)
    api_server.script(step, step)
    answer, partials = ours(api_server, request)
    if step.answer == "wrong_content_type":
        assert answer.images
        return  # the official client believes the label
    images, previews = theirs(official, arguments(request, changes), Uploads())
    assert len(answer.images) == len(images) == request.n
    assert partials == [_same_but_stamped(a, b) for a, b in zip(previews, partials, strict=True)]


def _same_but_stamped(theirs: bytes, ours: bytes) -> bytes:
    """The server puts the request's number into each image; the pixels must agree."""
    with Image.open(io.BytesIO(theirs)) as first, Image.open(io.BytesIO(ours)) as second:
        assert first.tobytes() == second.tobytes()
    return ours


@pytest.mark.parametrize("row", sorted(faults.ERRORS))
def test_both_are_refused_alike(api_server: ApiServer, official: openai.OpenAI, row: str) -> None:
    request = request_of("gpt-image-2.6-flare", {})
    api_server.script(*[faults.error(row, headers={"x-should-retry": "false"})] * 2)
    with pytest.raises(openai.APIStatusError) as their:
        theirs(official, arguments(request, {}), Uploads())
    with pytest.raises(APIStatusError) as our:
        ours(api_server, request)
    assert our.value.status == their.value.status_code
    assert our.value.request_id == api_server.requests[-1].request_id
    assert our.value.code in (their.value.code, their.value.type)
    assert our.value.param == their.value.param


@pytest.mark.parametrize("references", [0, 2])
def test_azure_deployments(api_server: ApiServer, references: int) -> None:
    request = request_of(DEPLOYMENT, {"n": 2}, references)
    uploads = uploads_of(references, None)
    version = "2026-09-01"
    with openai.AzureOpenAI(
        api_key=api_server.api_key, azure_endpoint=api_server.origin, api_version=version, max_retries=0
    ) as azure:
        theirs(azure, arguments(request, {"n": 2}), uploads)
    base = f"{api_server.origin}/openai/deployments/{DEPLOYMENT}"
    for address in (base, base + "/", base + "/images/generations", base + "/images/edits"):
        answer, _ = ours(api_server, request, uploads, base_url=f"{address}?api-version={version}")
        assert len(answer.images) == 2
        assert sent(api_server.requests[-1]) == sent(api_server.requests[0])


def test_azure_v1(api_server: ApiServer) -> None:
    request = request_of(DEPLOYMENT, {})
    for path in ("/openai/v1", "/openai/v1/", "/openai/v1/images/generations"):
        answer, _ = ours(api_server, request, base_url=api_server.origin + path)
        assert answer.images
        record = api_server.requests[-1]
        assert record.path == "/openai/v1/images/generations"
        assert record.headers["api-key"] and "authorization" not in record.headers


def test_images_can_be_named_as_litellm_wants_them(api_server: ApiServer) -> None:
    api_server.options.picture_fields = "repeated"
    request = request_of("gpt-image-2.6-flare", {}, 3)
    answer, _ = ours(api_server, request, uploads_of(3, "mask"), picture_fields="repeated")
    assert answer.images
    assert [file.field for file in api_server.requests[-1].files] == ["image"] * 3 + ["mask"]
    with pytest.raises(APIStatusError):
        ours(api_server, request, uploads_of(3, None))
