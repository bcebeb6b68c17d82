"""What the add-on does, between the user's wish and the scene. Main thread only."""

from __future__ import annotations

from collections.abc import Callable

listeners: list[Callable[[], None]] = []
"""Called on the main thread after jobs changed; the interface redraws itself here."""
