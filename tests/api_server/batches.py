"""Uploaded files and OpenAI's Batch API: a batch goes one state on each time it is looked at."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from . import errors, images
from .errors import ApiError
from .faults import ERRORS
from .options import Options
from .records import Books, Record

MAX_LINES = 50_000
MAX_BYTES = 200_000_000
PURPOSES = ("assistants", "batch", "fine-tune", "vision", "user_data", "evals")
ENDPOINTS = ("/v1/images/generations", "/v1/images/edits")
BATCH_FIELDS = ("input_file_id", "endpoint", "completion_window", "metadata", "output_expires_after")
DAY = 86_400
NEXT_STATE = {"validating": "in_progress", "in_progress": "finalizing", "cancelling": "cancelled"}


@dataclass(frozen=True)
class StoredFile:
    """An uploaded or produced file."""

    id: str
    filename: str
    purpose: str
    data: bytes
    created_at: int

    def to_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "object": "file",
            "bytes": len(self.data),
            "created_at": self.created_at,
            "expires_at": self.created_at + 30 * DAY,
            "filename": self.filename,
            "purpose": self.purpose,
            "status": "processed",
        }


@dataclass
class Batch:
    """One batch; `facts` is what `GET /v1/batches/{id}` shows, `record` the request that is billed."""

    facts: dict[str, Any]
    lines: list[dict[str, Any]]
    record: Record
    polls_left: int
    output: list[dict[str, Any]] = field(default_factory=list)
    failures: list[dict[str, Any]] = field(default_factory=list)


class Desk:
    """The files and batches of one server; safe for many threads."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self._lock = threading.RLock()
        self._numbers = itertools.count(1)
        self._files: dict[str, StoredFile] = {}
        self._batches: dict[str, Batch] = {}

    def store(self, filename: str, purpose: str, data: bytes) -> StoredFile:
        """Keep a file. Raises ApiError (400) for an unknown purpose or too many bytes."""
        if purpose not in (*PURPOSES, "batch_output"):
            raise errors.invalid_choice("purpose", purpose, PURPOSES)
        if len(data) > MAX_BYTES:
            raise errors.bad_request("File is too large for the batch purpose.", "file", "file_too_large")
        with self._lock:
            file = StoredFile(f"file-{next(self._numbers):022d}", filename, purpose, data, int(time.time()))
            self._files[file.id] = file
        return file

    def file(self, id: str) -> StoredFile:
        with self._lock:
            found = self._files.get(id)
        if found is None:
            raise ApiError(404, f"No such File object: {id}", param="id")
        return found

    def files(self) -> list[StoredFile]:
        with self._lock:
            return list(self._files.values())

    def delete(self, id: str) -> None:
        self.file(id)
        with self._lock:
            self._files.pop(id, None)

    def contents(self) -> Mapping[str, bytes]:
        return {file.id: file.data for file in self.files()}

    def create(self, asked: Mapping[str, Any], record: Record, options: Options) -> Batch:
        """Start a batch. Raises ApiError (400, 404) for a wrong request; wrong lines fail the batch later."""
        for name in asked:
            if name not in BATCH_FIELDS:
                raise errors.unknown_parameter(name)
        for name in BATCH_FIELDS[:3]:
            if name not in asked:
                raise errors.missing_parameter(name)
        if asked["endpoint"] not in ENDPOINTS:
            raise errors.invalid_choice("endpoint", str(asked["endpoint"]), ENDPOINTS)
        if asked["completion_window"] != "24h":
            raise errors.invalid_choice("completion_window", str(asked["completion_window"]), ("24h",))
        source = self.file(str(asked["input_file_id"]))
        if source.purpose != "batch":
            raise errors.invalid_value("input_file_id", "The input file must have the purpose 'batch'.")
        lines, faults = _read_lines(source.data, asked["endpoint"], options)
        with self._lock:
            batch = Batch(
                _facts(f"batch_{len(self._batches) + 1:024d}", asked), lines, record, options.batch_polls
            )
            batch.facts["errors"] = {"object": "list", "data": faults} if faults else None
            batch.facts["model"] = lines[0]["body"].get("model") if lines else None
            batch.facts["request_counts"]["total"] = len(lines)
            self._batches[batch.facts["id"]] = batch
        return batch

    def batch(self, id: str) -> Batch:
        with self._lock:
            found = self._batches.get(id)
        if found is None:
            raise ApiError(404, f"No batch found with id '{id}'.")
        return found

    def batches(self) -> list[Batch]:
        with self._lock:
            return list(self._batches.values())

    def cancel(self, id: str) -> Batch:
        batch = self.batch(id)
        with self._lock:
            if batch.facts["status"] not in ("validating", "in_progress", "finalizing"):
                message = f"Cannot cancel a batch with status '{batch.facts['status']}'."
                raise ApiError(409, message)
            _move(batch, "cancelling")
        return batch

    def look(self, id: str, options: Options) -> dict[str, Any]:
        """What the batch shows now; it goes on by one state, its work done on the way."""
        batch = self.batch(id)
        with self._lock:
            status = batch.facts["status"]
            shown = json.loads(json.dumps(batch.facts))
            if status == "validating" and batch.facts["errors"]:
                _move(batch, "failed")
            elif status == "in_progress" and batch.polls_left > 0:
                batch.polls_left -= 1
            elif status == "in_progress":
                self._work(batch, options)
                _move(batch, "finalizing")
            elif status == "finalizing":
                self._finish(batch, "expired" if options.batch_expires_after is not None else "completed")
            elif status == "cancelling":
                self._finish(batch, "cancelled")
            elif status in NEXT_STATE:
                _move(batch, NEXT_STATE[status])
        assert isinstance(shown, dict)
        return shown

    def _work(self, batch: Batch, options: Options) -> None:
        counts = batch.facts["request_counts"]
        stored = self.contents()
        for index, line in enumerate(batch.lines):
            if options.batch_expires_after is not None and index >= options.batch_expires_after:
                late = {"code": "batch_expired", "message": "This request could not be executed in time."}
                batch.failures.append(_result(batch, index, line, None, late))
                counts["failed"] += 1
                continue
            try:
                status, body = 200, self._answer(line, batch.record, options, stored)
                counts["completed"] += 1
            except ApiError as error:
                status, body = error.status, {"error": error.error}
                counts["failed"] += 1
            response = {
                "status_code": status,
                "request_id": f"{batch.record.request_id}{index:06d}",
                "body": body,
            }
            target = batch.output if status == 200 else batch.failures
            target.append(_result(batch, index, line, response, None))

    def _answer(
        self, line: Mapping[str, Any], record: Record, options: Options, stored: Mapping[str, bytes]
    ) -> dict[str, Any]:
        """Do one line and bill it at half price."""
        scripted = options.batch_row_errors.get(line["custom_id"])
        if scripted is not None:
            row = dict(ERRORS[scripted])
            raise ApiError(row.pop("status"), row.pop("message"), **row)
        scratch = Record(-1, "POST", line["url"], "", {}, record.request_id, 0, time.time())
        data = json.dumps(line["body"]).encode()
        if line["url"].endswith("edits"):
            job = images.read_edit("application/json", data, scratch, options, stored=stored)
        else:
            job = images.read_generation("application/json", data, scratch, options)
        if job.parameters.stream:
            raise errors.invalid_value("stream", "Streaming is not supported in a batch.")
        made = images.make(job, f"{record.request_id} {line['custom_id']}", options)
        record.answers += [self._books.keep(image) for image in made]
        usage = job.usage(len(made), 0)
        cost = record.cost_usd + usage.usd(job.parameters.model.family) / 2
        self._books.note(record, billed=True, cost_usd=cost)
        return images.document(job, [{"b64_json": images.base64_text(image)} for image in made], usage)

    def _finish(self, batch: Batch, status: str) -> None:
        for name, lines in (("output_file_id", batch.output), ("error_file_id", batch.failures)):
            if lines:
                text = "".join(json.dumps(line) + "\n" for line in reversed(lines))  # the API keeps no order
                file = self.store(f"{batch.facts['id']}_{name[:-8]}.jsonl", "batch_output", text.encode())
                batch.facts[name] = file.id
        batch.output, batch.failures = [], []
        _move(batch, status)


