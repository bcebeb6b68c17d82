"""Points: how they are written, what is refused, and what the prompt says of them."""

from __future__ import annotations

import dataclasses
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from gpt_image_addon.core.batch.manifest import Manifest
from gpt_image_addon.core.batch.openjd import write_bundle
from gpt_image_addon.core.errors import InvalidRequestError
from gpt_image_addon.core.jobs.estimates import validate_and_price
from gpt_image_addon.core.journal.stored_values import read_values, sanitize_request
from gpt_image_addon.core.references.points import (
    POINT_LIMIT,
    SENTENCE_LIMIT,
    Point,
    describe_points,
    parse_point,
    write_point,
)
from gpt_image_addon.core.request.models import check, load_registry
from gpt_image_addon.core.request.parameters import REFERENCE_LIMIT
from gpt_image_addon.core.request.prompt import compose
from gpt_image_addon.core.request.request import Application, GenerationRequest
from gpt_image_addon.core.request.validation import check_values

POINTS: tuple[Point, ...] = ((0.25, 0.75, "make this handle brass"), (1.0, 0.0, "add: rust, 50 %"))
ASKED = GenerationRequest("a jug", "openai", references=("a.png",), points=POINTS)


@pytest.mark.parametrize("point", POINTS)
def test_a_point_is_written_and_read(point: Point) -> None:
    assert parse_point(write_point(point)) == point
    assert parse_point(" .25 , 75e-2 :x: y ") == (0.25, 0.75, "x: y")


