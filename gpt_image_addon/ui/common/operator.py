"""What all operators share: an error of ours becomes a report, and nothing else happens."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from ...core.errors import GptImageError
from .translate import translate

Returned = set[str]
FINISHED: Returned = {"FINISHED"}
CANCELLED: Returned = {"CANCELLED"}

Action = Callable[[Any, Any], "Returned | None"]


def reporting(action: Action) -> Callable[[Any, Any], Returned]:
    """For ``execute``: report what goes wrong; without a return value all is done."""

    @wraps(action)
    def run(self: Any, context: Any) -> Returned:  # Blender counts the arguments
        try:
            return action(self, context) or FINISHED
        except GptImageError as error:
            self.report({"ERROR"}, translate(error.text))
            return CANCELLED

    return run
