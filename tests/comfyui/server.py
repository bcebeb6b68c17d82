"""A stand-in for ComfyUI's HTTP interface, after what version 0.30 answers: as strict, and scriptable.

It runs one prompt at a time, shares no code with the package, and counts what its paid node would bill.
`object_info.json` holds classes as a real server describes them.
"""

from __future__ import annotations

import email
import email.policy
import io
import json
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import numpy as np
from PIL import Image, PngImagePlugin

from .sockets import ServerSocket, accept, words

CLASSES: dict[str, Any] = json.loads(Path(__file__).with_name("object_info.json").read_text("utf-8"))
PAID = "OpenAIGPTImageNodeV2"
WAIT = 30.0  # seconds that a held run waits at most


@dataclass
class Run:
    """A prompt in the queue."""

    id: str
    graph: dict[str, Any]
    extra: dict[str, Any]
    client: str = ""
    cancelled: bool = False


@dataclass
class Bill:
    """What the paid node has sent to the account."""

    prompt: str
    key: str
    inputs: dict[str, Any]
    images: list[Image.Image] = field(default_factory=list)


class ComfyServer(ThreadingHTTPServer):
    """The server. What is public may be set by tests."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.classes = dict(CLASSES)
        self.requests: list[tuple[str, str]] = []
        """Method and path of each call."""
        self.bills: list[Bill] = []
        self.graphs: list[dict[str, Any]] = []
        """All that were taken."""
        self.headers_seen: list[dict[str, str]] = []
        self.knows_jobs = True
        """False for servers before the jobs API."""
        self.drop_answers = 0
        """So many answers to POST /prompt are lost after the prompt was queued."""
        self.drop_requests = 0
        """So many requests to POST /prompt are lost before anything was queued."""
        self.error: dict[str, str] = {}
        """What the paid node fails with: ``exception_message``, ``exception_type``."""
        self.half_taken = False
        """POST /prompt answers 200 with errors of one of several outputs."""
        self.status = 0
        """With which all calls are answered, where it is not 0."""
        self.longest = 0
        """Most prompts that waited or ran at once."""
        self.files: dict[tuple[str, str, str], bytes] = {}
        """By kind, folder and name."""
        self.gate = threading.Event()
        self.gate.set()
        """Cleared, the running prompt waits."""
        self.hold_jobs = threading.Event()
        self.hold_jobs.set()
        """Cleared, nobody is told of jobs."""
        self.sockets: dict[str, ServerSocket] = {}
        """Open ones, by the id of their client."""
        self.has_sockets = False
        self.credits: str | None = "6.4"
        """What the paid node says it took; None where it says nothing."""
        self.steps: list[dict[str, Any] | bytes] = []
        """What a client is sent while a node scales an image."""
        self._lock = threading.Condition()
        self._queue: list[Run] = []
        self.running: Run | None = None
        self.history: dict[str, Any] = {}
        self._cache: dict[str, Any] = {}
        self._numbers = 0
        self._open = True
        for work in (lambda: self.serve_forever(0.02), self._work):
            threading.Thread(target=work, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def __exit__(self, *details: object) -> None:
        self._open = False
        self.gate.set()
        self.shutdown()
        super().__exit__(*details)

    def restart(self) -> None:
        """Forget what a restarted server has forgotten; files stay."""
        with self._lock:
            self._queue, self.history, self._cache = [], {}, {}
            if self.running is not None:
                self.running.cancelled = True
            self.running = None

    def queue_foreign(self) -> str:
        """A prompt of somebody else; returns its id."""
        run = Run(str(uuid.uuid4()), {}, {})
        with self._lock:
            self._queue.append(run)
        return run.id

    def tell(self, client: str, content: dict[str, Any] | bytes) -> None:
        """Send something to the socket of a client, where one is open."""
        if client in self.sockets:
            self.sockets[client].send(content)

    def wait_running(self, identity: str | None = None) -> None:
        """Until a prompt runs."""
        end = time.monotonic() + WAIT
        while self.running is None or identity not in (None, self.running.id):
            assert time.monotonic() < end, "nothing runs"
            time.sleep(0.01)

    # what happens to prompts

    def post_prompt(self, body: dict[str, Any]) -> tuple[int, Any]:
        if "prompt" not in body:
            return 400, _error("no_prompt", "No prompt provided", "No prompt provided")
        identity = body.get("prompt_id") or str(uuid.uuid4())
        try:
            canonical = str(uuid.UUID(identity)) == identity
        except ValueError:
            canonical = False
        if not canonical:
            return 400, _error("invalid_prompt_id", "prompt_id must be a valid UUID", "canonical, please")
        graph = body["prompt"]
        if any(not isinstance(node, dict) for node in graph.values()):
            return 500, "500 Internal Server Error\n\nServer got itself in trouble"
        for number, node in graph.items():
            if node.get("class_type") not in self.classes:
                text = f"Node '{node.get('class_type')}' not found. The custom node may not be installed."
                return 400, _error("missing_node_type", text, f"Node ID '#{number}'")
        if not any(self.classes[node["class_type"]]["output_node"] for node in graph.values()):
            return 400, _error("prompt_no_outputs", "Prompt has no outputs", "")
        errors = {}
        for number, node in graph.items():
            found = list(self._check_node(node, graph))
            if found:
                errors[number] = {"errors": found, "class_type": node["class_type"]}
        if errors and not self.half_taken:
            failed = "Prompt outputs failed validation"
            return 400, {**_error("prompt_outputs_failed_validation", failed, ""), "node_errors": errors}
        self.graphs.append(graph)
        with self._lock:
            run = Run(identity, graph, dict(body.get("extra_data") or {}), body.get("client_id", ""))
            self._queue.append(run)
            self.longest = max(self.longest, len(self._queue) + (self.running is not None))
        return 200, {"prompt_id": identity, "number": 1, "node_errors": errors}

    def _check_node(self, node: dict[str, Any], graph: dict[str, Any]) -> Iterator[dict[str, Any]]:
        for name, kind, options, needed in _inputs(self.classes[node["class_type"]]["input"], node["inputs"]):
            if name not in node["inputs"]:
                if needed:
                    yield _fault("required_input_missing", "Required input is missing", name)
                continue
            value = node["inputs"][name]
            if isinstance(value, list):
                if value[0] not in graph:
                    yield _fault("bad_linked_input", "Bad linked input", name)
                    continue
                returned = self.classes[graph[value[0]]["class_type"]]["output"][value[1]]
                if returned != kind:
                    yield _fault("return_type_mismatch", "Return type mismatch", f"{name}, {returned}")
            elif options.get("image_upload"):
                folder, _, file = value.rpartition("/")
                if ("input", folder, file) not in self.files:
                    text = f"{name} - Invalid image file: {value}"
                    yield _fault("custom_validation_failed", "Custom validation failed for node", text)
            elif kind == "COMBO" and value not in options["options"]:
                yield _fault("value_not_in_list", "Value not in list", f"{name}: '{value}' not in (list)")
            elif kind == "INT" and not options.get("min", value) <= value <= options.get("max", value):
                yield _fault("value_bigger_than_max", f"Value {value} is out of range", name)

    def _work(self) -> None:
        while self._open:
            with self._lock:
                self.running = run = self._queue.pop(0) if self._queue else None
            if run is None:
                time.sleep(0.005)
                continue
            status, outputs, events = "success", {}, []
            try:
                outputs = self._execute(run, events)
            except _RunError as error:
                status = "error"
                events.append(["execution_error", {**error.details, "prompt_id": run.id}])
            with self._lock:
                if self.running is not run:  # restarted meanwhile
                    continue
                if run.cancelled and not any(name == "execution_error" for name, _ in events):
                    status = "error"
                    events.append(["execution_interrupted", {"prompt_id": run.id}])
                self.history[run.id] = {
                    "outputs": outputs if status == "success" else {},
                    "status": {"status_str": status, "completed": status == "success", "messages": events},
                }
                self.running = None

    def _execute(self, run: Run, events: list[Any]) -> dict[str, Any]:
        made: dict[str, Any] = {}
        cached: list[str] = []
        events.append(["execution_cached", {"nodes": cached, "prompt_id": run.id}])
        outputs: dict[str, Any] = {}

        def value(link: Any) -> Any:
            return make(link[0])[link[1]] if isinstance(link, list) else link

        def make(number: str) -> Any:
            if number not in made:
                key = json.dumps(_with_links(run.graph, number), sort_keys=True)
                if key in self._cache:
                    cached.append(number)
                else:
                    self._cache[key] = self._run_node(run, number, value)
                made[number] = self._cache[key]
            return made[number]

        if not run.graph:
            self._hold(run)
        for number, node in run.graph.items():
            if self.classes[node["class_type"]]["output_node"]:
                outputs[number] = {"images": make(number)}
        return outputs

    def _hold(self, run: Run) -> None:
        end = time.monotonic() + WAIT
        while not self.gate.is_set() and not run.cancelled and time.monotonic() < end:
            time.sleep(0.01)

    def _run_node(self, run: Run, number: str, value: Any) -> Any:
        node = run.graph[number]
        kind, inputs = node["class_type"], node["inputs"]
        if kind == PAID:
            bill = Bill(run.id, run.extra.get("api_key_comfy_org", ""), dict(inputs))
            links = [name for name in inputs if ".images." in name or name == "model.mask"]
            bill.images = [value(inputs[name]) for name in links]
            self.bills.append(bill)
            self._hold(run)
            if run.cancelled:
                raise _RunError(kind, "Task cancelled", "comfy_api_nodes.util.common.ProcessingInterrupted")
            if self.error:
                details = {"exception_type": "Exception", **self.error}
                raise _RunError(kind, details["exception_message"], details["exception_type"])
            if self.credits is not None:
                self.tell(run.client, words(number, f"Status: Completed\nPrice: {self.credits} credits"))
            color = (20 * len(self.bills) % 256, 90, 160)
            return [[Image.new("RGBA", (64, 64), (*color, 255)) for _ in range(inputs["n"])]]
        if kind == "LoadImage":
            folder, _, name = inputs["image"].rpartition("/")
            image = Image.open(io.BytesIO(self.files["input", folder, name]))
            alpha = image.convert("RGBA").getchannel("A")
            return [[image.convert("RGB")], alpha.point(lambda a: 255 - a)]
        if kind == "ImageInvert":
            return [[Image.fromarray(255 - np.asarray(one)) for one in value(inputs["image"])]]
        if kind == "ImageScale":
            size = (inputs["width"], inputs["height"])
            for content in self.steps:
                self.tell(run.client, content)
            self._hold(run)
            return [[one.resize(size, Image.Resampling.NEAREST) for one in value(inputs["image"])]]
        if kind in ("SaveImage", "PreviewImage"):
            return [self._save(image, run, kind) for image in value(inputs["images"])]
        raise _RunError(kind, "The stand-in can't run this node", "RuntimeError")

    def _save(self, image: Image.Image, run: Run, kind: str) -> dict[str, str]:
        self._numbers += 1
        info, stream = PngImagePlugin.PngInfo(), io.BytesIO()
        info.add_text("prompt", json.dumps(run.graph))
        image.save(stream, "png", pnginfo=info)
        name, where = f"image_{self._numbers:05}_.png", "output" if kind == "SaveImage" else "temp"
        self.files[where, "gpt_image", name] = stream.getvalue()
        return {"filename": name, "subfolder": "gpt_image", "type": where}

    def job(self, identity: str) -> dict[str, Any] | None:
        with self._lock:
            if identity in self.history:
                end = self.history[identity]
                names = [name for name, _ in end["status"]["messages"]]
                status = "completed" if end["status"]["completed"] else "failed"
                status = "cancelled" if "execution_interrupted" in names else status
                return {
                    "id": identity,
                    "status": status,
                    "outputs": end["outputs"],
                    "execution_status": end["status"],
                }
            if self.running is not None and self.running.id == identity:
                return {"id": identity, "status": "in_progress", "outputs_count": 0}
            if any(run.id == identity for run in self._queue):
                return {"id": identity, "status": "pending", "outputs_count": 0}
        return None

    def cancel(self, identity: str, *, pending: bool = True, running: bool = True) -> bool:
        with self._lock:
            found = [run for run in self._queue if run.id == identity] if pending else []
            for run in found:
                self._queue.remove(run)
            if running and self.running is not None and self.running.id == identity:
                self.running.cancelled = True
                return True
            return bool(found)

    def interrupt(self, identity: str | None) -> None:
        with self._lock:
            if self.running is not None and identity in (None, self.running.id):
                self.running.cancelled = True

    def rows(self) -> dict[str, Any]:
        with self._lock:
            running = [self.running] if self.running is not None else []
            return {
                "queue_running": [[0, run.id, run.graph, {}, []] for run in running],
                "queue_pending": [[0, run.id, run.graph, {}, []] for run in self._queue],
            }

    def store(self, fields: dict[str, str], name: str, data: bytes) -> dict[str, str]:
        stem, dot, ending = name.rpartition(".")
        folder, number = fields.get("subfolder", ""), 0
        while self.files.get(("input", folder, name), data) != data:
            number += 1
            name = f"{stem} ({number}){dot}{ending}"
        self.files["input", folder, name] = data
        return {"name": name, "subfolder": folder, "type": "input"}


class _RunError(Exception):
    def __init__(self, node: str, said: str, kind: str) -> None:
        super().__init__(said)
        self.details = {"node_type": node, "exception_message": said, "exception_type": kind}


def _error(kind: str, text: str, details: str) -> dict[str, Any]:
    return {"error": {"type": kind, "message": text, "details": details, "extra_info": {}}, "node_errors": {}}


def _fault(kind: str, text: str, details: str) -> dict[str, Any]:
    return {"type": kind, "message": text, "details": details, "extra_info": {}}


def _inputs(groups: Any, given: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str, Any, bool]]:
    """Name, type, options of each input that a node with these inputs has, and whether it must be there."""
    for group in ("required", "optional"):
        for name, row in groups.get(group, {}).items():
            kind, options = row[0], dict(row[1]) if len(row) > 1 else {}
            if isinstance(kind, list):
                kind, options["options"] = "COMBO", kind
            whole = prefix + name
            if kind == "COMFY_DYNAMICCOMBO_V3":
                keys = {option["key"]: option["inputs"] for option in options["options"]}
                yield whole, "COMBO", {"options": list(keys)}, True
                yield from _inputs(keys.get(given.get(whole), {}), given, f"{whole}.")
            elif kind == "COMFY_AUTOGROW_V3":
                for slot in options["template"]["names"]:
                    yield f"{whole}.{slot}", "IMAGE", {}, False
            else:
                yield whole, kind, options, group == "required"


def _with_links(graph: dict[str, Any], number: str) -> Any:
    node = graph[number]
    links = {
        key: _with_links(graph, value[0]) for key, value in node["inputs"].items() if isinstance(value, list)
    }
    return [node["class_type"], {**node["inputs"], **links}]


class _Handler(BaseHTTPRequestHandler):
    server: ComfyServer
    protocol_version = "HTTP/1.1"

    def log_message(self, *details: object) -> None:
        pass

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        where = [unquote(part) for part in parts.path.strip("/").split("/")]
        comfy = self._begin()
        if comfy.status:
            self._say(comfy.status, "no")
        elif where == ["system_stats"]:
            self._say(200, {"system": {"comfyui_version": "0.30.0"}, "devices": []})
        elif where[0] == "object_info":
            rows = {where[1]: comfy.classes[where[1]]} if len(where) > 1 and where[1] in comfy.classes else {}
            self._say(200, rows if len(where) > 1 else comfy.classes)
        elif where[:2] == ["api", "jobs"] and comfy.knows_jobs:
            comfy.hold_jobs.wait(WAIT)
            found = comfy.job(where[2])
            self._say(200 if found else 404, found or {"error": "Job not found"})
        elif where[0] == "history":
            self._say(200, {where[1]: comfy.history[where[1]]} if where[1] in comfy.history else {})
        elif where == ["ws"] and comfy.has_sockets and "sec-websocket-key" in self.headers:
            self._open_socket(query["clientId"])
        elif where == ["queue"]:
            self._say(200, comfy.rows())
        elif where == ["view"]:
            data = comfy.files.get((query["type"], query.get("subfolder", ""), query["filename"]))
            self._send(200 if data else 404, data or b"", "image/png")
        else:
            self._say(404, "404: Not Found")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        comfy, path = self._begin(), self.path
        if comfy.status:
            self._say(comfy.status, "no")
        elif path == "/upload/image":
            self._say(200, self._upload(body))
        elif path == "/prompt":
            if comfy.drop_requests:
                comfy.drop_requests -= 1
                self.close_connection = True
                return
            status, answer = comfy.post_prompt(json.loads(body))
            if comfy.drop_answers:
                comfy.drop_answers -= 1
                self.close_connection = True
                return
            self._say(status, answer)
        elif path.startswith("/api/jobs/") and path.endswith("/cancel") and comfy.knows_jobs:
            self._say(200, {"cancelled": comfy.cancel(path.split("/")[3])})
        elif path == "/queue":
            for identity in json.loads(body).get("delete", []):
                comfy.cancel(identity, running=False)
            self._say(200, "")
        elif path == "/interrupt":
            comfy.interrupt(json.loads(body or b"{}").get("prompt_id"))
            self._say(200, "")
        else:
            self._say(404, "404: Not Found")

    def _open_socket(self, client: str) -> None:
        self.close_connection = True
        self.send_response(101)
        self.send_header("upgrade", "websocket")
        self.send_header("connection", "Upgrade")
        self.send_header("sec-websocket-accept", accept(self.headers["sec-websocket-key"]))
        self.end_headers()
        found = ServerSocket(self.wfile.write, self.rfile)
        self.server.sockets[client] = found
        found.listen()

    def _begin(self) -> ComfyServer:
        self.server.requests.append((self.command, self.path))
        self.server.headers_seen.append({name.lower(): value for name, value in self.headers.items()})
        return self.server

    def _upload(self, body: bytes) -> dict[str, str]:
        head = f"content-type: {self.headers['content-type']}\r\n\r\n".encode()
        fields, file = {}, ("", b"")
        for part in email.message_from_bytes(head + body, policy=email.policy.HTTP).iter_parts():
            name, data = part.get_param("name", header="content-disposition"), part.get_payload(decode=True)
            if name == "image":
                file = (part.get_filename(), data)
            else:
                fields[name] = data.decode()
        return self.server.store(fields, *file)

    def _say(self, status: int, value: Any) -> None:
        text = value if isinstance(value, str) else json.dumps(value)
        self._send(status, text.encode(), "text/plain" if isinstance(value, str) else "application/json")

    def _send(self, status: int, data: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
