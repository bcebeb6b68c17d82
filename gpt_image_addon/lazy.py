"""Modules that load when they are first used, so that enabling costs only what Blender must know."""

from __future__ import annotations

import sys
from importlib.util import LazyLoader, find_spec, module_from_spec
from types import ModuleType

from .core.common.package import PACKAGE


def defer(*names: str) -> None:
    """Let ``from . import name`` give modules of this package that load at the first look into them.

    Only for modules that the main thread loads: Python 3.11 may show another thread a module that is half
    loaded. All others, and what needs numpy, Pillow, requests or sqlite, are imported inside functions.
    """
    for name in names:
        full = f"{PACKAGE}.{name}"
        spec = find_spec(full)
        if full in sys.modules or spec is None or spec.loader is None:
            continue
        spec.loader = LazyLoader(spec.loader)
        module = sys.modules[full] = module_from_spec(spec)
        spec.loader.exec_module(module)
        parent, _, last = full.rpartition(".")
        setattr(sys.modules[parent], last, module)


def is_loaded(module: ModuleType) -> bool:
    """Whether somebody has looked into a deferred module; asking is no look."""
    return type(module) is ModuleType
