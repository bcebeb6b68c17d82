"""Materials named in descriptions, in English and German."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gpt_image_addon.core.textures import material_guess
from gpt_image_addon.core.textures.material_guess import guess_material

TABLE = json.loads(Path(material_guess.__file__).with_name("materials.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("description", "name"),
    [
        ("red bricks", "brick"),
        ("weathered oak planks", "wood"),
        ("Weathered OAK-planks!", "wood"),
        ("a seamless texture of cobblestones", "stone"),
        ("cherries and berries on a wooden table", "wood"),
        ("stainless steel", "steel"),
        ("brushed aluminum", "brushed_metal"),
        ("Stahl", "steel"),
        ("Edelstahl", "steel"),
        ("Ziegelmauer", "brick"),
        ("verwitterte Eichendielen", "wood"),
        ("Holzbretter", "wood"),
        ("grüne Blätter", "leaves"),
        ("gruene Blaetter", "leaves"),
        ("Marmorfliesen", "marble"),
        ("marble tiles", "marble"),
        ("tiles", "ceramic_tile"),
        ("coast sand with rocks", "sand"),
        ("rocks with sand", "rock"),
        ("gold leather on wood", "leather"),
        ("rusty metal door", "rust"),
        ("rusty copper pipe", "rust"),
        ("rostiges Kupfer", "rust"),
        ("old iron, rusty", "iron"),
        ("painted metal", "painted_metal"),
        ("moss covered rock", "rock"),
        ("an oak table", "wood"),
        ("wooden floor", "parquet"),
        ("Straße", "asphalt"),
    ],
)
def test_materials_are_recognised(description: str, name: str) -> None:
    guess = guess_material(description)
    assert guess.known and guess.name == name


@pytest.mark.parametrize(
    "description",
    [
        *("", "   ", "password", "irony", "ironing", "Diebstahl", "woodpecker", "glasnost", "sandwich"),
        *("Goldfisch", "rockets", "steely resolve", "a portrait of a queen", "12345", "\N{GEM STONE}"),
    ],
)
def test_words_that_only_contain_a_material_are_not_one(description: str) -> None:
    guess = guess_material(description)
    assert not guess.known and guess.name is None
    assert (guess.roughness, guess.metallic) == (0.54, 0.0)


def test_every_word_of_the_table_leads_to_its_material() -> None:
    wrong = []
    for row in TABLE["materials"]:
        wrong += [
            (word, row["name"]) for word in row["en"] + row["de"] if guess_material(word).name != row["name"]
        ]
    assert not wrong


def test_the_table_is_large_and_sane() -> None:
    rows = TABLE["materials"]
    assert len(rows) >= 60 and len({row["name"] for row in rows}) == len(rows)
    for row in rows:
        assert row["en"] and row["de"], row["name"]
        for key in ("roughness", "metallic"):
            assert 0 <= row[key] <= 1, row["name"]
        assert 0 < row["slope"] < 1 and 0 < row["roughness_range"] <= 0.3, row["name"]


def test_plurals_in_both_languages() -> None:
    for plural, name in (
        ("bricks", "brick"),
        ("leaves", "leaves"),
        ("Steine", "stone"),
        ("Bretter", "wood"),
        ("Knochen", "bone"),
        ("rubies bones", "bone"),
    ):
        assert guess_material(plural).name == name, plural
