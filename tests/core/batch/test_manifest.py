"""Manifests: columns, placeholders, combinations, ids, and what is refused with its line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gpt_image_addon.core.batch.manifest import Manifest, Row
from gpt_image_addon.core.errors import InvalidRequestError


def rows(tmp_path: Path, *records: Any, **defaults: Any) -> list[Row]:
    path = tmp_path / "m.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records), "utf-8")
    return list(Manifest(path, defaults))


def csv_rows(tmp_path: Path, text: str, **defaults: Any) -> list[Row]:
    path = tmp_path / "m.csv"
    path.write_text(text, "utf-8")
    return list(Manifest(path, defaults))


def test_columns_are_parameters(tmp_path: Path) -> None:
    (row,) = rows(
        tmp_path,
        {"prompt": "oak", "n": 2, "seamless": True, "target": "material", "object": "Cube", "maps": ["ao"]},
        quality="low",
    )
    assert (row.request.prompt, row.request.n, row.request.seamless) == ("oak", 2, True)
    assert row.request.quality == "low"
    assert (row.application.target, row.application.object_name) == ("material", "Cube")
    assert row.application.maps == ("ao",)


def test_a_row_goes_before_the_defaults(tmp_path: Path) -> None:
    first, second = rows(tmp_path, {"prompt": "a", "quality": "high"}, {"prompt": "b"}, quality="low")
    assert (first.request.quality, second.request.quality) == ("high", "low")


def test_csv_has_the_same_types(tmp_path: Path) -> None:
    (row,) = csv_rows(
        tmp_path, 'prompt,n,seamless,size,tags,references\n"oak, a|b",3,yes,,wood|old,a.png|b.png\n'
    )
    assert (row.request.prompt, row.request.n, row.request.seamless) == ("oak, a|b", 3, True)
    assert row.request.size == "1024x1024"
    assert row.tags == ("wood", "old")
    assert row.request.references == (str(tmp_path / "a.png"), str(tmp_path / "b.png"))


def test_lists_make_combinations_and_placeholders_are_filled(tmp_path: Path) -> None:
    found = rows(
        tmp_path,
        {"wood": ["oak", "ash"], "age": ["old", "new"], "id": "{wood}-{age}"},
        prompt="{age} {wood} planks, {{wood}}, { }",
    )
    assert [row.id for row in found] == ["oak-old", "oak-new", "ash-old", "ash-new"]
    assert found[1].request.prompt == "new oak planks, {wood}, { }"


def test_combinations_of_one_id_are_numbered(tmp_path: Path) -> None:
    assert [row.id for row in rows(tmp_path, {"id": "oak", "prompt": ["a", "b"]})] == ["oak-1", "oak-2"]


def test_combinations_of_lists(tmp_path: Path) -> None:
    found = rows(tmp_path, {"prompt": "a", "maps": [["ao"], ["normal", "height"]]})
    assert [row.application.maps for row in found] == [("ao",), ("normal", "height")]


def test_csv_lists(tmp_path: Path) -> None:
    found = csv_rows(tmp_path, "wood,quality\noak|ash,low|high\n", prompt="{wood}")
    assert [(row.request.prompt, row.request.quality) for row in found] == [
        ("oak", "low"),
        ("oak", "high"),
        ("ash", "low"),
        ("ash", "high"),
    ]


def test_ids_depend_on_what_is_asked_for_alone(tmp_path: Path) -> None:
    first = rows(tmp_path, {"prompt": "a"}, {"prompt": "b"}, {"prompt": "a"})
    (tmp_path / "elsewhere").mkdir()
    second = rows(tmp_path / "elsewhere", {"prompt": "b", "target": "image", "tags": ["x"]}, {"prompt": "a"})
    assert len({row.id for row in first}) == 3
    assert [second[1].id, second[0].id] == [first[0].id, first[1].id]
    assert first[2].id == f"{first[0].id}-2"
    assert first[0].stem == f"a {first[0].id}"


@pytest.mark.parametrize(
    ("records", "line", "word"),
    [
        ([{"prompt": "a"}, {"prompt": "b", "qualty": "low"}], 2, "qualty"),
        ([{"prompt": "a", "view_matrix": "x"}], 1, "view_matrix"),
        ([{"prompt": "{wood}"}], 1, "{wood}"),
        ([{"prompt": "a", "n": "two"}], 1, "two"),
        ([{"prompt": "a", "n": 1.5}], 1, "1.5"),
        ([{"prompt": "a", "n": True}], 1, "True"),
        ([{"prompt": "a", "seamless": "perhaps"}], 1, "perhaps"),
        ([{"prompt": {"a": 1}}], 1, "prompt"),
        ([{"prompt": []}], 1, "empty"),
        ([{"prompt": "a", "mask": 5}], 1, "mask"),
        ([{"prompt": "a", "id": "x"}, {"prompt": "b", "id": "X"}], 2, "twice"),
        ([{"prompt": "a", "id": "x/y"}], 1, "x y"),
        (["a"], 1, "object"),
    ],
)
def test_what_is_refused(tmp_path: Path, records: list[Any], line: int, word: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        rows(tmp_path, *records)
    assert f"m.jsonl, line {line}:" in caught.value.message and word in caught.value.message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("prompt,n\na,1\nb\n", "m.csv, line 3: this line has not as many cells"),
        ("prompt,n\na,1,2\n", "m.csv, line 2: this line has not as many cells"),
        ('prompt,n\n"a"b,1\n', "m.csv, line 2: this is no CSV"),
        ("prompt,wood\na,oak\n", "m.csv, line 2: there is no parameter 'wood'"),
    ],
)
def test_broken_csv(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InvalidRequestError, match=message):
        csv_rows(tmp_path, text)


def test_a_path_of_a_blend_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequestError, match="relative to the manifest"):
        rows(tmp_path, {"prompt": "oak", "mask": "//mask.png", "reference": "a.png"})


def test_broken_files(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    with pytest.raises(InvalidRequestError, match="can't be read"):
        list(Manifest(path))
    path.write_bytes(b'{"prompt": "\xff"}\n')
    with pytest.raises(InvalidRequestError, match="UTF-8"):
        list(Manifest(path))
    path.write_text("{\n")
    with pytest.raises(InvalidRequestError, match="line 1: this is no JSON"):
        list(Manifest(path))


@pytest.mark.parametrize("name", ["texture_size", "normal_strength", "n", "frame_count"])
def test_an_endless_number_is_refused_with_its_line(tmp_path: Path, name: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(f'{{"prompt": "oak", "{name}": {"9" * 400}}}\n')
    with pytest.raises(InvalidRequestError, match="line 1") as caught:
        list(Manifest(path))
    assert caught.value.param == name
