"""The model table: what it holds, what it refuses, and what a file of the user changes."""

from __future__ import annotations

import dataclasses
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from gpt_image_addon.core.errors import ConfigurationError, InvalidRequestError
from gpt_image_addon.core.request.models import Registry, check, load_registry
from gpt_image_addon.core.request.request import GenerationRequest
from gpt_image_addon.core.request.sizes import SizeRule, parse_size

TODAY = date(2026, 11, 22)


@pytest.fixture(scope="module")
def registry() -> Registry:
    return load_registry()


def request(**changes: Any) -> GenerationRequest:
    base = GenerationRequest(prompt="wood", provider="openai", model="gpt-image-2.6-sunburst")
    return dataclasses.replace(base, **changes)


def test_the_default_model_is_current(registry: Registry) -> None:
    assert registry.default == "gpt-image-2.6-sunburst"
    assert check(request(), registry, TODAY) == ()


def test_every_replacement_is_alive(registry: Registry) -> None:
    for model in registry.models:
        if model.replacement:
            assert registry.by_id[model.replacement].shutdown is None
        assert bool(model.shutdown) == bool(model.replacement)
        assert model.size_rule in registry.size_rules
        assert model.prices in registry.prices
        assert model.output_tokens in registry.output_tokens


@pytest.mark.parametrize(
    ("model", "replacement"),
    [
        ("gpt-image-1", "gpt-image-2.5-sunburst"),
        ("dall-e-3", "gpt-image-2.5-sunburst"),
        ("dall-e-2", "gpt-image-2.5-flare"),
    ],
)
def test_a_dead_model_names_its_replacement(registry: Registry, model: str, replacement: str) -> None:
    with pytest.raises(InvalidRequestError, match=f"use {replacement}") as caught:
        check(request(model=model), registry, TODAY)
    assert caught.value.code == "model_shut_down"


@pytest.mark.parametrize("model", ["gpt-image-1.5", "gpt-image-1.5-2025-12-16", "gpt-image-1-mini"])
def test_a_model_dies_on_its_day(registry: Registry, model: str) -> None:
    assert "shuts down on 2026-12-01" in check(request(model=model), registry, date(2026, 11, 30))[0]
    with pytest.raises(InvalidRequestError):
        check(request(model=model), registry, date(2026, 12, 1))
    assert check(request(model=model), registry, date(2026, 1, 1)) == ()


def test_an_unknown_model_goes_through_with_a_warning(registry: Registry) -> None:
    odd = request(model="gpt-image-9", size="123x457", quality="max", complexity="low")
    (warning,) = check(odd, registry, TODAY)
    assert "gpt-image-9" in warning and "2026-11-27" in warning


@pytest.mark.parametrize(
    ("size", "instead"),
    [
        ("1920x1080", "1920x1088"),
        ("512x512", "816x816"),
        ("4000x4000", "2880x2880"),
        ("3840x3840", "2880x2880"),
        ("1000x1000", "1008x1008"),
    ],
)
def test_a_wrong_size_names_the_nearest(registry: Registry, size: str, instead: str) -> None:
    with pytest.raises(InvalidRequestError, match=f"use {instead} instead") as caught:
        check(request(size=size), registry, TODAY)
    assert caught.value.param == "size"
    check(request(size=instead), registry, TODAY)


