"""Pillow's settings while we decode: all add-ons of a Blender share them, and one may have changed some.

With `LOAD_TRUNCATED_IMAGES`, which many scripts set, half an image passes for a whole one.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from PIL import GifImagePlugin, Image, ImageFile, PngImagePlugin

MAX_PIXELS = 100_000_000  # above this an image is refused before it is decoded

_OURS: tuple[tuple[Any, str, Any], ...] = (
    (ImageFile, "LOAD_TRUNCATED_IMAGES", False),
    (Image, "MAX_IMAGE_PIXELS", MAX_PIXELS),
    (PngImagePlugin, "MAX_TEXT_CHUNK", 2**20),
    (PngImagePlugin, "MAX_TEXT_MEMORY", 2**26),
    (GifImagePlugin, "LOADING_STRATEGY", GifImagePlugin.LoadingStrategy.RGB_AFTER_FIRST),
)
"""Module, name and value."""

_lock = threading.Lock()
_inside = 0
_before: list[Any] = []


@contextmanager
def own_settings() -> Iterator[None]:
    """Pillow with its settings as we need them; those of others are back when the last thread leaves."""
    global _inside
    with _lock:
        if not _inside:
            _before[:] = [getattr(module, name) for module, name, _ in _OURS]
        _inside += 1
        for module, name, value in _OURS:
            setattr(module, name, value)
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if not _inside:
                for (module, name, value), before in zip(_OURS, _before, strict=True):
                    if getattr(module, name) == value:  # else somebody has changed it meanwhile
                        setattr(module, name, before)
