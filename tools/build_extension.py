"""Build the extension: one zip a platform, made and validated by Blender's own builder.

``__init__.py`` has to sit beside the manifest, and the wheels inside, so the package is staged first:
package + manifest + wheels -> build/stage -> ``blender_ext.py build`` -> dist/gpt_image_addon-*.zip.
The builder comes from the bpy wheel: run this with the interpreter of ``make setup``.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "gpt_image_addon"
MANIFEST = ROOT / "blender_manifest.toml"
WHEELS = ROOT / "tools" / "wheels.toml"
WHEEL_CACHE = ROOT / ".cache" / "wheels"
STAGE = ROOT / "build" / "stage"
DIST = ROOT / "dist"
REPOSITORY = ROOT / "build" / "repository"

EPOCH = (2026, 1, 1, 0, 0, 0)  # every file's date in the zips: the same sources give the same bytes
JUNK = shutil.ignore_patterns("__pycache__", "*.py[co]", ".*", "*~")


def wheels() -> tuple[list[str], dict[str, tuple[str, str]]]:
    """The platforms, and all wheels: file name -> requirement and SHA-256."""
    table = tomllib.loads(WHEELS.read_text())
    rows = [(table["requirement"], pins) for pins in table["platforms"].values()]
    rows += table["pure"].items()
    found = {name: (requirement, digest) for requirement, pins in rows for name, digest in pins.items()}
    return list(table["platforms"]), found


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def fetch(requirement: str, name: str, digest: str) -> Path:
    """The wheel called `name`, downloaded unless it is in the cache; exits if `digest` is not its SHA-256."""
    wheel = WHEEL_CACHE / name
    if not wheel.exists():
        _, _, python, _, platforms = wheel.stem.split("-")
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
        if platforms != "any":
            command += ["--implementation", "cp", "--python-version", python.removeprefix("cp")]
            command += [f"--platform={platform}" for platform in platforms.split(".")]
        subprocess.run([*command, "--dest", str(WHEEL_CACHE), requirement], check=True)
    if not wheel.exists() or sha256(wheel) != digest:
        sys.exit(f"{wheel.name} is not the file that {WHEELS.name} pins; nothing was built.")
    return wheel


def stage() -> None:
    """Lay the extension out in build/stage: the package's files, the manifest and every wheel."""
    platforms, pins = wheels()
    shutil.rmtree(STAGE, ignore_errors=True)
    shutil.copytree(PACKAGE, STAGE, ignore=JUNK)
    shutil.copy(ROOT / "LICENSE", STAGE)
    (STAGE / "wheels").mkdir()
    for name, (requirement, digest) in pins.items():
        shutil.copy(fetch(requirement, name, digest), STAGE / "wheels")
    names = [f"./wheels/{name}" for name in pins]
    head = f"platforms = {toml_list(platforms)}\nwheels = {toml_list(names)}\n"
    (STAGE / MANIFEST.name).write_text(head + MANIFEST.read_text())


def toml_list(values: list[str]) -> str:
    return "[" + ", ".join(f'"{value}"' for value in values) + "]"


def scripts_folder() -> Path:
    """Blender's ``scripts`` folder in the bpy wheel, found without importing bpy."""
    spec = importlib.util.find_spec("bpy")
    if spec is None or spec.origin is None:
        sys.exit("The builder is part of the bpy module: run `make setup`, then .venv/bin/python.")
    return next(Path(spec.origin).parent.glob("*/scripts"))


def blender_ext(command: str, *arguments: str) -> None:
    """Run Blender's extension tool."""
    tool = scripts_folder() / "addons_core" / "bl_pkg" / "cli" / "blender_ext.py"
    subprocess.run([sys.executable, str(tool), command, *arguments], check=True)


def valid_tags() -> str:
    """The argument that gives `build` and `validate` Blender's own list of tags."""
    return f"--valid-tags={scripts_folder() / 'modules' / '_bpy_internal' / 'extensions' / 'tags.py'}"


def build() -> None:
    """Stage the extension and write dist/*.zip, one for each platform."""
    stage()
    shutil.rmtree(DIST, ignore_errors=True)
    DIST.mkdir()
    blender_ext("build", valid_tags(), f"--source-dir={STAGE}", f"--output-dir={DIST}", "--split-platforms")
    for path in DIST.glob("*.zip"):
        make_reproducible(path)


def make_reproducible(path: Path) -> None:
    """Rewrite a zip with its entries in order and nothing of the moment or the machine in them."""
    with zipfile.ZipFile(path) as archive:
        contents = {name: archive.read(name) for name in sorted(archive.namelist())}
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in contents.items():
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, data, zipfile.ZIP_DEFLATED)


def validate() -> None:
    """Check the stage and every zip with Blender's validator."""
    zips = sorted(DIST.glob("*.zip"))
    if not zips:
        sys.exit("There is nothing in dist/ to validate: run `make build` first.")
    for path in (STAGE, *zips):
        blender_ext("validate", valid_tags(), str(path))


def repository(folder: Path, packages: Path) -> None:
    """Make a folder that Blender can subscribe to, behind any web server for static files.

    The packages replace those of an earlier version: of two versions for the same Blender it takes any.
    """
    zips = sorted(packages.glob("*.zip"))
    if not zips:
        sys.exit(f"There is nothing in {packages} to publish: run `make build` first.")
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob(f"{PACKAGE.name}-*.zip"):
        path.unlink()
    for path in zips:
        shutil.copy(path, folder)
    blender_ext("server-generate", f"--repo-dir={folder}", "--html")


def dev_install(repository: Path) -> None:
    """Link the sources into an extensions folder, such as ~/.config/blender/5.2/extensions/user_default.

    Blender then runs the working tree: no wheels are installed, so its Python needs Pillow.
    """
    folder = repository / PACKAGE.name
    if folder.exists() and not (folder / MANIFEST.name).is_symlink():
        sys.exit(f"{folder} is an installed extension: remove it in Blender's preferences first.")
    folder.mkdir(parents=True, exist_ok=True)
    for source in (*PACKAGE.iterdir(), MANIFEST):
        link = folder / source.name
        if source.name != "__pycache__" and not link.is_symlink():
            link.symlink_to(source)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("build", help="write dist/*.zip")
    verbs.add_parser("validate", help="check what build wrote")
    repo = verbs.add_parser("repository", help="make a folder that Blender can subscribe to")
    repo.add_argument("folder", type=Path, nargs="?", default=REPOSITORY, help="default: build/repository")
    repo.add_argument("--packages", type=Path, default=DIST, help="folder of the zips; default: dist")
    dev = verbs.add_parser("dev-install", help="link the sources into an extensions folder")
    dev.add_argument("repository", type=Path, help="…/extensions/user_default of a Blender")
    arguments = parser.parse_args()
    match arguments.verb:
        case "build":
            build()
        case "validate":
            validate()
        case "repository":
            repository(arguments.folder, arguments.packages)
        case "dev-install":
            dev_install(arguments.repository)


if __name__ == "__main__":
    main()
