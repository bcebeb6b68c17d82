"""The server as a process of its own, on standard input and output. Main thread only."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import FrameType

from .. import api
from ..app.scheduler import drain
from ..core.common import streams
from .about import INSTRUCTIONS, server_info
from .files import Folders
from .server import Server
from .stdio import STDIN, Lines, Wire, serve
from .tools import Toolbox

ONE_CLIENT = "stdio"


def serve_agent(folders: tuple[Path, ...], ending: Ending, say: Callable[[str], None]) -> int:
    """Serve until the input ends; returns how many calls were answered.

    :param folders: that the user named.
    :param say: tells people something.
    """
    wire = Wire(streams.take_output())
    server = Server(
        Toolbox(Folders(folders)).table(),
        wire.send,
        info=server_info(),
        instructions=INSTRUCTIONS,
        identity=ONE_CLIENT,
    )
    serve(server, Lines(STDIN), wire, _work, lambda: ending.asked)
    _finish(say)
    return server.answered


class Ending:
    """Hears signals: the first lets what is paid for be stored, the second ends at once."""

    def __init__(self) -> None:
        self.asked = False

    def hear(self, number: int, frame: FrameType | None) -> None:
        """A handler of signals."""
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True


def _work(seconds: float) -> bool:
    is_working = any(not job.done for job in api.jobs())
    if is_working:
        drain(seconds)
    return is_working


def _finish(say: Callable[[str], None]) -> None:
    """Let answers come that are paid for; what was not sent yet is not sent."""
    waiting = [job for job in api.jobs() if not job.done]
    for job in waiting:
        job.stop_sending()
    paid = [job for job in waiting if job.billed() != "no"]
    if paid:
        say(f"{len(paid)} requests are on their way and are paid for; waiting for their answers.")
    for job in paid:
        job.wait()
