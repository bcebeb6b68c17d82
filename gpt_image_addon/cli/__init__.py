"""The command line: ``blender -c gpt_image VERB …`` and ``python -m gpt_image_addon VERB …``."""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import os
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from .. import api
from ..core.common import streams
from ..core.common.internal_error import unexpected_error
from ..core.common.threads import WORKER_NAME
from ..core.errors import ExitCode, GptImageError, InvalidRequestError, JobCancelled
from . import batch, editing, generate, history, info, material, reference, signals, textures
from .common import (
    BILLED,
    PROGRAM,
    Ended,
    Layout,
    Output,
    Parser,
    UsageError,
    add_outputs,
    check_report,
    console,
    failure,
    json_pieces,
    write_report,
)
from .console import any_text, speaking
from .flags import add_servers, read_servers
from .wait import find_billed


@dataclass(frozen=True)
class Verb:
    """One row of the table of verbs."""

    help: str
    run: Callable[[argparse.Namespace], Output]
    add_flags: Callable[[argparse.ArgumentParser], None]
    asks_servers: bool = False
    """It may ask a server, or prepares that."""


VERBS: dict[str, Verb] = {
    "generate": Verb(
        "make something from a prompt", generate.generate, generate.add_generate, asks_servers=True
    ),
    "estimate": Verb("what that would cost", generate.estimate, generate.add_estimate, asks_servers=True),
    "batch": Verb("make what a manifest lists", batch.batch, batch.add_batch, asks_servers=True),
    "maps": Verb("material maps from an image, without the API", textures.make_maps, textures.add_maps),
    "tile": Verb(
        "a seamless tile from an image; only a repair of its seams needs the API",
        textures.make_tile,
        textures.add_tile,
        asks_servers=True,
    ),
    "material": Verb(
        "a material from a photo of a surface, without the API", material.make_material, material.add_material
    ),
    "texture": Verb(
        "objects painted as a camera shows them",
        material.paint_texture,
        material.add_texture,
        asks_servers=True,
    ),
    "bake": Verb("what objects show as image files of any size", material.bake_out, material.add_bake),
    "extend": Verb(
        "an image extended beyond its borders; what was there stays",
        editing.extend,
        editing.add_extend,
        asks_servers=True,
    ),
    "cutout": Verb(
        "the subject of an image on transparent ground",
        editing.cut_out,
        editing.add_cutout,
        asks_servers=True,
    ),
    "upscale": Verb(
        "an image at 2, 4 or 8 times its size; only its fine detail needs the API",
        textures.upscale,
        textures.add_upscale,
        asks_servers=True,
    ),
    "curves": Verb("an SVG file as filled curves, without the API", editing.make_curves, editing.add_curves),
    "sprite": Verb(
        "images or a GIF as an animated plane, without the API", editing.make_sprite, editing.add_sprite
    ),
    "decal": Verb(
        "a decal moved, or painted into the texture below it, without the API",
        editing.change_decal,
        editing.add_decal,
    ),
    "export": Verb(
        "materials and objects as the files that engines open, without the API",
        textures.export_materials,
        textures.add_export,
    ),
    "history": Verb("what was made and spent", history.history, history.add_history),
    "recover": Verb(
        "results that are in no scene yet", history.recover, history.add_recover, asks_servers=True
    ),
    "models": Verb("the models, what they take and until when", info.models, info.add_models),
    "styles": Verb("the styles by their groups, and what each is for", info.styles, info.add_styles),
    "workflows": Verb(
        "workflows that are kept, and what one takes", info.workflows, info.add_workflows, asks_servers=True
    ),
    "mcp": Verb(
        "a server for agents on standard input and output", info.serve_agent, info.add_mcp, asks_servers=True
    ),
    "doctor": Verb("what is wrong with this installation", info.doctor, info.add_doctor, asks_servers=True),
}
EXIT_CODES = {
    "incomplete": ExitCode.ROWS_FAILED,
    "interrupted": ExitCode.INTERRUPTED,
    "problems": ExitCode.CONFIGURATION,
}
"""By the state of an output, where that is not 0."""


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    root = Parser(
        prog=PROGRAM,
        description="Textures, image planes and materials from a prompt.",
        epilog=reference.root_epilog(),
        formatter_class=Layout,
    )
    verbs = root.add_subparsers(
        dest="verb", required=True, metavar="VERB", parser_class=Parser, title="verbs"
    )
    for name, verb in VERBS.items():
        added = verbs.add_parser(
            name, help=verb.help, epilog=reference.verb_epilog(name), formatter_class=Layout
        )
        verb.add_flags(added)
        if verb.asks_servers:
            add_servers(added)
    return root


