"""Streams through the provider: previews, several images, and every way for a stream to end badly."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from gpt_image_addon.core.errors import (
    APIConnectionError,
    GptImageError,
    InternalServerError,
    InvalidResponseError,
)
from gpt_image_addon.core.http.request_state import RequestState
from gpt_image_addon.core.imaging.formats import load_upload, verify
from gpt_image_addon.core.providers.base import Answer, Reporter, Uploads
from gpt_image_addon.core.providers.openai.client import OpenAIProvider
from gpt_image_addon.core.request.request import GenerationRequest
from tests.api_server import ApiServer, faults
from tests.core.providers.test_openai_client import connect, image_file

REQUEST = GenerationRequest(
    prompt="oak", provider="openai", model="gpt-image-2.5-flare", quality="low", partial_images=3
)


def stream(
    server: ApiServer, request: GenerationRequest = REQUEST, uploads: Uploads | None = None
) -> tuple[Answer, list[tuple[int, bytes]]]:
    partials: list[tuple[int, bytes]] = []
    answer = OpenAIProvider(connect(server)).generate(
        request,
        request.prompt,
        uploads or Uploads(),
        RequestState(),
        Reporter(on_partial=lambda index, data: partials.append((index, data))),
    )
    return answer, partials


def results(server: ApiServer) -> list[bytes]:
    return [server.answers[sha] for sha in server.requests[-1].answers]


@pytest.mark.parametrize("edit", [False, True])
def test_previews_are_told_and_are_never_the_result(
    api_server: ApiServer, tmp_path: Path, edit: bool
) -> None:
    uploads = Uploads((load_upload(image_file(tmp_path, "a.png")),)) if edit else Uploads()
    request = dataclasses.replace(REQUEST, references=("a.png",) if edit else ())
    answer, partials = stream(api_server, request, uploads)
    assert list(answer.images) == results(api_server)
    assert [index for index, _ in partials] == [0, 1, 2]
    assert all(verify(data).format == "png" and data not in answer.images for _, data in partials)
    assert (
        answer.usage is not None
        and answer.usage.output_image == api_server.requests[0].usage["output_tokens"]
    )
    assert answer.warnings == () and answer.request_id == api_server.requests[0].request_id


@pytest.mark.parametrize(
    ("shape", "indices"),
    [
        ({"split": 1013}, [0, 1, 2]),
        ({"comments": True, "crlf": True, "done": True, "split": 9973}, [0, 1, 2]),
        ({"bare_data": True}, [0, 1, 2]),
        ({"drop_partials": (1,)}, [0, 2]),
        ({"drop_partials": (0, 1, 2), "done": True}, []),
        ({"final_first": True}, []),
    ],
    ids=str,
)
def test_any_shape_of_stream_gives_the_image(
    api_server: ApiServer, shape: dict[str, object], indices: list[int]
) -> None:
    api_server.script(faults.stream(**shape))
    answer, partials = stream(api_server)
    assert list(answer.images) == results(api_server)
    assert [index for index, _ in partials] == indices


@pytest.mark.parametrize(
    ("step", "kind", "partials"),
    [
        (faults.stream(error_after=2), InternalServerError, 2),
        (faults.stream(error_after=0), InternalServerError, 0),
        (faults.stream(end_after=3), APIConnectionError, 3),
        (faults.stream(end_after=0, done=True), APIConnectionError, 0),
        (faults.stream(cut=5000), APIConnectionError, None),
        (faults.stream(cut=1), APIConnectionError, 0),
        (faults.reset("answer"), APIConnectionError, None),
        (faults.answer("truncated_base64"), InvalidResponseError, None),
        (faults.answer("html"), InternalServerError, 0),
        (faults.answer("html", status=200), InvalidResponseError, 0),
    ],
    ids=lambda value: value.name() if isinstance(value, faults.Step) else None,
)
def test_a_stream_that_ends_badly_may_have_been_billed(
    api_server: ApiServer, step: faults.Step, kind: type[GptImageError], partials: int | None
) -> None:
    api_server.script(step)
    told: list[int] = []
    with pytest.raises(kind) as caught:
        OpenAIProvider(connect(api_server)).generate(
            REQUEST,
            "oak",
            Uploads(),
            RequestState(),
            Reporter(on_partial=lambda index, data: told.append(index)),
        )
    assert type(caught.value) is kind
    assert (caught.value.billed, caught.value.retryable, caught.value.exit_code) == ("maybe", False, 6)
    assert len(api_server.requests) == 1
    assert partials is None or len(told) == partials


def test_a_server_that_does_not_stream_is_understood(api_server: ApiServer) -> None:
    api_server.script(faults.answer("not_streamed"))
    answer, partials = stream(api_server)
    assert list(answer.images) == results(api_server) and partials == []


@pytest.mark.parametrize(
    "step", [faults.stream(error_after=4), faults.stream(end_after=4), faults.stream(cut=4_000_000)], ids=str
)
def test_finished_images_are_kept_when_the_stream_breaks(api_server: ApiServer, step: faults.Step) -> None:
    api_server.options.noise = True
    api_server.script(faults.ok(), dataclasses.replace(step))
    request = dataclasses.replace(REQUEST, n=3, size="816x816")
    whole, _ = stream(api_server, request)
    assert len(whole.images) == 3 and whole.warnings == ()
    answer, _ = stream(api_server, request)
    assert 1 <= len(answer.images) < 3
    assert list(answer.images) == results(api_server)[: len(answer.images)]
    assert answer.warnings


def test_nothing_is_waited_for_after_the_last_image(api_server: ApiServer) -> None:
    """A server that keeps the connection open after the image would else cost minutes."""
    api_server.script(dataclasses.replace(faults.stream(final_first=True), stall="answer"))
    answer, partials = stream(api_server)
    assert answer.images and len(partials) < 3
