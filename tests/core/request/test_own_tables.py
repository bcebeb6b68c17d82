"""The user's own models.json and styles.json as they must not be: one sentence; our own rows still work."""

from __future__ import annotations

import json
import os
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from gpt_image_addon.core.errors import ConfigurationError, InvalidRequestError
from gpt_image_addon.core.request import styles
from gpt_image_addon.core.request.models import check, load_registry, usable_registry
from gpt_image_addon.core.request.request import GenerationRequest

TODAY = date(2026, 11, 22)
GOOD_PRICES = {"text_in": 1, "text_in_cached": 1, "image_in": 1, "image_in_cached": 1, "text_out": 1}

NO_TABLES: dict[str, bytes] = {
    "empty": b"",
    "no JSON": b"{",
    "a number": b"5",
    "no UTF-8": b'{"a": "\xff"}',
    "deep": b'{"a":' * 100_000,
    "a long number": b'{"a": ' + b"9" * 5000 + b"}",
    "null": b"null",
    "a key twice": b'{"schema": 1, "models": [], "styles": [], "models": [], "styles": []}',
    "a key twice within": b'{"schema": 1, "models": [{"id": "x", "id": "y"}],'
    b' "styles": [{"name": "a", "label": "A", "words": "a", "words": "b"}]}',
}
BAD_MODELS: dict[str, Any] = {
    "models is an object": {"models": {"id": "x"}},
    "a model is a text": {"models": ["x"]},
    "a model without an id": {"models": [{"provider": "openai"}]},
    "an id of another kind": {"models": [{"id": ["x"]}]},
    "an empty id": {"models": [{"id": ""}]},
    "a long id": {"models": [{"id": "x" * 10_000}]},
    "an id with a line break": {"models": [{"id": "a\nb"}]},
    "an id with half a character": {"models": [{"id": "\ud800"}]},
    "a column that nothing uses": {"models": [{"id": "x", "colour": "red"}]},
    "known": {"models": [{"id": "x", "known": False}]},
    "qualities as a text": {"models": [{"id": "x", "qualities": "high"}]},
    "qualities that are numbers": {"models": [{"id": "x", "qualities": [1]}]},
    "a shutdown that is a number": {"models": [{"id": "x", "shutdown": 5}]},
    "a shutdown that is no day": {"models": [{"id": "x", "shutdown": "soon"}]},
    "a flag that is a text": {"models": [{"id": "x", "vector": "no"}]},
    "a size rule that is missing": {"models": [{"id": "x", "size_rule": "none"}]},
    "prices that are missing": {"models": [{"id": "x", "prices": "none", "output_tokens": "2"}]},
    "prices without tokens": {"models": [{"id": "x", "prices": "2"}]},
    "a default of nobody": {"default": "x"},
    "a default that is a list": {"default": []},
    "a day that is none": {"collected": "today"},
    "negative prices": {"prices_usd_per_million": {"2": {**GOOD_PRICES, "image_out": -1}}},
    "prices that are no numbers": {"prices_usd_per_million": {"2": {**GOOD_PRICES, "image_out": "1"}}},
    "prices that are endless": {"prices_usd_per_million": {"2": {**GOOD_PRICES, "image_out": 1e999}}},
    "prices beyond all numbers": {"prices_usd_per_million": {"2": {**GOOD_PRICES, "image_out": 10**400}}},
    "prices that are truths": {"prices_usd_per_million": {"2": {**GOOD_PRICES, "image_out": True}}},
    "a price is missing": {"prices_usd_per_million": {"2": GOOD_PRICES}},
    "prices as a list": {"prices_usd_per_million": []},
    "a rule with an odd size": {"size_rules": {"free": {"sizes": ["big"]}}},
    "a rule with a multiple of 0": {"size_rules": {"free": {"multiple": 0}}},
    "a rule that is a number": {"size_rules": {"free": 5}},
    "tokens without a kind": {"output_tokens": {"2": {}}},
    "tokens of two sizes": {"output_tokens": {"2": {"table": {"low": [1, 2]}}}},
    "tokens that are negative": {"output_tokens": {"2": {"table": {"low": [1, 2, -3]}}}},
    "a factor that is a text": {"output_tokens": {"2": {"factor": {"low": "16"}}}},
    "no factor at all": {"output_tokens": {"2": {"factor": {}}}},
    "a model twice": {"models": [{"id": "x"}, {"id": "x", "vector": True}]},
    "ten thousand models": {"models": [{"id": str(number)} for number in range(10_000)]},
}
STYLE = {"name": "a", "label": "A", "words": "a"}
BAD_STYLES: dict[str, Any] = {
    "styles is an object": {"schema": 1, "styles": {}},
    "another version": {"schema": "1", "styles": []},
    "a style that is a text": {"schema": 1, "styles": ["a"]},
    "a label that is a number": {"schema": 1, "styles": [{**STYLE, "label": 5}]},
    "a long label": {"schema": 1, "styles": [{**STYLE, "label": "x" * 10_000}]},
    "a label with a line break": {"schema": 1, "styles": [{**STYLE, "label": "a\nb"}]},
    "a label from right to left": {"schema": 1, "styles": [{**STYLE, "label": "a\u202eb"}]},
    "a long name": {"schema": 1, "styles": [{**STYLE, "name": "x" * 10_000}]},
    "half a character": {"schema": 1, "styles": [{**STYLE, "words": "\ud800"}]},
    "an escape": {"schema": 1, "styles": [{**STYLE, "words": "\x1b[2J"}]},
    "a NUL": {"schema": 1, "styles": [{**STYLE, "words": "a\0b"}]},
    "twice": {"schema": 1, "styles": [STYLE, STYLE]},
    "ten thousand": {"schema": 1, "styles": [{**STYLE, "name": str(number)} for number in range(10_000)]},
}


