"""The records of a manifest, JSON Lines or CSV, out of a file that may hold anything.

Spreadsheets and shells write many kinds of both: UTF-16, semicolons or tabs in place of commas, lines of
commas alone. What is clear is taken; what is not is refused with its line.
"""

from __future__ import annotations

import codecs
import csv
import io
import itertools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from ..common.files import open_file
from ..errors import InvalidRequestError
from ..text.json_reader import parse_json

FILE_LIMIT = 256 * 10**6  # bytes of a manifest
LINE_LIMIT = 10**6  # characters of one record
CSV_SUFFIX = ".csv"
SHOWN = 60  # characters of a value in an error
DELIMITERS = (",", ";", "\t")
"""The first that makes words of the first line separates the cells."""

_NAME = re.compile(r"\w*")
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)
_UNDECODED = re.compile(r"[\udc80-\udcff]")

Record = tuple[int, dict[str, Any]]
"""The line on which it begins, from 1, and its cells by column."""


def show_value(value: object) -> str:
    """A value of a manifest as an error shows it."""
    text = str(value)
    text = text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def line_error(name: str, line: int, what: str, *, param: str | None = None) -> InvalidRequestError:
    """The refusal of a line.

    :param what: a sentence without its full stop.
    """
    return InvalidRequestError(f"{name}, line {line}: {what}.", code="bad_manifest", param=param)


def read_records(path: Path, aliases: Mapping[str, str]) -> Iterator[Record]:
    """The records in the order of the file; it is read as they are taken. A cell that is empty is None.

    :param aliases: other names of columns.
    :raises InvalidRequestError: the file, or a line of it, can't be understood.
    """
    try:
        with open_file(path, FILE_LIMIT) as stream:
            lines = _lines(stream, path.name)
            read = _read_csv if path.suffix.lower() == CSV_SUFFIX else _read_json_lines
            yield from read(lines, path.name, aliases)
    except OSError as error:
        raise InvalidRequestError(
            f"The manifest {path} can't be read: {error.strerror or error}.", code="missing_file"
        ) from error
    except UnicodeError as error:
        raise InvalidRequestError(
            f"The manifest {path} says that it is UTF-16, and is not.", code="bad_manifest"
        ) from error


def _lines(stream: BinaryIO, name: str) -> Iterator[str]:
    """The lines with their ends, none longer than `LINE_LIMIT`."""
    head = stream.read(2)
    stream.seek(0)
    is_wide = head in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    text = io.TextIOWrapper(
        stream,
        encoding="utf-16" if is_wide else "utf-8-sig",
        errors="strict" if is_wide else "surrogateescape",
        newline="",
    )
    for number in itertools.count(1):
        line = text.readline(LINE_LIMIT + 1)
        if not line:
            return
        if len(line) > LINE_LIMIT:
            raise line_error(name, number, f"it is longer than {LINE_LIMIT:,} characters")
        if _UNDECODED.search(line):
            raise line_error(name, number, "it is not written in UTF-8; save the file as UTF-8")
        if "\0" in line:
            raise line_error(name, number, "it holds NUL characters; save the file as UTF-8")
        yield line


def _read_json_lines(lines: Iterator[str], name: str, aliases: Mapping[str, str]) -> Iterator[Record]:
    for number, text in enumerate(lines, 1):
        if not text.strip():
            continue

        def once(pairs: list[tuple[str, Any]], number: int = number) -> dict[str, Any]:
            _check_once([key for key, _ in pairs], name, number, aliases)
            return dict(pairs)

        try:
            found = parse_json(text, object_pairs_hook=once)
        except json.JSONDecodeError as error:
            what = f"this is no JSON: {error.msg} at column {error.colno}"
            if text.lstrip().startswith("["):
                what += "; a manifest has one JSON object a line, without brackets around them"
            raise line_error(name, number, what) from error
        except ValueError as error:  # nested too deeply, or a number of thousands of digits
            raise line_error(name, number, f"this is no JSON that can be read: {error}") from error
        if not isinstance(found, dict):
            raise line_error(name, number, "this is no JSON object")
        yield number, found


class _Source:
    """Lines for `csv`, which takes several for one record where cells hold line breaks."""

    def __init__(self, lines: Iterator[str], name: str) -> None:
        self._lines = lines
        self._name = name
        self.start = 0
        """Line on which the record begins that is being read."""
        self._taken = 0
        self._size = 0

    def begin(self) -> None:
        """The next record begins."""
        self.start = self._taken + 1
        self._size = 0

    def __iter__(self) -> _Source:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self._taken += 1
        self._size += len(line)
        if self._size > LINE_LIMIT:
            raise line_error(self._name, self.start, f"its record is longer than {LINE_LIMIT:,} characters")
        return line


def _read_csv(lines: Iterator[str], name: str, aliases: Mapping[str, str]) -> Iterator[Record]:
    source = _Source(lines, name)
    columns: list[str] | None = None
    for number, cells in _csv_records(source, name):
        if not any(cell.strip() for cell in cells):
            continue
        if columns is None:
            columns = [cell.strip() for cell in cells]
            _check_once([column for column in columns if column], name, number, aliases)
            continue
        _check_cells(columns, cells, name, number)
        yield number, {column: cell for column, cell in zip(columns, cells, strict=False) if column}


def _csv_records(source: _Source, name: str) -> Iterator[tuple[int, list[str]]]:
    source.begin()
    first = next((line for line in source if line.strip(" ,;\t\r\n")), "")
    given = _SEPARATOR_LINE.fullmatch(first)
    before = [] if given else [first]
    delimiter = given[1] if given else _delimiter(first)
    reader = csv.reader(
        itertools.chain(before, source), delimiter=delimiter, skipinitialspace=True, strict=True
    )
    if not before:
        source.begin()
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise line_error(name, source.start, f"this is no CSV: {error}") from error
        if cells is None:
            return
        yield source.start, cells
        source.begin()


def _delimiter(first: str) -> str:
    for delimiter in DELIMITERS:
        try:
            cells = next(csv.reader([first], delimiter=delimiter, skipinitialspace=True), [])
        except csv.Error:
            continue
        if len(cells) > 1 and all(_NAME.fullmatch(cell.strip()) for cell in cells):
            return delimiter
    return DELIMITERS[0]


def _check_cells(columns: Sequence[str], cells: Sequence[str], name: str, line: int) -> None:
    """:raises InvalidRequestError: there are cells of no column, or columns without a cell."""
    if len(cells) < len(columns) or any(cell.strip() for cell in cells[len(columns) :]):
        raise line_error(name, line, "this line has not as many cells as the first one")
    for place, (column, cell) in enumerate(zip(columns, cells, strict=False), 1):
        if not column and cell.strip():
            raise line_error(name, line, f"cell {place} has no name in the first line")


def _check_once(columns: Sequence[str], name: str, line: int, aliases: Mapping[str, str]) -> None:
    """:raises InvalidRequestError: a column is there twice, whatever it is called."""
    seen: dict[str, str] = {}
    for column in columns:
        meant = aliases.get(column, column)
        if meant in seen:
            twice = show_value(column) if seen[meant] == column else f"{seen[meant]}, also called {column},"
            raise line_error(name, line, f"the column {twice} is there twice", param=show_value(meant))
        seen[meant] = column
