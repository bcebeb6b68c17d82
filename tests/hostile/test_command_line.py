"""The command line against a hostile server: exit code, JSON, and no key in either."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gpt_image_addon.core.results.body_file import BODY_FILE

from .bench import IMAGE, KEY, TEXT, document
from .server import HostileServer, events, http

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.bpy_module


def generate(server: HostileServer, folder: Path) -> tuple[int, dict[str, Any], str]:
    environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    environment |= {
        "GPT_IMAGE_DATA_DIR": str(folder / "state"),
        "OPENAI_API_KEY": KEY,
        "OPENAI_BASE_URL": server.base_url,
        "PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH")))),
    }
    command = [sys.executable, "-m", "gpt_image_addon", "generate", "oak", "--target", "image"]
    command += ["--quality", "low", "--retry-unknown", "--json"]
    ended = subprocess.run(command, capture_output=True, env=environment, cwd=folder, timeout=120)
    said = (ended.stdout + ended.stderr).decode()
    assert KEY not in said
    return ended.returncode, json.loads(ended.stdout.decode().splitlines()[-1]), said


def stored(folder: Path) -> dict[str, bytes]:
    results = folder / "state" / "results"
    return {path.name: path.read_bytes() for path in results.rglob("*") if path.is_file()}


def test_images_get_out_of_odd_answers(hostile: HostileServer, tmp_path: Path) -> None:
    deep = b'{"x": ' + b"[" * 100_000
    hostile.answer(http(events(json.dumps({"b64_json": TEXT}).encode()[:-1] + b", " + deep[1:])))
    code, output, _ = generate(hostile, tmp_path)
    assert (code, output["state"], len(output["images"])) == (0, "succeeded", 1)
    assert stored(tmp_path)["image-1.png"] == IMAGE


@pytest.mark.parametrize(
    ("answer", "code", "kind"),
    [
        (http(document({"b64_json": "*" * 100, "x": KEY})), 6, "InvalidResponseError"),
        (http(b"", "302 Found", f"Location: https://images.example.com/{KEY}"), 3, "EndpointError"),
        (
            http(json.dumps({"error": {"message": f"\ud800 {KEY}", "code": KEY}}).encode(), "400 No"),
            4,
            "BadRequestError",
        ),
    ],
    ids=["unreadable", "redirect", "error"],
)
def test_failures_have_their_exit_code(
    hostile: HostileServer, tmp_path: Path, answer: bytes, code: int, kind: str
) -> None:
    hostile.answer(answer)
    ended, output, _ = generate(hostile, tmp_path)
    assert (ended, output["state"], output["error"]["type"]) == (code, "failed", kind)
    files = stored(tmp_path)
    assert set(files) == ({BODY_FILE} if code == 6 else set())
    assert not [name for name, data in files.items() if KEY.encode() in data]
    if files:
        assert BODY_FILE in output["error"]["message"]
