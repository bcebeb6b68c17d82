"""The server as a process of its own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import requests

from ..api_server import API_KEY

ROOT = Path(__file__).parents[2]


def wait_for(path: Path, process: subprocess.Popen[bytes]) -> str:
    while not path.exists():
        assert process.poll() is None, "the server process ended"
        time.sleep(0.02)
    return path.read_text()


def test_script_log_and_signal(tmp_path: Path) -> None:
    script = tmp_path / "script.json"
    steps = [{"error": "slow_down", "headers": {"retry-after-ms": "7"}}, {"stream": {"drop_partials": [0]}}]
    script.write_text(json.dumps(steps))
    port_file, log = tmp_path / "port", tmp_path / "log.jsonl"
    command = [sys.executable, "-m", "tests.api_server", "--port-file", str(port_file)]
    command += ["--log", str(log), "--script", str(script)]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE) as process:
        try:
            url = f"http://127.0.0.1:{wait_for(port_file, process)}/v1/images/generations"
            body = {"model": "gpt-image-2", "prompt": "x"}
            headers = {"Authorization": f"Bearer {API_KEY}"}
            assert requests.post(url, json=body, headers=headers, timeout=20).headers["retry-after-ms"] == "7"
            assert requests.post(url, json=body, headers=headers, timeout=20).status_code == 200
        finally:
            process.send_signal(signal.SIGTERM)
            _, said = process.communicate(timeout=20)
    assert process.returncode == 0 and b"2 requests, 0.0" in said
    records = [json.loads(line) for line in log.read_text().splitlines()]
    assert [(record["status"], record["billed"]) for record in records] == [(503, False), (200, True)]
    assert API_KEY not in log.read_text()
