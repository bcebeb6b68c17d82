"""A local OpenAI Images API for tests: strict, scriptable, with real images and a bill.

It shares no code with the package under test. In a test, take the fixture `api_server`:

    monkeypatch.setenv("OPENAI_BASE_URL", api_server.base_url)
    monkeypatch.setenv("OPENAI_API_KEY", api_server.api_key)
    api_server.script(faults.error("slow_down"), faults.ok(), faults.reset("processing"))
    ...  # three requests: refused, answered, lost after the work was done
    assert [record.status for record in api_server.image_requests] == [503, 200, None]
    assert api_server.bill_usd == 2 * api_server.requests[1].cost_usd

`faults` has all that can go wrong, `Options` all that can be set (`api_server.options.latency = 0.5`),
`Record` all that is known about a request. As a process of its own: `python -m tests.api_server --help`.
"""

from __future__ import annotations

from . import faults
from .faults import Step, StreamShape
from .options import API_KEY, DEPLOYMENT, ORGANIZATION, PROJECT, Options
from .records import FileRecord, Record
from .references import Limits
from .server import ApiServer

__all__ = [
    "API_KEY",
    "DEPLOYMENT",
    "ORGANIZATION",
    "PROJECT",
    "ApiServer",
    "FileRecord",
    "Limits",
    "Options",
    "Record",
    "Step",
    "StreamShape",
    "faults",
]
