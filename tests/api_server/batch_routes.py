"""The HTTP side of files and batches."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from . import answers, errors, multipart
from .answers import Answer
from .exchange import RequestState

FILE_FIELDS = ("purpose", "expires_after[anchor]", "expires_after[seconds]")


def upload(exchange: RequestState) -> Answer:
    """POST /v1/files: multipart with `purpose` and one `file`."""
    if not exchange.media_type.lower().startswith("multipart/form-data"):
        message = "Unsupported content type. This API method only accepts 'multipart/form-data' requests."
        raise errors.bad_request(message, None, "unsupported_content_type")
    parts = multipart.parse(exchange.body, multipart.boundary_of(exchange.media_type))
    fields = {part.name: part.text() for part in parts if not part.is_file}
    files = [part for part in parts if part.is_file]
    exchange.record.fields = dict(fields)
    for name in (*fields, *(part.name for part in files if part.name != "file")):
        if name not in FILE_FIELDS:
            raise errors.unknown_parameter(name)
    if len(files) != 1:
        raise errors.missing_parameter("file")
    if "purpose" not in fields:
        raise errors.missing_parameter("purpose")
    desk = exchange.server.desk
    return answers.as_json(desk.store(str(files[0].filename), fields["purpose"], files[0].data).to_json())


def list_files(exchange: RequestState) -> Answer:
    return _page([file.to_json() for file in exchange.server.desk.files()])


def show_file(exchange: RequestState) -> Answer:
    return answers.as_json(exchange.server.desk.file(exchange.arguments["id"]).to_json())


def file_content(exchange: RequestState) -> Answer:
    data = exchange.server.desk.file(exchange.arguments["id"]).data
    return Answer(body=data, content_type="application/octet-stream")


def delete_file(exchange: RequestState) -> Answer:
    id = exchange.arguments["id"]
    exchange.server.desk.delete(id)
    return answers.as_json({"id": id, "object": "file", "deleted": True})


def create_batch(exchange: RequestState) -> Answer:
    try:
        asked = json.loads(exchange.body)
    except ValueError:
        asked = None
    if not isinstance(asked, dict):
        raise errors.bad_request("We could not parse the JSON body of your request.", None, None)
    exchange.record.fields = asked
    batch = exchange.server.desk.create(asked, exchange.record, exchange.server.options)
    return answers.as_json(batch.facts)


def list_batches(exchange: RequestState) -> Answer:
    return _page([batch.facts for batch in reversed(exchange.server.desk.batches())])


def show_batch(exchange: RequestState) -> Answer:
    return answers.as_json(exchange.server.desk.look(exchange.arguments["id"], exchange.server.options))


def cancel_batch(exchange: RequestState) -> Answer:
    return answers.as_json(exchange.server.desk.cancel(exchange.arguments["id"]).facts)


def _page(items: Sequence[dict[str, Any]]) -> Answer:
    ends = (
        {"first_id": items[0]["id"], "last_id": items[-1]["id"]}
        if items
        else {"first_id": None, "last_id": None}
    )
    return answers.as_json({"object": "list", "data": list(items), **ends, "has_more": False})
