"""The texts of the interface in other languages: one JSON file a language, English text to translation.

A text that Blender shows as an operator's name has the context ``Operator``; a label that Blender itself
has, and translates for something else, has the add-on's own; all others have none.
"""

from __future__ import annotations

import json
from pathlib import Path

FOLDER = Path(__file__).parent
OPERATOR = "Operator"
NONE = "*"
OWN = "GPT Image"

Messages = dict[tuple[str, str], str]


def load() -> dict[str, Messages]:
    """By language, as `bpy.app.translations.register` wants them: each text for all contexts."""
    return {path.stem: _messages(path) for path in sorted(FOLDER.glob("*.json"))}


def _messages(path: Path) -> Messages:
    table: dict[str, str] = json.loads(path.read_text("utf-8"))
    return {
        (context, text): translated for text, translated in table.items() for context in (NONE, OPERATOR, OWN)
    }
