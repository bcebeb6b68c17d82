"""What all operators share: an error of ours becomes a report, and nothing else happens."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from ..core.errors import GptImageError

Returned = set[str]
FINISHED: Returned = {"FINISHED"}
CANCELLED: Returned = {"CANCELLED"}

Action = Callable[..., "Returned | None"]


def reporting(action: Action) -> Callable[..., Returned]:
    """For ``execute`` and ``invoke``: report what goes wrong; without a return value all is done."""

    @wraps(action)
    def run(operator: Any, *arguments: Any) -> Returned:
        try:
            return action(operator, *arguments) or FINISHED
        except GptImageError as error:
            operator.report({"ERROR"}, error.text)
            return CANCELLED

    return run
