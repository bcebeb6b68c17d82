"""Who is told of changes to the jobs."""

from __future__ import annotations

from collections.abc import Callable

on_change: list[Callable[[], None]] = []
"""Called on the main thread after jobs changed; the interface redraws itself here."""