def _facts(id: str, asked: Mapping[str, Any]) -> dict[str, Any]:
    now = int(time.time())
    return {
        "id": id,
        "object": "batch",
        **{name: asked[name] for name in BATCH_FIELDS[:3]},
        "metadata": asked.get("metadata"),
        "status": "validating",
        "created_at": now,
        "expires_at": now + DAY,
        "output_file_id": None,
        "error_file_id": None,
        "request_counts": {"total": 0, "completed": 0, "failed": 0},
    }


def _move(batch: Batch, status: str) -> None:
    batch.facts["status"] = status
    batch.facts[f"{status}_at"] = int(time.time())


def _result(
    batch: Batch, index: int, line: Mapping[str, Any], response: Mapping[str, Any] | None, error: Any
) -> dict[str, Any]:
    id = f"batch_req_{batch.facts['id'][-6:]}{index:06d}"
    return {"id": id, "custom_id": line["custom_id"], "response": response, "error": error}


def _read_lines(
    data: bytes, endpoint: str, options: Options
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The lines of an input file, and what is wrong with it as a whole."""
    lines: list[dict[str, Any]] = []
    faults: list[dict[str, Any]] = []
    seen: set[str] = set()
    texts = data.decode("utf-8", "replace").splitlines()
    if not texts:
        faults.append(_fault("empty_file", "The input file is empty.", None, None))
    if len(texts) > MAX_LINES:
        faults.append(
            _fault("too_many_tasks", f"The input file has more than {MAX_LINES} lines.", None, None)
        )
    for number, text in enumerate(texts, start=1):
        try:
            line = json.loads(text)
        except ValueError:
            line = None
        if not isinstance(line, dict):
            faults.append(_fault("invalid_json_line", "This line is not a JSON object.", number, None))
            continue
        wrong = _line_faults(line, number, endpoint, seen, options)
        seen.add(str(line.get("custom_id")))
        if wrong:
            faults += wrong
        else:
            lines.append(line)
    if len({str(line["body"].get("model")) for line in lines}) > 1:
        faults.append(_fault("mismatched_model", "All lines must name the same model.", None, "model"))
    return lines, faults


def _line_faults(
    line: Mapping[str, Any], number: int, endpoint: str, seen: set[str], options: Options
) -> list[dict[str, Any]]:
    kinds: Mapping[str, type] = {"custom_id": str, "method": str, "url": str, "body": dict}
    for name, kind in kinds.items():
        if not isinstance(line.get(name), kind):
            return [_fault("missing_required_parameter", f"Missing or wrong '{name}'.", number, name)]
    for name in line:
        if name not in kinds:
            return [_fault("unknown_parameter", f"Unknown parameter: '{name}'.", number, name)]
    if line["custom_id"] in seen:
        return [_fault("duplicate_custom_id", "The custom_id is not unique.", number, "custom_id")]
    if line["method"] != "POST":
        return [_fault("invalid_method", "The method must be POST.", number, "method")]
    if line["url"] != endpoint:
        return [_fault("mismatched_url", "The url must be the batch's endpoint.", number, "url")]
    if line["body"].get("model") in options.batch_refuses:
        return [
            _fault("model_not_found", "The model is not available in the Batch API.", number, "body.model")
        ]
    return []


def _fault(code: str, message: str, line: int | None, param: str | None) -> dict[str, Any]:
    return {"code": code, "message": message, "line": line, "param": param}
