"""What models there are today, which one a request means, and what takes the place of those that are gone."""

from __future__ import annotations

import dataclasses
from datetime import date
from typing import TYPE_CHECKING, Any

from ..core.request.providers import find_provider
from ..core.request.request import GenerationRequest
from ..core.text.log import get_logger
from .settings import Settings
from .settings import load as load_settings

if TYPE_CHECKING:
    from ..core.request.models import Model, Registry, Successor


log = get_logger(__name__)


def today() -> date:
    """The day that counts; tests set another."""
    return date.today()


def find_registry(settings: Settings) -> Registry:
    """The model table, with the user's own rows where their file can be used."""
    from ..core.request.models import TABLE_FILE, usable_registry

    return usable_registry(settings.state_folder / TABLE_FILE)


def resolve_model(
    request: GenerationRequest, table: Registry, settings: Settings
) -> tuple[GenerationRequest, tuple[str, ...]]:
    """The request with provider and model, and notices where the model of the preferences is gone."""
    provider = request.provider or settings.provider
    info = find_provider(provider)
    if request.workflow is not None and not request.model:
        model = info.workflow_model or table.default_for(provider)
        return dataclasses.replace(request, provider=provider, model=model), ()
    usual = "" if info.default_model else settings.default_model
    if request.model or not usual:
        model = request.model or table.default_for(provider)
        return dataclasses.replace(request, provider=provider, model=model), ()
    from ..core.request.models import successor

    found = successor(usual, table, today())
    model, notices = (found.model, (found.notice,)) if found is not None else (usual, ())
    return dataclasses.replace(request, provider=provider, model=model), notices


def usual_model(provider: str) -> str:
    """The model of requests that name none, where the preferences name none either; empty where the user's
    table of models can't be used. Quick enough for drawing."""
    table = find_registry(load_settings(with_key=False))
    return table.default_for(provider) if table.fault is None else ""


def models() -> list[dict[str, Any]]:
    """The model table: one row a model, with its state today (``active``, ``retiring`` or ``shut down``)."""
    table = find_registry(load_settings(with_key=False))
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

    return find(model, find_registry(load_settings(with_key=False)), today())
