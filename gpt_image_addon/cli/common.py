"""What the verbs share: the parser, the common flags, and how something is said."""

from __future__ import annotations

import argparse
import json
import stat
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

from .. import api
from ..app.blend_paths import resolve
from ..core.common.files import storage_errors
from ..core.errors import ExitCode, GptImageError
from ..core.results.output_files import Outputs, is_json_report
from ..core.results.output_folders import new_part, sync_file
from .console import Console, to_json

SCHEMA = 1
PROGRAM = "gpt_image"
OUTPUT_FLAGS = frozenset(("verb", "json", "json_file", "overwrite", "quiet", "verbose"))
"""What `add_outputs` and the choice of the verb leave in the options."""
BILLED = {
    "no": "Nothing was billed.",
    "maybe": "It may have been billed, at most the estimate: `recover` lists such requests.",
    "yes": "It was billed; `history` names the folder of what came.",
}
"""What to tell about money after a failure."""
console = Console()

Output = dict[str, Any]


NOBODY = ""
"""Owner of files that no job or row made."""


class Rows:
    """Rows of the JSON output, kept as text: as values a hundred thousand would take half a gigabyte."""

    def __init__(self) -> None:
        self._texts: list[bytes] = []

    def add(self, row: Output) -> None:
        """Add a JSON object."""
        self._texts.append(to_json(row).encode())

    def pieces(self) -> Iterator[str]:
        """The JSON array, piece by piece."""
        yield "["
        for number, text in enumerate(self._texts):
            yield (", " if number else "") + text.decode()
        yield "]"


def json_pieces(output: Output) -> Iterator[str]:
    """The text of a JSON object, piece by piece."""
    for number, (name, value) in enumerate(output.items()):
        yield f"{', ' if number else '{'}{json.dumps(name)}: "
        if isinstance(value, Rows):
            yield from value.pieces()
        else:
            yield to_json(value)
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


def path_of(param: str) -> Callable[[str], Path]:
    """Reads the value of a flag as a path; ``//`` stands for the folder of the .blend."""
    return lambda text: resolve(text, param)


def add_outputs(verb: argparse.ArgumentParser) -> None:
    """The flags that every verb has."""
    group = verb.add_argument_group("what is printed")
    group.add_argument("--json", action="store_true", help="print one JSON object as the last line of stdout")
    group.add_argument(
        "--json-file", metavar="FILE", type=path_of("json_file"), help="write that object to a file"
    )
    group.add_argument(
        "--overwrite", action="store_true", help="replace files that are in the way and not ours"
    )
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
    group.add_argument("--output", metavar="FILE.blend", type=path_of("output"), help="save the scene here")
    return group


def check_scene_output(options: argparse.Namespace) -> None:
    """Before anything is paid for: can the scene be saved where it should go?

    :raises UsageError: it is no .blend, or its folder is not there.
    :raises InvalidRequestError: something has this name.
    :raises StorageError: the folder can't be written.
    """
    output: Path | None = options.output
    if output is None:
        return
    if output.suffix != ".blend":
        raise UsageError(f"--output must end with .blend, not {output.name}")
    if not output.parent.is_dir():
        raise UsageError(f"the folder {output.parent} does not exist")
    Outputs(overwrite=options.overwrite).check(output, NOBODY, param="output")


def save_scene(options: argparse.Namespace, cost_usd: float | None, files: Sequence[str]) -> str | None:
    """Save the scene where it should go; returns its path.

    :param cost_usd: of what is in it, which is paid for whatever happens here.
    :param files: where that is kept.
    :raises GptImageError: it can't be saved.
    """
    if options.output is None:
        return None
    try:
        return api.save_blend(options.output, overwrite=options.overwrite)
    except GptImageError as error:
        error.billed = "yes" if cost_usd else "no"
        kept = f"What was made is kept: {', '.join(files)}." if files else ""
        error.next_step = f"{error.next_step} {kept}".strip()
        raise


def check_report(options: argparse.Namespace) -> None:
    """Before anything is paid for: can the JSON be written where it should go?

    :raises InvalidRequestError: something that is no report of ours has this name.
    :raises StorageError: the folder can't be written.
    """
    path: Path | None = options.json_file
    if path is not None and not _is_stream(path):
        outputs = Outputs(overwrite=options.overwrite)
        outputs.check(path, NOBODY, param="json_file", is_ours=is_json_report)


def write_report(options: argparse.Namespace, output: Output) -> None:
    """Write the JSON of a command, piece by piece.

    :raises InvalidRequestError: something that is no report of ours has this name by now.
    :raises StorageError: it can't be written.
    """
    path: Path = options.json_file
    if _is_stream(path):
        with storage_errors(f"{path} could not be written"):
            _write_pieces(path, "w", output)
        return
    part = new_part(path)
    try:
        with storage_errors(f"{path} could not be written"):
            _write_pieces(part, "x", output)
            sync_file(part)
        Outputs(overwrite=options.overwrite).place(part, path, NOBODY, is_ours=is_json_report)
    finally:
        part.unlink(missing_ok=True)


def _write_pieces(path: Path, mode: str, output: Output) -> None:
    with path.open(mode, encoding="utf-8", errors="backslashreplace") as file:
        file.writelines(json_pieces(output))
        file.write("\n")


def _is_stream(path: Path) -> bool:
    """Whether a shell handed it over, such as ``/dev/stdout`` or a pipe: nothing of it is replaced."""
    try:
        mode = path.stat().st_mode
    except OSError:  # not there, or in a folder that nobody may look into
        return path.is_relative_to("/dev")
    return path.is_relative_to("/dev") or stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)


def succeeded(**values: Any) -> Output:
    """The JSON object of a success."""
    return {"schema": SCHEMA, "state": "succeeded", **values}


def failure(error: GptImageError) -> Output:
    """The JSON object of a failure."""
    return {"schema": SCHEMA, "state": "failed", "error": error.to_dict()}


def say(text: str) -> None:
    """Tell people, unless they want quiet; stdout belongs to the JSON."""
    console.say(text)
