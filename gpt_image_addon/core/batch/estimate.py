"""A look over a whole manifest before anything is sent: how many rows, and what they will cost."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from ..errors import GptImageError
from .admission import Pricer
from .manifest import Row


@dataclass
class Group:
    """Rows that are priced alike."""

    rows: int = 0
    pictures: int = 0
    low_usd: float = 0.0
    likely_usd: float = 0.0
    high_usd: float = 0.0
    exact: bool = True


@dataclass
class ManifestEstimate:
    """What a manifest asks for."""

    rows: int = 0
    invalid: int = 0
    """Rows that can't be sent as they are."""
    providers: set[str] = field(default_factory=set)
    groups: dict[tuple[str, str, str, str], Group] = field(default_factory=dict)
    """By model, size, quality, and ``generation`` or ``edit``."""

    def total(self, name: str) -> float:
        """The sum of a price over all groups."""
        return sum(float(getattr(group, name)) for group in self.groups.values())

    def table(self) -> list[dict[str, Any]]:
        """The groups as plain JSON values."""
        names = ("model", "size", "quality", "kind")
        return [dict(zip(names, key, strict=True)) | vars(group) for key, group in self.groups.items()]


def survey(
    rows: Iterable[Row], pricer: Pricer, on_invalid: Callable[[Row, GptImageError], None] | None = None
) -> ManifestEstimate:
    """Price all rows; nothing is sent.

    :param on_invalid: told of each row that can't be sent.
    :raises InvalidRequestError: the manifest itself can't be understood.
    """
    found = ManifestEstimate()
    for row in rows:
        found.rows += 1
        try:
            checked = pricer.validate_and_price(row)
        except GptImageError as error:
            found.invalid += 1
            if on_invalid is not None:
                on_invalid(row, error)
            continue
        request, price = checked.wanted, checked.price
        found.providers.add(request.provider)
        kind = "edit" if request.is_edit else "generation"
        group = found.groups.setdefault((request.model, request.size, request.quality, kind), Group())
        group.rows += 1
        group.pictures += request.n
        group.low_usd += price.low_usd
        group.likely_usd += price.likely_usd
        group.high_usd += price.high_usd
        group.exact = group.exact and price.exact
    return found
