"""The verbs ``models`` and ``doctor``."""

from __future__ import annotations

import argparse

from .. import api, health
from .common import SCHEMA, Output, say, succeeded


def models(options: argparse.Namespace) -> Output:
    """The verb ``models``."""
    rows = api.models()
    for row in rows:
        say(f"{row['id']:26} {row['state']:10} {', '.join(row['qualities'])}")
    return succeeded(models=rows)


def doctor(options: argparse.Namespace) -> Output:
    """The verb ``doctor``."""
    checks = health.checks()
    for check in checks:
        say(f"{'ok  ' if check.ok else 'FAIL'} {check.name}: {check.text}")
    state = "succeeded" if all(check.ok for check in checks) else "problems"
    return {"schema": SCHEMA, "state": state, "checks": [check.to_dict() for check in checks]}
