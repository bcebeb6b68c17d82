"""Models of presets and of old requests that no longer answer: the panel moves on, and says so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ... import api

if TYPE_CHECKING:
    from ...core.request.models import Successor

_last: Successor | None = None


def migrate_model(values: Any) -> None:
    """Put what replaces the panel's model in its place, if the model was shut down.

    :param values: a `GPT_IMAGE_PG_request`.
    """
    global _last
    name = values.model.strip()
    _last = api.successor(name) if name else None
    if _last is not None:
        values.model = _last.model


def notice(values: Any) -> str:
    """One sentence on what was replaced, as long as the panel shows the replacement; else empty."""
    return _last.notice if _last is not None and values.model == _last.model else ""
