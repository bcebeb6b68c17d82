"""Manifests of batches: JSON Lines or CSV, read row by row, with placeholders and lists of choices.

A column is a parameter of `GenerationRequest` or `Application`, one of `OWN_COLUMNS`, or any other name that
a ``{placeholder}`` of the same row uses. A list makes one row of each of its values, several lists one row of
each combination. In CSV a list is ``oak|pine|ash``; in the prompt, where that may be meant, it stays text.
"""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import itertools
import json
import math
import re
import typing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .catalogs import usable_tags
from .errors import InvalidRequestError
from .names import safe_name
from .request import Application, GenerationRequest

ALIASES = {"reference": "references", "object": "object_name"}
"""The flags' names, where they differ from the parameters'."""
OWN_COLUMNS = frozenset({"id", "tags", "catalog"})
LIST_COLUMNS = frozenset({"references", "maps", "tags"})
"""Columns whose value is a list itself; a list of lists makes combinations of them."""
PATH_COLUMNS = frozenset({"references", "mask", "markup"})
NOT_OFFERED = frozenset({"object_uid", "scene_uid", "view_matrix", "textures_dir", "overwrite"})
NO_CHOICES_IN_CSV = frozenset({"prompt"})
LIST_SEPARATOR = "|"
SHORT_HASH = 12  # characters of a row's id that was not given
NAME_PART = 40  # bytes of the prompt in a file name

_TYPES = {**typing.get_type_hints(GenerationRequest), **typing.get_type_hints(Application)}
_REQUEST = frozenset(field.name for field in dataclasses.fields(GenerationRequest))
PARAMETERS = frozenset(_TYPES) - NOT_OFFERED
_PLACEHOLDER = re.compile(r"\{\{(\w+)\}\}|\{(\w+)\}")
_WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


@dataclass(frozen=True)
class Row:
    """One request of a manifest."""

    id: str
    """Given by the manifest, or a hash of what is asked for."""
    line: int
    """Where it stands in the file, from 1."""
    request: GenerationRequest
    application: Application
    tags: tuple[str, ...] = ()
    catalog: str = ""
    named: bool = False
    """Whether the manifest gave the id."""

    @property
    def stem(self) -> str:
        """How the files of the row begin."""
        if self.named:
            return self.id
        return f"{safe_name(self.application.name or self.request.prompt, limit=NAME_PART)} {self.id}"


@dataclass
class Manifest:
    """A file of rows. Iterating reads it; nothing of it is kept but what tells equal rows apart."""

    path: Path
    defaults: Mapping[str, Any] = field(default_factory=dict)
    """Values of parameters that a row leaves open."""

    def __iter__(self) -> Iterator[Row]:
        """The rows in the order of the file.

        :raises InvalidRequestError: a line that can't be understood, with its number.
        """
        seen: dict[bytes, int] = {}
        for line, cells in self._records():
            try:
                yield from self._rows(line, cells, seen)
            except InvalidRequestError as error:
                raise InvalidRequestError(
                    f"{self.path.name}, line {line}: {error.message}", code=error.code, param=error.param
                ) from error

    def _records(self) -> Iterator[tuple[int, dict[str, Any]]]:
        try:
            with self.path.open(encoding="utf-8-sig", newline="") as stream:
                read = _read_csv if self.path.suffix.lower() == ".csv" else _read_json_lines
                yield from read(stream, self.path.name)
        except OSError as error:
            raise InvalidRequestError(
                f"The manifest {self.path} can't be read: {error.strerror}.", code="missing_file"
            ) from error
        except UnicodeDecodeError as error:
            raise InvalidRequestError(f"The manifest {self.path} is not written in UTF-8.") from error

    def _rows(self, line: int, cells: Mapping[str, Any], seen: dict[bytes, int]) -> Iterator[Row]:
        values = {**self.defaults, **{ALIASES.get(name, name): cells[name] for name in cells}}
        values = {name: value for name, value in values.items() if value is not None}
        _check_columns(values)
        combined = [
            {name: _filled(value, chosen) for name, value in chosen.items()}
            for chosen in _combinations(values)
        ]
        ids = [str(chosen.get("id", "")) for chosen in combined]
        for number, (given, chosen) in enumerate(zip(ids, combined, strict=True), 1):
            yield self._row(
                line, chosen, f"{given}-{number}" if ids.count(given) > 1 and given else given, seen
            )

    def _row(self, line: int, values: Mapping[str, Any], given: str, seen: dict[bytes, int]) -> Row:
        typed = {name: self._typed(name, value) for name, value in values.items() if name in PARAMETERS}
        request = GenerationRequest(**{name: typed[name] for name in typed if name in _REQUEST})
        application = Application(**{name: typed[name] for name in typed if name not in _REQUEST})
        asked = request.to_dict()
        asked |= {name: values[name] for name in PATH_COLUMNS if name in values}  # as written
        id = _given_id(given, seen) if given else _hashed_id(asked, seen)
        tags = usable_tags(map(str, values.get("tags", ())))
        return Row(id, line, request, application, tags, str(values.get("catalog", "")), bool(given))

    def _typed(self, name: str, value: Any) -> Any:
        if name in PATH_COLUMNS:
            paths = [str(self.path.absolute().parent / path) for path in _strings(name, value)]
            return tuple(paths) if name == "references" else paths[0]
        return _converted(name, value)


