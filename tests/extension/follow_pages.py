"""The pages of the documentation, followed in a full Blender from nothing: ``follow_pages.py BLENDER…``.

BLENDER is a command and may have arguments of its own; ``make build`` comes first. A new user installs the
zip and runs the commands of each page, against the local API server where a page asks a model. Leaves the
library of the first steps in build/first-steps. Prints "N passed, N failed".
"""

from __future__ import annotations

import os
import shlex
import shutil
import stat
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests import pages  # noqa: E402 - found by the line above
from tests.api_server import ApiServer  # noqa: E402

BLENDER = [str(Path(part).absolute()) if Path(part).is_file() else part for part in sys.argv[1:]]
KEPT = ROOT / "build" / "first-steps"


def install(folder: Path) -> dict[str, str]:
    """A `blender` with the extension and nothing else; the environment that makes it so."""
    environment = {
        "BLENDER_USER_RESOURCES": str(folder / "user"),
        "GPT_IMAGE_DATA_DIR": str(folder / "state"),
    }
    (folder / "user").mkdir()  # Blender takes no folder that does not exist
    script = folder / "bin" / "blender"
    script.parent.mkdir()
    script.write_text(f'#!/bin/sh\nexec {shlex.join(BLENDER)} "$@"\n', "utf-8")
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    (package,) = (ROOT / "dist").glob("*-linux_x64.zip")
    command = [str(script), "-c", "extension", "install-file", "-r", "user_default", "--enable", str(package)]
    subprocess.run(command, env={**os.environ, **environment}, check=True)
    return environment


def follow(name: str, folder: Path, environment: dict[str, str]) -> None:
    work = folder / name.removesuffix(".md")
    work.mkdir()
    with ApiServer() as server:
        key = {"OPENAI_BASE_URL": server.base_url, "OPENAI_API_KEY": server.api_key}
        pages.run_page(name, work, str(folder / "bin"), {**environment, **key})


def main() -> int:
    """Follow every page that can be followed."""
    failed = 0
    (ROOT / "build").mkdir(exist_ok=True)
    names = pages.runnable()
    with tempfile.TemporaryDirectory(dir=ROOT / "build") as path:
        folder = Path(path)
        environment = install(folder)
        for name in names:
            print(f"{name} …", flush=True)
            try:
                follow(name, folder, environment)
            except Exception:
                failed += 1
                traceback.print_exc()
        shutil.rmtree(KEPT, ignore_errors=True)
        shutil.copytree(folder / "first-steps", KEPT, symlinks=True)
    print(f"{len(names) - failed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main())
