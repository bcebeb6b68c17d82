"""How many functions one click on Generate goes through: ``.venv/bin/python benchmarks/trace_generate.py``.

A texture from the local server, on Blender's Python module. Counted are the functions of the package, each
once, that any thread calls from the operator's call until the result is in the scene; without lambdas,
comprehensions and bodies of classes. What the panel does when it learns of the end of a job (it looks up the
versions of the image, and prices a next edit) is no part of the request and stands in a count of its own.
``--list`` names the functions of the request, by file.
"""

from __future__ import annotations

import os
import subprocess
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

WITH_PANEL = "--with-panel"
Calls = dict[str, set[str]]


def trace_click(folder: Path, *, with_panel: bool) -> Calls:
    """The functions by file, as paths in the package.

    :param folder: for the state.
    :param with_panel: let the panel follow the job.
    """
    import bpy

    import gpt_image_addon
    from gpt_image_addon import api, registration
    from gpt_image_addon.app import listeners
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
        if not with_panel:
            listeners.remove(registration._jobs_changed)
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
    return calls


def print_counts(*, with_panel: bool) -> None:
    """Those of one click, for which the process is used up."""
    with tempfile.TemporaryDirectory() as folder:
        calls = trace_click(Path(folder), with_panel=with_panel)
    if "--list" in sys.argv and not with_panel:
        for file, functions in sorted(calls.items()):
            print(f"{file}: {', '.join(sorted(functions))}")
    counts = f"{len(calls)} files, {sum(map(len, calls.values()))} functions"
    print(f"with what the panel then looks up: {counts}" if with_panel else counts, flush=True)
    os._exit(0)  # a thread of Blender's may keep the module's process


def main() -> None:
    """Print the counts."""
    if WITH_PANEL in sys.argv:
        print_counts(with_panel=True)
    subprocess.run([sys.executable, __file__, WITH_PANEL], check=True)
    print_counts(with_panel=False)


if __name__ == "__main__":
    main()
