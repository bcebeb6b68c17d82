"""How far a job is, in a line: what happens, and the time that is left."""

from __future__ import annotations

from typing import Any

from ...core.text.message import message
from ..common.translate import translate

EXACT = 10.0  # seconds; above them the time left is said in steps, so that it holds still
STEP = 5  # seconds
MINUTE = 60.0


def progress_text(job: Any) -> str:
    """What a job that is not done is at, and how long it takes still; quick enough for drawing."""
    doing = translate("Cancelling" if job.cancelled else job.message)
    time = _time_text(job)
    return f"{doing} · {translate(time)}" if time else doing


def _time_text(job: Any) -> str:
    """The time left, where it is known; else the time taken, of what is at work."""
    left = job.remaining
    if job.deferred or job.started is None:
        return ""
    if left is None:
        return message("{seconds} s so far", seconds=f"{job.elapsed:.0f}")
    if left <= EXACT:
        return message("{seconds} s left", seconds=f"{max(1, round(left))}")
    if left < MINUTE:
        return message("≈ {seconds} s left", seconds=-int(-left // STEP) * STEP)
    return message("≈ {minutes} min left", minutes=f"{left / MINUTE:.0f}")
