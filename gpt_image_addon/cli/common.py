"""What the verbs share: the parser, the common flags, and how something is said."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any, NoReturn

from ..core.errors import ExitCode, GptImageError

SCHEMA = 1
PROGRAM = "gpt_image"

Output = dict[str, Any]


class UsageError(Exception):
    """The command line can't be understood."""


class Ended(Exception):  # noqa: N818 - a command's own end, with all that it has to say
    """A command failed after a part of its work."""

    def __init__(self, output: Output, code: ExitCode) -> None:
        super().__init__(output["error"]["message"])
        self.output = output
        self.code = code


class Parser(argparse.ArgumentParser):
    """Raises instead of leaving the process, which would take Blender with it."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message} (see `{self.prog} --help`)")

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        raise SystemExit(status)


def add_outputs(verb: argparse.ArgumentParser) -> None:
    """The flags that every verb has."""
    verb.add_argument("--json", action="store_true", help="print one JSON object as the last line of stdout")
    verb.add_argument("--json-file", metavar="FILE", type=Path, help="write that object to a file")


def add_scene_outputs(verb: argparse.ArgumentParser) -> None:
    """Where the scene goes afterwards."""
    verb.add_argument("--output", metavar="FILE.blend", type=Path, help="save the scene here")
    verb.add_argument("--overwrite", action="store_true", help="replace an existing --output")


def check_scene_output(options: argparse.Namespace) -> None:
    """Before anything is paid for: can the scene be saved where it should go?

    :raises UsageError: no.
    """
    output: Path | None = options.output
    if output is None:
        return
    if output.exists() and not options.overwrite:
        raise UsageError(f"{output} exists; add --overwrite to replace it")
    if output.suffix != ".blend":
        raise UsageError(f"--output must end with .blend, not {output.name}")
    if not output.absolute().parent.is_dir():
        raise UsageError(f"the folder {output.absolute().parent} does not exist")


def succeeded(**values: Any) -> Output:
    """The JSON object of a success."""
    return {"schema": SCHEMA, "state": "succeeded", **values}


def failure(error: GptImageError) -> Output:
    """The JSON object of a failure."""
    return {"schema": SCHEMA, "state": "failed", "error": error.to_dict()}


def say(text: str) -> None:
    """Tell people; stdout belongs to the JSON."""
    print(text, file=sys.stderr, flush=True)
