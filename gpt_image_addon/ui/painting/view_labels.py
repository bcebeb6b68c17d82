"""What is said of each view that was painted: how much it painted, and how it lay on its guide."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ...core.text.message import message
from ..common.translate import translate

if TYPE_CHECKING:
    from ...app.painting.stored import StoredViews
    from ...core.painting.reports import ViewReport


def describe_views(found: StoredViews) -> list[str]:
    """A line for each view of a result, in its order."""
    return [describe(view.name, found.reports.get(view.name)) for view in found.projection.views]


def describe(name: str, report: ViewReport | None) -> str:
    """A line for a view, in the language of the interface.

    :param report: None where nothing is known of what became of it.
    """
    if report is None:
        return name
    values = {"view": name, "score": f"{report.score:.0%}", "share": f"{report.coverage:.0%}"}
    if not report.used:
        return translate(message("{view}: outline {score}, left out", **values))
    shift = f"{math.hypot(*report.shift_px):.1f}"
    return translate(
        message("{view}: outline {score}, off by {shift} px, painted {share}", shift=shift, **values)
    )
