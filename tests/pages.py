"""The commands of the documentation's pages: a page that says so has all its `sh` blocks run, in order.

A page carries the line ``<!-- commands: run -->`` for that. Its commands run in one shell and one empty
folder, where ``docs/examples`` is that of the project and `blender` is what the caller says.
"""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
MARKER = "<!-- commands: run -->"
SHIM = Path(__file__).with_name("blender_shim.py")
_BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def runnable() -> list[str]:
    """Names of the pages whose commands are run."""
    return sorted(path.name for path in DOCS.glob("*.md") if MARKER in path.read_text("utf-8"))


def commands(name: str) -> str:
    """The shell commands of a page."""
    return "\n".join(_BLOCK.findall((DOCS / name).read_text("utf-8")))


def module_as_blender(folder: Path) -> str:
    """A `blender` that is the bpy module of this Python."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "blender"
    path.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{SHIM}" "$@"\n', "utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(folder)


def run_page(name: str, folder: Path, bin_folder: str, environment: Mapping[str, str]) -> None:
    """Run a page.

    :param folder: an empty folder.
    :param bin_folder: where `blender` is.
    :raises AssertionError: a command failed; the message is what was printed.
    """
    (folder / "docs").symlink_to(DOCS, target_is_directory=True)
    path = f"{bin_folder}{os.pathsep}{os.environ['PATH']}"
    run = subprocess.run(
        ["bash", "-euxo", "pipefail", "-c", commands(name)],
        cwd=folder,
        env={**os.environ, "PATH": path, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
        check=False,
    )
    assert run.returncode == 0, f"{name} ended with {run.returncode}:\n{run.stdout[-4000:]}"
