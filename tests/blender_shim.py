"""`blender` on the bpy module, as far as the documentation needs it.

``[--online-mode] [-b] [FILE.blend] -c gpt_image …`` and ``[--online-mode] -b -P SCRIPT [-- …]``.
"""

from __future__ import annotations

import os
import runpy
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def main(argv: list[str]) -> None:
    sys.path.insert(0, str(ROOT))
    own = [flag for flag in argv[:2] if flag == "--online-mode"]
    rest = [flag for flag in argv if flag not in ("--online-mode", "-b")]
    if rest[0].endswith(".blend"):
        own += ["--blend", rest.pop(0)]
    if rest[:2] == ["-c", "gpt_image"]:
        from gpt_image_addon.__main__ import main as run

        sys.exit(run([*own, *rest[2:]]))
    if rest[0] != "-P":
        sys.exit(f"the documentation does something that is not known here: {argv}")
    sys.argv = ["blender", *argv]
    runpy.run_path(rest[1], run_name="__main__")
    sys.stdout.flush()


if __name__ == "__main__":
    os.environ.setdefault("PYTHONDONTWRITEBYTECODE", "1")
    main(sys.argv[1:])
