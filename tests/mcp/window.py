"""A process that lets agents in as a window does, and a client that speaks plain HTTP to it."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from gpt_image_addon.mcp.protocol import META, STATELESS
from tests.api_server import ApiServer

from .pipe import ROOT, clean_environment


class HttpClient:
    """A client that speaks plain HTTP."""

    def __init__(self, address: str, token: str) -> None:
        self.address, self.token = address, token
        self.host = urlsplit(address).netloc
        self.session = ""

    def open(self, body: bytes | None, method: str = "POST", **headers: str) -> http.client.HTTPConnection:
        """Send something; headers with underscores, and "" for one that is left out."""
        connection = http.client.HTTPConnection(self.host, timeout=60)
        given = {
            "Authorization": f"Bearer {self.token}",
            "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream",
            "Mcp-Session-Id": self.session,
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        connection.request(method, "/mcp", body, {name: value for name, value in given.items() if value})
        return connection

    def ask(self, message: dict[str, Any], **headers: str) -> tuple[int, list[dict[str, Any]]]:
        """The status, and all messages that came."""
        connection = self.open(json.dumps({"jsonrpc": "2.0", **message}).encode(), **headers)
        response = connection.getresponse()
        self.session = response.headers.get("Mcp-Session-Id", self.session)
        text = response.read()
        if response.headers.get_content_type() != "text/event-stream":
            return response.status, [json.loads(text)] if text else []
        lines = [line for line in text.splitlines() if line.startswith(b"data:")]
        return response.status, [json.loads(line[5:]) for line in lines]

    def begin(self, name: str = "raw", **capabilities: Any) -> None:
        """Say hello as clients of the old era do."""
        about = {"protocolVersion": "2025-11-25", "clientInfo": {"name": name, "version": "1"}}
        status, _ = self.ask(request("initialize", **about, capabilities=capabilities))
        assert status == 200 and self.session

    def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """The facts of a tool's answer."""
        _, told = self.ask(request("tools/call", name=tool, arguments=arguments))
        found: dict[str, Any] = told[-1]["result"]["structuredContent"]
        return found


class Window(HttpClient):
    """The process, and its client."""

    def __init__(
        self, state: Path, api: ApiServer | None = None, *, answer_seconds: float = 20.0, **variables: str
    ) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.mcp.window_process", str(answer_seconds)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env=clean_environment(state, api, **variables),
            text=True,
        )
        super().__init__(*self.hear())

    def hear(self) -> Any:
        """What it prints next."""
        while not (line := self.process.stdout.readline()).startswith(("[", '"')):
            assert self.process.poll() is None
        return json.loads(line)

    def send_away(self) -> None:
        """As the user's click on Stop."""
        self.process.stdin.write("stop\n")
        self.process.stdin.flush()
        assert self.hear() == "away"

    def __enter__(self) -> Window:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()


def request(method: str, number: int = 1, **params: Any) -> dict[str, Any]:
    """A request."""
    return {"id": number, "method": method, "params": params}


def stateless(method: str, number: int = 1, **params: Any) -> tuple[dict[str, Any], dict[str, str]]:
    """A request of the stateless era, and the headers that go with it."""
    meta = {
        f"{META}protocolVersion": STATELESS,
        f"{META}clientInfo": {"name": "raw", "version": "1"},
        f"{META}clientCapabilities": {},
    }
    headers = {"MCP_Protocol_Version": STATELESS, "Mcp_Method": method}
    if "name" in params:
        headers["Mcp_Name"] = params["name"]
    return request(method, number, _meta=meta, **params), headers
