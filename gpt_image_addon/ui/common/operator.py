"""What all operators share: an error of ours becomes a report, and nothing else happens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import TYPE_CHECKING, Any

import bpy

from ...core.errors import GptImageError
from .translate import translate
from .widgets import draw_sentence

if TYPE_CHECKING:
    from ...api import Task

Returned = set[str]
FINISHED: Returned = {"FINISHED"}
CANCELLED: Returned = {"CANCELLED"}
QUESTION_LINE = 42  # characters of a line of a dialog of the usual width

Action = Callable[[Any, Any], "Returned | None"]


def finish_in_background(job: Task) -> None:
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


@contextmanager
def waiting(context: Any) -> Iterator[None]:
    """The mouse says that Blender is busy, for what takes longer than a frame."""
    window = context.window
    if window is not None:
        window.cursor_modal_set("WAIT")
    try:
        yield
    finally:
        if window is not None:
            window.cursor_modal_restore()


def ask(operator: Any, context: Any, does: str) -> Returned:
    """For ``invoke`` of what can't be undone: ask, with Cancel under the mouse and for Enter.

    :param does: what the other button says.
    """
    found: Returned = context.window_manager.invoke_props_dialog(
        operator, title=operator.bl_label, confirm_text=does, cancel_default=True
    )
    return found


def draw_question(layout: Any, sentence: str) -> None:
    """What a dialog of `ask` says about the consequences.

    :param sentence: in English.
    """
    draw_sentence(layout, translate(sentence), "ERROR", QUESTION_LINE, dim=False)
