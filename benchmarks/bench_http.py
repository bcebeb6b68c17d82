"""From the call to the bytes on disk: our client beside the official one, against the local API server.

Server, and each client, run in processes of their own. Images are noise, so as heavy as a PNG can be.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import ctypes
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

SIZES = {"1024x1024": 7, "3840x2160": 3}
"""Size of an image, and how many calls a round has."""
ROUNDS = 3  # the clients take turns, so that what else the machine does hits them alike
CANCELS = 10
CANCEL_AFTER = 0.3  # seconds
MODEL = "gpt-image-2.5-flare"
PROMPT = "weathered oak planks"
CLIENTS = ("ours", "whole line", "official")

Call = Callable[..., None]


def ours(folder: Path, base_url: str, key: str) -> Call:
    """Our provider, and its answer kept as a result."""
    from gpt_image_addon.core.http.endpoint import Connection
    from gpt_image_addon.core.http.request_state import RequestState
    from gpt_image_addon.core.providers.base import Reporter, Uploads
    from gpt_image_addon.core.providers.openai.client import OpenAIProvider
    from gpt_image_addon.core.request.request import GenerationRequest
    from gpt_image_addon.core.results.store import keep

    provider = OpenAIProvider(Connection(base_url, key))

    def call(
        size: str,
        on_partial: Callable[[], None] | None = None,
        request_state: RequestState | None = None,
    ) -> None:
        request = GenerationRequest(
            prompt=PROMPT, provider="openai", model=MODEL, size=size, partial_images=1 if on_partial else 0
        )
        report = Reporter(on_partial=lambda index, data: on_partial() if on_partial else None)
        answer = provider.generate(request, PROMPT, Uploads(), request_state or RequestState(), report)
        files = {f"image-{number}.png": data for number, data in enumerate(answer.images)}
        keep(folder, os.urandom(6).hex(), datetime.now(), files, {})

    return call


def whole_line(folder: Path, base_url: str, key: str) -> Call:
    """The same with all that surrounds it: the journal, and the check that the image is whole."""
    from gpt_image_addon.core.http.endpoint import Connection
    from gpt_image_addon.core.jobs import admission, estimates
    from gpt_image_addon.core.jobs.worker import Worker
    from gpt_image_addon.core.journal.recovery import open_journal
    from gpt_image_addon.core.request.models import load_registry
    from gpt_image_addon.core.request.pricing import Limits
    from gpt_image_addon.core.request.request import Application, GenerationRequest

    journal, registry = open_journal(folder), load_registry()
    worker = Worker(journal, registry, Connection(base_url, key))

    def call(size: str) -> None:
        request = GenerationRequest(prompt=PROMPT, provider="openai", model=MODEL, size=size)
        priced = estimates.validate_and_price(request, Application(target="image"), registry, journal.seen)
        job = admission.admit(
            priced, Application(target="image"), digest=request.digest(), journal=journal, limits=Limits()
        )
        worker.run(job, lambda event: None)

    return call


def official(folder: Path, base_url: str, key: str) -> Call:
    """The official client, and its answer written and synced in the same way."""
    import openai

    client = openai.OpenAI(api_key=key, base_url=base_url, max_retries=0)

    def call(size: str, on_partial: Callable[[], None] | None = None) -> None:
        given: dict[str, Any] = {"model": MODEL, "prompt": PROMPT, "size": size, "n": 1, "quality": "auto"}
        if on_partial is None:
            answer = client.images.generate(**given)
            text = answer.data[0].b64_json
        else:
            for event in client.images.generate(**given, stream=True, partial_images=1):
                text = event.b64_json
                if event.type.endswith("partial_image"):
                    on_partial()
        with (folder / os.urandom(6).hex()).open("wb") as stream:
            stream.write(base64.b64decode(text))
            stream.flush()
            os.fsync(stream.fileno())

    return call


MAKERS = {"ours": ours, "whole line": whole_line, "official": official}


def memory(field: str) -> int:
    """A line of the process's own status, in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field))


def child_times(call: Call, size: str, repeats: int) -> list[float]:
    call(size)
    seconds = []
    for _ in range(repeats):
        started = time.perf_counter()
        call(size)
        seconds.append(time.perf_counter() - started)
    return seconds


