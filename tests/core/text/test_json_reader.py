from __future__ import annotations

import json

import pytest

from gpt_image_addon.core.text.json_reader import MAX_DEPTH, TOO_DEEP, load_json, once, parse_json, read_json


def nested(depth: int, opening: str = "[", closing: str = "]") -> str:
    return opening * depth + "1" + closing * depth


@pytest.mark.parametrize("read", [load_json, parse_json, lambda text: read_json(text.encode())])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a": ', "}"), ('[{"b": ', "}]")])
def test_the_depth_has_one_bound_in_every_python(read, opening: str, closing: str) -> None:
    levels = opening.count("[") + opening.count("{")
    assert json.dumps(read(nested(MAX_DEPTH // levels, opening, closing))).count("1") == 1
    for depth in (MAX_DEPTH // levels + 1, 10 * MAX_DEPTH, 200_000):
        with pytest.raises(ValueError, match=TOO_DEEP):
            read(nested(depth, opening, closing))


def test_wide_is_not_deep() -> None:
    assert len(parse_json("[" + "[1]," * 100_000 + "2]")) == 100_001


def test_what_is_no_number_is_none() -> None:
    assert load_json("[NaN, Infinity, -Infinity]") == [None, None, None]


def test_half_characters_of_names_and_values_become_what_every_file_takes() -> None:
    found = read_json(b'{"a\\ud800": ["\\udfff", {"b": "\\ud83c\\udfa8 \\ud83c"}], "n": 1}')
    assert found == {"a?": ["?", {"b": "\U0001f3a8 ?"}], "n": 1}
    json.dumps(found, ensure_ascii=False).encode()


def test_a_key_that_is_there_twice_is_told() -> None:
    assert parse_json('{"a": {"b": 1}, "b": 2}', object_pairs_hook=once) == {"a": {"b": 1}, "b": 2}
    with pytest.raises(ValueError, match="the key 'b' is there twice"):
        parse_json('{"a": {"b": 1, "b": 1}}', object_pairs_hook=once)
