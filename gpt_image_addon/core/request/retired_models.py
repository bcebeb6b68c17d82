"""What replaces a model that no longer answers; for presets and preferences that still name it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from .models import Registry


@dataclass(frozen=True)
class Successor:
    """The model to use instead."""

    model: str
    notice: str
    """One sentence for the user."""


def successor(model_id: str, registry: Registry, today: date) -> Successor | None:
    """What to use in place of a model on a day; None where the model still answers.

    Replacements that have been shut down themselves are followed further; where the table names none that is
    left, the default model is taken.
    """
    model = registry.get(model_id)
    if not model.is_shut_down(today):
        return None
    seen = {model.id}
    found = registry.get(model.replacement) if model.replacement else None
    while found is not None and found.is_shut_down(today):
        seen.add(found.id)
        following = registry.get(found.replacement) if found.replacement else None
        found = following if following is not None and following.id not in seen else None
    new = found.id if found is not None else registry.default
    return Successor(new, f"{model_id} was shut down on {model.shutdown}; {new} is used instead.")
