"""Where the state folder is."""

from __future__ import annotations

import os
import sys
from pathlib import Path

DATA_DIR_VARIABLE = "GPT_IMAGE_DATA_DIR"


def state_folder() -> Path:
    """The folder of the journal and the results, one per user and machine.

    It lies outside Blender's own folders: removing or updating an extension empties those.
    """
    chosen = os.environ.get(DATA_DIR_VARIABLE)
    if chosen:
        return Path(chosen).expanduser().absolute()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "GPT Image"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "GPT Image"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "gpt-image"
