"""What models there are today, and what takes the place of those that are gone. Offered by `api`."""

from __future__ import annotations

import dataclasses
from datetime import date
from typing import TYPE_CHECKING, Any

from ..core.text.log import get_logger
from . import runner, settings

if TYPE_CHECKING:
    from ..core.request.models import Model, Successor


log = get_logger(__name__)


def today() -> date:
    """The day that counts; tests set another."""
    return date.today()


def models() -> list[dict[str, Any]]:
    """The model table: one row a model, with its state today (``active``, ``retiring`` or ``shut down``)."""
    table = runner.registry(settings.load(with_key=False))
    day = today()
    if table.fault is not None:
        log.warning("%s", table.fault.text)

    def row(model: Model) -> dict[str, Any]:
        state = "shut down" if model.is_shut_down(day) else "retiring" if model.shutdown else "active"
        return {**dataclasses.asdict(model), "state": state, "default": model.id == table.default}

    return [row(model) for model in table.models]


def successor(model: str) -> Successor | None:
    """What to use in place of a model: ``.model``, and ``.notice`` for people; None while it answers."""
    from ..core.request.models import successor as find

    return find(model, runner.registry(settings.load(with_key=False)), today())
