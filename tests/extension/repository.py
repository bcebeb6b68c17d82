"""Subscribe, install and update from a static extension repository: ``repository.py BLENDER…``.

BLENDER is a command and may have arguments of its own; ``make build`` comes first. Serves build/repository on
loopback with the version of dist/, lets Blender subscribe and install, publishes a newer version of the same
package, lets Blender update, and runs what was installed. Prints the plain closing line "N passed, N failed".
"""

from __future__ import annotations

import functools
import http.server
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import tomllib
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.extension.checks import Check, run_all  # noqa: E402 - found by the line above

BUILDER = ROOT / "tools" / "build_extension.py"
DIST = ROOT / "dist"
BLENDER = sys.argv[1:]
REPOSITORY = "gpt_image_test"
MODULE = f"bl_ext.{REPOSITORY}.gpt_image_addon"
VERSION = tomllib.loads((ROOT / "blender_manifest.toml").read_text("utf-8"))["version"]
NEWER = "99.0.0"


@contextmanager
def served(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """Serve a folder on loopback: the address of its index, and the paths that were asked for."""
    asked: list[str] = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *arguments: object) -> None:
            asked.append(self.path)

    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Handler, directory=str(folder))
    )
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/index.json", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def publish(folder: Path, packages: Path = DIST) -> None:
    command = [sys.executable, str(BUILDER), "repository", str(folder), "--packages", str(packages)]
    subprocess.run(command, check=True)


def newer(folder: Path) -> Path:
    """The packages of dist/ under a higher version, as a release would have them."""
    folder.mkdir()
    for path in DIST.glob("*.zip"):
        target = folder / path.name.replace(VERSION, NEWER)
        with zipfile.ZipFile(path) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
            for name in old.namelist():
                data = old.read(name)
                if name == "blender_manifest.toml":
                    data = re.sub(rb'(?m)^version = ".*"$', f'version = "{NEWER}"'.encode(), data)
                new.writestr(name, data)
    return folder


def blender(folder: Path, *arguments: str) -> str:
    """Run Blender as a user of its own with online access, and return what it prints."""
    environment = {
        **os.environ,
        "BLENDER_USER_RESOURCES": str(folder / "user"),
        "GPT_IMAGE_DATA_DIR": str(folder / "state"),
    }
    command = [*BLENDER, "--online-mode", *arguments]
    run = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=False)
    print("\n".join(line for line in run.stdout.splitlines() if not line.startswith("PROGRESS")))
    assert run.returncode == 0, f"{arguments} ended with {run.returncode}"
    return run.stdout


def installed_version(folder: Path) -> str:
    """What the installed manifest says, as Blender itself finds it."""
    script = (
        "import bpy, tomllib, pathlib\n"
        "repositories = bpy.context.preferences.extensions.repos\n"
        f"repository = next(repo for repo in repositories if repo.module == '{REPOSITORY}')\n"
        "manifest = pathlib.Path(repository.directory, 'gpt_image_addon', 'blender_manifest.toml')\n"
        "print('VERSION', tomllib.loads(manifest.read_text())['version'])\n"
        f"print('ENABLED', {MODULE!r} in bpy.context.preferences.addons)\n"
    )
    told = blender(folder, "-b", "--python-exit-code", "1", "--python-expr", script)
    assert "ENABLED True" in told
    return next(line.split()[1] for line in told.splitlines() if line.startswith("VERSION"))


def subscribes_installs_and_updates(folder: Path) -> None:
    (folder / "user").mkdir()  # Blender takes no folder that does not exist
    packages = folder / "packages"
    publish(packages)
    index = json.loads((packages / "index.json").read_text("utf-8"))
    assert [len(package["platforms"]) for package in index["data"]] == [1] * len(list(packages.glob("*.zip")))
    with served(packages) as (url, asked):
        # --clear-all: no other repository is asked for anything.
        blender(folder, "-c", "extension", "repo-add", "--clear-all", REPOSITORY, "--url", url)
        install = ("install", "--sync", "--enable", f"{REPOSITORY}.gpt_image_addon")
        blender(folder, "-c", "extension", *install)
        assert installed_version(folder) == VERSION
        publish(packages, newer(folder / "newer"))
        blender(folder, "-c", "extension", "update", "--sync")
        assert installed_version(folder) == NEWER
        assert [path for path in asked if path.endswith(".zip")] == [
            f"/gpt_image_addon-{version}-linux_x64.zip" for version in (VERSION, NEWER)
        ]
    flags = ("--provider", "offline", "--size", "256x256", "--target", "image", "--json")
    told = blender(folder, "-c", "gpt_image", "generate", "red bricks", *flags)
    assert json.loads(told.splitlines()[-1])["state"] == "succeeded"


CHECKS: tuple[Check, ...] = (subscribes_installs_and_updates,)


if not shutil.which(BLENDER[0]) or not list(DIST.glob("*.zip")):
    sys.exit("Say which Blender, and run `make build` first.")
sys.exit(run_all(CHECKS))
