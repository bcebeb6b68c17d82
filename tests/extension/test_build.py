"""What `make build` writes: every platform's zip is complete, valid, free of junk, and the same each time."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "gpt_image_addon"
SOURCES = ("tools", "gpt_image_addon", "LICENSE", "blender_manifest.toml")
PINS = tomllib.loads((ROOT / "tools" / "wheels.toml").read_text())
PYTHONS = {"cp311", "cp313", "cp314"}  # Blender 4.2 to 5.0, 5.1 and 5.2, distributions' own builds


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what the extension is built from: what `make build` wrote may be in use."""
    root = tmp_path_factory.mktemp("clone")
    for name in SOURCES:
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, root / name)
    wheels = ROOT / ".cache" / "wheels"
    wheels.mkdir(parents=True, exist_ok=True)
    (root / ".cache").mkdir()
    (root / ".cache" / "wheels").symlink_to(wheels)
    return root


def run(clone: Path, verb: str) -> None:
    subprocess.run([sys.executable, str(clone / "tools" / "build_extension.py"), verb], check=True)


def built(clone: Path) -> dict[str, bytes]:
    """The platforms' zips, freshly built: file name -> bytes."""
    run(clone, "build")
    return {path.name: path.read_bytes() for path in (clone / "dist").glob("*.zip")}


@pytest.fixture(scope="module")
def zips(clone: Path) -> dict[str, bytes]:
    return built(clone)


def file_name(platform: str) -> str:
    return f"gpt_image_addon-{version()}-{platform.replace('-', '_')}.zip"


def version() -> str:
    return str(tomllib.loads((ROOT / "blender_manifest.toml").read_text())["version"])


def test_one_zip_a_platform(zips: dict[str, bytes]) -> None:
    assert set(zips) == {file_name(platform) for platform in PINS["platforms"]}


@pytest.mark.parametrize("platform", PINS["platforms"])
def test_contents(zips: dict[str, bytes], platform: str) -> None:
    sources = (path for suffix in ("py", "json", "py.txt") for path in PACKAGE.rglob(f"*.{suffix}"))
    package = {path.relative_to(PACKAGE).as_posix() for path in sources}
    pure = [name for pins in PINS["pure"].values() for name in pins]
    wheels = {f"wheels/{name}" for name in (*PINS["platforms"][platform], *pure)}
    with zipfile.ZipFile(io.BytesIO(zips[file_name(platform)])) as archive:
        names = set(archive.namelist())
    assert names == package | wheels | {"blender_manifest.toml", "LICENSE"}


@pytest.mark.parametrize("platform", PINS["platforms"])
def test_wheels_for_every_python(platform: str) -> None:
    """Blender refuses an extension whose wheels are all for other Pythons."""
    wheels = [name.removesuffix(".whl").split("-") for name in PINS["platforms"][platform]]
    package, _, release = PINS["requirement"].partition("==")
    assert {(name, number) for name, number, *_ in wheels} == {(package, release)}
    assert {tag for _, _, tag, _, _ in wheels} == PYTHONS


def test_validates(clone: Path, zips: dict[str, bytes]) -> None:
    run(clone, "validate")


def test_same_sources_same_bytes(clone: Path, zips: dict[str, bytes]) -> None:
    assert built(clone) == zips


def test_manifest_agrees_with_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    manifest = tomllib.loads((ROOT / "blender_manifest.toml").read_text())
    assert manifest["version"] == project["version"]
    assert manifest["license"] == [f"SPDX:{project['license']}"]
    tested = (ROOT / "tools" / "requirements-test.txt").read_text().splitlines()
    assert {PINS["requirement"], *PINS["pure"]} <= set(tested)


def test_what_is_pure_suits_every_python() -> None:
    for requirement, pins in PINS["pure"].items():
        (name,) = pins
        package, release, *tags = name.removesuffix(".whl").split("-")
        assert f"{package.replace('_', '-')}=={release}" == requirement and tags == ["py3", "none", "any"]
