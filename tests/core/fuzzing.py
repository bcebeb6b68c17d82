"""Tests with made-up input: quick by themselves, and as long as GPT_IMAGE_FUZZ_SECONDS says."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, seed, settings
from hypothesis.strategies import SearchStrategy

SECONDS = float(os.environ.get("GPT_IMAGE_FUZZ_SECONDS", "0"))
"""Of each fuzzer; 0 for the same few examples each time."""


def fuzz(check: Callable[[Any], None], values: SearchStrategy[Any], examples: int = 200) -> None:
    """Check many values, and show the smallest that fails."""

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=not SECONDS,
        suppress_health_check=list(HealthCheck),
    )
    @given(values)
    def once(value: Any) -> None:
        check(value)

    end = time.monotonic() + SECONDS
    once()
    while time.monotonic() < end:
        seed(time.monotonic_ns())(once)()
