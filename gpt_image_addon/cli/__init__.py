"""The command line: ``blender -c gpt_image VERB …`` and ``python -m gpt_image_addon VERB …``."""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import json
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .. import api
from ..core.errors import ExitCode, GptImageError, InvalidRequestError, JobCancelled
from . import about, batch, generate, ledger, surfaces
from .common import PROGRAM, Ended, Output, Parser, UsageError, add_outputs, failure


@dataclass(frozen=True)
class Verb:
    """One row of the table of verbs."""

    help: str
    run: Callable[[argparse.Namespace], Output]
    add_flags: Callable[[argparse.ArgumentParser], None] = add_outputs


VERBS: dict[str, Verb] = {
    "generate": Verb("make something from a prompt", generate.generate, generate.add_generate),
    "estimate": Verb("what that would cost", generate.estimate, generate.add_estimate),
    "batch": Verb("make what a manifest lists", batch.batch, batch.add_batch),
    "maps": Verb("material maps from a picture, without the API", surfaces.make_maps, surfaces.add_maps),
    "tile": Verb("a seamless tile from a picture, without the API", surfaces.make_tile, surfaces.add_tile),
    "history": Verb("what was made and spent", ledger.history, ledger.add_history),
    "recover": Verb("results that are in no scene yet", ledger.recover, ledger.add_recover),
    "models": Verb("the models, what they take and until when", about.models),
    "doctor": Verb("what is wrong with this installation", about.doctor),
}
EXIT_CODES = {"incomplete": ExitCode.ROWS_FAILED, "interrupted": ExitCode.INTERRUPTED}
"""By the state of an output, where that is not 0."""


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    root = Parser(prog=PROGRAM, description="Textures, image planes and materials from a prompt.")
    verbs = root.add_subparsers(dest="verb", required=True, metavar="VERB", parser_class=Parser)
    for name, verb in VERBS.items():
        verb.add_flags(verbs.add_parser(name, help=verb.help))
    return root


def main(argv: Sequence[str]) -> int:
    """Run one command.

    :returns: the exit code.
    """
    _hear_interrupts()
    try:
        options = parser().parse_args(argv)
    except SystemExit as asked:  # --help
        return int(asked.code or 0)
    except UsageError as error:
        print(f"{PROGRAM}: {error}", file=sys.stderr)
        return _report(_early_options(argv), _usage_failure(str(error)), ExitCode.USAGE)
    try:
        output = VERBS[options.verb].run(options)
        code = EXIT_CODES.get(output["state"], ExitCode.DONE)
    except UsageError as error:
        output, code = _usage_failure(str(error)), ExitCode.USAGE
    except Ended as end:
        output, code = end.output, end.code
    except GptImageError as error:
        output, code = failure(error), error.exit_code
    except KeyboardInterrupt:
        output, code = failure(JobCancelled("Interrupted.")), ExitCode.INTERRUPTED
    except Exception as error:
        import traceback

        traceback.print_exc()
        output, code = (
            failure(GptImageError(f"Something unexpected went wrong: {error!r}.", code="internal")),
            ExitCode.INTERNAL,
        )
    finally:
        api.close()
    if output["state"] == "failed":
        print(f"{PROGRAM}: {output['error']['message']}", file=sys.stderr)
    return _report(options, output, code)


def _hear_interrupts() -> None:
    """Blender ignores Ctrl-C in commands; without this no KeyboardInterrupt is raised."""
    with contextlib.suppress(ValueError):  # not on the main thread
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _usage_failure(message: str) -> Output:
    output = failure(InvalidRequestError(message, code="usage"))
    output["error"]["type"] = "UsageError"
    return output


def _early_options(argv: Sequence[str]) -> argparse.Namespace:
    """Where the JSON of a usage error goes: the flags that can be understood on their own."""
    found = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    add_outputs(found)
    with contextlib.suppress(SystemExit), contextlib.redirect_stderr(None):
        return found.parse_known_args(argv)[0]
    return argparse.Namespace(json=True, json_file=None)


def _report(options: argparse.Namespace, output: Output, code: ExitCode) -> int:
    text = json.dumps(output, ensure_ascii=False)
    if options.json_file is not None:
        try:
            options.json_file.write_text(text + "\n", "utf-8")
        except OSError as error:
            print(f"{PROGRAM}: {options.json_file} can't be written: {error.strerror}", file=sys.stderr)
            code = code or ExitCode.INTERNAL
    if options.json:
        _flush_c()
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
    return int(code)


def _flush_c() -> None:
    """Blender prints through C, whose buffer would otherwise come after our last line."""
    with contextlib.suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).fflush(None)
