"""Names out of prompts."""

from __future__ import annotations

import pytest

from gpt_image_addon.core.text.names import FALLBACK, NAME_LIMIT, safe_name


@pytest.mark.parametrize(
    ("prompt", "name"),
    [
        ("Weathered oak planks", "Weathered oak planks"),
        ("  mossy\n\tbrick   wall. ", "mossy brick wall"),
        ("half/half: a\\b|c?*", "half half a b c"),
        (".hidden", "hidden"),
        ("風化した木の板", "風化した木の板"),
        ("ржавое железо", "ржавое железо"),
        ("gold ✨🔥", "gold ✨🔥"),
        ("CON", "CON_"),
        ("con.crete", "con_.crete"),
        ("aux .png", "aux_ .png"),
        ("COM¹", "COM¹_"),
        ("concrete", "concrete"),
        ("e\u0301clair", "\u00e9clair"),
        ("lone \ud83d half", "lone half"),
        ("photo\u202egnp.exe", "photognp.exe"),
        ("\u2066left\u2069 \u200eright\ufeff", "left right"),
        ("so\u200bft hy\u00adphen", "soft hyphen"),
        ("two\u2028lines", "two lines"),
        ("no \ufffe\ufdd0\U0001ffff character", "no character"),
        ("family 👩‍👩‍👧", "family 👩‍👩‍👧"),
        ("نمی‌خواهم", "نمی‌خواهم"),
        ("\u200d\u200c", FALLBACK),
        ("red\x1b[31m wall", "red [31m wall"),
        ("", FALLBACK),
        (" ./\\. ", FALLBACK),
    ],
)
def test_a_prompt_becomes_a_readable_safe_name(prompt: str, name: str) -> None:
    assert safe_name(prompt) == name


def test_a_long_prompt_is_cut_after_a_word() -> None:
    name = safe_name("an old oak door with wrought iron hinges, covered in moss and lichen, in the rain")
    assert name == "an old oak door with wrought iron hinges, covered in moss and"


def test_a_word_that_ends_at_the_limit_stays() -> None:
    assert safe_name("oak planks old", limit=10) == "oak planks"


@pytest.mark.parametrize("character", ["x", "é", "板", "🔥"])
def test_a_text_without_spaces_is_cut_between_characters(character: str) -> None:
    name = safe_name(character * 70)
    assert NAME_LIMIT - 4 < len(name.encode()) <= NAME_LIMIT
    assert set(name) == {character}


@pytest.mark.parametrize("cluster", ["👍🏽", "o\u0325", "✈️"])
def test_a_cut_leaves_no_half_of_a_character(cluster: str) -> None:
    for limit in range(20, 40):
        name = safe_name(cluster * 30, limit=limit)
        assert name.removesuffix("✈") == cluster * name.count(cluster)


def test_a_name_is_safe_already() -> None:
    for prompt in ("CON", "a. " * 40, "x" * 62 + ". y", "板" * 30):
        assert safe_name(safe_name(prompt)) == safe_name(prompt)