def run(argv: Sequence[str]) -> int:
    """`main` for a process that has nothing else to do.

    :returns: the exit code.
    """
    with any_text():
        code = main(argv)
    if any(thread.name == WORKER_NAME and thread.is_alive() for thread in threading.enumerate()):
        # A draft is painted to its end whatever happens, and Blender hangs when a thread outlives it.
        for stream in (sys.stdout, sys.stderr):
            streams.write(stream, ())
        os._exit(code)
    return code


def main(argv: Sequence[str]) -> int:
    """Run one command.

    :returns: the exit code.
    """
    streams.open_missing()
    try:
        with signals.catch_signals():
            return _main(argv)
    except KeyboardInterrupt:  # before anything was begun
        return int(ExitCode.INTERRUPTED)


def _main(argv: Sequence[str]) -> int:
    try:
        options = parser().parse_args(argv)
    except SystemExit as asked:  # --help
        streams.write(sys.stdout, ())
        return int(asked.code or 0)
    except UsageError as error:
        return refuse(argv, str(error))
    except GptImageError as error:  # a path that can't be meant
        console.print(f"{PROGRAM}: {error.text}")
        return _report(_early_options(argv), failure(error), error.exit_code)
    with speaking(console, quiet=options.quiet, verbose=options.verbose):
        try:
            output, code = _run(options)
        except KeyboardInterrupt:  # pressed again, before the first was dealt with
            output, code = _report_interruption(), ExitCode.INTERRUPTED
        with signals.ignore_signals():  # what is being written here must not be cut short
            api.close()
            if output["state"] == "failed":
                _say_failure(output["error"], code)
            if code is ExitCode.USAGE:  # Python 3.14 takes a flag for the missing value of another
                options = _early_options(argv)
            return _report(options, output, code)


def refuse(argv: Sequence[str], message: str) -> int:
    """Say that a command line can't be understood.

    :returns: the exit code.
    """
    console.print(f"{PROGRAM}: {message}")
    return _report(_early_options(argv), _usage_failure(message), ExitCode.USAGE)


def _run(options: argparse.Namespace) -> tuple[Output, ExitCode]:
    try:
        _check_report(options)
        with api.using(**read_servers(options)):
            output = VERBS[options.verb].run(options)
        return output, EXIT_CODES.get(output["state"], ExitCode.DONE)
    except UsageError as error:
        return _usage_failure(str(error)), ExitCode.USAGE
    except Ended as end:
        return end.output, end.code
    except GptImageError as error:
        return failure(error), error.exit_code
    except KeyboardInterrupt:
        return _report_interruption(), ExitCode.INTERRUPTED
    except Exception as error:
        import traceback

        console.print(traceback.format_exc())
        return failure(unexpected_error(error)), ExitCode.INTERNAL


def _check_report(options: argparse.Namespace) -> None:
    try:
        check_report(options)
    except GptImageError:
        options.json_file = None
        raise


def _say_failure(error: dict[str, Any], code: ExitCode) -> None:
    console.print(f"{PROGRAM}: {error['message']}")
    if error["billed"] != "no" or code is ExitCode.INTERRUPTED:
        console.print(BILLED[error["billed"]])


def _report_interruption() -> Output:
    return failure(JobCancelled("Interrupted.", billed=find_billed()))


def _usage_failure(message: str) -> Output:
    output = failure(InvalidRequestError(message, code="usage"))
    output["error"]["type"] = "UsageError"
    return output


def _early_options(argv: Sequence[str]) -> argparse.Namespace:
    """Where the JSON of a usage error goes: the flags that can be understood on their own."""
    found = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    add_outputs(found)
    with contextlib.suppress(SystemExit, GptImageError), contextlib.redirect_stderr(None):
        return found.parse_known_args(argv)[0]
    return argparse.Namespace(json=True, json_file=None, overwrite=False)


def _report(options: argparse.Namespace, output: Output, code: ExitCode) -> int:
    """Hand over what a command has to say; where that fails, its work is done all the same."""
    if options.json_file is not None:
        try:
            write_report(options, output)
        except GptImageError as error:
            console.print(f"{PROGRAM}: {error.text}")
    if options.json:
        _flush_c()
        wrong = streams.write(sys.stdout, chain(json_pieces(output), "\n"), streams.AS_JSON)
        if wrong:
            console.print(f"{PROGRAM}: the JSON could not be printed: {wrong}")
    return int(code)


def _flush_c() -> None:
    """Blender prints through C, whose buffer would otherwise come after our last line."""
    with contextlib.suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).fflush(None)
