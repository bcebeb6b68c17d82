"""The words that join a prompt: each thing is said once, and none that nobody asked for."""

from __future__ import annotations

import pytest

from gpt_image_addon.core.errors import InvalidRequestError
from gpt_image_addon.core.references.kinds import BY_NAME
from gpt_image_addon.core.request.parameters import PROMPT_LIMIT
from gpt_image_addon.core.request.prompt import (
    SEAMLESS_SURFACE_WORDS,
    SEAMLESS_WORDS,
    SURFACE_WORDS,
    compose,
    describe_reference,
)
from gpt_image_addon.core.request.request import GenerationRequest


def test_a_scripts_prompt_is_sent_as_given() -> None:
    assert compose(GenerationRequest(prompt="oak")) == "oak"
    assert compose(GenerationRequest(prompt="oak", seamless=True)) == f"oak\n{SEAMLESS_WORDS}"


def test_surface_words_join_where_they_are_asked_for() -> None:
    assert compose(GenerationRequest(prompt="oak", surface_words=True)) == f"oak\n{SURFACE_WORDS}"


def test_a_seamless_surface_says_nothing_twice() -> None:
    asked = GenerationRequest(prompt="oak", surface_words=True, seamless=True)
    assert compose(asked) == f"oak\n{SEAMLESS_SURFACE_WORDS}"
    for word in ("seamless", "shadows", "vignette", "filling", "seen straight", "even"):
        assert SEAMLESS_SURFACE_WORDS.lower().count(word) == 1, word


def test_only_requests_with_surface_words_have_another_digest() -> None:
    plain = GenerationRequest(prompt="oak", provider="openai", model="m", seamless=True)
    asked = GenerationRequest.from_dict({**plain.to_dict(), "surface_words": True})
    assert plain.digest() == "ccd3bb2073a547d334fcc12f3fe8ca9dca1d226cc5d1cb3da4cddb130aba90de"
    assert asked.digest() != plain.digest()
    assert GenerationRequest.from_dict(asked.to_dict()) == asked


@pytest.mark.parametrize("kind", list(BY_NAME))
def test_a_kind_is_one_line_before_the_prompt(kind: str) -> None:
    asked = GenerationRequest(prompt="oak", references=("a", "b"), reference_kinds=("auto", kind))
    line, prompt = compose(asked).split("\n")
    assert line == f"Image 2 is {BY_NAME[kind].description}: {BY_NAME[kind].instruction}."
    assert prompt == "oak"


def test_a_label_takes_the_place_of_the_description() -> None:
    assert describe_reference(1, "style", " a  Dutch\n still life. ") == (
        f"Image 1 is a Dutch still life: {BY_NAME['style'].instruction}."
    )
    assert describe_reference(3, "auto", "the red chair") == describe_reference(3, "none", "the red chair")
    assert describe_reference(3, "none", "the red chair") == "Image 3 is the red chair."
    assert describe_reference(1, "none") == describe_reference(1, "auto") == ""


def test_references_of_which_nothing_is_said_leave_the_prompt_as_it_is() -> None:
    for said in ({}, {"reference_kinds": ("auto", "none")}, {"reference_labels": ("", " ")}):
        assert compose(GenerationRequest(prompt="oak", references=("a", "b"), **said)) == "oak"


def test_what_is_said_of_references_counts_toward_the_length() -> None:
    line = describe_reference(1, "depth")
    for spare, is_refused in ((0, False), (1, True)):
        asked = GenerationRequest(
            prompt="x" * (PROMPT_LIMIT - len(line) - 1 + spare),
            references=("a",),
            reference_kinds=("depth",),
        )
        if is_refused:
            with pytest.raises(InvalidRequestError, match=r"the prompt has 32,001 characters; 32,000 is"):
                compose(asked)
        else:
            assert len(compose(asked)) == PROMPT_LIMIT


def test_kinds_are_part_of_a_request_that_has_some() -> None:
    plain = GenerationRequest(prompt="oak", references=("a",))
    asked = GenerationRequest(prompt="oak", references=("a",), reference_kinds=("style",))
    assert "reference_kinds" not in plain.to_dict()
    assert asked.digest() != plain.digest()
    assert GenerationRequest.from_dict(asked.to_dict()) == asked
