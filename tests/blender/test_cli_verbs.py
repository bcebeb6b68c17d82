"""Every verb alike: success, usage error, configuration error and API error, with JSON and exit codes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy
import pytest
from PIL import Image

from gpt_image_addon import cli
from gpt_image_addon.cli import reference
from gpt_image_addon.core.request.request import Application
from gpt_image_addon.scene.targets.registry import apply
from tests.api_server import ApiServer, faults
from tests.blender import scene_fixtures

ARGUMENTS = {
    "generate": ("oak", "--target", "image", "--quality", "low"),
    "estimate": ("oak",),
    "batch": ("rows.jsonl", "--target", "image", "--quality", "low"),
    "maps": ("wall.png", "--output-dir", "maps", "--maps", "normal"),
    "tile": ("wall.png", "tile.png"),
    "material": ("wall.png", "--length", "0.5", "--output-dir", "maps"),
    "upscale": ("wall.png", "large.png", "--local"),
    "texture": ("oak", "--objects", "Wall", "--texture-size", "64", "--quality", "low", "--accept"),
    "bake": ("--objects", "Wall", "--size", "64"),
    "extend": ("wall.png", "wide.png", "--side", "right", "32", "--quality", "low", "--accept"),
    "cutout": ("wall.png", "cut.png", "--quality", "low", "--accept"),
    "curves": ("logo.svg", "--extrude", "0.1"),
    "sprite": ("wall.png", "wall.png"),
    "decal": ("Sticker", "--at=0,-1,0.3"),
    "export": ("Stone", "--engine", "godot", "--output-dir", "exported"),
    "history": (),
    "recover": (),
    "models": (),
    "styles": (),
    "workflows": (),
    "doctor": (),
}
"""A success of each verb."""
MISUSED = {
    "generate": ("oak", "--n", "many"),
    "estimate": ("oak", "--target", "cube"),
    "batch": (),
    "maps": ("wall.png", "--bits", "9"),
    "tile": ("wall.png",),
    "material": ("wall.png", "--corners", "0,0", "1,0", "1,1"),
    "upscale": ("wall.png",),
    "texture": ("--objects", "Wall"),
    "bake": ("--objects", "Wall", "--bits", "12"),
    "extend": ("wall.png", "wide.png", "--side", "up", "32"),
    "cutout": ("wall.png",),
    "curves": ("logo.svg", "--extrude", "thick"),
    "sprite": (),
    "decal": ("Sticker",),
    "export": ("Stone", "--engine", "cryengine", "--output-dir", "exported"),
    "history": ("--month", "November"),
    "recover": ("JOB", "--all"),
    "models": ("gpt-image-2",),
    "styles": ("anime",),
    "workflows": ("--keep", "flux"),
    "doctor": ("--with-prompts",),
    "mcp": ("--allow-dir",),
}
SERVERS = ("mcp",)
"""The verbs that print no answer of their own: they speak a protocol, see tests/mcp."""
ANSWERING = [verb for verb in cli.VERBS if verb not in SERVERS]
OPTIONAL = {
    "history": {"merged", "cleaned"},
    "recover": {"recovered", "failed", "blend"},
    "maps": {"scores", "unchanged"},
    "tile": {"cost_usd", "estimated_usd", "job", "repaired"},
}
"""Keys that only some calls print."""
UNCONFIGURED = (
    "maps",
    "tile",
    "material",
    "curves",
    "sprite",
    "decal",
    "export",
    "bake",
    "styles",
    "workflows",
)
"""The verbs that need no settings."""
SENDING = ("generate", "batch", "texture", "extend", "cutout")
"""The verbs that ask the API; the others must never do so."""

REFUSALS = (
    ("invalid_api_key", 3, "AuthenticationError", "no"),
    ("organization_not_verified", 3, "PermissionDeniedError", "no"),
    ("model_not_found", 4, "NotFoundError", "no"),
    ("invalid_value", 4, "BadRequestError", "no"),
    ("moderation_blocked", 4, "ModerationError", "no"),
    ("insufficient_quota", 5, "InsufficientQuotaError", "no"),
    ("bad_gateway", 6, "InternalServerError", "maybe"),
)
"""What the API says, and what a command makes of it: exit code, type, and whether it was billed."""
FOR_ALL_ROWS = (3, 5)
"""Exit codes of what the API would say to every row of a batch."""

Command = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def run(
    api_server: ApiServer, capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Command:
    """Runs a command against the local server in a folder with an image and a manifest."""
    monkeypatch.setenv("OPENAI_BASE_URL", api_server.base_url)
    monkeypatch.setenv("OPENAI_API_KEY", api_server.api_key)
    monkeypatch.delenv("GPT_IMAGE_PROVIDER", raising=False)
    monkeypatch.chdir(tmp_path)
    Image.effect_noise((128, 128), 60).convert("RGB").save("wall.png")
    scene_fixtures.camera()
    stone = scene_fixtures.cube("Wall", material="Stone").active_material
    node = stone.node_tree.nodes.new("ShaderNodeTexImage")
    node["gpt_image_kind"], node.image = "base_color", bpy.data.images.load(str(Path("wall.png").absolute()))
    Path("logo.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"><rect width="4" height="2"/></svg>')
    sticker = scene_fixtures.prepared(scene_fixtures.decal("Sticker"))
    apply(sticker, Application(target="decal", object_name="Wall", name="Sticker", at=((0, -1, 0),)))
    Path("rows.jsonl").write_text('{"prompt": "oak"}\n', "utf-8")

    def command(*argv: str) -> tuple[int, dict[str, Any]]:
        capfd.readouterr()
        Path("out.json").unlink(missing_ok=True)
        code = cli.main([*argv, "--json", "--json-file", "out.json"])
        printed = capfd.readouterr()
        output = json.loads(printed.out.splitlines()[-1])
        assert json.loads(Path("out.json").read_text("utf-8")) == output
        assert "Traceback" not in printed.err
        return code, output

    return command


def check_failure(output: dict[str, Any], kind: str) -> None:
    assert set(output) == {"schema", "state", "error"} and output["state"] == "failed"
    assert set(output["error"]) == set(reference.ERROR_KEYS)
    assert output["error"]["type"] == kind


def test_every_verb_is_tried() -> None:
    assert set(ANSWERING) == set(ARGUMENTS) and set(cli.VERBS) == set(MISUSED)
    assert set(cli.VERBS) == set(reference.KEYS)


@pytest.mark.parametrize("verb", ANSWERING)
def test_success(run: Command, api_server: ApiServer, verb: str) -> None:
    code, output = run(verb, *ARGUMENTS[verb])
    assert (code, output["schema"], output["state"]) == (0, 1, "succeeded")
    found, documented = set(output) - {"schema", "state"}, set(reference.KEYS[verb])
    assert found <= documented and documented - found <= OPTIONAL.get(verb, set())
    assert len(api_server.requests) == (verb in SENDING)


@pytest.mark.parametrize("verb", cli.VERBS)
def test_usage_error(run: Command, api_server: ApiServer, verb: str) -> None:
    code, output = run(verb, *MISUSED[verb])
    assert code == 2
    check_failure(output, "UsageError")
    assert api_server.requests == []


@pytest.mark.parametrize("verb", ANSWERING)
def test_configuration_error(
    run: Command, api_server: ApiServer, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    """A number in the environment that is none."""
    monkeypatch.setenv("GPT_IMAGE_MONTHLY_BUDGET_USD", "ten")
    code, output = run(verb, *ARGUMENTS[verb])
    assert code == (0 if verb in UNCONFIGURED else 3)
    if verb in UNCONFIGURED:
        assert output["state"] == "succeeded"
    elif verb == "doctor":
        assert output["state"] == "problems"
        failed = [check["name"] for check in output["checks"] if not check["ok"]]
        assert failed == ["journal", "openai", "comfyui"]
    else:
        check_failure(output, "ConfigurationError")
        assert "GPT_IMAGE_MONTHLY_BUDGET_USD" in output["error"]["message"]
    assert api_server.requests == []


@pytest.mark.parametrize(("fault", "code", "kind", "billed"), REFUSALS)
def test_api_errors_of_generate(
    run: Command, api_server: ApiServer, fault: str, code: int, kind: str, billed: str
) -> None:
    api_server.script(faults.error(fault))
    found, output = run("generate", *ARGUMENTS["generate"])
    check_failure(output, kind)
    error = output["error"]
    assert (found, error["billed"]) == (code, billed)
    assert error["request_id"] == api_server.requests[0].request_id


@pytest.mark.parametrize(("fault", "code", "kind", "billed"), REFUSALS)
def test_api_errors_of_a_batch(
    run: Command, api_server: ApiServer, fault: str, code: int, kind: str, billed: str
) -> None:
    """What concerns a row is told of the row; what would refuse every row ends the run."""
    api_server.script(faults.error(fault))
    found, output = run("batch", *ARGUMENTS["batch"])
    ends = code in FOR_ALL_ROWS
    assert (found, output["state"]) == ((code, "failed") if ends else (7, "incomplete"))
    assert set(output) - {"schema", "state", "error"} == set(reference.KEYS["batch"])
    assert ("error" in output) == ends and (not ends or output["error"]["type"] == kind)
    assert (output["failed"], output["unknown"]) == ((0, 1) if billed == "maybe" else (1, 0))
    (row,) = output["results"]
    assert set(row["error"]) == set(reference.ERROR_KEYS)
    assert (row["error"]["type"], row["error"]["billed"]) == (kind, billed)
    assert Path(output["report"]).read_text("utf-8").count("\n") == 1


@pytest.mark.parametrize(("verb", "flag"), reference.OTHER_KEYS)
def test_other_keys(run: Command, api_server: ApiServer, verb: str, flag: str) -> None:
    values = ("openjd", "bundle") if flag == "--farm" else ()
    code, output = run(verb, *ARGUMENTS[verb], flag, *values)
    assert (code, set(output) - {"schema", "state"}) == (0, set(reference.OTHER_KEYS[verb, flag]))
    assert api_server.requests == []


def test_rows_have_the_documented_keys(run: Command) -> None:
    _, made = run("generate", *ARGUMENTS["generate"])
    assert set(made["images"][0]) == set(reference.IMAGE_KEYS)
    _, output = run("history")
    assert set(output["jobs"][0]) == set(reference.JOB_KEYS)
