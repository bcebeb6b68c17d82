"""Manifests that nobody would write: rows, or a refusal that says where; never anything else."""

from __future__ import annotations

import codecs
import csv
import dataclasses
import io
import json
import time
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from gpt_image_addon.core.batch import openjd
from gpt_image_addon.core.batch.admission import Pricer
from gpt_image_addon.core.batch.estimate import survey
from gpt_image_addon.core.batch.manifest import ALIASES, OWN_COLUMNS, PARAMETERS, Manifest, Row
from gpt_image_addon.core.common.paths import is_file_name
from gpt_image_addon.core.errors import InvalidRequestError
from gpt_image_addon.core.request.models import load_registry
from gpt_image_addon.core.request.pricing import no_history
from gpt_image_addon.core.request.request import Application, GenerationRequest
from gpt_image_addon.core.results.output_files import Outputs
from tests.core.fuzzing import fuzz

SECONDS = 5.0  # for a manifest of some kilobytes
MEMORY = 50 * 10**6  # bytes
PRICER = Pricer(load_registry(), lambda request: request, no_history)

FIELDS = {field.name for kind in (GenerationRequest, Application) for field in dataclasses.fields(kind)}

columns = st.sampled_from(sorted(PARAMETERS | OWN_COLUMNS | FIELDS | set(ALIASES) | {"wood", "age", ""}))
words = st.one_of(
    st.text(max_size=20),
    st.text(alphabet="{}wood ", max_size=30),
    st.sampled_from(
        [
            *("{wood}", "{{wood}}", "{{{wood}}}", "{wood}" * 50, "{id}-{wood}", "../../x", "/etc/x", "C:\\x"),
            *(
                "CON",
                "a:b",
                "a/b",
                "a\0b",
                "\ud800",
                "…" * 200,
                "x" * 300,
                ".",
                "..",
                " ",
                "camera",
                "nul.png",
            ),
            *("oak|pine", "|", "a||b", "yes", "no", "0", "-1", "1e9", "nan", "9" * 5000, "1024x1024", "0x0"),
            *(
                "openai",
                "offline",
                "material",
                "image",
                "png",
                "svg",
                "\u202egpj.exe",
                "\r\n",
                "=1+1",
                "sep=;",
            ),
        ]
    ),
)
scalars = st.one_of(
    words, st.none(), st.booleans(), st.integers(), st.floats(), st.integers(-(10**400), 10**400)
)
cells = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=2),
    max_leaves=8,
)
objects = st.dictionaries(columns | words, cells, max_size=6)
records = st.one_of(objects, objects.map(lambda found: {"prompt": "oak", **found}), cells)
pieces = st.sampled_from(
    [
        *(
            '{"prompt": "a"}',
            "{",
            "}",
            "[",
            "]",
            '"',
            '""',
            ":",
            ",",
            ";",
            "\t",
            "\n",
            "\r",
            "\r\n",
            "|",
            "{a}",
        ),
        *(
            '"prompt"',
            "prompt",
            "id",
            "size",
            "a",
            "1",
            "null",
            "NaN",
            "sep=;",
            " ",
            "\\u0000",
            "\\ud800",
            "'",
        ),
        *("\0", "\ufeff", "\u2028", "é", "prompt,n\n", "a,1\n", "[" * 2000, '{"a":' * 2000, "x" * 2000),
    ]
)
encodings = st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "cp1252"])


choices = st.one_of(words, st.lists(words, min_size=1, max_size=3))
plausible = st.fixed_dictionaries(
    {"prompt": choices},
    optional={
        **dict.fromkeys(("id", "name", "catalog", "object", "style", "safety_identifier"), choices),
        **dict.fromkeys(("mask", "markup", "model"), words),
        **dict.fromkeys(("reference", "tags", "maps"), st.lists(choices, max_size=3)),
        **dict.fromkeys(("n", "partial_images", "output_compression"), st.integers() | words),
        **dict.fromkeys(("seamless", "stream", "composite"), st.booleans() | words),
        **dict.fromkeys(("texture_size", "normal_strength"), st.floats() | st.integers() | words),
        **dict.fromkeys(("size", "quality", "target", "provider", "output_format"), choices),
    },
)
"""Objects that are often understood; `wood` and `age` are there for their placeholders."""
used = plausible.map(lambda found: {"wood": "oak", "age": ["old", "new"], "catalog": "{wood}/{age}", **found})


