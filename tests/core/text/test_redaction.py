"""What may leave this computer in a report."""

from __future__ import annotations

from pathlib import Path

import pytest

from gpt_image_addon.core.text.redaction import Redaction

FOLDERS = {"<state folder>": Path("/home/ada/.local/share/gpt-image"), "~": Path("/home/ada")}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "/home/ada/.local/share/gpt-image/journal.sqlite3 is full",
            "<state folder>/journal.sqlite3 is full",
        ),
        ("'/home/ada/x.png' is no image", "'~/x.png' is no image"),
        ("/mnt/clients/acme/shot.png is missing", "<path> is missing"),
        (r"C:\Users\Ada\shot.png is missing", "<path> is missing"),
        (r"\\server\share\shot.png is missing", "<path> is missing"),
        (
            "https://api.openai.com/v1/images/edits said 400",
            "https://api.openai.com/v1/images/edits said 400",
        ),
        ("image/png and 16/9 are no paths", "image/png and 16/9 are no paths"),
        ("Incorrect API key provided: sk-abcdefgh12345", "Incorrect API key provided: sk-…"),
        ("'a golden dragon' was refused", "'<prompt>' was refused"),
        ("/mnt/my clients/ref 1.png is broken", "<path> is broken"),
    ],
)
def test_texts(text: str, told: str) -> None:
    redaction = Redaction(FOLDERS, words=["a golden dragon", ""], files=["/mnt/my clients/ref 1.png"])
    assert redaction.text(text) == told


def test_values_keep_their_form() -> None:
    redaction = Redaction(FOLDERS)
    value = {"/home/ada/x": ["/home/ada/y", 1, None, True], "n": {"folder": "/home/ada/z"}}
    assert redaction.value(value) == {"~/x": ["~/y", 1, None, True], "n": {"folder": "~/z"}}
