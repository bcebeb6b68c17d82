"""What a draft says of itself before it is made: which words it can't draw, and never one that it can."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from gpt_image_addon.core.providers import find_hints
from gpt_image_addon.core.providers.offline.painter import FAMILIES, recognise
from gpt_image_addon.core.providers.offline.painter.decals import SHAPES
from gpt_image_addon.core.providers.offline.painter.unread import GERMAN_THINGS, THINGS, find_unread
from gpt_image_addon.core.request.request import GenerationRequest
from tests.core.providers.test_draft_words import PROMPTS

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    ("prompt", "word"),
    [
        ("a cute orange cat wearing a space suit", "cat"),
        ("a cat on a wooden table", "cat"),
        ("brick wall with two Cats", "Cats"),
        ("a robot made of rusty metal", "robot"),
        ("portrait of an old man", "man"),
        ("a wombat", "wombat"),
        ("a photo of a majestic castle", "castle"),
        ("eine süße Katze im Raumanzug", "Katze"),
        ("Löwe auf einer Wiese", "Löwe"),
        ("ein Wombat", "Wombat"),
    ],
)
def test_a_thing_is_named_as_it_was_written(prompt: str, word: str) -> None:
    assert find_unread(prompt) == word


@pytest.mark.parametrize(
    "prompt", ["fantasy landscape", "something beautiful", "a bright, glowing orb", "Kunststoff"]
)
def test_what_is_no_thing_beyond_doubt_is_not_named(prompt: str) -> None:
    assert find_unread(prompt) == ""


@pytest.mark.parametrize("prompt", [prompt for prompt, family in PROMPTS.items() if family != "noise"])
def test_a_prompt_that_is_understood_has_no_hint(prompt: str) -> None:
    assert find_unread(prompt) is None


@pytest.mark.parametrize(
    "prompt",
    [
        "dog fur",
        "the fur of a dog",
        "boat deck planks",
        "man-made stone",
        "zebra stripes",
        "dark red",
        "",
        "pattern",
    ],
)
def test_what_only_describes_a_surface_is_no_thing(prompt: str) -> None:
    assert find_unread(prompt) is None


def test_nothing_that_is_known_is_on_the_list_of_things() -> None:
    forms = [
        thing + ending
        for thing in f"{THINGS} {GERMAN_THINGS}".split()
        for ending in ("", "s", "es", "e", "n", "en", "er")
    ]
    assert [form for form in forms if recognise(form).name != "noise"] == []


@pytest.mark.parametrize("row", FAMILIES, ids=lambda row: row.name)
def test_each_word_that_is_known_has_no_hint(row: object) -> None:
    words = [word.strip().strip("*+") for word in getattr(row, "words").split(",")]  # noqa: B009
    assert [word for word in words if find_unread(f"an old {word}")] == []


def test_decals_know_their_shapes() -> None:
    assert find_unread("a heart sticker", transparent=True) is None
    assert find_unread("a cat sticker", transparent=True) == "cat"
    for shape in SHAPES:
        assert find_unread(shape.words.split(",")[0], transparent=True) is None, shape.name


def test_only_drafts_have_hints() -> None:
    cat = GenerationRequest(prompt="a cat", provider="offline", model="offline-draft")
    assert find_hints(cat) == ("Drafts know no 'cat', only surfaces such as brick, wood, metal or fabric.",)
    assert find_hints(GenerationRequest(prompt="a cat", provider="openai", model="m")) == ()
    recolored = GenerationRequest(prompt="a cat", provider="offline", references=("a.png",))
    assert find_hints(recolored) == (
        "Drafts only change the colors of references; they draw nothing new into them.",
    )


def test_without_its_modules_nothing_is_said() -> None:
    script = (
        "import sys\n"
        "sys.modules['PIL'] = sys.modules['numpy'] = None\n"
        "from gpt_image_addon.core.providers import find_hints\n"
        "from gpt_image_addon.core.request.request import GenerationRequest\n"
        "assert find_hints(GenerationRequest(prompt='a cat', provider='offline')) == ()\n"
    )
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True)
