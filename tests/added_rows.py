"""A provider and a target that only tests have: rows in the tables, and their code. Nothing else knows them.

``python -m tests.added_rows`` adds them before the package is loaded, and prints as JSON where they show.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import runpy
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from gpt_image_addon.core.http.endpoint import Connection
from gpt_image_addon.core.http.request_state import RequestState
from gpt_image_addon.core.providers.base import Answer, Reporter, Uploads
from gpt_image_addon.core.request.models import Registry
from gpt_image_addon.core.request.pricing import Estimate, Usage, UsageHistory
from gpt_image_addon.core.request.providers import PROVIDERS, ProviderInfo, ProviderSetting
from gpt_image_addon.core.request.request import Application, GenerationRequest
from gpt_image_addon.core.request.targets import TARGETS, TargetInfo
from gpt_image_addon.core.results.store import PreparedResult

if TYPE_CHECKING:
    from gpt_image_addon.scene.targets.base import Applied
    from gpt_image_addon.scene.transaction import Transaction

ROOT = Path(__file__).resolve().parents[1]
MODULE = "tests.added_rows"
ADDED_PROVIDERS = {
    "sketch": ProviderInfo(
        label="Sketch Server",
        description="Sketches in one colour, for money and without a key",
        module=MODULE,
        factory="Sketches",
        credit="a sketch server",
        is_paid=True,
        pricing=MODULE,
        settings=(
            ProviderSetting(
                "sketch_url",
                label="Sketch URL",
                description="Address of the sketch server",
                default="http://127.0.0.1:4710",
                variable="SKETCH_URL",
                variable_help="address of the sketch server",
                is_address=True,
            ),
        ),
        default_model="sketch-1",
        usual_seconds=3.0,
    ),
}
ADDED_TARGETS = {
    "sign": TargetInfo(
        label="Sign",
        description="An empty that shows the image",
        use_label="Use as Sign",
        icon="EMPTY_DATA",
        number=50,
        module=MODULE,
        asset="object",
    ),
}
LOW, HIGH, COST = 0.03, 0.07, 0.05  # USD an image


class Sketches:
    """The provider."""

    relief = None

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def list_models(self) -> list[str]:
        return ["sketch-1", "sketch-2"]

    def generate(
        self,
        request: GenerationRequest,
        prompt: str,
        uploads: Uploads,
        request_state: RequestState,
        report: Reporter,
    ) -> Answer:
        """Red squares, and in the warnings where the server would be."""
        stream = io.BytesIO()
        Image.new("RGB", (64, 64), (200, 30, 30)).save(stream, "png")
        server = self.connection.settings["sketch_url"]
        return Answer(
            (stream.getvalue(),) * request.n, usage=Usage(output_image=1), warnings=(f"By {server}.",)
        )


def price_request(
    request: GenerationRequest,
    prompt: str,
    registry: Registry,
    picture_sizes: Sequence[tuple[int, int]],
    seen: UsageHistory,
) -> Estimate:
    """What the provider asks for."""
    return Estimate(LOW * request.n, HIGH * request.n, exact=False, likely_usd=COST * request.n)


def cost_usd(usage: Usage, registry: Registry, model: str) -> float:
    """What it took."""
    return COST * usage.output_image


def apply_sign(prepared: PreparedResult, application: Application, changes: Transaction) -> Applied:
    """The target: an empty of the name with the first image."""
    import bpy

    from gpt_image_addon.scene.context import find_scene
    from gpt_image_addon.scene.images import add_image
    from gpt_image_addon.scene.targets.base import Applied, keep_images, name_of

    scene = find_scene(application)
    assert scene is not None
    image = changes.made(add_image(prepared.images[0], prepared.facts))
    sign = changes.made(bpy.data.objects.new(name_of(prepared, application), None))
    sign.empty_display_type, sign.data = "IMAGE", image
    scene.collection.objects.link(sign)
    others = keep_images(prepared.images[1:], prepared.facts, changes)
    return Applied((image.name, *others), object=sign.name)


def __getattr__(name: str) -> Any:
    """`TARGET`, which needs Blender."""
    if name != "TARGET":
        raise AttributeError(name)
    from gpt_image_addon.scene.targets.base import Target

    return Target(apply_sign)


def add_rows() -> None:
    """Add the rows; to be called before the package is loaded."""
    PROVIDERS.update(ADDED_PROVIDERS)  # type: ignore[attr-defined]
    TARGETS.update(ADDED_TARGETS)  # type: ignore[attr-defined]


def called(*argv: str) -> str:
    """What a command prints."""
    from gpt_image_addon import cli

    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.suppress(SystemExit):
        cli.main(list(argv))
    return out.getvalue()


def command(*argv: str) -> dict[str, Any]:
    """The JSON of a command."""
    found: dict[str, Any] = json.loads(called(*argv, "--json").splitlines()[-1])
    return found


def look() -> dict[str, Any]:
    """Where the rows show."""
    import bpy

    import gpt_image_addon
    from gpt_image_addon import api
    from gpt_image_addon.ui import main_panel
    from gpt_image_addon.ui.preferences.preferences import GPT_IMAGE_AP_preferences
    from gpt_image_addon.ui.request import quote
    from gpt_image_addon.ui.results.result_menu import GPT_IMAGE_MT_result
    from tests.blender.layouts import draw

    reference = runpy.run_path(str(ROOT / "tools" / "reference.py"))
    gpt_image_addon.register()
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    found: dict[str, Any] = {
        "help": called("generate", "--help"),
        "doctor": {check["name"]: check for check in command("doctor")["checks"]},
        "estimate": command("estimate", "a way out", "--provider", "sketch", "--n", "2"),
        "pages": {name: reference["page"](name) for name in reference["PAGES"]},
        "menu": draw(GPT_IMAGE_MT_result).said,
    }
    values = bpy.context.scene.gpt_image
    values.prompt, values.provider, values.target = "a way out", "sketch", "sign"
    found["panel"] = draw(main_panel.GPT_IMAGE_PT_main).said
    found["problem"] = quote.current(bpy.context.scene).problem
    found["place"] = values["target"]

    class Data:
        bl_rna = GPT_IMAGE_AP_preferences.bl_rna
        use_keychain = False
        default_size = "custom"

    layout = draw(GPT_IMAGE_AP_preferences, Data)
    found["preferences"], found["tests"] = layout.said, layout.operators.count("gpt_image.test_connection")
    counts: list[Any] = []
    api.test_connection(lambda count, error: counts.append(count), "sketch")
    found["models"] = counts
    with api.using(sketch_url="http://127.0.0.1:4712"):
        argv = ("a way out", "--provider", "sketch", "--target", "sign", "--max-cost", "1")
        found["made"] = command("generate", *argv)
    found["object"] = bpy.data.objects[found["made"]["object"]].data.name
    found["credit"] = bpy.data.images[found["object"]].get("gpt_image_provider")
    with api.using(online_access=False, sketch_url="https://sketches.example"):
        found["offline"] = command("generate", *argv)
    found["history"] = command("history")
    gpt_image_addon.unregister()
    return found


if __name__ == "__main__":
    add_rows()
    print(json.dumps(look()), flush=True)
    os._exit(0)  # Blender 4.2 dies at the end of a process that has registered classes in it
