"""Create a virtual environment with Blender as a Python module and everything pinned.

``python3 tools/setup_venv.py FOLDER [BPY_VERSION]``; called by make. Root on Debian and its kin also gets the
system libraries that Blender needs and that pip cannot bring; anyone else is told which they are.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent

PYTHONS = {"4.5.15": (3, 11), "5.2.3": (3, 13), "4.2.23": (3, 11), "5.0.1": (3, 11)}
"""The Python that each bpy wheel is built for; the first that fits is the default."""

LIBRARIES = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libgomp.so.1": "libgomp1",
    "libICE.so.6": "libice6",
    "libSM.so.6": "libsm6",
    "libX11.so.6": "libx11-6",
    "libXext.so.6": "libxext6",
    "libXfixes.so.3": "libxfixes3",
    "libXi.so.6": "libxi6",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libXrender.so.1": "libxrender1",
    "libXxf86vm.so.1": "libxxf86vm1",
}
"""Shared libraries that a bpy wheel expects on the system, and the Debian packages that have them."""


def choose_bpy(wanted: str | None) -> str:
    """The version of bpy to install on this Python; exits with one sentence where there is none."""
    running = sys.version_info[:2]
    if wanted is None:
        wanted = next((version for version, python in PYTHONS.items() if python == running), None)
        if wanted is None:
            sys.exit(
                "Blender's Python module exists for Python 3.11 and 3.13, "
                f"and this is {running[0]}.{running[1]}: "
                "install one of them and run `make setup PYTHON=python3.13`."
            )
    elif PYTHONS.get(wanted) != running:
        python = ".".join(map(str, PYTHONS.get(wanted, running)))
        known = ", ".join(sorted(PYTHONS))
        sys.exit(f"bpy {wanted} is not one of {known} or needs Python {python}: try PYTHON=python{python}.")
    return wanted


def install_system(packages: list[str]) -> None:
    """Install Debian packages where that is possible; otherwise exit with the line that would."""
    line = f"apt-get install --no-install-recommends {' '.join(packages)}"
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        sys.exit(f"Blender needs system packages that are missing: run `sudo {line}`, then make again.")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "update", "-q"], check=True, env=environment)
    subprocess.run([*line.split(), "-y", "-q"], check=True, env=environment)


def create(folder: Path) -> Path:
    """A new, empty environment in `folder`; returns its interpreter."""
    if importlib.util.find_spec("ensurepip") is None:
        install_system([f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"])
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
    return folder / "bin" / "python"


def pip_install(python: Path, *requirements: Path) -> None:
    files = [argument for path in requirements for argument in ("--requirement", str(path))]
    subprocess.run([str(python), "-m", "pip", "install", "-qq", *files], check=True)


def missing_libraries(folder: Path) -> list[str]:
    """Debian packages of the shared libraries that bpy in this environment would not find."""
    module = next(folder.glob("lib/python3*/site-packages/bpy/__init__*.so"))
    listing = subprocess.run(["ldd", str(module)], capture_output=True, text=True, check=True).stdout
    missing = {line.split()[0] for line in listing.splitlines() if line.endswith("not found")}
    # Loaded when something is rendered, so not in the listing.
    cache = subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True, check=True).stdout
    missing |= {name for name in ("libEGL.so.1", "libGL.so.1") if name not in cache}
    unknown = missing - LIBRARIES.keys()
    if unknown:
        sys.exit(f"Blender needs shared libraries that are missing here: {', '.join(sorted(unknown))}.")
    return sorted(LIBRARIES[name] for name in missing)


def main() -> None:
    folder, *version = sys.argv[1:]
    if Path(folder).is_symlink():
        sys.exit(f"{folder} is a link; what it leads to would be emptied. Remove the link first.")
    bpy = choose_bpy(version[0] if version else None)
    print(f"Setting up {folder} with bpy {bpy} (about 400 MB, once)", flush=True)
    python = create(Path(folder))
    # Those two want newer libraries than old Blenders bundle: they are for the main environment.
    extras = () if version else ("server", "lint")
    groups = (f"bpy-{bpy}", "test", *extras)
    pip_install(python, *(HERE / f"requirements-{group}.txt" for group in groups))
    if sys.platform == "linux":
        packages = missing_libraries(Path(folder))
        if packages:
            install_system(packages)
    subprocess.run([str(python), "-c", "import bpy"], check=True)
    Path(folder, ".stamp").touch()


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:
        sys.exit(f"Setting up failed: {error}")
