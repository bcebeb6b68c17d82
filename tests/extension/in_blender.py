"""The installed extension, inside a full Blender: it comes and goes without a trace, and brings its Pillow.

``blender -b --python-exit-code 1 --python tests/extension/in_blender.py``, after ``extension install-file
--enable``. Prints the plain closing line "N passed, N failed", and exits with 1 when a check has failed.
"""

from __future__ import annotations

import importlib
import io
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import addon_utils
import bpy

MODULE = "bl_ext.user_default.gpt_image_addon"


def enable() -> None:
    assert addon_utils.enable(MODULE, default_set=True) is not None, f"{MODULE} cannot be enabled"


def disable() -> None:
    addon_utils.disable(MODULE, default_set=True)


def is_ours(function: object) -> bool:
    return str(getattr(function, "__module__", "")).startswith(MODULE)


def subclasses(cls: type) -> Iterator[type]:
    for sub in type.__subclasses__(cls):
        yield sub
        yield from subclasses(sub)


def traces() -> Iterator[str]:
    """What the add-on has in Blender at this moment, apart from imported modules and threads."""
    for name in dir(bpy.app.handlers):
        handlers = getattr(bpy.app.handlers, name)
        if isinstance(handlers, list):
            yield from (f"handler {name}" for function in handlers if is_ours(function))
    for cls in subclasses(bpy.types.bpy_struct):
        # Looked up in the class alone: Blender's own lookup crashes on classes that are unregistered.
        attributes = vars(cls)
        draws = getattr(attributes.get("draw"), "_draw_funcs", ())
        yield from (f"entry in {cls.__name__}" for function in draws if is_ours(function))
        if "bl_rna" in attributes and str(attributes["__module__"]).startswith(MODULE):
            yield f"class {cls.__name__}"
    for cls in type.__subclasses__(bpy.types.ID):
        names = (item.identifier for item in cls.bl_rna.properties)
        yield from (f"{cls.__name__}.{name}" for name in names if name.startswith("gpt_image"))
    yield from (f"operator {name}" for name in dir(bpy.ops.gpt_image))


def installed_is_enabled() -> None:
    assert MODULE in bpy.context.preferences.addons, "install-file --enable left it disabled"
    assert importlib.import_module(MODULE).__file__
    assert list(traces()), "the add-on is enabled and nothing of it is to be found"


def comes_and_goes() -> None:
    """Disabled and enabled twice, it leaves nothing; each time the same comes back."""
    present = sorted(traces())
    threads = set(threading.enumerate())
    for _ in range(2):
        disable()
        assert not list(traces()), f"left behind: {sorted(traces())}"
        assert set(threading.enumerate()) <= threads, f"left behind: {threading.enumerate()}"
        enable()
        assert sorted(traces()) == present, f"{sorted(traces())} came back instead of {present}"


def brings_pillow() -> None:
    """Pillow is the one of the wheel, and its compiled parts work on this Python."""
    from PIL import Image, features

    home = Path(bpy.utils.user_resource("EXTENSIONS"))
    assert Path(Image.__file__).is_relative_to(home), f"Pillow is {Image.__file__}, not in {home}"
    assert features.check("jpg") and features.check("webp")
    for kind in ("PNG", "JPEG", "WEBP"):
        file = io.BytesIO()
        Image.new("RGB", (16, 9), "orange").save(file, kind)
        assert Image.open(file).size == (16, 9)


CHECKS: tuple[Callable[[], None], ...] = (installed_is_enabled, comes_and_goes, brings_pillow)


def main() -> None:
    failed = 0
    for check in CHECKS:
        print(f"{check.__name__} …", flush=True)
        try:
            check()
        except Exception:
            failed += 1
            traceback.print_exc()
    print(f"{len(CHECKS) - failed} passed, {failed} failed", flush=True)
    sys.exit(1 if failed else 0)


main()