@pytest.mark.parametrize(
    "text",
    ["", "here", "0.5:brass", "0.5,0.5", "a,b:brass", "0.5,0.5,0.5:brass", "nan,0:x", "0,inf:x", "\x1b[2J"],
)
def test_what_is_no_point_is_refused_with_how_to_write_one(text: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        parse_point(text)
    assert caught.value.param == "points" and "X,Y:TEXT" in str(caught.value.next_step)
    assert caught.value.text.isprintable()


@pytest.mark.parametrize(
    ("points", "said"),
    [
        ([(0.5, 1.01, "x")], "Point 1 is outside the image"),
        ([(0.5, 0.5, "x"), (-0.01, 0.5, "x")], "Point 2 is outside the image"),
        ([(float("nan"), 0.5, "x")], "Point 1 is outside the image"),
        ([(float("inf"), 0.5, "x")], "Point 1 is outside the image"),
        ([(0.5, 0.5, " ")], "Point 1 has no text"),
        ([(0.5, 0.5, "x" * (SENTENCE_LIMIT + 1))], f"has {SENTENCE_LIMIT + 1} characters"),
        ([(0.5, 0.5, "a\nb")], "line break or control character"),
        ([(0.5, 0.5, "a\0b")], "line break or control character"),
        ([(0.5, 0.5, "a\ud800b")], "line break or control character"),
        ([(0.5, 0.5, "x")] * (POINT_LIMIT + 1), f"{POINT_LIMIT + 1} points are too many"),
    ],
)
def test_hostile_points_are_refused(points: list[Point], said: str) -> None:
    with pytest.raises(InvalidRequestError, match=said) as caught:
        check_values(dataclasses.replace(ASKED, points=tuple(points)))
    assert caught.value.param == "points"


@pytest.mark.parametrize(
    "given", [[[0.5, 0.5]], [[0.5, "x", "y"]], ["0.5,0.5:x"], 3, [[None, 0, "x"]], [[0.5, 0.5, 7]]]
)
def test_points_of_another_type_are_refused(given: Any) -> None:
    with pytest.raises(InvalidRequestError, match="points must be"):
        GenerationRequest.from_dict({"prompt": "x", "points": given})
    with pytest.raises(ValueError, match="points has the wrong type"):
        read_values(GenerationRequest, {"prompt": "x", "points": given})


def test_points_survive_json_and_the_journal() -> None:
    stored = json.loads(json.dumps(ASKED.to_dict()))
    assert GenerationRequest.from_dict(stored) == read_values(GenerationRequest, stored) == ASKED
    assert sanitize_request(stored) == ASKED
    assert "points" not in dataclasses.replace(ASKED, points=()).to_dict()


def test_points_need_a_reference_and_tell_requests_apart() -> None:
    with pytest.raises(InvalidRequestError, match="Points need a reference"):
        check_values(dataclasses.replace(ASKED, references=()))
    assert ASKED.digest(["a"]) != dataclasses.replace(ASKED, points=POINTS[:1]).digest(["a"])


@pytest.mark.parametrize(
    ("changes", "takes_markup", "way"),
    [
        ({}, True, "markup"),
        ({}, False, "copy"),
        ({"mask": "m.png"}, True, "copy"),
        ({"markup": "m.png"}, True, "copy"),
        ({"points": ()}, True, ""),
    ],
)
def test_how_points_are_sent(changes: dict[str, Any], takes_markup: bool, way: str) -> None:
    assert dataclasses.replace(ASKED, **changes).marked_as(takes_markup=takes_markup) == way


def test_the_prompt_says_what_the_circles_are() -> None:
    lines = ["1: make this handle brass", "2: add: rust, 50 %"]
    mark = "The numbered circles mark places in image 1; do not draw them:"
    assert compose(ASKED, takes_markup=True).split("\n") == ["a jug", mark, *lines]
    copied = f"Image 2 is a copy of image 1 with numbered circles. {mark}"
    assert compose(ASKED).split("\n") == ["a jug", copied, *lines]
    assert describe_points(()) == []


def test_the_price_counts_circles_and_words() -> None:
    registry = load_registry()
    for model in ("gpt-image-2", "gpt-image-2.5-flare"):

        def price(points: tuple[Point, ...], model: str = model) -> float:
            asked = dataclasses.replace(ASKED, model=model, quality="low", points=points)
            sizes = [(1024, 1024)]
            found = validate_and_price(asked, Application(), registry, measure=lambda request: sizes)
            return found.price.high_usd

        one_more = registry.prices[registry.get(model).prices]["image_in"] * 1024 / 1e6
        assert price(POINTS) - price(()) > one_more > 0


def test_a_marked_copy_needs_room_among_the_references() -> None:
    registry = load_registry()
    full = dataclasses.replace(ASKED, references=("a.png",) * REFERENCE_LIMIT)
    with pytest.raises(InvalidRequestError, match="sent as one more image"):
        check(dataclasses.replace(full, model="gpt-image-2"), registry, date(2026, 11, 28))
    check(dataclasses.replace(full, model="gpt-image-2.5-flare"), registry, date(2026, 11, 28))


def test_points_of_a_manifest(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text(
        'prompt,reference,point\noak,a.png,"0.25,0.75: make this {part} brass|1,0:rust"\n'.replace(
            "{part}", "handle"
        )
    )
    (row,) = Manifest(tmp_path / "rows.csv")
    assert row.request.points == (POINTS[0], (1.0, 0.0, "rust"))
    lines = tmp_path / "rows.jsonl"
    lines.write_text(json.dumps({"prompt": "oak", "references": ["a.png"], "points": ["0.1,0.2:rust"]}))
    (row,) = Manifest(lines)
    assert row.request.points == ((0.1, 0.2, "rust"),)
    lines.write_text(json.dumps({"prompt": "oak", "references": ["a.png"], "points": [[0.1, 0.2, "rust"]]}))
    with pytest.raises(InvalidRequestError, match="The point"):
        list(Manifest(lines))


def test_points_of_a_bundle_are_points_again(tmp_path: Path) -> None:
    rows, bundle = tmp_path / "rows.jsonl", tmp_path / "bundle"
    (tmp_path / "a.png").write_bytes(b"an image")
    rows.write_text(
        json.dumps(
            {"prompt": "oak", "references": ["a.png"], "points": ["0.1,0.2:the {{handle}}", "0.3,0.4:x"]}
        )
    )
    write_bundle(Manifest(rows), bundle, name="n", chunks=1, command=["blender"], flags=[], merge_flags=[])
    (row,) = Manifest(bundle / "rows.jsonl")
    assert row.request.points == ((0.1, 0.2, "the {handle}"), (0.3, 0.4, "x"))
