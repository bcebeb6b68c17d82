"""`python -m tests.api_server`: the server as a process, for full Blenders and the shell."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from pathlib import Path

from .faults import load_script
from .server import ApiServer


def main() -> int:
    """Serve until interrupted. The port file appears, whole, once the server listens."""
    parser = argparse.ArgumentParser(prog="python -m tests.api_server", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--port-file", type=Path, help="write the port there")
    parser.add_argument("--log", type=Path, help="append a JSON line for each finished request")
    parser.add_argument("--latency", type=float, default=0.0, metavar="SECONDS")
    parser.add_argument("--noise", action="store_true", help="images as heavy as photographs")
    parser.add_argument("--requests-per-minute", type=int)
    parser.add_argument("--script", type=Path, help="a JSON array of steps")
    options = parser.parse_args()
    steps = load_script(options.script.read_text(encoding="utf-8")) if options.script else []
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with ApiServer(
        options.port,
        options.log,
        latency=options.latency,
        noise=options.noise,
        requests_per_minute=options.requests_per_minute,
    ) as server:
        server.script(*steps)
        print(f"{server.base_url}\nkey: {server.api_key}", file=sys.stderr, flush=True)
        if options.port_file:
            part = options.port_file.with_suffix(".part")
            part.write_text(str(server.port), encoding="ascii")
            part.replace(options.port_file)
        stop.wait()
        print(f"{len(server.requests)} requests, {server.bill_usd:.6f} USD", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
