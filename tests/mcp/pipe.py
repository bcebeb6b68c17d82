"""A client that knows nothing but a pipe: one message a line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from tests.api_server import ApiServer

ROOT = Path(__file__).resolve().parents[2]
PATIENT = "from gpt_image_addon.mcp import server; server.ANSWER_SECONDS = {seconds}; "
MAIN = "import sys; from gpt_image_addon.__main__ import main; sys.exit(main(['mcp', *sys.argv[1:]]))"


def clean_environment(state: Path, api: ApiServer | None = None, **variables: str) -> dict[str, str]:
    """What a process gets to see, with a state folder of its own."""
    kept = ("OPENAI_", "GPT_IMAGE_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(kept)}
    environment |= {"GPT_IMAGE_DATA_DIR": str(state), **variables}
    if api is not None:
        environment |= {"OPENAI_BASE_URL": api.base_url, "OPENAI_API_KEY": api.api_key}
    return environment


class Pipe:
    """The server as a process."""

    def __init__(
        self,
        state: Path,
        *flags: object,
        api: ApiServer | None = None,
        capabilities: dict[str, Any] | None = None,
        answer_seconds: float | None = None,
        says_hello: bool = True,
        **variables: str,
    ) -> None:
        patience = PATIENT.format(seconds=answer_seconds) if answer_seconds is not None else ""
        self.process = subprocess.Popen(
            [sys.executable, "-c", patience + MAIN, *map(str, flags)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=ROOT,
            env=clean_environment(state, api, **variables),
        )
        self.seen: list[dict[str, Any]] = []
        """All messages that came."""
        self._number = 0
        threading.Thread(target=self.process.stderr.read, daemon=True).start()
        if says_hello:
            asked = {"protocolVersion": "2025-11-25", "capabilities": capabilities or {}}
            self.request("initialize", **asked, clientInfo={"name": "pipe", "version": "1"})

    def send(self, **message: Any) -> None:
        self.process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
        self.process.stdin.flush()

    def receive(self) -> dict[str, Any]:
        """The next message; anything else on the wire fails."""
        line = self.process.stdout.readline()
        message = json.loads(line)
        assert message["jsonrpc"] == "2.0"
        self.seen.append(message)
        return message

    def begin(self, method: str, **params: Any) -> int:
        self._number += 1
        self.send(id=self._number, method=method, params=params)
        return self._number

    def answer_to(self, number: int) -> dict[str, Any]:
        while (message := self.receive()).get("id") != number or "method" in message:
            pass
        return message

    def request(self, method: str, **params: Any) -> dict[str, Any]:
        return self.answer_to(self.begin(method, **params))

    def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """The facts of a tool's answer."""
        return self.request("tools/call", name=tool, arguments=arguments)["result"]["structuredContent"]

    def close(self) -> list[dict[str, Any]]:
        """End the input; returns what still came."""
        self.process.stdin.close()
        rest = [json.loads(line) for line in self.process.stdout]
        assert self.process.wait() == 0
        return rest

    def __enter__(self) -> Pipe:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