def child_memory(call: Call, size: str, repeats: int) -> list[float]:
    """Bytes that a call needs at its peak, above what the process had before."""
    call("816x816")
    ctypes.CDLL(None).malloc_trim(0)  # what the first call left would hide what the next one needs
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
    before = memory("VmRSS")
    call(size)
    return [float(memory("VmHWM") - before)]


def child_first_partial(call: Call, size: str, repeats: int) -> list[float]:
    seconds: list[float] = []
    for _ in range(repeats + 1):
        started = time.perf_counter()
        call(size, on_partial=lambda begun=started: seconds.append(time.perf_counter() - begun))
    return seconds[1:]


def child_cancel(call: Call, size: str, repeats: int) -> list[float]:
    from gpt_image_addon.core.errors import JobCancelled
    from gpt_image_addon.core.http.request_state import RequestState

    seconds = []
    for _ in range(repeats):
        request_state = RequestState()
        asked: list[float] = []

        def cancel(request_state: RequestState = request_state, asked: list[float] = asked) -> None:
            asked.append(time.perf_counter())
            request_state.cancel()

        timer = threading.Timer(CANCEL_AFTER, cancel)
        timer.start()
        with contextlib.suppress(JobCancelled):
            call(size, request_state=request_state)
        seconds.append(time.perf_counter() - asked[0])
    return seconds


CHILDREN = {
    "times": child_times,
    "memory": child_memory,
    "first partial": child_first_partial,
    "cancel": child_cancel,
}


def child(what: str, client: str, size: str, repeats: int) -> None:
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as folder:
        call = MAKERS[client](Path(folder), os.environ["OPENAI_BASE_URL"], os.environ["OPENAI_API_KEY"])
        print(json.dumps(CHILDREN[what](call, size, repeats)))


@contextlib.contextmanager
def server(*options: str) -> Iterator[str]:
    """A server process; gives its base URL."""
    with tempfile.TemporaryDirectory() as folder:
        port = Path(folder) / "port"
        command = [sys.executable, "-m", "tests.api_server", "--port-file", str(port), "--noise", *options]
        process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
        try:
            while not port.exists():
                time.sleep(0.05)
            yield f"http://127.0.0.1:{port.read_text()}/v1"
        finally:
            process.terminate()
            process.wait()


def measure(base_url: str, what: str, client: str, size: str, repeats: int = 1) -> list[float]:
    from tests.api_server.options import API_KEY

    environment = {**os.environ, "OPENAI_BASE_URL": base_url, "OPENAI_API_KEY": API_KEY}
    command = [sys.executable, __file__, "--child", what, client, size, str(repeats)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    found: list[float] = json.loads(done.stdout)
    return found


def spread(seconds: list[float]) -> str:
    """Median and range in milliseconds."""
    return (
        f"{statistics.median(seconds) * 1e3:7.1f} ms  ({min(seconds) * 1e3:.1f} to {max(seconds) * 1e3:.1f})"
    )


def main() -> None:
    with server() as base_url:
        for size, repeats in SIZES.items():
            width, height = map(int, size.split("x"))
            worth = width * height * 3  # noise does not compress
            print(f"{size}, a PNG of {worth / 1e6:.1f} MB, {ROUNDS * repeats} calls each")
            for client in CLIENTS:
                print(
                    f"  {client:12} to disk       {spread(measure(base_url, 'times', client, size, repeats))}"
                )
            for client in CLIENTS:
                (peak,) = measure(base_url, "memory", client, size)
                print(f"  {client:12} peak memory   {peak / 1e6:7.1f} MB  ({peak / worth:.2f} images)")
        for client in ("ours", "official"):
            seconds = measure(base_url, "first partial", client, "1024x1024", 15)
            print(f"1024x1024 {client:10} to the first preview {spread(seconds)}")
    with server("--latency", "30") as base_url:
        seconds = measure(base_url, "cancel", "ours", "1024x1024", CANCELS)
        print(f"cancel to return, while waiting for the answer {spread(seconds)}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--child", nargs=4, metavar=("WHAT", "CLIENT", "SIZE", "REPEATS"))
    given = parser.parse_args().child
    if given:
        child(given[0], given[1], given[2], int(given[3]))
    else:
        main()
