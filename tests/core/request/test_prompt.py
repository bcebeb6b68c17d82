"""The words that join a prompt: each thing is said once, and none that nobody asked for."""

from __future__ import annotations

from gpt_image_addon.core.request.prompt import (
    SEAMLESS_SURFACE_WORDS,
    SEAMLESS_WORDS,
    SURFACE_WORDS,
    compose,
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
