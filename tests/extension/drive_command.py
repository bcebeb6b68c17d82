"""The installed extension by its command line: ``drive_command.py BLENDER…``, in the tests' Python.

BLENDER is a command and may have arguments of its own. Runs ``-c gpt_image`` offline and against the local
API server, reopens what it saved, and prints the plain closing line "N passed, N failed".
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.api_server import ApiServer, faults  # noqa: E402 - found by the line above
from tests.extension.checks import Check, run_all  # noqa: E402

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


def interrupted(
    server: ApiServer, ready: Callable[[ApiServer], bool], *arguments: str, folder: Path
) -> tuple[int, dict[str, Any], str]:
    """Run ``blender -b -c gpt_image``, press Ctrl-C when the server is ready for it; the exit code,
    the JSON of the last line, and what was said."""
    settings = {
        "GPT_IMAGE_DATA_DIR": str(folder / "state"),
        "OPENAI_BASE_URL": server.base_url,
        "OPENAI_API_KEY": server.api_key,
    }
    with subprocess.Popen(
        [*BLENDER, "-b", "-c", "gpt_image", *arguments, "--json"],
        env={**os.environ, **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as run:
        try:
            assert server.wait_until(ready, timeout=120)
            os.killpg(run.pid, signal.SIGINT)  # as a terminal does: to all of its processes
            printed, said = run.communicate(timeout=60)
        finally:
            if run.poll() is None:
                os.killpg(run.pid, signal.SIGKILL)
    assert "Traceback" not in said, said
    return run.returncode, json.loads(printed.splitlines()[-1]), said


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


def ctrl_c_in_generate(folder: Path) -> None:
    with ApiServer() as server:
        server.script(faults.stall("processing"))
        code, output, said = interrupted(
            server, lambda found: bool(found.stalled), "generate", "a red brick wall", folder=folder
        )
        assert len(server.requests) == 1
    assert (code, output["state"], output["error"]["billed"]) == (130, "failed", "maybe"), output
    assert "gpt_image: Interrupted." in said and "It may have been billed" in said, said


def ctrl_c_in_a_batch(folder: Path) -> None:
    manifest = folder / "rows.jsonl"
    manifest.write_text("".join(f'{{"prompt": "oak {number}", "target": "image"}}\n' for number in range(40)))
    with ApiServer(latency=0.5) as server:
        code, output, said = interrupted(
            server,
            lambda found: len(found.image_requests) >= 6,
            *("batch", str(manifest), "--quality", "low", "--size", "816x816", "--concurrency", "3"),
            folder=folder,
        )
        sent, bill = len(server.image_requests), server.bill_usd
    assert (code, output["state"]) == (130, "interrupted"), output
    assert 6 <= output["succeeded"] == sent < 40 and output["unfinished"] == 40 - sent, output
    assert abs(output["cost_usd"] - bill) < 1e-9 and bill > 0, (output, bill)
    assert "are paid for; waiting for them." in said and f"Billed in this run: ${bill:.4f}." in said, said


CHECKS: tuple[Check, ...] = (
    offline_material,
    the_servers_bytes,
    refusals,
    ctrl_c_in_generate,
    ctrl_c_in_a_batch,
)


sys.exit(run_all(CHECKS))