def request(**values: Any) -> GenerationRequest:
    return GenerationRequest(**{"prompt": "x", "provider": "openai", **values})


def check_models(path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"The model table .*models.json can't be used: ") as caught:
        load_registry(path)
    assert len(caught.value.message) < 600 and caught.value.message.isprintable()
    table = usable_registry(path)
    assert check(request(model="gpt-image-2"), table, TODAY) == ()
    assert table.default_for("offline") == "offline-draft"
    with pytest.raises(ConfigurationError, match="can't be used"):
        table.default_for("openai")
    with pytest.raises(ConfigurationError, match="can't be used"):
        check(request(model="mine"), table, TODAY)


@pytest.mark.parametrize("kind", NO_TABLES | BAD_MODELS)
def test_a_broken_table_of_models(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "models.json"
    path.write_bytes(NO_TABLES.get(kind) or json.dumps(BAD_MODELS.get(kind, "")).encode())
    if kind == "empty":
        path.write_bytes(b"")
    check_models(path)


def check_styles(path: Path) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        styles.read_styles(path)
    assert len(caught.value.message) < 600 and caught.value.message.isprintable()
    curated = next(iter(styles.curated_styles()))
    assert styles.find_style(curated) == styles.curated_styles()[curated]
    with pytest.raises(InvalidRequestError, match=r"styles.json"):
        styles.find_style("mine")
    before = path.stat()
    with pytest.raises(InvalidRequestError):
        styles.keep_styles({"b": styles.Style("b", "B", "b")})
    assert (path.stat().st_size, path.stat().st_mtime) == (before.st_size, before.st_mtime)


@pytest.mark.parametrize("kind", NO_TABLES | BAD_STYLES)
def test_a_broken_file_of_styles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setenv("GPT_IMAGE_DATA_DIR", str(tmp_path))
    path = tmp_path / "styles.json"
    path.write_bytes(NO_TABLES[kind] if kind in NO_TABLES else json.dumps(BAD_STYLES[kind]).encode())
    check_styles(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no FIFO in a folder")
def test_what_is_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPT_IMAGE_DATA_DIR", str(tmp_path))
    for name, checked in (("models.json", check_models), ("styles.json", check_styles)):
        os.mkfifo(tmp_path / name)
        checked(tmp_path / name)
        (tmp_path / name).unlink()
        (tmp_path / name).symlink_to("/dev/zero")
        checked(tmp_path / name)
        (tmp_path / name).unlink()
        with (tmp_path / name).open("wb") as stream:
            stream.truncate(2 * 10**9)
        checked(tmp_path / name)
        (tmp_path / name).unlink()
        (tmp_path / name).mkdir()
        checked(tmp_path / name)


def test_files_of_other_editors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPT_IMAGE_DATA_DIR", str(tmp_path))
    text = json.dumps({"schema": 1, "styles": [{"name": "mine", "label": "Mein", "words": "für\nmich"}]})
    (tmp_path / "styles.json").write_text(text, "utf-8-sig")
    assert styles.find_style("mine").words == "für\nmich"
    (tmp_path / "models.json").write_text('{"models": [{"id": "mine"}]}', "utf-8-sig")
    assert usable_registry(tmp_path / "models.json").get("mine").known
