"""What `make build` writes: every platform's zip is complete, valid, free of junk, and the same each time."""

from __future__ import annotations

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / ".ci" / "build_extension.py"
DIST = ROOT / "dist"
PACKAGE = ROOT / "gpt_image_addon"
PINS = tomllib.loads((ROOT / ".ci" / "wheels.toml").read_text())
PYTHONS = {"cp311", "cp313", "cp314"}  # Blender 4.2 to 5.0, 5.1 and 5.2, distributions' own builds


@pytest.fixture(scope="module")
def zips() -> dict[str, bytes]:
    """The platforms' zips, freshly built: file name -> bytes."""
    subprocess.run([sys.executable, str(SCRIPT), "build"], check=True)
    return {path.name: path.read_bytes() for path in DIST.glob("*.zip")}


def file_name(platform: str) -> str:
    return f"gpt_image_addon-{version()}-{platform.replace('-', '_')}.zip"


def version() -> str:
    return str(tomllib.loads((ROOT / "blender_manifest.toml").read_text())["version"])


def names(platform: str) -> set[str]:
    with zipfile.ZipFile(DIST / file_name(platform)) as archive:
        return set(archive.namelist())


def test_one_zip_a_platform(zips: dict[str, bytes]) -> None:
    assert set(zips) == {file_name(platform) for platform in PINS["platforms"]}


@pytest.mark.parametrize("platform", PINS["platforms"])
def test_contents(zips: dict[str, bytes], platform: str) -> None:
    sources = (path for suffix in ("py", "json") for path in PACKAGE.rglob(f"*.{suffix}"))
    package = {path.relative_to(PACKAGE).as_posix() for path in sources}
    wheels = {f"wheels/{name}" for name in PINS["platforms"][platform]}
    assert names(platform) == package | wheels | {"blender_manifest.toml", "LICENSE"}


@pytest.mark.parametrize("platform", PINS["platforms"])
def test_wheels_for_every_python(platform: str) -> None:
    """Blender refuses an extension whose wheels are all for other Pythons."""
    wheels = [name.removesuffix(".whl").split("-") for name in PINS["platforms"][platform]]
    package, _, release = PINS["requirement"].partition("==")
    assert {(name, number) for name, number, *_ in wheels} == {(package, release)}
    assert {tag for _, _, tag, _, _ in wheels} == PYTHONS


def test_validates(zips: dict[str, bytes]) -> None:
    subprocess.run([sys.executable, str(SCRIPT), "validate"], check=True)


def test_same_sources_same_bytes(zips: dict[str, bytes]) -> None:
    subprocess.run([sys.executable, str(SCRIPT), "build"], check=True)
    assert {path.name: path.read_bytes() for path in DIST.glob("*.zip")} == zips


def test_manifest_agrees_with_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    manifest = tomllib.loads((ROOT / "blender_manifest.toml").read_text())
    assert manifest["version"] == project["version"]
    assert manifest["license"] == [f"SPDX:{project['license']}"]
    assert PINS["requirement"] in (ROOT / ".ci" / "requirements-test.txt").read_text().splitlines()
