"""Kinds of references: the table, what is known without asking, and what is refused."""

from __future__ import annotations

import pytest

from gpt_image_addon.core.errors import InvalidRequestError
from gpt_image_addon.core.references.kinds import (
    BY_NAME,
    CAPTURES,
    REFERENCE_KINDS,
    known_kinds,
    may_decide_size,
)
from gpt_image_addon.core.request.request import GenerationRequest
from gpt_image_addon.core.request.validation import check_values


def test_names_labels_and_words_are_told_apart() -> None:
    assert len(BY_NAME) == len({kind.label for kind in REFERENCE_KINDS}) == len(REFERENCE_KINDS)
    assert len({kind.instruction for kind in REFERENCE_KINDS}) == len(REFERENCE_KINDS)
    assert CAPTURES == ("viewport", "camera", "depth", "normal", "lines", "clay")


def test_what_shows_a_style_or_a_material_decides_no_size() -> None:
    undecided = {kind.name for kind in REFERENCE_KINDS if not kind.decides_size}
    assert undecided == {"style", "material", "painted"}
    assert may_decide_size("auto") and may_decide_size("none") and not may_decide_size("style")


@pytest.mark.parametrize(
    ("references", "kinds", "known"),
    [
        (["a.png"], (), ()),
        (["a.png"], ("auto",), ()),
        (["a.png", "depth"], (), ("auto", "depth")),
        (["depth", "a.png"], ("auto", "style"), ("depth", "style")),
        (["camera"], ("none",), ("none",)),
        (["a.png", "b.png"], ("style",), ("style", "auto")),
        ([], ("style",), ("style",)),  # to be refused
        (["a.png"], ("auto", "auto"), ("auto", "auto")),
    ],
)
def test_captures_are_known(references: list[str], kinds: tuple[str, ...], known: tuple[str, ...]) -> None:
    assert known_kinds(references, kinds) == known


@pytest.mark.parametrize("name", ["reference_kinds", "reference_labels"])
def test_more_words_than_references_are_refused(name: str) -> None:
    values = {"prompt": "oak", "provider": "openai", "references": ("a.png",)}
    check_values(GenerationRequest(**values, **{name: ("style",)}))
    with pytest.raises(InvalidRequestError, match=f"{name} has 2 values for 1 references") as caught:
        check_values(GenerationRequest(**values, **{name: ("style", "style")}))
    assert caught.value.param == name


def test_an_unknown_kind_is_refused() -> None:
    asked = GenerationRequest("oak", "openai", references=("a.png",), reference_kinds=("sketch",))
    with pytest.raises(InvalidRequestError, match="'sketch' is not known; use one of auto, viewport"):
        check_values(asked)
