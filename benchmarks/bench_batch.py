"""A manifest of 10,000 rows against the local server, next to a bare loop over the official client.

    .venv/bin/python benchmarks/bench_batch.py [--rows N] [--concurrency N] [--latency SECONDS]

Memory is printed every tenth of the rows. The server is a process of its own and answers with small images;
both sides send the same requests with as many threads. The bare loop decodes and writes the image, as
everybody would, and keeps no journal, no original and no promise.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

MODEL, SIZE, QUALITY = "gpt-image-2.5-flare", "816x816", "low"


@contextlib.contextmanager
def server(folder: Path, latency: float) -> Iterator[str]:
    """The local server as a process; gives its base URL."""
    port_file = folder / "port"
    command = [sys.executable, "-m", "tests.api_server", "--port-file", str(port_file)]
    command += ["--latency", str(latency)]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL) as process:
        while not port_file.exists():
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port_file.read_text()}/v1"
        process.terminate()


def resident_mb() -> float:
    """Memory of this process, in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def run_batch(folder: Path, rows: int, concurrency: int) -> tuple[float, float]:
    """Seconds, and seconds of processor time, of our run."""
    from gpt_image_addon import api

    manifest = folder / "rows.jsonl"
    with manifest.open("w") as stream:
        for number in range(rows):
            print(json.dumps({"prompt": f"oak planks {number}"}), file=stream)
    defaults = {"model": MODEL, "size": SIZE, "quality": QUALITY}
    batch = api.batch(manifest, defaults, concurrency=concurrency)
    survey = batch.survey()
    step = max(1, rows // 10)

    def show(outcome: Any, tally: Any) -> None:
        if tally.rows == 1 or tally.rows % step == 0:
            seconds = time.perf_counter() - started
            print(
                f"{tally.rows:7} rows {resident_mb():7.1f} MB {tally.rows / seconds:7.1f} rows/s", flush=True
            )

    started, cpu = time.perf_counter(), time.process_time()
    result = api.run_batch(batch, survey, on_outcome=show)
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    assert result.tally.succeeded == rows, result
    api.close()
    return seconds, cpu


def run_bare(folder: Path, rows: int, concurrency: int, base_url: str, key: str) -> tuple[float, float]:
    """The same of a loop over the official client."""
    import openai

    out = folder / "bare"
    out.mkdir()
    client = openai.OpenAI(api_key=key, base_url=base_url)

    def one(number: int) -> None:
        prompt = f"oak planks {number}"
        answer = client.images.generate(prompt=prompt, model=MODEL, size=SIZE, quality=QUALITY)
        assert answer.data and answer.data[0].b64_json
        (out / f"{number}.png").write_bytes(base64.b64decode(answer.data[0].b64_json))

    started, cpu = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(concurrency) as pool:
        for _ in pool.map(one, range(rows)):
            pass
    return time.perf_counter() - started, time.process_time() - cpu


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--concurrency", type=int, default=16)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds that an image takes")
    options = parser.parse_args()
    from tests.api_server import API_KEY

    with (
        tempfile.TemporaryDirectory(prefix="gpt-image-bench-") as name,
        server(Path(name), options.latency) as base_url,
    ):
        folder = Path(name)
        os.environ |= {
            "OPENAI_BASE_URL": base_url,
            "OPENAI_API_KEY": API_KEY,
            "GPT_IMAGE_DATA_DIR": str(folder / "state"),
        }
        bare = run_bare(folder, options.rows, options.concurrency, base_url, API_KEY)
        ours = run_batch(folder, options.rows, options.concurrency)
    for label, (seconds, cpu) in (("bare loop, official client", bare), ("batch", ours)):
        rate, each = options.rows / seconds, cpu / options.rows * 1e3
        print(f"{label:28} {seconds:7.1f} s {rate:7.1f} rows/s {each:6.2f} ms of processor time a row")


if __name__ == "__main__":
    main()
