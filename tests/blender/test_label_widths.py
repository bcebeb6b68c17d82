"""No label of the panel is cut in a sidebar of the usual width, in English or German.

How much room there is was measured in Blender 5.2: a sidebar of 292 pixels at an interface scale of 75 / 72.
"""

from __future__ import annotations

import ast
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import blf
import bpy
import pytest

from gpt_image_addon import ui
from gpt_image_addon.core.request.parameters import PARAMETERS
from gpt_image_addon.ui.agents import operators as agent_operators
from gpt_image_addon.ui.common import enum_items, widgets
from gpt_image_addon.ui.results import operators_results

TEXT_SIZE = 11 * 75 / 72  # points of the default theme, as that window draws them
LABEL = 90  # pixels for what stands left of a field
BESIDE_BOX = 113  # right of a box to tick
IN_MENU = 116  # in the button of a menu
ALONE = 130  # in a button of the width of a field
SLIDER = 200  # in one of the width of the panel, beside its number
ON_CARD = 62  # in the smaller button at the end of the card
LINE = 206  # in a line of its own, beside an icon
BAR = 196  # in the bar of a job, beside its cross
DOING = ("Waiting for the image", "Preparing the images", "Starting", "Cancelling")
TIMES = ("≈ {seconds} s left", "{seconds} s left", "≈ {minutes} min left", "{seconds} s so far")
UI = Path(ui.__file__).parent
PANEL = [
    UI / "main_panel.py",
    *(path for part in ("request", "results", "agents") for path in (UI / part).glob("*.py")),
]
GERMAN: dict[str, str] = json.loads((UI / "common" / "translations" / "de_DE.json").read_text("utf-8"))
LANGUAGES: dict[str, dict[str, str]] = {"English": {}, "German": GERMAN}


def width(text: str) -> float:
    blf.size(0, TEXT_SIZE)
    return float(blf.dimensions(0, text)[0])


def cut(texts: Iterator[tuple[str, int]]) -> list[str]:
    return [f"{text}: {width(text):.0f} of {room}" for text, room in texts if width(text) > room]


def labels(values: Any, language: dict[str, str]) -> Iterator[tuple[str, int]]:
    """What properties of the panel are called where they are drawn, and the room for it."""
    for name, found in values.bl_rna.properties.items():
        row = PARAMETERS.get(name)
        if found.is_hidden or name in ("rna_type", "name", "prompt"):
            continue
        short = row.panel.short if row is not None and row.panel is not None else ""
        text = short or found.name
        room = BESIDE_BOX if found.type == "BOOLEAN" else SLIDER if short else LABEL
        yield language.get(text, text), room


def entries(values: Any, language: dict[str, str]) -> Iterator[tuple[str, int]]:
    """What stands in menus and on buttons."""
    for found in values.bl_rna.properties:
        if found.type == "ENUM":
            items = [item.name for item in found.enum_items]
            room = ALONE if found.is_enum_flag else IN_MENU
            yield from ((language.get(text, text), room) for text in items)


def styles(language: dict[str, str]) -> Iterator[tuple[str, int]]:
    for _, text, *_ in enum_items.style_items(None, None):
        yield language.get(text, text), IN_MENU


def lines(language: dict[str, str]) -> Iterator[tuple[str, int]]:
    """Texts of the panel that stand in a line of their own."""
    for path in PANEL:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "label":
                found = [word.value for word in node.keywords if word.arg == "text"]
                for text in (part.value for part in found if isinstance(part, ast.Constant)):
                    yield language.get(text, text), LINE


def bars(language: dict[str, str]) -> Iterator[tuple[str, int]]:
    """What a job is at, and how long it takes still."""
    for doing, time in itertools.product(DOING, TIMES):
        assert not language or (doing in language and time in language)
        taken = language.get(time, time).format(seconds=55, minutes=12)
        yield f"{language.get(doing, doing)} · {taken}", BAR


@pytest.mark.parametrize("name", LANGUAGES)
def test_labels_fit(name: str) -> None:
    values, language = bpy.context.scene.gpt_image, LANGUAGES[name]
    assert cut(labels(values, language)) == []
    assert cut(entries(values, language)) == []
    assert cut(styles(language)) == []
    assert cut(lines(language)) == []
    assert cut(bars(language)) == []
    buttons = (operator.bl_label for operator in agent_operators.CLASSES)
    assert cut((language.get(text, text), LINE) for text in buttons) == []
    inpaint = operators_results.GPT_IMAGE_OT_edit_region.bl_label
    assert cut((language.get(text, text), ON_CARD) for text in (inpaint, "Edit")) == []
    reference = values.references.add()
    assert cut(labels(reference, language)) == []
    assert cut(entries(reference, language)) == []


def test_what_is_cut_is_seen() -> None:
    assert cut(iter([("Previews in the Scene", BESIDE_BOX)])) == ["Previews in the Scene: 121 of 113"]
    assert cut(iter([("Sicherheitskennung", LABEL)])) == ["Sicherheitskennung: 110 of 90"]


@pytest.mark.parametrize(
    ("texts", "columns"),
    [
        (("PNG", "JPEG", "WebP"), 3),
        (("Automatic", "Low", "High"), 2),
        (("Automatic", "Opaque", "Transparent"), 1),
        (("Automatisch", "Deckend"), 1),
    ],
)
def test_buttons_stand_side_by_side_where_they_fit(texts: tuple[str, ...], columns: int) -> None:
    assert widgets._columns_for(texts) == columns
