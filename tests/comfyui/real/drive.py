"""Our provider against the real ComfyUI, whose paid nodes call a stand-in on this machine.

``.venv/bin/python -m tests.comfyui.real.drive FOLDER``, with the folder that `install` prints. Each check is
decided by what the stand-in received, or by what lies on the disk.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from PIL import Image

from gpt_image_addon.core.errors import (
    APIConnectionError,
    AuthenticationError,
    BadRequestError,
    InsufficientQuotaError,
    InternalServerError,
    InvalidRequestError,
    JobCancelled,
    ModerationError,
    PermissionDeniedError,
)
from gpt_image_addon.core.jobs.worker import Worker
from gpt_image_addon.core.journal.journal import Journal
from gpt_image_addon.core.journal.recovery import open_journal
from gpt_image_addon.core.journal.states import JobState
from gpt_image_addon.core.providers import describe_workflow
from gpt_image_addon.core.providers.comfyui import prompts
from gpt_image_addon.core.providers.comfyui.client import ComfyUIProvider
from gpt_image_addon.core.providers.comfyui.pricing import CREDITS_PER_USD
from gpt_image_addon.core.request.models import load_registry
from gpt_image_addon.core.workflows import library
from tests.comfyui.partner import CREDITS_EACH, Partner
from tests.comfyui.test_gpt_image import KEY, ROOT, connect, finish, run, save_image, start, state_of
from tests.comfyui.test_workflows import EDIT, MODEL, PAINT

READY_SECONDS = 300.0
WAIT = 60.0
FLAGS = ("--cpu", "--listen", "127.0.0.1", "--database-url", "sqlite:///:memory:", "--disable-auto-launch")


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


class RealComfy:
    """A ComfyUI of its own folder and port."""

    def __init__(self, folder: Path, base: Path, partner: Partner) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        (source,) = folder.glob("source/*/vendor/ComfyUI")
        for name in ("custom_nodes", "input", "output", "temp", "user", "models", "front"):
            (base / name).mkdir(parents=True, exist_ok=True)
        places = ("--port", self.port, "--base-directory", base, "--front-end-root", base / "front")
        launch = Path(__file__).with_name("launch.py")
        python = folder / "venv" / "bin" / "python"
        command = [python, launch, source, *FLAGS, *places, "--comfy-api-base", partner.url]
        self.log = base / "log.txt"
        self.command = list(map(str, command))
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            process = subprocess.Popen(self.command, stdout=log, stderr=log)
        end = time.monotonic() + READY_SECONDS
        while time.monotonic() < end and process.poll() is None:
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"{self.url}/system_stats", timeout=5).read()
                return process
            time.sleep(0.5)
        raise SystemExit(f"ComfyUI does not start:\n{self.log.read_text()[-3000:]}")

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(30)

    def restart(self) -> None:
        self.stop()
        self.process = self._start()

    def read(self, path: str) -> Any:
        return json.load(urllib.request.urlopen(self.url + path, timeout=30))

    def post(self, path: str, value: Any) -> Any:
        body, kind = json.dumps(value).encode(), {"content-type": "application/json"}
        return json.load(
            urllib.request.urlopen(urllib.request.Request(self.url + path, body, kind), timeout=30)
        )


def wait_until(condition: Callable[[], Any]) -> None:
    end = time.monotonic() + WAIT
    while not condition():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.05)


def foreign_graph(seed: int) -> dict[str, Any]:
    """A prompt of somebody else, which waits at the stand-in."""
    inputs = {"prompt": "foreign", "model": "gpt-image-2", "n": 1, "seed": seed}
    inputs |= {"model.size": "1024x1024", "model.custom_width": 1024, "model.custom_height": 1024}
    inputs |= {"model.background": "auto", "model.quality": "low"}
    return {
        "1": {"class_type": "OpenAIGPTImageNodeV2", "inputs": inputs},
        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "foreign"}},
    }


def check_describe(comfy: RealComfy, partner: Partner, journal: Journal, folder: Path) -> None:
    assert "offers gpt-image-2" in ComfyUIProvider(connect(comfy.url)).describe()


def check_text_and_count(comfy: RealComfy, partner: Partner, journal: Journal, folder: Path) -> None:
    job, event = run(journal, comfy.url, n=2, size="1040x1024")
    assert event.prepared is not None and len(event.prepared.images) == 2
    (call,) = partner.calls
    assert call.path == "/proxy/openai/images/generations" and call.fields["n"] in (2, "2")
    assert (call.fields["size"], call.fields["quality"]) == ("1040x1024", "low")
    assert call.headers["x-api-key"] == KEY
    assert call.headers["comfy-job-id"] == prompts.prompt_id(job, 0)
    entry = journal.entry(job)
    assert entry is not None and entry.cost_usd is not None  # what the socket has told
    assert abs(entry.cost_usd - float(CREDITS_EACH) / CREDITS_PER_USD) < 1e-6


def check_references_and_mask(comfy: RealComfy, partner: Partner, journal: Journal, folder: Path) -> None:
    red, blue = (
        save_image(folder / f"{name}.png", color) for name, color in (("r", (200, 0, 0)), ("b", (0, 0, 200)))
    )
    run(journal, comfy.url, references=(red, blue))
    mask = Image.new("RGBA", (1024, 1024), (0, 0, 0, 255))
    mask.paste((0, 0, 0, 0), (0, 0, 512, 1024))
    mask.save(folder / "mask.png")
    run(journal, comfy.url, references=(red,), mask=str(folder / "mask.png"), whole_image=True)
    first, second = partner.calls
    assert [name for name, _ in first.files] == ["image[]", "image[]"]
    assert [pixel(data)[:3] for _, data in first.files] == [(200, 0, 0), (0, 0, 200)]
    sent = dict(second.files)
    assert (pixel(sent["mask"])[3], pixel(sent["mask"], 1000)[3]) == (0, 255)


def pixel(data: bytes, x: int = 5) -> tuple[int, ...]:
    import io

    found = Image.open(io.BytesIO(data)).convert("RGBA").getpixel((x, 5))
    assert isinstance(found, tuple)
    return found


def check_errors(comfy: RealComfy, partner: Partner, journal: Journal, folder: Path) -> None:
    blocked = json.dumps(
        {"error": {"message": "by the safety system", "type": "image_generation_user_error"}}
    )
    bad = json.dumps({"error": {"message": "bad", "type": "invalid_request_error"}})
    for status, body, kind, tries in (
        (401, "{}", AuthenticationError, 1),
        (402, "{}", InsufficientQuotaError, 1),
        (409, "{}", PermissionDeniedError, 1),
        (400, blocked, ModerationError, 1),
        (400, bad, BadRequestError, 1),
        (500, json.dumps({"error": {"message": "failed", "type": "server_error"}}), InternalServerError, 4),
    ):
        partner.calls.clear()
        partner.status, partner.body = status, body
        job, event = run(journal, comfy.url, prompt=f"{status} {body}")
        assert type(event.error) is kind, (status, event.error)
        assert len(partner.calls) == tries, (status, len(partner.calls))
        expected = JobState.UNKNOWN if status == 500 else JobState.FAILED
        assert state_of(journal, job)[0] is expected


def check_cancel(comfy: RealComfy, partner: Partner, journal: Journal, folder: Path) -> None:
    partner.hold.clear()
    foreign = comfy.post("/prompt", {"prompt": foreign_graph(1)})["prompt_id"]
    wait_until(lambda: len(partner.calls) == 1)
    job, queue = start(journal, comfy.url, prompt="pending")
    wait_until(lambda: comfy.read("/queue")["queue_pending"])
    job.cancel()
    assert isinstance(finish(queue).error, JobCancelled)
    assert state_of(journal, job.id) == (JobState.CANCELLED, "no")
    partner.hold.set()
    wait_until(lambda: foreign in comfy.read(f"/history/{foreign}"))
    assert comfy.read(f"/api/jobs/{foreign}")["status"] == "completed"
    partner.hold.clear()
    job, queue = start(journal, comfy.url, prompt="running")
    wait_until(lambda: len(partner.calls) == 2)
    other = comfy.post("/prompt", {"prompt": foreign_graph(2)})["prompt_id"]
    job.cancel()
    assert isinstance(finish(queue).error, JobCancelled)
    assert state_of(journal, job.id) == (JobState.UNKNOWN, "maybe")
    wait_until(lambda: len(partner.calls) == 3)  # the stranger's runs now
    partner.hold.set()
    wait_until(lambda: comfy.read(f"/api/jobs/{other}")["status"] == "completed")


def check_kill(comfy: RealComfy, partner: Partner, journal: Journal, folder: Path) -> None:
    partner.hold.clear()
    state = str(folder / "killed")
    child = subprocess.Popen([sys.executable, "-m", "tests.comfyui.killed", state, comfy.url], cwd=ROOT)
    wait_until(lambda: len(partner.calls) == 1)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    mine = open_journal(Path(state))
    worker = Worker(mine, load_registry(), connect(comfy.url))
    (entry,) = mine.entries(JobState.UNKNOWN)
    assert not worker.find_answer(entry)
    assert state_of(mine, entry.id)[0] is JobState.UNKNOWN
    partner.hold.set()
    wait_until(lambda: comfy.read(f"/history/{prompts.prompt_id(entry.id, 0)}"))
    assert worker.find_answer(entry)
    found = mine.entry(entry.id)
    assert found is not None and found.state is JobState.RECEIVED and found.folder is not None
    assert len(partner.calls) == 1 and Image.open(found.folder / "image-1.png").size == (64, 64)
    mine.close()


def check_workflow(comfy: RealComfy, partner: Partner, journal: Journal, folder: Path) -> None:
    image = save_image(folder / "small.png", (10, 20, 30), (16, 16))
    path = folder / "edit.json"
    path.write_text(json.dumps(EDIT))
    values: dict[str, Any] = {"model": MODEL, "references": (image,), "workflow_values": ("Grow.width=64",)}
    job, event = run(journal, comfy.url, workflow=str(path), **values)
    assert event.error is None
    entry = journal.entry(job)
    assert entry is not None and entry.folder is not None and entry.cost_usd == 0
    result = entry.folder / "image-1.png"
    assert Image.open(result).size == (64, 32) and pixel(result.read_bytes())[:3] == (245, 235, 225)
    job, event = run(journal, comfy.url, workflow=str(result), **values)  # the workflow in the image
    assert event.error is None and event.prepared is not None
    assert any("nothing was made" in text for text in event.prepared.warnings)
    path.write_text(json.dumps(PAINT))
    _, event = run(journal, comfy.url, workflow=str(path), model=MODEL)
    assert isinstance(event.error, InvalidRequestError) and "a.safetensors" in event.error.message
    path.write_text(json.dumps({**EDIT, "9": {"class_type": "NobodyHasThis", "inputs": {}}}))
    _, event = run(journal, comfy.url, workflow=str(path), model=MODEL)
    assert isinstance(event.error, InvalidRequestError) and "NobodyHasThis" in event.error.message
    assert not partner.calls


def check_kept_workflow(comfy: RealComfy, partner: Partner, journal: Journal, folder: Path) -> None:
    image = save_image(folder / "small.png", (10, 20, 30), (16, 16))
    os.environ["GPT_IMAGE_DATA_DIR"] = str(folder / "state")
    path = folder / "edit.json"
    path.write_text(json.dumps(EDIT))
    kept = library.keep_workflow(path, "edit", ("depth=LoadImage.image",)).file
    found = describe_workflow("comfyui", connect(comfy.url), kept, ())
    assert dict(found.places) == {"depth": "LoadImage.image"} and found.is_asked and not found.problem
    (width,) = (row for row in found.own if row.key == "Grow.width")
    assert (width.kind, width.least, width.most) == ("INT", 0, 16384)
    (method,) = (row for row in found.own if row.key == "Grow.upscale_method")
    assert "lanczos" in method.choices
    values: dict[str, Any] = {"model": MODEL, "references": (image,), "reference_kinds": ("depth",)}
    job, event = run(journal, comfy.url, workflow=str(kept), **values)
    entry = journal.entry(job)
    assert event.error is None and entry is not None and entry.folder is not None
    assert pixel((entry.folder / "image-1.png").read_bytes())[:3] == (245, 235, 225)
    path.write_text(json.dumps(PAINT))
    found = describe_workflow("comfyui", connect(comfy.url), path, ())
    samplers = next(row.choices for row in found.own if row.key == "KSampler.sampler_name")
    assert "euler" in samplers and dict(found.places)["prompt"] == "6.text"
    assert not partner.calls


def check_faces(comfy: RealComfy, partner: Partner, journal: Journal, folder: Path) -> None:
    """The command line and the panel."""
    image = save_image(folder / "small.png", (10, 20, 30), (16, 16))
    path = folder / "edit.json"
    path.write_text(json.dumps(EDIT))
    told = {"GPT_IMAGE_DATA_DIR": str(folder / "faces"), "PYTHONPATH": str(ROOT)}
    command = (
        "-m",
        "gpt_image_addon",
        "generate",
        "grown",
        "--provider",
        "comfyui",
        "--comfyui-url",
        comfy.url,
    )
    what = ("--workflow", path, "--set", "Grow.width=64", "--reference", image, "--target", "image", "--json")
    made = json.loads(run_python(*command, *what, **told))
    (file,) = (row["file"] for row in made["images"])
    assert Image.open(file).size == (64, 32) and pixel(Path(file).read_bytes())[:3] == (245, 235, 225)
    told["GPT_IMAGE_COMFYUI_URL"] = comfy.url
    sizes = json.loads(run_python("-c", PANEL, path, image, **told))
    assert sizes == [[32, 32, [245, 235, 225]]]
    assert not partner.calls


def run_python(*arguments: object, **variables: str) -> str:
    """The last line that a Python with bpy prints."""
    command = [sys.executable, *map(str, arguments)]
    environment = {**os.environ, **variables}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return done.stdout.strip().splitlines()[-1]


PANEL = """
import json, sys
import bpy, gpt_image_addon
gpt_image_addon.register()
values = bpy.context.scene.gpt_image
values.prompt, values.provider, values.workflow, values.target = "grown", "comfyui", sys.argv[1], "image"
item = values.references.add()
item.kind, item.file = "file", sys.argv[2]
before = set(bpy.data.images)
assert bpy.ops.gpt_image.generate() == {"FINISHED"}
found = [image for image in bpy.data.images if image not in before]
print(json.dumps([[*image.size, [round(255 * value) for value in image.pixels[:3]]] for image in found]))
"""


def check_restart(comfy: RealComfy, partner: Partner, journal: Journal, folder: Path) -> None:
    partner.hold.clear()
    job, queue = start(journal, comfy.url, prompt="restarted")
    wait_until(lambda: len(partner.calls) == 1)
    comfy.restart()
    partner.hold.set()
    error = finish(queue).error
    assert isinstance(error, APIConnectionError) and error.code == "job_lost"
    assert state_of(journal, job.id) == (JobState.UNKNOWN, "maybe") and len(partner.calls) == 1


CHECKS = (
    *(
        check_describe,
        check_text_and_count,
        check_references_and_mask,
        check_workflow,
        check_kept_workflow,
        check_faces,
    ),
    *(check_cancel, check_kill, check_errors, check_restart),
)


@contextlib.contextmanager
def served(folder: Path, base: Path) -> Iterator[tuple[RealComfy, Partner]]:
    with Partner() as partner:
        comfy = RealComfy(folder, base, partner)
        try:
            yield comfy, partner
        finally:
            partner.hold.set()
            comfy.stop()


def main(folder: Path) -> None:
    with tempfile.TemporaryDirectory() as text:
        base = Path(text)
        with served(folder, base / "comfy") as (comfy, partner):
            for check in CHECKS:
                partner.calls.clear()
                partner.status, partner.body = 200, ""
                partner.hold.set()
                own = base / check.__name__
                own.mkdir()
                journal = open_journal(own / "state")
                started = time.monotonic()
                check(comfy, partner, journal, own)
                journal.close()
                print(f"{check.__name__}: ok, {time.monotonic() - started:.1f} s", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
