"""Offline drafts: which family, colours and modifiers the words of a prompt mean."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from gpt_image_addon.core.providers.offline.painter import FAMILIES, Family, paint, recognise
from gpt_image_addon.core.providers.offline.painter.words import phrases, read


def mean_color(prompt: str) -> NDArray[np.float64]:
    return paint(prompt, 96, 96).color[..., :3].reshape(-1, 3).mean(axis=0)


PROMPTS = {
    "brick": "brick",
    "red brick wall with moss": "brick",
    "old stone brick wall": "brick",
    "eine alte Ziegelmauer": "brick",
    "Backsteinwand, verwittert": "brick",
    "white bathroom tiles": "tiles",
    "tiles of white marble": "tiles",
    "Marmorfliesen": "tiles",
    "blaue Kacheln": "tiles",
    "cobblestone street": "cobblestone",
    "nasses Kopfsteinpflaster": "cobblestone",
    "mossy stone wall": "stone_wall",
    "weathered oak planks": "wood_planks",
    "planks made of oak wood": "wood_planks",
    "Eichendielen": "wood_planks",
    "alte Holzdielen": "wood_planks",
    "walnut wood grain": "wood_grain",
    "dunkles Eichenholz": "wood_grain",
    "rough granite rock": "stone",
    "Granitfelsen": "noise",
    "Carrara marble": "marble",
    "schwarzer Marmor mit goldenen Adern": "marble",
    "concrete": "concrete",
    "grauer Sichtbeton": "concrete",
    "white plaster wall": "plaster",
    "brushed copper": "brushed_metal",
    "gebürsteter Edelstahl": "brushed_metal",
    "scratched steel": "metal",
    "Eisen": "metal",
    "rusty metal panel": "rust",
    "rostiges Blech": "rust",
    "dunkelblauer Stoff": "fabric",
    "denim": "fabric",
    "brown leather sofa": "leather",
    "rotes Leder": "leather",
    "green grass field": "grass",
    "Gras und Erde": "grass",
    "muddy ground": "ground",
    "desert sand": "sand",
    "ocean water": "water",
    "Wasser": "water",
    "frozen lake ice": "ice",
    "blaues Eis": "ice",
    "sci-fi panels": "panels",
    "metal spaceship hull": "panels",
    "seamless texture, 4k, highly detailed, terracotta roof tiles": "roof",
    "clay brick, seamless, on a wooden table": "brick",
    "on a wooden table: clay bricks": "brick",
    # Words inside other words, and things that only sound like a material.
    "password": "noise",
    "grasshopper": "noise",
    "a sandwich": "noise",
    "thousand watermelons": "noise",
    "rocket launch": "noise",
    "ice cream": "noise",
    "rock band": "noise",
    "Kunststoff": "noise",
    "Eisenbahn": "noise",
    "hell": "noise",
    "": "noise",
}


@pytest.mark.parametrize(("prompt", "name"), PROMPTS.items())
def test_recognises_what_the_prompt_is_about(prompt: str, name: str) -> None:
    assert recognise(prompt).name == name


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_every_label_names_its_own_family(family: Family) -> None:
    assert recognise(family.label) is family


def test_names_are_unique_and_refinements_exist() -> None:
    names = [family.name for family in FAMILIES]
    assert len(set(names)) == len(names)
    assert {name for family in FAMILIES for name in family.refines} <= set(names)


@pytest.mark.parametrize(
    ("prompt", "strong", "weak"),
    [
        ("red brick", 0, 2),
        ("rote Ziegel", 0, 2),
        ("dark blue fabric", 2, 0),
        ("dunkelblauer Stoff", 2, 0),
        ("green tiles", 1, 0),
        ("grüne Fliesen", 1, 2),
        ("brushed copper", 0, 2),
        ("gold", 0, 2),
        ("purple carpet", 2, 1),
        ("something red", 0, 1),
    ],
)
def test_colour_words_show_in_the_mean_colour(prompt: str, strong: int, weak: int) -> None:
    mean = mean_color(prompt)
    assert mean[strong] > mean[weak] + 15
    assert mean[strong] == mean.max()


@pytest.mark.parametrize(
    ("darker", "lighter"),
    [
        ("black marble", "white marble"),
        ("dark concrete", "light concrete"),
        ("dunkelgrauer Stoff", "hellgrauer Stoff"),
        ("dark blue leather", "light blue leather"),
        ("walnut planks", "maple planks"),
        ("wet sand", "sand"),
    ],
)
def test_shades(darker: str, lighter: str) -> None:
    assert mean_color(darker).mean() < mean_color(lighter).mean() - 12


def test_weathering_takes_colour_away() -> None:
    fresh, weathered = mean_color("oak planks"), mean_color("weathered oak planks")
    assert np.ptp(weathered) < 0.75 * np.ptp(fresh)


def test_an_accent_colours_the_joints_not_the_thing() -> None:
    reading = read(phrases("black marble with gold veins"))
    assert reading.main is not None and max(reading.main) < 0.2
    assert reading.accent is not None and reading.accent[0] > reading.accent[2] + 0.2
    assert reading.second is None
    assert read(phrases("brick wall with a green door")).main is None


@pytest.mark.parametrize("prompt", ["red and white tiles", "rote Fliesen mit weißen Streifen"])
def test_a_second_colour_belongs_to_the_thing(prompt: str) -> None:
    reading = read(phrases(prompt))
    assert reading.main is not None and reading.main[0] > reading.main[2] + 0.3
    assert reading.second is not None and min(reading.second) > 0.8
    assert reading.accent is None
