"""Manifests as spreadsheets, shells and accidents write them: what is clear is taken, the rest is refused."""

from __future__ import annotations

import json
import os
import time
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from gpt_image_addon.core.batch import manifest, manifest_records
from gpt_image_addon.core.batch.manifest import Manifest, Row
from gpt_image_addon.core.errors import InvalidRequestError

TABLE = (("id", "prompt", "quality"), ("a", "Dielen für drüben", "low"), ("b", "red, old; brick", "high"))


def written(separator: str = ",", end: str = "\r\n", more: str = "") -> str:
    lines = (
        separator.join(f'"{cell}"' if set(cell) & set(",;\t") else cell for cell in row) + more
        for row in TABLE
    )
    return end.join(lines) + end


def read(folder: Path, name: str, data: bytes, **defaults: Any) -> list[Row]:
    path = folder / name
    path.write_bytes(data)
    return list(Manifest(path, defaults))


def refused(folder: Path, name: str, data: bytes, **defaults: Any) -> str:
    with pytest.raises(InvalidRequestError) as caught:
        read(folder, name, data, **defaults)
    assert len(caught.value.message) < 500
    return caught.value.message


@pytest.mark.parametrize(
    "data",
    [
        written().encode(),
        written().encode("utf-8-sig"),
        written(";").encode("utf-8-sig"),
        written("\t").encode(),
        written("\t").encode("utf-16"),
        b"\xfe\xff" + written(";").encode("utf-16-be"),
        written(end="\n").encode(),
        written(end="\r").encode(),
        written(more=",").encode(),
        written(more=",,,").encode(),
        (written() + "\r\n\r\n").encode(),
        (written() + ",,\r\n").encode(),
        (written() + ",,,,,\r\n , \r\n").encode(),
        ("\r\n,,\r\n" + written()).encode(),
        ("sep=;\r\n" + written(";")).encode("utf-8-sig"),
        ('"sep=\t"\r\n' + written("\t")).encode(),
        written().replace("id,prompt,quality", '"id", "prompt",quality').encode(),
    ],
)
def test_tables_as_they_are_written(tmp_path: Path, data: bytes) -> None:
    rows = read(tmp_path, "m.CSV", data)
    assert [(row.id, row.request.prompt, row.request.quality) for row in rows] == list(TABLE[1:])


def test_objects_as_powershell_writes_them(tmp_path: Path) -> None:
    text = '{"prompt": "für"}\r\n\r\n{"prompt": "b"}\r\n'
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        rows = read(tmp_path, "m.jsonl", text.encode(encoding))
        assert [(row.line, row.request.prompt) for row in rows] == [(1, "für"), (3, "b")]


def test_a_record_of_several_lines_stands_where_it_begins(tmp_path: Path) -> None:
    rows = read(tmp_path, "m.csv", b'prompt,n\n"a\nb",1\n\nc,2\n')
    assert [(row.line, row.request.prompt) for row in rows] == [(2, "a\nb"), (5, "c")]
    message = refused(tmp_path, "m.csv", b'prompt,n\na,1\n"b\n\n\nc,2\n')
    assert "m.csv, line 3: this is no CSV" in message


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("m.csv", written().encode("cp1252"), "m.csv, line 2: it is not written in UTF-8; save the file"),
        ("m.jsonl", b'{"prompt": "a"}\n{"prompt": "\xff"}\n', "m.jsonl, line 2: it is not written in UTF-8"),
        ("m.jsonl", '{"prompt": "a"}'.encode("utf-16-le"), "line 1: it holds NUL characters"),
        ("m.jsonl", b"\xff\xfe{\x00\xff", "says that it is UTF-16, and is not"),
        ("m.csv", b"prompt,n,prompt\na,1,b\n", "m.csv, line 1: the column prompt is there twice"),
        ("m.csv", b"reference,references\na,b\n", "reference, also called references, is there twice"),
        ("m.jsonl", b'{"prompt": "a"}\n{"prompt": "a", "prompt": "b"}\n', "line 2: the column prompt is"),
        ("m.jsonl", b'{"object": "a", "object_name": "b"}\n', "object, also called object_name, is there"),
        ("m.csv", b"prompt,\na,b\n", "m.csv, line 2: cell 2 has no name in the first line"),
        ("m.csv", b"prompt,n\na,1,b\n", "m.csv, line 2: this line has not as many cells"),
        ("m.jsonl", b'[{"prompt": "a"},\n{"prompt": "b"}]\n', "one JSON object a line, without brackets"),
        (
            "m.jsonl",
            b'{"prompt": "a"}\n{"prompt": ' + b"[" * 80 + b"]" * 80 + b"}",
            "line 2: this is no JSON that can be read: it is nested too deeply",
        ),
        ("m.jsonl", b'{"prompt": "a"}\n' + b'{"a":' * 50_000, "line 2: this is no JSON"),
        ("m.jsonl", b'{"n": ' + b"9" * 5000 + b"}", "m.jsonl, line 1: this is no JSON"),
        ("m.csv", b"prompt,n\na," + b"9" * 5000 + b"\n", "m.csv, line 2: n must be a whole number"),
        ("m.jsonl", b'{"prompt": {"a": 1}}', "line 1: prompt must be a text, a number"),
        ("m.jsonl", b'{"prompt": [["a"]]}', "line 1: prompt must be a text, a number"),
        ("m.jsonl", b'{"tags": [[["a"]]], "prompt": "a"}', "line 1: tags must be a text, a number"),
        ("m.jsonl", b'{"prompt": "{wood}", "wood": {"a": 1}}', "line 1: wood must be a text, a number"),
        ("m.jsonl", b'{"prompt": "\\ud83d"}', "line 1: prompt holds a NUL or half of a character"),
        ("m.jsonl", b'{"mask": "a\\u0000b"}', "line 1: mask holds a NUL or half of a character"),
        ("m.jsonl", b'{"tags": ["\\udfff"], "prompt": "a"}', "line 1: tags holds a NUL or half of a"),
        (
            "m.jsonl",
            b'{"prompt": "a", "Qualty": "low"}',
            "{Qualty} uses it; perhaps 'quality' is",
        ),
        ("m.csv", b"promt\na\n", "perhaps 'prompt' is meant"),
        ("m.jsonl", b'{"prompt": "a", "refrence": "low"}', "perhaps 'reference' is meant"),
        ("m.jsonl", b'{"' + b"x" * 10_000 + b'": 1}', "there is no parameter 'xxx"),
        ("m.jsonl", b'{"prompt": "a", "id": "' + b"x" * 10_000 + b'"}', "can't be the name of a file"),
        ("m.jsonl", b'{"prompt": "' + b"x" * 10**6 + b'"}', "line 1: it is longer than 1,000,000 characters"),
        ("m.csv", b'prompt\n"' + b"x\n" * 10**6 + b'"', "line 2: "),
        ("m.jsonl", b"", "has no rows"),
        ("m.jsonl", b"\xef\xbb\xbf\r\n \n", "has no rows"),
        ("m.csv", b"", "has no rows"),
        ("m.csv", b"prompt,n\r\n", "has no rows"),
        ("m.csv", b",,\r\n,\r\n", "has no rows"),
    ],
)
def test_what_is_refused_says_where_and_why(tmp_path: Path, name: str, data: bytes, message: str) -> None:
    assert message in refused(tmp_path, name, data)


