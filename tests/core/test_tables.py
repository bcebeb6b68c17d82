"""What differs by provider or target is in their rows, and nowhere else in the package."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from gpt_image_addon.core import providers
from gpt_image_addon.core.providers.offline.painter import RELIEF
from gpt_image_addon.core.request.providers import (
    DEFAULT_PROVIDER,
    PROVIDERS,
    choose_provider,
    find_provider,
    list_settings,
)
from gpt_image_addon.core.request.targets import TARGETS, find_target, list_targets

PACKAGE = Path(providers.__file__).resolve().parents[2]
ROWS = ("core/request/providers.py", "core/request/targets.py")


def named_providers(package: Path) -> list[str]:
    """Where the package names a provider, outside the rows and the providers' own code."""
    return [
        f"{path}:{node.lineno} {node.value}"
        for path, tree in modules(package)
        if not path.startswith("core/providers/")
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and node.value in ("openai", "offline")
    ]


def compared_targets(package: Path) -> list[str]:
    """Where the package compares a target with the name of one."""
    return [
        f"{path}:{node.lineno} {ast.unparse(node)}"
        for path, tree in modules(package)
        for node in ast.walk(tree)
        if isinstance(node, ast.Compare) and ast.unparse(node.left).rpartition(".")[2] == "target"
        if any(part.value in TARGETS for part in ast.walk(node) if isinstance(part, ast.Constant))
    ]


def modules(package: Path) -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(package.rglob("*.py")):
        name = path.relative_to(package).as_posix()
        if name not in ROWS:
            yield name, ast.parse(path.read_text("utf-8"))


def test_only_rows_and_providers_name_providers() -> None:
    assert named_providers(PACKAGE) == []


def test_nothing_is_compared_with_the_name_of_a_target() -> None:
    assert compared_targets(PACKAGE) == []


def test_what_is_forbidden_is_seen(tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text(
        'free = request.provider == "offline"\n'
        'names = ["openai"]\n'
        'with_maps = values.target != "material"\n'
        'on = target in ("texture", "material")\n'
    )
    assert named_providers(tmp_path) == ["bad.py:1 offline", "bad.py:2 openai"]
    assert len(compared_targets(tmp_path)) == 2


@pytest.mark.parametrize("name", PROVIDERS)
def test_a_row_leads_to_its_code(name: str) -> None:
    info = PROVIDERS[name]
    assert callable(providers.load_provider(name).generate)
    assert bool(info.pricing) is info.is_paid
    if info.pricing:
        pricing = import_module(info.pricing, providers.__name__)
        assert callable(pricing.price_request) and callable(pricing.cost_usd)


def test_settings_of_providers_have_names_of_their_own() -> None:
    names = [setting.name for setting in list_settings()]
    assert len(names) == len(set(names))
    for setting in list_settings():
        assert setting.description and (not setting.variable or setting.variable_help)
        assert not setting.choices or setting.default in [choice[0] for choice in setting.choices]


def test_the_automatic_provider_needs_no_key_where_there_is_none() -> None:
    assert choose_provider(has_key=True) == DEFAULT_PROVIDER == "openai"
    assert choose_provider(has_key=False) == "offline"


def test_an_unknown_provider_or_target_promises_nothing() -> None:
    unknown = find_provider("tomorrow")
    assert (unknown.label, unknown.credit) == ("tomorrow", "tomorrow")
    assert unknown.is_paid and not unknown.tiles_by_nature and not unknown.has_batch_api
    assert not find_target("tomorrow").onto_object and not find_target("tomorrow").asset


def test_a_drafts_height_is_known() -> None:
    assert providers.load_provider("offline").relief == RELIEF
    assert providers.load_provider("openai").relief is None


def test_files_keep_their_target() -> None:
    stored = {"texture": 0, "material": 1, "plane": 2, "image": 3}
    stored |= {"model": 4, "curves": 5, "sprite": 6, "world": 7, "decal": 8}
    assert {name: info.number for name, info in TARGETS.items()}.items() >= stored.items()
    assert [info.number for _, info in list_targets()] == list(range(len(TARGETS)))
