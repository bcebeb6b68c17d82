"""What stands behind ComfyUI's paid nodes, on this machine: images, a bill, and every way to refuse."""

from __future__ import annotations

import base64
import contextlib
import email
import email.policy
import io
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from PIL import Image

CREDITS_EACH = "6.4"


@dataclass
class Call:
    """One request that a node has sent."""

    path: str
    headers: dict[str, str]
    fields: dict[str, Any]
    files: list[tuple[str, bytes]] = field(default_factory=list)


class Partner(ThreadingHTTPServer):
    """The stand-in; `status`, `body` and `hold` say what it does with what comes."""

    daemon_threads = True

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.calls: list[Call] = []
        self.status, self.body = 200, ""
        self.hold = threading.Event()
        self.hold.set()
        """Cleared, answers wait until it is set."""
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def __exit__(self, *details: object) -> None:
        self.hold.set()
        self.shutdown()
        super().__exit__(*details)


def make_png(color: tuple[int, int, int], size: tuple[int, int] = (64, 64)) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", size, color).save(stream, "png")
    return stream.getvalue()


class _Handler(BaseHTTPRequestHandler):
    server: Partner

    def log_message(self, *details: object) -> None:
        pass

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        call = Call(self.path, {name.lower(): value for name, value in self.headers.items()}, {})
        kind = self.headers.get("content-type", "")
        if kind.startswith("multipart/"):
            head = f"content-type: {kind}\r\n\r\n".encode()
            for part in email.message_from_bytes(head + body, policy=email.policy.HTTP).iter_parts():
                name = part.get_param("name", header="content-disposition")
                data = part.get_payload(decode=True)
                if part.get_filename():
                    call.files.append((name, data))
                else:
                    call.fields[name] = data.decode()
        else:
            call.fields = json.loads(body)
        self.server.calls.append(call)
        self.server.hold.wait(60)
        if self.server.status != 200:
            self._answer(self.server.status, self.server.body.encode())
            return
        count = int(call.fields.get("n") or 1)
        images = [make_png((40 * (len(self.server.calls) % 6), 40 * number, 90)) for number in range(count)]
        data = [{"b64_json": base64.b64encode(image).decode()} for image in images]
        self._answer(200, json.dumps({"created": 1, "data": data}).encode())

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.send_header("X-Comfy-Credits-Used", CREDITS_EACH)
        with contextlib.suppress(ConnectionError):  # a node that was cancelled, or a server that is gone
            self.end_headers()
            self.wfile.write(body)
