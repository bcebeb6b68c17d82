"""The `image` target: image data-blocks and nothing else. Main thread only."""

from __future__ import annotations

from ...core.request.request import Application
from ...core.results.store import PreparedResult
from ..transaction import Transaction
from .base import Applied, Target, keep_images


def _apply(prepared: PreparedResult, application: Application, changes: Transaction) -> Applied:
    return Applied(tuple(keep_images(prepared.images, prepared.facts, changes)))


TARGET = Target(_apply)
