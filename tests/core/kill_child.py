"""Runs jobs through the real line in processes of their own, and kills them where the test asks for it.

The modules are loaded once; each line on stdin is then a run in a fork of this process::

    {"prompt": "oak 3", "kill": ["step", "after", "sending"]}

It answers with the lines that the run wrote (what it knows to be on the disk), and ``END`` with the signal.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import requests  # noqa: F401 - loaded before the forks

from gpt_image_addon.core.http import client
from gpt_image_addon.core.http.endpoint import Connection
from gpt_image_addon.core.imaging import formats
from gpt_image_addon.core.jobs import admission, estimates, postprocess, worker
from gpt_image_addon.core.jobs import queue as jobs
from gpt_image_addon.core.journal import journal, recovery, schema, writer
from gpt_image_addon.core.journal.recovery import open_journal
from gpt_image_addon.core.providers.openai import client as openai
from gpt_image_addon.core.request.models import load_registry
from gpt_image_addon.core.request.pricing import Limits
from gpt_image_addon.core.request.request import Application, GenerationRequest
from gpt_image_addon.core.results import store

STEPS: dict[str, tuple[Any, str]] = {
    "reserve": (journal.Journal, "reserve"),
    "sending": (journal.Journal, "sending"),
    "generate": (openai.OpenAIProvider, "generate"),
    "send": (openai, "send"),
    "keep": (worker, "keep"),
    "write": (store, "write_synced"),
    "finish": (store, "_finish"),
    "received": (journal.Journal, "received"),
    "prepare": (postprocess, "prepare"),
    "applied": (journal.Journal, "applied"),
    "settle": (recovery, "recover_orphans"),
}
"""The steps of the protocol, by the functions that take them."""
TRACED = {module.__file__ for module in (admission, writer, journal, jobs, worker, store, schema, recovery)}


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def tell(*words: str) -> None:
    """In one write, which a kill can't divide."""
    os.write(1, (" ".join(words) + "\n").encode())


def wrap(owner: Any, name: str, before: Callable[..., None], after: Callable[..., None]) -> None:
    inner = getattr(owner, name)

    def outer(*args: Any, **options: Any) -> Any:
        before(*args)
        found = inner(*args, **options)
        after(*args)
        return found

    setattr(owner, name, outer)


def nothing(*args: Any) -> None:
    pass


def kill_at_step(when: str, step: str, times: int) -> None:
    """Die before or after the step, the so-manieth time that it is taken."""
    count = itertools.count(1)

    def strike(*args: Any) -> None:
        if next(count) == times:
            die()

    owner, name = STEPS[step]
    wrap(owner, name, *((strike, nothing) if when == "before" else (nothing, strike)))


def kill_at_line(number: int) -> None:
    """Die at the so-manieth line of our own code, on whichever thread that is; 0 only counts them."""
    count = itertools.count(1)

    def on_line(frame: FrameType, event: str, arg: object) -> Any:
        if event == "line" and next(count) == number:
            die()
        return on_line

    def on_call(frame: FrameType, event: str, arg: object) -> Any:
        return on_line if frame.f_code.co_filename in TRACED else None

    threading.settrace(on_call)
    sys.settrace(on_call)
    if number == 0:
        wrap(os, "_exit", lambda code: tell("LINES", str(next(count))), nothing)


def run(state: Path, base_url: str, key: str, prompt: str) -> None:
    """One job, as the add-on does it."""
    found = open_journal(state)
    registry = load_registry()
    request = GenerationRequest(
        prompt=prompt,
        provider="openai",
        model="gpt-image-2.6-sunburst",
        quality="low",
        size="816x816",
        n=2,
    )
    job = admission.admit(
        estimates.price_unchecked(request, registry, seen=found.seen),
        Application(target="image"),
        digest=request.digest(),
        journal=found,
        limits=Limits(monthly_budget_usd=1000.0),
    )
    queue = jobs.JobQueue(1)
    queue.submit(job, worker.Worker(found, registry, Connection(base_url, key)).run)
    while not (event := queue.events.get(timeout=30)).is_last:
        pass
    if event.error is not None:
        tell("ERROR", repr(event.error))
        os._exit(1)
    found.applied(job.id)
    os._exit(0)


def witness(path: Path, data: bytes, mode: int = 0) -> None:
    """What has reached the disk must be found again."""
    if path.name.startswith("image-"):
        tell("ON_DISK", hashlib.sha256(data).hexdigest())


def main() -> None:
    state, base_url, key = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    for line in sys.stdin:
        wanted = json.loads(line)
        kind, *details = wanted["kill"]
        child = os.fork()
        if child == 0:
            wrap(store, "write_synced", nothing, witness)
            if kind == "step":
                kill_at_step(*details)
            elif kind == "line":
                kill_at_line(*details)
            run(state, base_url, key, wanted["prompt"])
        if kind == "time":
            time.sleep(details[0])
            os.kill(child, signal.SIGKILL)
        tell("END", str(os.WTERMSIG(os.waitpid(child, 0)[1])))


if __name__ == "__main__":
    assert client and formats  # loaded before the forks
    main()
