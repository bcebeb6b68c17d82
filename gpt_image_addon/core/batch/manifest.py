"""Manifests of batches: requests row by row, with placeholders and lists of choices.

A column is a parameter of `GenerationRequest` or `Application`, one of `OWN_COLUMNS`, or any other name that
a ``{placeholder}`` of the same row uses. A list makes one row of each of its values, several lists one row of
each combination. In CSV a list is ``oak|pine|ash``; in the prompt, where that may be meant, it stays text.
"""

from __future__ import annotations

import dataclasses
import difflib
import hashlib
import itertools
import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..common.arguments import LARGEST
from ..common.asset_catalogs import usable_tags
from ..errors import InvalidRequestError
from ..request import parameters
from ..request.request import Application, GenerationRequest, is_panorama, usual_values
from ..text.names import safe_name
from ..workflows.library import find_kept
from .manifest_records import CSV_SUFFIX, SHOWN, read_records, show_value

_ROWS = tuple(row for row in parameters.PARAMETERS.values() if row.in_manifest)
PARAMETERS = frozenset(row.name for row in _ROWS)
ALIASES = {row.flag.name: row.name for row in _ROWS if row.flag is not None and row.flag.name}
"""The flags' names, where they differ from the parameters'."""
OWN_COLUMNS = frozenset({"id", "tags", "catalog"})
LIST_COLUMNS = frozenset({"tags", *(row.name for row in _ROWS if row.many)})
"""Columns whose value is a list itself; a list of lists makes combinations of them."""
PATH_COLUMNS = frozenset(row.name for row in _ROWS if row.kind is Path)
KEPT_COLUMNS = frozenset(row.name for row in _ROWS if row.is_kept)
"""Columns that may name what is kept in the state folder."""
LABELS = "reference_labels"
NO_CHOICES_IN_CSV = frozenset({"prompt"})
LIST_SEPARATOR = "|"
SHORT_HASH = 12  # characters of a row's id that was not given
NAME_PART = 40  # bytes of the prompt in a file name
TEXT_LIMIT = 100_000  # characters of a value, its placeholders filled
COMBINATION_LIMIT = 10_000  # rows of one line
ROW_LIMIT = 1_000_000  # of a manifest

_REQUEST = frozenset(field.name for field in dataclasses.fields(GenerationRequest))
_PLACEHOLDER = re.compile(r"\{\{(\w+)\}\}|\{(\w+)\}")
_NO_TEXT = re.compile(r"[\0\ud800-\udfff]")
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
    complete: Callable[[GenerationRequest, Application], GenerationRequest] = lambda request, _: request
    """Adds the image that a row edits, see `Application.edit_of`; raises where there is none."""

    def __iter__(self) -> Iterator[Row]:
        """The rows in the order of the file.

        :raises InvalidRequestError: there are none, or a line can't be understood; with its number.
        """
        seen: dict[bytes, int] = {}
        count = 0
        for line, cells in read_records(self.path, ALIASES):
            try:
                for row in self._rows(line, cells, seen):
                    count += 1
                    if count > ROW_LIMIT:
                        raise InvalidRequestError(
                            f"there are more than {ROW_LIMIT:,} rows; divide the manifest.",
                            code="too_many_rows",
                        )
                    yield row
            except InvalidRequestError as error:
                raise InvalidRequestError(
                    f"{self.path.name}, line {line}: {error.message}", code=error.code, param=error.param
                ) from error
        if not count:
            raise InvalidRequestError(f"The manifest {self.path} has no rows.", code="bad_manifest")

    def _rows(self, line: int, cells: Mapping[str, Any], seen: dict[bytes, int]) -> Iterator[Row]:
        if self.path.suffix.lower() == CSV_SUFFIX:
            cells = {name: _cell(name, text) for name, text in cells.items()}
        values = {**self.defaults, **{ALIASES.get(name, name): cells[name] for name in cells}}
        values = {name: value for name, value in values.items() if value is not None}
        for name, value in values.items():
            _check_value(name, value)
        _check_columns(values)
        choices = [_choices(name, value) for name, value in values.items()]
        _check_count(values, choices)
        ids: Counter[str] = Counter()
        if "id" in values:
            ids.update(str(_fill("id", found["id"], found)) for found in _combinations(values, choices))
        for number, chosen in enumerate(_combinations(values, choices), 1):
            filled = {name: _fill(name, value, chosen) for name, value in chosen.items()}
            given = str(filled.get("id", ""))
            yield self._row(line, filled, f"{given}-{number}" if given and ids[given] > 1 else given, seen)

    def _row(self, line: int, values: Mapping[str, Any], given: str, seen: dict[bytes, int]) -> Row:
        typed = {name: self._check_type(name, value) for name, value in values.items() if name in PARAMETERS}
        request = GenerationRequest(**{name: typed[name] for name in typed if name in _REQUEST})
        application = Application(**{name: typed[name] for name in typed if name not in _REQUEST})
        request = dataclasses.replace(request, panorama=is_panorama(typed))
        asked = request.to_dict()
        unnamed = {name: value for name, value in usual_values(typed).items() if name not in typed}
        request = dataclasses.replace(request, **unnamed)
        asked |= {name: values[name] for name in PATH_COLUMNS & _REQUEST if name in values}  # as written
        if application.edit_of is not None:
            asked["edit_of"] = application.edit_of
            request = self.complete(request, application)
        id = _given_id(given, seen) if given else _hash_id(asked, seen)
        tags = usable_tags(map(str, values.get("tags", ())))
        return Row(id, line, request, application, tags, str(values.get("catalog", "")), bool(given))

    def _check_type(self, name: str, value: Any) -> Any:
        if name in PATH_COLUMNS:
            kept = find_kept if name in KEPT_COLUMNS else _find_none
            folder = self.path.absolute().parent
            paths = [str(kept(path, folder) or folder / path) for path in _strings(name, value)]
            return tuple(paths) if name in LIST_COLUMNS else paths[0]
        return _convert(name, value)