def as_lines(found: list[Any]) -> bytes:
    return "".join(json.dumps(record) + "\n" for record in found).encode()


def as_table(found: tuple[list[str], list[list[str]], str, str]) -> bytes:
    names, rows, separator, encoding = found
    text = io.StringIO()
    writer = csv.writer(text, delimiter=separator)
    writer.writerow(names)
    writer.writerows(rows)
    return text.getvalue().encode(encoding, "replace")


def as_cells(found: list[dict[str, Any]]) -> bytes:
    """The same as a table."""
    names = list(dict.fromkeys(name for record in found for name in record))
    text = io.StringIO()
    writer = csv.DictWriter(text, names)
    writer.writeheader()
    for record in found:
        values = {
            name: "|".join(map(str, value)) if isinstance(value, list) else value
            for name, value in record.items()
        }
        writer.writerow(values)
    return text.getvalue().encode("utf-8", "replace")


tables = st.tuples(
    st.lists(columns | words, max_size=5),
    st.lists(st.lists(words, max_size=6), max_size=5),
    st.sampled_from(",;\t"),
    encodings,
).map(as_table)
texts = st.tuples(st.lists(pieces | words, max_size=30), encodings).map(
    lambda found: "".join(found[0]).encode(found[1], "replace")
)
files = st.one_of(
    st.binary(max_size=400),
    st.sampled_from([codecs.BOM_UTF8, codecs.BOM_UTF16_LE]).flatmap(
        lambda mark: st.binary(max_size=50).map(lambda data: mark + data)
    ),
    texts,
    tables,
    st.lists(records, max_size=5).map(as_lines),
    st.lists(plausible | used, max_size=3).map(as_lines),
    st.lists(plausible | used, max_size=3).map(as_cells),
)


def check_row(row: Row, folder: Path) -> None:
    name = f"{row.stem} 10_base_color.png"
    assert is_file_name(name) and (folder / name).parent == folder
    json.dumps([row.request.to_dict(), row.application.to_dict()], ensure_ascii=False).encode()
    assert all(tag.strip() for tag in row.tags)
    survey([row], PRICER)
    if not (row.request.references or row.request.mask or row.request.markup):
        check_bundle(row, folder)


def check_bundle(row: Row, folder: Path) -> None:
    """A row that was written out for a farm asks for the same."""
    path = folder / "bundle.jsonl"
    path.write_text(json.dumps(openjd._written_out(row, folder, Outputs())), "utf-8")
    (again,) = Manifest(path)
    assert (again.request, again.application) == (row.request, row.application)
    assert (again.id, again.tags, again.catalog) == (row.stem, row.tags, row.catalog)


@pytest.mark.parametrize("name", ["m.jsonl", "m.csv"])
def test_any_manifest_gives_rows_or_says_where_it_is_wrong(tmp_path: Path, name: str) -> None:
    path = tmp_path / name

    def check(data: bytes) -> None:
        path.write_bytes(data)
        started = time.monotonic()
        seen: set[str] = set()
        tracemalloc.start()
        try:
            for row in Manifest(path):
                assert row.id.casefold() not in seen
                seen.add(row.id.casefold())
                if len(seen) < 50:
                    check_row(row, tmp_path)
            assert seen
        except InvalidRequestError as error:
            assert name in error.message and error.code and len(error.message) < 700
            error.message.encode()
        finally:
            memory = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        assert memory < MEMORY and time.monotonic() - started < SECONDS

    fuzz(check, files, examples=100)
