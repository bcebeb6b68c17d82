"""A local OpenAI Images API for tests: strict, scriptable, with real pictures and a bill.

It shares no code with the package under test. `ApiServer` is the server, `faults` what can go wrong with it.
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