def _find_none(text: str, folder: Path) -> None:
    """The file of what is kept by a name, where nothing is."""


def _strings(name: str, value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    if not all(isinstance(item, str) and item for item in values):
        raise InvalidRequestError(f"{name} must be a path.", code="invalid_value", param=name)
    for item in values:
        if item.startswith("//"):  # what Blender's users write for the folder of the .blend
            raise InvalidRequestError(
                f"'{item}' is relative to a .blend; paths in a manifest are relative to the manifest.",
                code="invalid_value",
                param=name,
            )
    return values


def _cell(name: str, text: str) -> Any:
    """An empty cell leaves the column open."""
    if not text.strip():
        return None
    column = ALIASES.get(name, name)
    if column in NO_CHOICES_IN_CSV or (LIST_SEPARATOR not in text and column not in LIST_COLUMNS):
        return text
    parts = [part.strip() for part in text.split(LIST_SEPARATOR)]
    # Which reference a label belongs to is told by its place alone.
    return list(filter(None, parts)) if column in LIST_COLUMNS - {LABELS} else parts


def _check_columns(values: Mapping[str, Any]) -> None:
    """:raises InvalidRequestError: a column that nothing uses, or a placeholder that nothing fills."""
    used: set[str] = set()
    for value in values.values():
        used.update(_placeholders(value))
    for name in values:
        if name not in PARAMETERS and name not in OWN_COLUMNS and name not in used:
            raise InvalidRequestError(
                f"there is no parameter '{show_value(name)}', "
                f"and no placeholder {{{show_value(name)}}} uses it"
                f"{_suggestion(name)}.",
                code="unknown_parameter",
                param=show_value(name),
            )
    missing = next((name for name in sorted(used) if name not in values), None)
    if missing is not None:
        raise InvalidRequestError(
            f"the placeholder {{{show_value(missing)}}} has no column; "
            f"{{{{{show_value(missing)}}}}} stands for the word in braces.",
            code="unknown_placeholder",
            param=show_value(missing),
        )


def _suggestion(name: str) -> str:
    known = sorted((PARAMETERS | OWN_COLUMNS | set(ALIASES)) - set(ALIASES.values()))
    near = difflib.get_close_matches(name.lower(), known, 1) if len(name) <= SHOWN else []
    return f"; perhaps '{near[0]}' is meant" if near else ""


def _placeholders(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield from (found[2] for found in _PLACEHOLDER.finditer(value) if found[2])
    elif isinstance(value, list):
        for item in value:
            yield from _placeholders(item)


def _combinations(values: Mapping[str, Any], choices: Sequence[Sequence[Any]]) -> Iterator[dict[str, Any]]:
    for chosen in itertools.product(*choices):
        yield dict(zip(values, chosen, strict=True))


def _check_count(values: Mapping[str, Any], choices: Sequence[Sequence[Any]]) -> None:
    """:raises InvalidRequestError: the line stands for too many rows."""
    count = math.prod(map(len, choices))
    if count > COMBINATION_LIMIT:
        lists = [name for name, found in zip(values, choices, strict=True) if len(found) > 1]
        raise InvalidRequestError(
            f"the lists {show_value(', '.join(lists))} make {count:,} rows; one line may make "
            f"{COMBINATION_LIMIT:,}, so divide it.",
            code="too_many_rows",
        )


def _check_value(name: str, value: Any) -> None:
    """:raises InvalidRequestError: nothing can be made of a value, whatever its column."""
    depth = 2 if name in LIST_COLUMNS else 1
    items = [value]
    while any(isinstance(item, list) for item in items) and depth:
        depth -= 1
        items = [part for item in items for part in (item if isinstance(item, list) else [item])]
    for item in items:
        if isinstance(item, list | dict):
            raise InvalidRequestError(
                f"{show_value(name)} must be a text, a number, true or false, or a list of those.",
                code="invalid_value",
                param=show_value(name),
            )
        if isinstance(item, str):
            _check_text(name, item)


def _check_text(name: str, text: str) -> None:
    if _NO_TEXT.search(text):
        raise InvalidRequestError(
            f"{show_value(name)} holds a NUL or half of a character.",
            code="invalid_value",
            param=show_value(name),
        )
    _check_length(name, len(text))


def _check_length(name: str, size: int) -> None:
    if size > TEXT_LIMIT:
        raise InvalidRequestError(
            f"{show_value(name)} has {size:,} characters, its placeholders filled; "
            f"{TEXT_LIMIT:,} is the limit.",
            code="invalid_value",
            param=show_value(name),
        )


def _choices(name: str, value: Any) -> Sequence[Any]:
    if name in LIST_COLUMNS:
        if not isinstance(value, list):
            return [[value]]
        return value if value and all(isinstance(item, list) for item in value) else [value]
    if isinstance(value, list) and not value:
        raise InvalidRequestError(
            f"the list {show_value(name)} is empty.", code="invalid_value", param=show_value(name)
        )
    return value if isinstance(value, list) else [value]


def _fill(name: str, value: Any, values: Mapping[str, Any]) -> Any:
    """A value with its placeholders replaced by the row's own values."""
    if isinstance(value, list):
        return [_fill(name, item, values) for item in value]
    if not isinstance(value, str) or "{" not in value:
        return value
    used = {word: str(values[word]) for word in _placeholders(value)}
    _check_length(name, len(value) + sum(len(used[word]) for word in _placeholders(value)))
    return _PLACEHOLDER.sub(lambda found: f"{{{found[1]}}}" if found[1] else used[found[2]], value)


def _convert(name: str, value: Any) -> Any:
    """A cell as the parameter's own type."""
    row = parameters.PARAMETERS[name]
    kind = row.kind
    if row.parse is not None:
        return tuple(item if isinstance(item, tuple) else row.parse(str(item)) for item in value)
    if name in LIST_COLUMNS:
        return tuple(str(item) for item in value)
    try:
        if kind is bool:
            return _WORDS[str(value).strip().lower()]
        if kind is int:
            if isinstance(value, bool | float) or abs(int(value)) >= LARGEST:
                raise ValueError
            return int(value)
        if kind is float:
            return _number(value)
    except (ValueError, TypeError, KeyError, OverflowError) as error:
        what = "true or false" if kind is bool else "a whole number" if kind is int else "a number"
        raise InvalidRequestError(
            f"{name} must be {what}, not '{show_value(value)}'.", code="invalid_value", param=name
        ) from error
    if isinstance(value, dict | list | bool):
        raise InvalidRequestError(f"{name} must be a text.", code="invalid_value", param=name)
    return str(value)


def _number(value: Any) -> float:
    if isinstance(value, bool) or not math.isfinite(float(value)):
        raise ValueError
    return float(value)


def _hash_id(asked: Mapping[str, Any], seen: dict[bytes, int]) -> str:
    """What is asked for decides, wherever the row stands; its equals are numbered."""
    digest = hashlib.sha256(json.dumps(asked, sort_keys=True, ensure_ascii=False).encode())
    count = seen[digest.digest()[:8]] = seen.get(digest.digest()[:8], 0) + 1
    short = digest.hexdigest()[:SHORT_HASH]
    return short if count == 1 else f"{short}-{count}"


def _given_id(given: str, seen: dict[bytes, int]) -> str:
    if safe_name(given) != given:
        raise InvalidRequestError(
            f"the id '{show_value(given)}' can't be the name of a file; '{safe_name(given)}' can.", param="id"
        )
    key = hashlib.sha256(given.casefold().encode()).digest()[:8]
    if key in seen:
        raise InvalidRequestError(f"the id '{given}' is there twice.", code="duplicate_id", param="id")
    seen[key] = 1
    return given