@pytest.mark.parametrize("size", ["", "big", "1024", "1024*1024", "0x1024", "-5x7", "1024x1024x3"])
def test_what_is_no_size_is_refused(registry: Registry, size: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        check(request(size=size), registry, TODAY)
    assert caught.value.param == "size"


@pytest.mark.parametrize(
    "size", ["1536x1024", "1024x1536", "3840x2160", "1920x1088", "816x816", "2880x2880", "auto"]
)
def test_published_sizes_are_taken(registry: Registry, size: str) -> None:
    check(request(size=size), registry, TODAY)


def test_the_nearest_size_is_always_taken(registry: Registry) -> None:
    for rule in registry.size_rules.values():
        for width in (16, 17, 300, 1023, 1080, 2161, 5000, 9000):
            for height in (16, 33, 500, 1025, 2159, 4001, 9000):
                assert rule.problem(*rule.nearest(width, height)) is None, (rule, width, height)


def test_fixed_sizes_suggest_the_aspect(registry: Registry) -> None:
    with pytest.raises(InvalidRequestError, match="use 1536x1024"):
        check(request(model="gpt-image-1.5", size="1920x1088"), registry, TODAY)


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"model": "gpt-image-2", "quality": "max"}, "quality"),
        ({"model": "gpt-image-2.5-sunburst", "complexity": "low"}, "complexity"),
        ({"input_fidelity": "high"}, "input_fidelity"),
        ({"model": "gpt-image-1-mini", "input_fidelity": "high"}, "input_fidelity"),
        ({"model": "gpt-image-2", "markup": "/m.png", "references": ("/a.png",)}, "markup"),
        ({"model": "gpt-image-1.5", "output_format": "svg"}, "output_format"),
        ({"model": "offline-draft"}, "model"),
    ],
)
def test_what_this_model_does_not_take_is_refused(
    registry: Registry, changes: dict[str, Any], param: str
) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        check(request(**changes), registry, TODAY)
    assert caught.value.param == param


def test_large_and_transparent_requests_are_warned_about(registry: Registry) -> None:
    assert "experimental" in check(request(size="3840x2160"), registry, TODAY)[0]
    preview = request(model="gpt-image-2", background="transparent")
    assert "preview" in check(preview, registry, TODAY)[0]


def test_the_usual_size_of_a_sheet_is_no_experiment(registry: Registry) -> None:
    sheet = request(size="3456x2304", references=("a.png",), reference_kinds=("sheet",))
    assert not check(sheet, registry, TODAY)
    assert "experimental" in check(request(size="3456x2304"), registry, TODAY)[0]


def test_a_file_adds_and_changes_models(tmp_path: Path) -> None:
    override = tmp_path / "models.json"
    rows = [
        {
            "id": "gpt-image-3",
            "size_rule": "tall",
            "prices": "2",
            "output_tokens": "2.5",
            "qualities": ["low"],
        },
        {"id": "gpt-image-2", "shutdown": "2026-11-01", "replacement": "gpt-image-3"},
    ]
    override.write_text(
        json.dumps({"models": rows, "default": "gpt-image-3", "size_rules": {"tall": {"multiple": 8}}})
    )
    changed = load_registry(override)
    assert changed.default_for("openai") == "gpt-image-3"
    assert changed.size_rule(changed.get("gpt-image-3")) == SizeRule(multiple=8)
    with pytest.raises(InvalidRequestError, match="use gpt-image-3"):
        check(request(model="gpt-image-2-2026-04-21"), changed, TODAY)
    assert load_registry(tmp_path / "missing.json").default == "gpt-image-2.6-sunburst"


@pytest.mark.parametrize("text", ["", "[]", '{"models": [{"id": 3, "colour": "red"}]}', '{"models": [{}]}'])
def test_a_broken_file_is_named(tmp_path: Path, text: str) -> None:
    override = tmp_path / "models.json"
    override.write_text(text)
    with pytest.raises(ConfigurationError, match=str(override)):
        load_registry(override)


def test_a_quality_that_nobody_can_price_is_refused(tmp_path: Path) -> None:
    override = tmp_path / "models.json"
    override.write_text(json.dumps({"models": [{"id": "gpt-image-2", "qualities": ["low", "ultra"]}]}))
    with pytest.raises(ConfigurationError, match="lack 'ultra'"):
        load_registry(override)


def test_sizes_are_read_in_either_sign() -> None:
    assert parse_size("1536x1024") == parse_size(" 1536X1024 ") == parse_size("1536×1024") == (1536, 1024)
