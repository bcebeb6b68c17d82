"""How many functions one click on Generate goes through: ``.venv/bin/python benchmarks/trace_generate.py``.

A texture from the local server, on Blender's Python module. Counted are the functions of the package, each
once, that any thread calls from the operator's call until the result is in the scene; without lambdas,
comprehensions and bodies of classes. ``--list`` names them, by file.
"""

from __future__ import annotations

import os
import sys
import tempfile
import threading
from collections import defaultdict
from pathlib import Path
from types import FrameType
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "gpt_image_addon"
sys.path.insert(0, str(ROOT))

Calls = dict[str, set[str]]


def trace_click(folder: Path) -> Calls:
    """The functions by file, as paths in the package.

    :param folder: for the state.
    """
    import bpy

    import gpt_image_addon
    from gpt_image_addon import api
    from tests.api_server import ApiServer

    calls: Calls = defaultdict(set)
    start = f"{PACKAGE}{os.sep}"

    def on_call(frame: FrameType, event: str, arg: Any) -> None:
        code = frame.f_code
        is_class = "__qualname__" in code.co_names and code.co_name.lstrip("_")[:1].isupper()
        if event == "call" and code.co_filename.startswith(start) and code.co_name[0] != "<" and not is_class:
            calls[code.co_filename.removeprefix(start)].add(code.co_qualname)

    with ApiServer(0) as server:
        os.environ.update(
            GPT_IMAGE_DATA_DIR=str(folder), OPENAI_BASE_URL=server.base_url, OPENAI_API_KEY=server.api_key
        )
        bpy.ops.wm.read_factory_settings()
        gpt_image_addon.register()
        bpy.context.preferences.system.use_online_access = True
        threading.setprofile(on_call)
        sys.setprofile(on_call)
        try:
            bpy.ops.gpt_image.generate(prompt="oak planks", target="texture", provider="openai")
            (job,) = api.jobs()
            job.wait()
        finally:
            sys.setprofile(None)
            threading.setprofile(None)  # type: ignore[arg-type]
        assert job.error is None, job.error
        api.close()
        gpt_image_addon.unregister()
    return calls


def main() -> None:
    """Print the counts."""
    with tempfile.TemporaryDirectory() as folder:
        calls = trace_click(Path(folder))
    if "--list" in sys.argv:
        for file, functions in sorted(calls.items()):
            print(f"{file}: {', '.join(sorted(functions))}")
    print(f"{len(calls)} files, {sum(map(len, calls.values()))} functions", flush=True)
    os._exit(0)  # a thread of Blender's may keep the module's process


if __name__ == "__main__":
    main()
