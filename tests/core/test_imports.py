"""The direction of imports: one table says what each folder of the package may import."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "gpt_image_addon"

CORE_BASE = "core.text core.errors core.common core.references core.engines core.request core.results"
JOBS = (
    f"{CORE_BASE} core.http core.raster core.imaging core.pasting core.editing core.textures core.panorama"
    " core.upscaling core.vector core.animation core.journal core.providers core.processes"
)
PAINTER = "core.providers.offline.painter"
BLENDER = "bpy mathutils numpy"

FOLDERS: dict[str, tuple[str, str]] = {
    "core": ("", ""),
    "core.text": ("", ""),
    "core.errors": ("core.text", ""),
    "core.common": ("core.text core.errors", ""),
    "core.references": ("core.text core.errors", ""),
    "core.engines": ("", ""),
    "core.request": ("core.text core.errors core.common core.references core.engines", ""),
    "core.results": ("core.text core.errors core.common", ""),
    "core.http": ("core.text core.errors core.common core.results", "requests urllib3"),
    "core.raster": ("", "PIL numpy"),
    "core.imaging": ("core.text core.errors core.common core.results core.raster", "PIL numpy"),
    "core.pasting": ("core.text core.errors core.common core.raster core.imaging", "PIL numpy"),
    "core.editing": (
        "core.text core.errors core.common core.request core.results core.raster core.imaging core.pasting",
        "PIL numpy",
    ),
    "core.textures": (
        "core.text core.errors core.common core.request core.results core.raster core.imaging core.pasting"
        " core.editing",
        "PIL numpy",
    ),
    "core.panorama": (
        "core.text core.errors core.common core.request core.results core.raster core.imaging core.editing"
        " core.textures",
        "numpy",
    ),
    "core.upscaling": (
        "core.text core.errors core.request core.raster core.imaging core.pasting core.editing core.textures",
        "PIL numpy",
    ),
    "core.vector": ("core.text core.errors", "PIL numpy"),
    "core.animation": (
        "core.text core.errors core.common core.request core.results core.raster core.imaging",
        "PIL numpy",
    ),
    "core.projection": (f"{CORE_BASE} core.raster", "PIL numpy"),
    "core.journal": (f"{CORE_BASE} core.http", ""),
    "core.versions": (f"{CORE_BASE} core.raster core.imaging core.pasting core.http core.journal", ""),
    "core.workflows": ("core.text core.errors core.common", ""),
    "core.providers": ("core.text core.errors core.request core.http core.imaging core.workflows", ""),
    f"{PAINTER}.primitives": ("", "PIL numpy"),
    f"{PAINTER}.patterns": (f"{PAINTER}.primitives", "numpy"),
    PAINTER: (f"{PAINTER}.primitives {PAINTER}.patterns", "PIL numpy"),
    "core.providers.offline": (
        f"core.text core.errors core.request core.http core.imaging core.providers {PAINTER}",
        "PIL numpy",
    ),
    "core.providers.openai": (
        "core.text core.errors core.common core.request core.http core.imaging core.providers",
        "",
    ),
    "core.providers.comfyui": (
        "core.text core.errors core.common core.request core.http core.imaging core.workflows core.providers",
        "websocket",
    ),
    "core.processes": ("core.text core.errors core.common", ""),
    "core.painting": (
        f"{CORE_BASE} core.raster core.imaging core.pasting core.editing core.textures core.projection"
        " core.processes",
        "PIL numpy",
    ),
    "core.exports": (
        "core.text core.errors core.common core.engines core.request core.results core.raster core.imaging"
        " core.textures core.processes",
        "numpy",
    ),
    "core.jobs": (f"{JOBS} core.exports", "numpy"),
    "core.batch": (
        f"{CORE_BASE} core.imaging core.journal core.workflows core.providers core.providers.openai"
        " core.jobs",
        "PIL",
    ),
    "scene": (f"{CORE_BASE} core.raster core.imaging", BLENDER),
    "scene.shading": ("core.text core.request scene", f"{BLENDER} bmesh"),
    "scene.projection": (
        f"{CORE_BASE} core.imaging core.projection core.painting scene scene.shading",
        BLENDER,
    ),
    "scene.targets": (
        f"{CORE_BASE} core.imaging core.painting core.projection scene scene.shading scene.projection",
        BLENDER,
    ),
    "scene.objects": (
        f"{CORE_BASE} core.vector core.animation scene scene.shading scene.targets",
        f"{BLENDER} addon_utils",
    ),
    "scene.decals": (
        f"{CORE_BASE} core.painting core.projection scene scene.shading scene.projection scene.targets",
        f"{BLENDER} bmesh",
    ),
    "scene.worlds": ("core.errors core.request core.results scene scene.targets", BLENDER),
    "scene.capture": (
        "core.text core.errors core.raster scene scene.shading scene.targets",
        f"{BLENDER} gpu",
    ),
    "app.projection": (
        f"{CORE_BASE} core.projection core.painting scene scene.projection scene.targets",
        "bpy",
    ),
    "app.keys": ("core.text core.errors core.common core.request", ""),
    "app": (
        f"{JOBS} core.versions core.jobs core.painting scene scene.targets scene.capture app.projection"
        " app.keys",
        "bpy",
    ),
    "app.painting": (
        f"{CORE_BASE} core.journal core.jobs core.projection core.painting scene scene.projection"
        " scene.targets app.projection app",
        "bpy",
    ),
    "app.editing": (
        f"{CORE_BASE} core.raster core.imaging core.pasting core.editing core.textures core.upscaling"
        " core.http core.journal core.versions core.jobs core.painting scene scene.targets app.projection"
        " app",
        "bpy",
    ),
    "app.decals": ("core.common core.errors core.text core.jobs core.painting scene scene.decals app", "bpy"),
    "app.worlds": (f"{CORE_BASE} core.imaging core.panorama core.journal core.jobs scene.worlds app", "bpy"),
    "app.materials": ("core.text core.errors core.request core.jobs scene.shading app", "bpy"),
    "scene.exporting": (f"{CORE_BASE} scene scene.shading scene.projection", BLENDER),
    "app.exporting": (
        f"{CORE_BASE} core.imaging core.jobs core.painting core.exports scene scene.shading scene.projection"
        " scene.exporting app",
        "bpy",
    ),
    "app.importing": (
        f"{CORE_BASE} core.imaging core.vector core.animation core.jobs scene scene.targets app",
        "bpy",
    ),
    "app.generation": (
        f"{CORE_BASE} core.workflows core.providers core.jobs core.painting app app.editing app.projection"
        " app.painting app.worlds scene.projection scene.targets",
        "bpy",
    ),
    "app.batch": (
        f"{CORE_BASE} core.http core.journal core.versions core.providers.openai core.jobs core.batch"
        " scene scene.targets app app.editing app.projection",
        "bpy",
    ),
    "app.diagnostics": (
        "core.text core.errors core.common core.request core.results core.http core.workflows core.journal"
        " app",
        "bpy",
    ),
    "api": (
        f"{CORE_BASE} core.journal core.versions core.providers core.jobs core.batch scene app app.editing"
        " app.generation app.painting app.decals app.worlds app.batch app.exporting app.importing",
        "",
    ),
    "lazy": ("core.common", ""),
    "mcp": (f"{CORE_BASE} core.http core.imaging core.journal core.jobs app api", ""),
    "mcp.window": (f"{CORE_BASE} app mcp", "bpy"),
    "ui.common.translations": ("", ""),
    "ui.common": (
        "core.text core.errors core.references core.request core.results app api ui.common.translations",
        "bpy blf",
    ),
    "ui.references": (
        "core.text core.errors core.references core.request app app.editing ui.common lazy",
        "bpy gpu gpu_extras",
    ),
    "ui.points": (
        "core.text core.errors core.references app app.diagnostics api ui.common ui.references",
        "bpy blf gpu gpu_extras",
    ),
    "ui.workflows": (
        "core.text core.errors core.references core.workflows app api ui.common",
        "bpy",
    ),
    "ui.decals": ("core.text app.decals api ui.common ui.points", "bpy bpy_extras"),
    "ui.painting": (
        "core.text core.references core.request core.painting app app.painting ui.common",
        "bpy blf bpy_extras gpu gpu_extras mathutils numpy",
    ),
    "ui.materials": ("core.textures app.materials ui.common", "bpy"),
    "ui.request": (
        "core.text core.errors core.references core.request core.workflows core.journal app app.editing"
        " app.painting app.worlds app.diagnostics api ui.common ui.references ui.workflows ui.points"
        " ui.painting ui.materials ui.decals",
        "bpy",
    ),
    "ui.editing": (
        "core.text core.errors core.engines core.references core.request app app.editing app.exporting"
        " app.painting app.worlds"
        " api ui.common ui.painting ui.request",
        "bpy blf gpu gpu_extras",
    ),
    "ui.importing": ("core.request api ui.common ui.request", "bpy"),
    "ui.presets": (
        "core.text core.common core.request ui.common ui.request",
        "bpy bpy_extras bl_operators bl_ui",
    ),
    "ui.results": (
        "core.text core.errors core.references core.request core.journal core.versions app app.editing api"
        " ui.common ui.editing ui.references ui.request ui.presets",
        "bpy",
    ),
    "ui.agents": ("core.errors lazy mcp.window ui.common", "bpy"),
    "ui.preferences": (
        "core.text core.errors core.common core.request app app.diagnostics api"
        " ui.common ui.request ui.presets ui.results",
        "bpy",
    ),
    "ui": (
        "core.request ui.common ui.decals ui.editing ui.importing ui.references ui.points ui.request"
        " ui.presets ui.results ui.preferences",
        "bpy",
    ),
    "cli": (
        f"{CORE_BASE} core.workflows core.journal core.providers core.jobs core.batch"
        " core.painting"
        " app.projection app app.batch app.diagnostics api mcp mcp.window",
        "",
    ),
    "presets.gpt_image": ("", "bpy"),
    "registration": (
        "app app.editing app.diagnostics api cli lazy mcp.window ui ui.agents ui.common"
        " ui.common.translations ui.decals ui.editing ui.importing ui.references ui.points ui.painting"
        " ui.materials ui.request ui.presets ui.results ui.preferences ui.workflows",
        "bpy",
    ),
    "__main__": ("core.common cli", "bpy"),
    "__init__": ("registration", ""),
}
"""What the modules of each folder, and each module of the root, may import: first of the package, all of it
further up in this table, then of what else is installed."""

LARGEST = 14  # modules in one folder, its __init__ among them


def modules() -> Iterator[tuple[str, Path]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        yield ".".join(path.relative_to(PACKAGE).with_suffix("").parts), path


def folder_of(name: str) -> str:
    return name.rpartition(".")[0] or name


def find_module(target: list[str]) -> str:
    """The module that a dotted name, perhaps of something in a module, stands in."""
    path = PACKAGE.joinpath(*target)
    if path.with_suffix(".py").is_file():
        return ".".join(target)
    return ".".join([*target, "__init__"]) if path.is_dir() else find_module(target[:-1])


def imports_of(name: str, path: Path) -> Iterator[tuple[str, bool]]:
    """What a module imports, wherever in it, and whether that is a module of the package."""
    package = name.split(".")[:-1]
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name.split(".")[0], False) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield (node.module or "").split(".")[0], False
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1]
            inside = base + (node.module.split(".") if node.module else [])
            yield from ((find_module([*inside, alias.name]), True) for alias in node.names)


def split_imports(name: str, path: Path) -> tuple[set[str], set[str]]:
    """Modules of the package that load with a module, and those that its functions load."""
    tree = ast.parse(path.read_text("utf-8"))
    types = [n for n in tree.body if isinstance(n, ast.If) and ast.unparse(n.test) == "TYPE_CHECKING"]
    functions = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)]
    late = {id(inner) for node in functions for inner in ast.walk(node)}
    never = {id(inner) for node in types for inner in ast.walk(node)}
    package = name.split(".")[:-1]
    found: tuple[set[str], set[str]] = set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level and id(node) not in never:
            inside = package[: len(package) - node.level + 1] + (node.module or "").split(".")
            targets = (find_module([*filter(None, inside), alias.name]) for alias in node.names)
            found[id(node) in late].update(targets)
    return found


def is_allowed(folder: str, target: str, inside: bool) -> bool:
    """
    :param target: a module of the package, or the name of something installed.
    """
    within, outside = FOLDERS[folder]
    if inside:
        return folder_of(target) in {folder, *within.split()}
    return target in sys.stdlib_module_names or target in outside.split()


def broken_arrows() -> list[str]:
    return [
        f"{name} imports {target}"
        for name, path in modules()
        for target, inside in imports_of(name, path)
        if not is_allowed(folder_of(name), target, inside)
    ]


def find_circle(arrows: dict[str, set[str]]) -> list[str]:
    """Nodes that lead to each other, in their order; none where there is no circle."""
    done: set[str] = set()

    def follow(name: str, way: list[str]) -> list[str]:
        if name in way:
            return way[way.index(name) :]
        if name not in done:
            for target in sorted(arrows.get(name, ())):
                if circle := follow(target, [*way, name]):
                    return circle
            done.add(name)
        return []

    return next((circle for name in sorted(arrows) if (circle := follow(name, []))), [])


def test_every_folder_is_in_the_table() -> None:
    folders = {folder_of(name) for name, _ in modules()}
    assert len(folders) > 30
    assert folders == set(FOLDERS)


def test_every_arrow_is_in_the_table() -> None:
    assert broken_arrows() == []


def test_the_table_points_up() -> None:
    above: set[str] = set()
    for folder, (within, _) in FOLDERS.items():
        assert set(within.split()) <= above, folder
        above.add(folder)


def test_no_modules_import_each_other() -> None:
    arrows = {
        name: {target for target, inside in imports_of(name, path) if inside and target != name}
        for name, path in modules()
    }
    assert find_circle(arrows) == []


def test_a_circle_is_seen() -> None:
    assert find_circle({"a": {"b"}, "b": {"c"}, "c": {"d", "b"}}) == ["b", "c"]


@pytest.mark.parametrize(
    ("folder", "target", "inside"),
    [
        ("core.textures", "bpy", False),
        ("core.journal", "core.providers.openai.client", True),
        ("core.http", "app.settings", True),
        ("core.raster", "core.http.client", True),
        ("scene", "app.session", True),
        ("ui.request", "core.jobs.queue", True),
        ("ui", "app.session", True),
        ("api", "attrs", False),
    ],
)
def test_a_wrong_arrow_is_seen(folder: str, target: str, inside: bool) -> None:
    assert not is_allowed(folder, target, inside)


def test_folders_are_small_and_core_holds_only_folders() -> None:
    sizes: dict[str, int] = {}
    for name, _ in modules():
        sizes[folder_of(name)] = sizes.get(folder_of(name), 0) + 1
    assert max(sizes.values()) <= LARGEST, sizes
    assert sizes["core"] == 1, "core holds only folders"


def test_functions_import_only_what_is_not_there_yet() -> None:
    imports = {name: split_imports(name, path) for name, path in modules()}

    def loaded_with(name: str, seen: set[str]) -> set[str]:
        if name not in seen:
            seen.add(name)
            for target in imports[name][0]:
                loaded_with(target, seen)
        return seen

    in_vain = {
        f"{name} imports {target} in a function, which it loads anyway"
        for name, (_, late) in imports.items()
        if not name.startswith("ui.")  # there the way to it may be deferred
        for target in late & loaded_with(name, set())
    }
    assert in_vain == set()


def test_only_the_scheduler_names_timers() -> None:
    naming = [name for name, path in modules() if "app.timers" in path.read_text("utf-8")]
    assert naming == ["app.scheduler"]


def remembered(path: Path) -> Iterator[str]:
    """What a module keeps between two calls: names in small letters that are assigned."""
    tree = ast.parse(path.read_text("utf-8"))
    yield from (name for node in ast.walk(tree) if isinstance(node, ast.Global) for name in node.names)
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        yield from (
            name.id for name in targets if isinstance(name, ast.Name) and name.id.lstrip("_")[0].islower()
        )


def test_the_interface_remembers_in_one_place() -> None:
    keeping = {name: set(remembered(path)) for name, path in modules() if name.startswith("ui.")}
    assert {name: kept for name, kept in keeping.items() if kept} == {"ui.common.state": {"_state"}}


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
    light = "core.common core.request core.journal core.results core.providers.openai.pricing"
    names = [
        f"gpt_image_addon.{name}"
        for name, _ in modules()
        if name.startswith(tuple(f"{folder}." for folder in light.split()))
    ]
    script = (
        "import sys, importlib\n"
        f"for name in {names!r}: importlib.import_module(name)\n"
        "from gpt_image_addon.core.jobs import admission, durations, estimates, follow_ups, worker\n"
        "heavy = {'requests', 'urllib3', 'PIL', 'numpy'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True)
