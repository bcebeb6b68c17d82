"""What the verbs share: the parser, the common flags, and how something is said."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

from ..core.errors import ExitCode, GptImageError
from .terminal import Console, to_json

SCHEMA = 1
PROGRAM = "gpt_image"
OUTPUT_FLAGS = frozenset(("verb", "json", "json_file", "quiet", "verbose"))
"""What `add_outputs` and the choice of the verb leave in the options."""
BILLED = {
    "no": "Nothing was billed.",
    "maybe": "It may have been billed, at most the estimate: `recover` lists such requests.",
    "yes": "It was billed; `history` names the folder of what came.",
}
"""What to tell about money after a failure."""
console = Console()

Output = dict[str, Any]


class Rows:
    """Rows of the JSON output, kept as text: as values a hundred thousand would take half a gigabyte."""

    def __init__(self) -> None:
        self._texts: list[bytes] = []

    def add(self, row: Output) -> None:
        """Add a JSON object."""
        self._texts.append(to_json(row).encode())

    def pieces(self, encoding: str | None) -> Iterator[str]:
        """The JSON array, piece by piece."""
        yield "["
        for number, text in enumerate(self._texts):
            shown = text.decode()
            if encoding and encoding.lower() != "utf-8":
                shown = to_json(json.loads(shown), encoding)
            yield (", " if number else "") + shown
        yield "]"


def json_pieces(output: Output, encoding: str | None = "utf-8") -> Iterator[str]:
    """The text of a JSON object, piece by piece.

    :param encoding: of where it goes, as for `to_json`.
    """
    for number, (name, value) in enumerate(output.items()):
        yield f"{', ' if number else '{'}{json.dumps(name)}: "
        if isinstance(value, Rows):
            yield from value.pieces(encoding)
        else:
            yield to_json(value, encoding)
    yield "}"


class UsageError(Exception):
    """The command line can't be understood."""


class Ended(Exception):  # noqa: N818 - a command's own end, with all that it has to say
    """A command failed after a part of its work."""

    def __init__(self, output: Output, code: ExitCode) -> None:
        super().__init__(output["error"]["message"])
        self.output = output
        self.code = code


class Layout(argparse.HelpFormatter):
    """Help whose descriptions are wrapped, and whose examples stay as they are."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        if "\n" in text:
            return "".join(indent + line for line in text.splitlines(keepends=True))
        return super()._fill_text(text, width, indent)


class Parser(argparse.ArgumentParser):
    """Raises instead of leaving the process, which would take Blender with it."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message} (see `{self.prog} --help`)")

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        raise SystemExit(status)


def add_outputs(verb: argparse.ArgumentParser) -> None:
    """The flags that every verb has."""
    group = verb.add_argument_group("what is printed")
    group.add_argument("--json", action="store_true", help="print one JSON object as the last line of stdout")
    group.add_argument("--json-file", metavar="FILE", type=Path, help="write that object to a file")
    loudness = group.add_mutually_exclusive_group()
    loudness.add_argument(
        "-q", "--quiet", action="store_true", help="on stderr only errors: no notes, no progress"
    )
    loudness.add_argument(
        "-v", "--verbose", action="store_true", help="on stderr also each step and what the log says"
    )


def add_scene_outputs(verb: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    """Where the scene goes afterwards; returns the group, for more of that kind."""
    group = verb.add_argument_group("the scene")
    group.add_argument("--output", metavar="FILE.blend", type=Path, help="save the scene here")
    group.add_argument("--overwrite", action="store_true", help="replace an existing --output")
    return group


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
    """Tell people, unless they want quiet; stdout belongs to the JSON."""
    console.say(text)
