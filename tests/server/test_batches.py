"""Files and batches, through the official client."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from ..api_server import ApiServer
from .raw import image_file

MODEL = "gpt-image-2.5-flare"
GENERATIONS = "/v1/images/generations"


@pytest.fixture
def client(api_server: ApiServer) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(api_key=api_server.api_key, base_url=api_server.base_url, max_retries=0) as made:
        yield made


def line(custom_id: str, url: str = GENERATIONS, **body: Any) -> dict[str, Any]:
    given = {"model": MODEL, "prompt": custom_id, "quality": "low", **body}
    return {"custom_id": custom_id, "method": "POST", "url": url, "body": given}


def upload(client: openai.OpenAI, lines: list[Any]) -> str:
    data = "".join(json.dumps(entry) + "\n" for entry in lines).encode()
    return client.files.create(file=("in.jsonl", data), purpose="batch").id


def start(client: openai.OpenAI, lines: list[Any], endpoint: Any = GENERATIONS) -> str:
    file_id = upload(client, lines)
    batch = client.batches.create(input_file_id=file_id, endpoint=endpoint, completion_window="24h")
    assert batch.status == "validating"
    return batch.id


def finish(client: openai.OpenAI, batch_id: str) -> tuple[openai.types.Batch, list[str]]:
    """Look until nothing changes any more; the last look and all states seen."""
    states: list[str] = []
    while not states or states[-1] not in ("completed", "failed", "expired", "cancelled"):
        batch = client.batches.retrieve(batch_id)
        states.append(batch.status)
    return batch, states


def results(client: openai.OpenAI, file_id: str | None) -> dict[str, Any]:
    assert file_id is not None
    lines = [json.loads(text) for text in client.files.content(file_id).text.splitlines()]
    return {entry["custom_id"]: entry for entry in lines}


def test_a_batch_is_done_at_half_price(client: openai.OpenAI, api_server: ApiServer) -> None:
    api_server.options.batch_polls = 2
    batch, states = finish(client, start(client, [line("a"), line("b"), line("c", size="7x7")]))
    assert states == ["validating", *["in_progress"] * 3, "finalizing", "completed"]
    assert batch.request_counts is not None and batch.request_counts.to_dict() == {
        "total": 3,
        "completed": 2,
        "failed": 1,
    }
    done, failed = results(client, batch.output_file_id), results(client, batch.error_file_id)
    assert list(done) == ["b", "a"]
    assert failed["c"]["response"]["body"]["error"]["param"] == "size"
    data = base64.b64decode(done["a"]["response"]["body"]["data"][0]["b64_json"])
    assert data in api_server.answers.values()
    tokens = done["a"]["response"]["body"]["usage"]
    price = (tokens["input_tokens"] * 5 + tokens["output_tokens"] * 30) / 1e6 / 2
    assert api_server.bill_usd == pytest.approx(2 * price)


def test_edits_use_the_json_form_and_uploaded_files(client: openai.OpenAI, api_server: ApiServer) -> None:
    uploaded = client.files.create(file=("a.png", image_file(), "image/png"), purpose="vision").id
    url = "data:image/png;base64," + base64.b64encode(image_file()).decode()
    edits = "/v1/images/edits"
    lines = [line("a", edits, images=[{"file_id": uploaded}, {"image_url": url}]), line("b", edits)]
    batch, _ = finish(client, start(client, lines, edits))
    assert results(client, batch.output_file_id)["a"]["response"]["status_code"] == 200
    assert results(client, batch.error_file_id)["b"]["response"]["body"]["error"]["param"] == "images"


def test_rows_fail_as_scripted(client: openai.OpenAI, api_server: ApiServer) -> None:
    api_server.options.batch_row_errors = {"b": "moderation_blocked"}
    batch, _ = finish(client, start(client, [line("a"), line("b"), line("c", stream=True)]))
    failed = results(client, batch.error_file_id)
    assert failed["b"]["response"]["body"]["error"]["code"] == "moderation_blocked"
    assert failed["c"]["response"]["body"]["error"]["param"] == "stream"


def test_expired_rows_are_listed_and_not_billed(client: openai.OpenAI, api_server: ApiServer) -> None:
    api_server.options.batch_expires_after = 1
    batch, _ = finish(client, start(client, [line("a"), line("b")]))
    assert batch.status == "expired"
    assert list(results(client, batch.output_file_id)) == ["a"]
    assert results(client, batch.error_file_id)["b"]["error"]["code"] == "batch_expired"
    assert len(api_server.answers) == 1


def test_cancel(client: openai.OpenAI, api_server: ApiServer) -> None:
    batch_id = start(client, [line("a")])
    assert client.batches.cancel(batch_id).status == "cancelling"
    assert finish(client, batch_id)[1] == ["cancelling", "cancelled"]
    assert api_server.bill_usd == 0
    with pytest.raises(openai.ConflictError):
        client.batches.cancel(batch_id)


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ([], "empty_file"),
        (["x"], "invalid_json_line"),
        ([line("a"), line("a")], "duplicate_custom_id"),
        ([line("a", "/v1/images/edits")], "mismatched_url"),
        ([{**line("a"), "method": "GET"}], "invalid_method"),
        ([{**line("a"), "extra": 1}], "unknown_parameter"),
        ([{"custom_id": "a"}], "missing_required_parameter"),
        ([line("a"), line("b", model="gpt-image-2")], "mismatched_model"),
        ([line("a", model="gpt-image-2.6-flare")], "model_not_found"),
        ([line(str(number)) for number in range(50_001)], "too_many_tasks"),
    ],
)
def test_a_wrong_file_fails_the_batch(
    client: openai.OpenAI, api_server: ApiServer, lines: list[Any], code: str
) -> None:
    api_server.options.batch_refuses = frozenset({"gpt-image-2.6-flare"})
    batch, states = finish(client, start(client, lines))
    assert states == ["validating", "failed"]
    assert batch.errors is not None and batch.errors.data is not None
    assert code in [fault.code for fault in batch.errors.data]
    assert api_server.bill_usd == 0


def test_wrong_requests(client: openai.OpenAI) -> None:
    good: dict[str, Any] = {"endpoint": GENERATIONS, "completion_window": "24h"}
    batch_file = upload(client, [line("a")])
    image_id = client.files.create(file=("a.png", image_file()), purpose="vision").id
    for wrong, kind in (
        ({"input_file_id": "file-none"}, openai.NotFoundError),
        ({"input_file_id": image_id}, openai.BadRequestError),
        ({"input_file_id": batch_file, "endpoint": "/v1/embeddings"}, openai.BadRequestError),
        ({"input_file_id": batch_file, "completion_window": "1h"}, openai.BadRequestError),
        ({"input_file_id": batch_file, "extra_body": {"x": 1}}, openai.BadRequestError),
    ):
        with pytest.raises(kind):
            client.batches.create(**{**good, **wrong})
    with pytest.raises(openai.NotFoundError):
        client.batches.retrieve("batch_none")
    unknown: Any = "pictures"
    with pytest.raises(openai.BadRequestError):
        client.files.create(file=("a.png", image_file()), purpose=unknown)


def test_files_and_batches_are_listed(client: openai.OpenAI) -> None:
    batch_id = start(client, [line("a")])
    (file,) = client.files.list()
    assert (file.filename, file.purpose) == ("in.jsonl", "batch")
    assert [batch.id for batch in client.batches.list()] == [batch_id]
    assert client.files.retrieve(file.id) == file
    assert client.files.delete(file.id).deleted
    with pytest.raises(openai.NotFoundError):
        client.files.content(file.id)
