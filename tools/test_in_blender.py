"""Run the tests inside a full Blender: ``test_in_blender.py BLENDER… -- PYTEST ARGUMENTS…``.

BLENDER is a command and may have arguments of its own. Its Python gets pytest and Pillow, at the pinned
versions, from a folder in .cache/; nothing is installed into Blender.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MARK = "python-of-blender:"
OPTIONS = ["--background", "--factory-startup", "--python-exit-code", "1"]


def python_of(blender: list[str]) -> str:
    """The version of Blender's Python, as in "3.13"."""
    expression = f"import sys; print('{MARK}%d.%d' % sys.version_info[:2])"
    command = [*blender, *OPTIONS, "--python-expr", expression]
    output = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    return next(line.removeprefix(MARK) for line in output.splitlines() if line.startswith(MARK))


def site_folder(python: str) -> Path:
    """A folder with what the tests need beside what Blender bundles, for that version of Python."""
    site = ROOT / ".cache" / f"blender-site-{python}"
    stamp = site / ".stamp"
    pins = ROOT / "tools" / "requirements-test.txt"
    if not stamp.exists() or stamp.read_text() != pins.read_text():
        command = [sys.executable, "-m", "pip", "install", "-qq", "--no-deps", "--only-binary=:all:"]
        command += ["--implementation", "cp", "--python-version", python, "--upgrade"]
        subprocess.run([*command, "--target", str(site), "--requirement", str(pins)], check=True)
        stamp.write_text(pins.read_text())
    return site


def main() -> None:
    split = sys.argv.index("--")
    blender, arguments = sys.argv[1:split], sys.argv[split + 1 :]
    site = site_folder(python_of(blender))
    command = [*blender, *OPTIONS, "--python", str(ROOT / "tests" / "run_in_blender.py"), "--", *arguments]
    sys.exit(subprocess.run(command, env={**os.environ, "GPT_IMAGE_TEST_SITE": str(site)}).returncode)


if __name__ == "__main__":
    main()