def test_empty_tags_and_references_are_none(tmp_path: Path) -> None:
    (row,) = read(tmp_path, "m.csv", b"prompt,tags,reference\na,wood| |old|,a.png|\n")
    assert row.tags == ("wood", "old") and row.request.references == (str(tmp_path / "a.png"),)
    (row,) = read(tmp_path, "m.jsonl", b'{"prompt": "a", "tags": ["", " ", "x "]}')
    assert row.tags == ("x",)


def test_placeholders_do_not_blow_up(tmp_path: Path) -> None:
    """8 KB of placeholders, each for 300 KB."""
    path = tmp_path / "m.jsonl"
    path.write_text(json.dumps({"prompt": "{a}" * 2700, "a": "x" * 90_000}))
    tracemalloc.start()
    started = time.monotonic()
    with pytest.raises(InvalidRequestError, match="prompt has 243,008,100 characters, its placeholders"):
        list(Manifest(path))
    assert tracemalloc.get_traced_memory()[1] < 20 * 10**6
    tracemalloc.stop()
    assert time.monotonic() - started < 5


def test_a_million_combinations_are_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    path.write_text(json.dumps({"prompt": "{a} {b}", "a": list(range(1000)), "b": list(range(1000))}))
    started = time.monotonic()
    with pytest.raises(InvalidRequestError, match=r"line 1: the lists a, b make 1,000,000 rows; .* 10,000"):
        list(Manifest(path))
    assert time.monotonic() - started < 2


def test_combinations_come_one_by_one(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    words = [f"{number:04} " + "x" * 20_000 for number in range(20)]
    path.write_text(
        "".join(
            json.dumps({"prompt": "{a}{b}", "a": word, "b": list(range(100)), "id": f"{number}-{{b}}"}) + "\n"
            for number, word in enumerate(words)
        )
    )
    tracemalloc.start()
    assert sum(1 for _ in Manifest(path)) == 2_000
    assert tracemalloc.get_traced_memory()[1] < 10 * 10**6
    tracemalloc.stop()


def test_too_many_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manifest, "ROW_LIMIT", 5)
    assert len(read(tmp_path, "m.jsonl", b'{"prompt": ["a", "b", "c", "d", "e"]}')) == 5
    message = refused(tmp_path, "m.jsonl", b'{"prompt": ["a", "b", "c"]}\n' * 2)
    assert message.startswith("m.jsonl, line 2: there are more than 5 rows")


def test_too_large_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (tmp_path / "m.jsonl").open("wb") as stream:
        stream.truncate(2 * 10**9)
    with pytest.raises(InvalidRequestError, match="can't be read: larger than 256 MB"):
        list(Manifest(tmp_path / "m.jsonl"))
    assert manifest_records.FILE_LIMIT == 256 * 10**6


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no FIFO in a folder")
def test_what_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "m.jsonl")
    for path in (tmp_path / "m.jsonl", tmp_path, Path("/dev/zero"), Path("/dev/null"), tmp_path / "none"):
        with pytest.raises(InvalidRequestError, match="can't be read"):
            list(Manifest(path))
