"""Draws a section of the panel from the table of parameters: what format, target, provider and model have."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ...core.request.parameters import PARAMETERS, UNSET, Parameter, Section
from ...core.request.providers import find_provider
from ..common.widgets import draw_choice
from . import to_parameters

if TYPE_CHECKING:
    from .quote import Quote

Draw = Callable[[Any, Any, "Quote"], None]
"""Draws into a layout what concerns the values of the panel and their quote."""


def draw_section(
    layout: Any, values: Any, found: Quote, section: Section, own: Mapping[str, Draw] = MappingProxyType({})
) -> None:
    """Draw the parameters of a section.

    :param own: how those are drawn that are more than a property, by name; they also decide whether what they
        need is there.
    """
    column = layout
    for row in PARAMETERS.values():
        if row.panel is None or row.panel.section != section or not _is_offered(row, values, found):
            continue
        if row.name in own:
            own[row.name](layout, values, found)
        elif to_parameters.is_usable(row, values):
            column = column if row.panel.attached else layout.column(align=True)
            _draw(row, column, values, found)


def _draw(row: Parameter, layout: Any, values: Any, found: Quote) -> None:
    if not row.model_values:
        layout.prop(values, row.name)
        return
    offered = (UNSET, *row.taken_by(found.model)) if found.model is not None else None
    draw_choice(layout, values, row.name, offered)


def _is_offered(row: Parameter, values: Any, found: Quote) -> bool:
    """Whether format, target, provider and model have a parameter."""
    trait = row.panel.trait if row.panel is not None else ""
    if not to_parameters.belongs(row, values) or (
        trait and not getattr(find_provider(found.provider), trait)
    ):
        return False
    is_optional = row.model_values and row.default is None
    return not is_optional or (found.model is not None and bool(row.taken_by(found.model)))
