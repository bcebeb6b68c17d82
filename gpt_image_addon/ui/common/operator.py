"""What all operators share: an error of ours becomes a report, and nothing else happens."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

import bpy

from ...core.errors import GptImageError
from .translate import translate

if TYPE_CHECKING:
    from ...api import Job

Returned = set[str]
FINISHED: Returned = {"FINISHED"}
CANCELLED: Returned = {"CANCELLED"}

Action = Callable[[Any, Any], "Returned | None"]


def finish_in_background(job: Job) -> None:
    """Without a window nothing else waits for a job: Blender would end, and what is paid for be lost.

    :raises GptImageError: why it failed.
    """
    if bpy.app.background:
        job.wait()
        if job.error is not None:
            raise job.error


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
