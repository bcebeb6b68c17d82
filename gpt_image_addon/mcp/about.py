"""What the server says of itself."""

from __future__ import annotations

import tomllib
from pathlib import Path

from ..core.common.package import FOLDER
from .protocol import JsonObject

NAME, TITLE = "gpt-image", "GPT Image"
INSTRUCTIONS = (
    "Images, textures, planes and materials in Blender, from a prompt. generate and texture cost money "
    "unless provider is offline: call estimate first, and pass max_cost_usd and an idempotency_key. Where an "
    "answer says running, call wait with its job; never send the request again. maps and tile cost nothing."
)


def server_info() -> JsonObject:
    """Name and version of the server."""
    return {"name": NAME, "title": TITLE, "version": _find_version()}


def _find_version() -> str:
    """The extension's, where its manifest is beside the code."""
    for folder in (FOLDER, FOLDER.parent):
        path = Path(folder) / "blender_manifest.toml"
        if path.is_file():
            return str(tomllib.loads(path.read_text("utf-8"))["version"])
    return "0"
