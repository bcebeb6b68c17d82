"""Models of presets and of old requests that no longer answer: the panel moves on, and says so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ... import api
from ..common import state

if TYPE_CHECKING:
    from ...core.request.models import Successor


@dataclass
class Migration:
    """The last one."""

    successor: Successor | None = None


def migrate_model(values: Any) -> None:
    """Put what replaces the panel's model in its place, if the model was shut down.

    :param values: a `GPT_IMAGE_PG_request`.
    """
    name = values.model.strip()
    successor = state.part(Migration).successor = api.successor(name) if name else None
    if successor is not None:
        values.model = successor.model


def notice(values: Any) -> str:
    """One sentence on what was replaced, as long as the panel shows the replacement; else empty."""
    successor = state.part(Migration).successor
    return successor.notice if successor is not None and values.model == successor.model else ""
