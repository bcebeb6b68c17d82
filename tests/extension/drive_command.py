"""The installed extension by its command line: ``drive_command.py BLENDER…``, in the tests' Python.

BLENDER is a command and may have arguments of its own. Runs ``-c gpt_image`` offline and against the local
API server, reopens what it saved, and prints the plain closing line "N passed, N failed".
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.api_server import ApiServer  # noqa: E402 - found by the line above

BLENDER = sys.argv[1:]
IN_FILE = """
import bpy
material = bpy.data.materials[{material!r}]
shader = next(node for node in material.node_tree.nodes if node.type == "BSDF_PRINCIPLED")
def image(socket):
    nodes = [shader.inputs[socket].links[0].from_node]
    for node in nodes:
        if node.type == "TEX_IMAGE":
            return node.image
        nodes += [link.from_node for inner in node.inputs for link in inner.links]
assert image("Base Color").colorspace_settings.name == "sRGB"
assert {{image(name).colorspace_settings.name for name in ("Normal", "Roughness")}} == {{"Non-Color"}}
for found in bpy.data.images:
    assert found.packed_file or found.type != "IMAGE", found.name
    assert tuple(found.size) != (0, 0) or found.type != "IMAGE", found.name
"""


def command(*arguments: str, folder: Path, **environment: str) -> tuple[int, dict[str, Any]]:
    """Run ``blender -c gpt_image`` and return the exit code and the JSON of the last line."""
    run = subprocess.run(
        [*BLENDER, "-c", "gpt_image", *arguments, "--json"],
        env={**os.environ, "GPT_IMAGE_DATA_DIR": str(folder / "state"), **environment},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    return run.returncode, json.loads(run.stdout.splitlines()[-1])


def open_in_blender(blend: Path, expression: str) -> None:
    subprocess.run(
        [*BLENDER, "-b", str(blend), "--python-exit-code", "1", "--python-expr", expression], check=True
    )


def offline_material(folder: Path) -> None:
    blend = folder / "x.blend"
    options = ("--provider", "offline", "--target", "material", "--output", str(blend))
    code, output = command("generate", "weathered oak planks", *options, folder=folder)
    assert (code, output["state"], output["blend"]) == (0, "succeeded", str(blend)), output
    assert set(output["maps"]) >= {"base_color", "normal", "roughness"}
    open_in_blender(blend, IN_FILE.format(material=output["material"]))


def the_servers_bytes(folder: Path) -> None:
    with ApiServer() as server:
        blend = folder / "y.blend"
        code, output = command(
            "generate",
            "a red brick wall",
            "--quality",
            "low",
            "--output",
            str(blend),
            folder=folder,
            OPENAI_BASE_URL=server.base_url,
            OPENAI_API_KEY=server.api_key,
        )
        assert (code, len(server.requests)) == (0, 1), output
        (sha256,) = server.requests[0].answers
    (image,) = output["images"]
    assert image["sha256"] == hashlib.sha256(Path(image["file"]).read_bytes()).hexdigest() == sha256
    expression = (
        "import bpy, hashlib\n"
        f"image = bpy.data.images[{image['name']!r}]\n"
        f"assert hashlib.sha256(image.packed_file.data).hexdigest() == {sha256!r}"
    )
    open_in_blender(blend, expression)


def refusals(folder: Path) -> None:
    for arguments, expected in (
        (("generate", "x"), 3),
        (("generate", "x", "--size", "1920x1080"), 4),
        (("generate", "x", "--model", "gpt-image-1"), 4),
        (("generate",), 2),
    ):
        code, output = command(*arguments, folder=folder, OPENAI_API_KEY="")
        assert (code, output["state"]) == (expected, "failed"), output


CHECKS: tuple[Callable[[Path], None], ...] = (offline_material, the_servers_bytes, refusals)


def main() -> int:
    """Run the checks, each in a folder of its own that Blender can see."""
    failed = 0
    (ROOT / "build").mkdir(exist_ok=True)
    for check in CHECKS:
        print(f"{check.__name__} …", flush=True)
        try:
            with tempfile.TemporaryDirectory(dir=ROOT / "build") as folder:
                check(Path(folder))
        except Exception:
            failed += 1
            traceback.print_exc()
    print(f"{len(CHECKS) - failed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main())
