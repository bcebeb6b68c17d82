"""The verb ``mcp``: a server for agents on standard input and output."""

from __future__ import annotations

import argparse
import tomllib
from pathlib import Path
from types import FrameType

from .. import api
from ..app.scheduler import drain
from ..core.common import streams
from ..core.common.package import FOLDER
from ..mcp.files import ALLOW, Folders
from ..mcp.server import Server
from ..mcp.stdio import Lines, Wire
from ..mcp.stdio import serve as serve_lines
from ..mcp.tools import INSTRUCTIONS, Toolbox
from . import signals
from .common import Output, UsageError, add_outputs, path_of, say, succeeded

NAME = "gpt-image"
STDIN = 0


def add_mcp(verb: argparse.ArgumentParser) -> None:
    """The flags of ``mcp``."""
    verb.description = (
        "Offer estimate, generate, wait, cancel, apply, history, capture, maps, tile and models to an agent "
        "through the Model Context Protocol on standard input and output. Opens no port. It ends with its "
        "input, after everything that it read is answered."
    )
    verb.add_argument(
        ALLOW,
        dest="allow_dir",
        action="append",
        default=[],
        metavar="DIR",
        type=path_of("allow_dir"),
        help="folder whose images agents may show a model, and below which they may write; repeatable",
    )
    add_outputs(verb)


def serve(options: argparse.Namespace) -> Output:
    """The verb ``mcp``."""
    wire = Wire(streams.take_output())
    for folder in options.allow_dir:
        if not folder.is_dir():
            raise UsageError(f"the folder {folder} does not exist")
    info = {"name": NAME, "title": "GPT Image", "version": _version()}
    tools = Toolbox(Folders(tuple(options.allow_dir))).table()
    server = Server(tools, wire.send, info=info, instructions=INSTRUCTIONS)
    ending = _Ending()
    with signals.catch_signals(ending.hear):
        serve_lines(server, Lines(STDIN), wire, _work, lambda: ending.asked)
        _finish()
    return succeeded(calls=server.answered)


class _Ending:
    """Hears signals: the first lets what is paid for be stored, the second ends at once."""

    def __init__(self) -> None:
        self.asked = False

    def hear(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True


def _work(seconds: float) -> bool:
    is_working = any(not job.done for job in api.jobs())
    if is_working:
        drain(seconds)
    return is_working


def _finish() -> None:
    """Let answers come that are paid for; what was not sent yet is not sent."""
    waiting = [job for job in api.jobs() if not job.done]
    for job in waiting:
        job.stop_sending()
    paid = [job for job in waiting if job.billed() != "no"]
    if paid:
        say(f"{len(paid)} requests are on their way and are paid for; waiting for their answers.")
    for job in paid:
        job.wait()


def _version() -> str:
    """The extension's, where its manifest is beside the code."""
    for folder in (FOLDER, FOLDER.parent):
        path = Path(folder) / "blender_manifest.toml"
        if path.is_file():
            return str(tomllib.loads(path.read_text("utf-8"))["version"])
    return "0"
