"""The direction of imports: each room may import only what lies below it."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "gpt_image_addon"

CORE_OUTSIDE = {"numpy", "PIL", "requests", "urllib3"}
BLENDER = {"bpy", "bpy_extras", "mathutils", "bmesh", "gpu", "gpu_extras", "numpy", "bl_operators", "bl_ui"}

ROOMS: dict[str, set[str]] = {
    "core": {"core"},
    "settings": {"core"},
    "blend_paths": {"core"},
    "references": {"core", "scene", "settings"},
    "scene": {"core", "scene"},
    "applying": {"core", "scene"},
    "runner": {"applying", "core", "listeners", "scene", "settings"},
    "surfaces": {"blend_paths", "core", "runner", "scene", "settings"},
    "tiles": {"blend_paths", "core", "runner", "settings", "surfaces"},
    "catalogue": {"core", "runner", "settings"},
    "health": {"core", "settings"},
    "report": {"core", "health", "settings"},
    "ledger": {"blend_paths", "core", "runner", "settings"},
    "results": {"blend_paths", "runner", "scene", "settings", "core"},
    "batch_outputs": {"scene", "core"},
    "batches": {"batch_outputs", "blend_paths", "runner", "settings", "core"},
    "api": {
        "batches",
        "blend_paths",
        "catalogue",
        "core",
        "ledger",
        "listeners",
        "references",
        "runner",
        "scene",
    }
    | {"settings", "surfaces", "tiles"},
    "ui": {"ui", "api", "blend_paths", "references", "requirements", "results", "settings", "core"},
    "cli": {"api", "batches", "blend_paths", "cli", "core", "health", "report"},
    "__main__": {"api", "core", "cli"},
    "deferred": {"core"},
    "listeners": set(),
    "requirements": set(),
    "registration": {"api", "cli", "deferred", "listeners", "requirements", "settings", "ui", "core"},
    "__init__": {"registration"},
}
"""What each room may import of the package."""

ARRAYS_ONLY = (
    "cuts",
    "drafts",
    "height_fusion",
    "kernels",
    "light",
    "map_kinds",
    "maps",
    "material_words",
    "packing",
    "png16",
    "registration",
    "relief",
    "tile_sizes",
    "tiling",
)
"""Core rooms that turn arrays into arrays and know only each other."""

NO_PROVIDERS = (
    "jobs",
    "crew",
    "commits",
    "sessions",
    "journal",
    "results",
    "request",
    "models",
    "pricing",
    "prompts",
    "pictures",
    "http",
    "exchange",
    "retries",
    "watched",
)
UI_MUST_NOT_SEE = ("core.http", "core.providers", "core.jobs")


def modules() -> Iterator[tuple[str, Path]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        yield ".".join(path.relative_to(PACKAGE).with_suffix("").parts), path


def imports_of(name: str, path: Path) -> Iterator[tuple[str, bool]]:
    """Dotted names of what a module imports, and whether that is inside the package."""
    package = name.split(".")[:-1]
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, False
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module or "", False
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1]
            inside = base + (node.module.split(".") if node.module else [])
            for alias in node.names:
                target = [*inside, alias.name]
                is_module = (PACKAGE.joinpath(*target).with_suffix(".py")).exists() or PACKAGE.joinpath(
                    *target
                ).is_dir()
                yield ".".join(target if is_module else inside), True


def broken_arrows() -> list[str]:
    found = []
    for name, path in modules():
        room = name.split(".")[0]
        for target, inside in imports_of(name, path):
            if not is_allowed(name, room, target, inside):
                found.append(f"{name} imports {target}")
    return found


def is_allowed(name: str, room: str, target: str, inside: bool) -> bool:
    top = target.split(".")[0]
    if not inside:
        if top in sys.stdlib_module_names:
            return True
        return top in (CORE_OUTSIDE if room == "core" else BLENDER)
    if top not in ROOMS[room]:
        return False
    if room == "core":
        return is_allowed_in_core(name, target)
    return not (room == "ui" and target.startswith(UI_MUST_NOT_SEE))


def is_allowed_in_core(name: str, target: str) -> bool:
    parts, goal = name.split(".")[1:], target.split(".")[1:]
    if parts and parts[0] in ARRAYS_ONLY:
        return bool(goal) and goal[0] in ARRAYS_ONLY
    return not (parts and parts[0] in NO_PROVIDERS and goal[:1] == ["providers"])


def test_every_arrow_points_down() -> None:
    assert len(list(modules())) > 30
    assert broken_arrows() == []


@pytest.mark.parametrize(
    ("name", "target", "inside"),
    [
        ("core.maps", "bpy", False),
        ("core.jobs", "core.providers.openai", True),
        ("core.http", "settings", True),
        ("core.maps", "core.http", True),
        ("scene.images", "runner", True),
        ("ui.panels", "core.jobs", True),
        ("ui.panels", "runner", True),
        ("api", "attrs", False),
    ],
)
def test_a_wrong_arrow_is_seen(name: str, target: str, inside: bool) -> None:
    assert not is_allowed(name, name.split(".")[0], target, inside)


def test_only_the_runner_names_timers() -> None:
    naming = [name for name, path in modules() if "app.timers" in path.read_text("utf-8")]
    assert naming == ["runner"]


def test_core_imports_without_blender() -> None:
    names = [
        f"gpt_image_addon.{name}".removesuffix(".__init__")
        for name, _ in modules()
        if name.startswith("core.")
    ]
    script = (
        "import sys, importlib\n"
        "sys.modules['bpy'] = None\n"
        f"for name in {names!r}: importlib.import_module(name)\n"
    )
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True)


def test_submitting_loads_nothing_heavy() -> None:
    script = (
        "import sys\n"
        "from gpt_image_addon.core import admission, asked, durations, further, journal, models, pipeline\n"
        "from gpt_image_addon.core.providers import openai_fields\n"
        "heavy = {'requests', 'urllib3', 'PIL', 'numpy'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True)
