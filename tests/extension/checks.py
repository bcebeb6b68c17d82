"""Runs the checks of a script one after the other."""

from __future__ import annotations

import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

Check = Callable[[Path], None]


def run_all(checks: tuple[Check, ...]) -> int:
    """Run the checks, each in a folder of its own that Blender can see, and print "N passed, N failed".

    :returns: the exit code.
    """
    failed = 0
    (ROOT / "build").mkdir(exist_ok=True)
    for check in checks:
        print(f"{check.__name__} …", flush=True)
        try:
            with tempfile.TemporaryDirectory(dir=ROOT / "build") as folder:
                check(Path(folder))
        except Exception:
            failed += 1
            traceback.print_exc()
    print(f"{len(checks) - failed} passed, {failed} failed")
    return 1 if failed else 0