def _strings(name: str, value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    if not all(isinstance(item, str) and item for item in values):
        raise InvalidRequestError(f"{name} must be a path.", code="invalid_value", param=name)
    return values


def _read_json_lines(stream: typing.TextIO, name: str) -> Iterator[tuple[int, dict[str, Any]]]:
    for line, text in enumerate(stream, 1):
        if not text.strip():
            continue
        try:
            found = json.loads(text)
        except ValueError as error:
            raise InvalidRequestError(
                f"{name}, line {line}: this is no JSON: {error}.", code="bad_manifest"
            ) from error
        if not isinstance(found, dict):
            raise InvalidRequestError(f"{name}, line {line}: this is no JSON object.", code="bad_manifest")
        yield line, found


def _read_csv(stream: typing.TextIO, name: str) -> Iterator[tuple[int, dict[str, Any]]]:
    reader = csv.DictReader(stream, skipinitialspace=True, strict=True)
    try:
        for record in reader:
            if None in record or None in record.values():
                raise InvalidRequestError(
                    f"{name}, line {reader.line_num}: this line has not as many cells as the first one.",
                    code="bad_manifest",
                )
            yield reader.line_num, {key.strip(): _cell(key.strip(), text) for key, text in record.items()}
    except csv.Error as error:
        raise InvalidRequestError(
            f"{name}, line {reader.line_num + 1}: this is no CSV: {error}.", code="bad_manifest"
        ) from error


def _cell(name: str, text: str) -> Any:
    """An empty cell leaves the column open."""
    if not text.strip():
        return None
    column = ALIASES.get(name, name)
    if column in NO_CHOICES_IN_CSV or (LIST_SEPARATOR not in text and column not in LIST_COLUMNS):
        return text
    return [part.strip() for part in text.split(LIST_SEPARATOR)]


def _check_columns(values: Mapping[str, Any]) -> None:
    """:raises InvalidRequestError: a column that nothing uses, or a placeholder that nothing fills."""
    used: set[str] = set()
    for value in values.values():
        used.update(_placeholders(value))
    for name in values:
        if name not in PARAMETERS and name not in OWN_COLUMNS and name not in used:
            raise InvalidRequestError(
                f"there is no parameter '{name}', and no placeholder {{{name}}} uses it.",
                code="unknown_parameter",
                param=name,
            )
    missing = next((name for name in sorted(used) if name not in values), None)
    if missing is not None:
        raise InvalidRequestError(
            f"the placeholder {{{missing}}} has no column; {{{{{missing}}}}} stands for the word in braces.",
            code="unknown_placeholder",
            param=missing,
        )


def _placeholders(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield from (found[2] for found in _PLACEHOLDER.finditer(value) if found[2])
    elif isinstance(value, list):
        for item in value:
            yield from _placeholders(item)


def _combinations(values: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    choices = [_choices(name, value) for name, value in values.items()]
    for chosen in itertools.product(*choices):
        yield dict(zip(values, chosen, strict=True))


def _choices(name: str, value: Any) -> Sequence[Any]:
    if name in LIST_COLUMNS:
        if not isinstance(value, list):
            return [[value]]
        return value if value and all(isinstance(item, list) for item in value) else [value]
    if isinstance(value, list) and not value:
        raise InvalidRequestError(f"the list {name} is empty.", code="invalid_value", param=name)
    return value if isinstance(value, list) else [value]


def _filled(value: Any, values: Mapping[str, Any]) -> Any:
    """A value with its placeholders replaced by the row's own values."""
    if isinstance(value, list):
        return [_filled(item, values) for item in value]
    if not isinstance(value, str):
        return value
    return _PLACEHOLDER.sub(
        lambda found: f"{{{found[1]}}}" if found[1] else str(values[found[2]]),
        value,
    )


def _converted(name: str, value: Any) -> Any:
    """A cell as the parameter's own type."""
    kinds = typing.get_args(_TYPES[name]) or (_TYPES[name],)
    if name in LIST_COLUMNS:
        return tuple(str(item) for item in value)
    try:
        if bool in kinds:
            return _WORDS[str(value).strip().lower()]
        if int in kinds:
            if isinstance(value, bool | float):
                raise ValueError
            return int(value)
        if float in kinds:
            return _number(value)
    except (ValueError, TypeError, KeyError) as error:
        what = "true or false" if bool in kinds else "a whole number" if int in kinds else "a number"
        raise InvalidRequestError(
            f"{name} must be {what}, not '{value}'.", code="invalid_value", param=name
        ) from error
    if isinstance(value, dict | list | bool):
        raise InvalidRequestError(f"{name} must be a text.", code="invalid_value", param=name)
    return str(value)


def _number(value: Any) -> float:
    if isinstance(value, bool) or not math.isfinite(float(value)):
        raise ValueError
    return float(value)


def _hashed_id(asked: Mapping[str, Any], seen: dict[bytes, int]) -> str:
    """What is asked for decides, wherever the row stands; its equals are numbered."""
    digest = hashlib.sha256(json.dumps(asked, sort_keys=True, ensure_ascii=False).encode())
    count = seen[digest.digest()[:8]] = seen.get(digest.digest()[:8], 0) + 1
    short = digest.hexdigest()[:SHORT_HASH]
    return short if count == 1 else f"{short}-{count}"


def _given_id(given: str, seen: dict[bytes, int]) -> str:
    if safe_name(given) != given:
        raise InvalidRequestError(
            f"the id '{given}' can't be the name of a file; '{safe_name(given)}' can.", param="id"
        )
    key = hashlib.sha256(given.casefold().encode()).digest()[:8]
    if key in seen:
        raise InvalidRequestError(f"the id '{given}' is there twice.", code="duplicate_id", param="id")
    seen[key] = 1
    return given
