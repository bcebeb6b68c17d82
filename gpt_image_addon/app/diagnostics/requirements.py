"""What the add-on imports and does not bring: some Blenders of distributions lack it."""

from __future__ import annotations

import importlib.util
from functools import cache

from ...core.text.message import message

NEEDED_MODULES = {"numpy": "python3-numpy", "requests": "python3-requests", "PIL": "python3-pil"}
"""What the add-on imports when it works, and the Debian package of each."""


@cache
def missing_modules() -> str:
    """One sentence about modules that this Blender lacks; empty where all are there. Imports none of them."""
    missing = [name for name in NEEDED_MODULES if importlib.util.find_spec(name) is None]
    if not missing:
        return ""
    packages = " ".join(NEEDED_MODULES[name] for name in missing)
    return message(
        "This Blender lacks the Python module {modules}; install {packages} and restart Blender.",
        modules=", ".join(missing),
        packages=packages,
    )
