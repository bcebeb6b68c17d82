"""ComfyUI from the command line, the panel and Python: what people see, and which exit codes scripts get."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bpy
import pytest
from PIL import Image

from gpt_image_addon.app import settings
from gpt_image_addon.core.providers.comfyui import prompts
from gpt_image_addon.mcp import tool_arguments
from gpt_image_addon.ui.preferences.preferences import GPT_IMAGE_AP_preferences
from gpt_image_addon.ui.request import to_parameters
from tests.blender.conftest import Command
from tests.blender.layouts import draw
from tests.comfyui.server import ComfyServer
from tests.comfyui.test_workflows import EDIT

KEY = "comfyui-0123456789abcdef"


@pytest.fixture
def comfy(monkeypatch: pytest.MonkeyPatch) -> Iterator[ComfyServer]:
    with ComfyServer() as server:
        monkeypatch.setenv("GPT_IMAGE_COMFYUI_URL", server.url)
        monkeypatch.setenv("COMFY_API_KEY", KEY)
        yield server


def test_the_command_line_makes_a_texture(comfy: ComfyServer, run: Command) -> None:
    code, made = run("generate", "oak planks", "--provider", "comfyui", "--quality", "low", "--n", "2")
    assert (code, made["provider"], made["model"]) == (0, "comfyui", "comfy-gpt-image-2")
    assert len(made["images"]) == 2 and made["cost_usd"] == pytest.approx(0.038)
    assert bpy.data.images[made["images"][0]["name"]]["gpt_image_provider"] == "ComfyUI"
    assert comfy.bills[0].key == KEY
    code, priced = run("estimate", "oak planks", "--provider", "comfyui", "--quality", "low", "--n", "2")
    assert code == 0 and (priced["low_usd"], priced["high_usd"]) == (
        pytest.approx(0.0096),
        pytest.approx(0.038),
    )
    checks = {check["name"]: check for check in run("doctor")[1]["checks"]}
    assert checks["workflows"]["text"] == "0 workflows are kept"
    assert checks["websocket"]["ok"]
    assert checks["comfyui"]["text"] == f"requests go to {comfy.url}; a key of a Comfy account is there"


def test_each_failure_has_its_exit_code(
    comfy: ComfyServer, run: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = ("generate", "oak", "--provider", "comfyui", "--quality", "low")

    def fail(*more: str, **variables: str) -> tuple[int, str]:
        with monkeypatch.context() as patch:
            for name, value in variables.items():
                patch.setenv(name, value)
            code, output = run(*ask, *more)
        assert output["error"]["billed"] == "no"
        return code, output["error"]["code"]

    assert fail(GPT_IMAGE_COMFYUI_URL="not an address") == (3, "bad_base_url")
    assert fail(GPT_IMAGE_COMFYUI_URL="http://comfy.example") == (3, "bad_base_url")
    assert fail(GPT_IMAGE_COMFYUI_URL="http://127.0.0.1:9") == (6, "connection_error")
    assert fail(GPT_IMAGE_COMFYUI_HEADERS="nonsense") == (3, "bad_headers")
    assert fail(COMFY_API_KEY="") == (3, "missing_api_key")
    assert fail(COMFY_API_KEY="with spaces in") == (3, "bad_key")
    assert fail("--comfyui-url", "ftp://127.0.0.1") == (3, "bad_base_url")
    assert fail("--comfyui-url", "http://127.0.0.1:9") == (6, "connection_error")
    assert fail("--comfyui-headers", "nonsense") == (3, "bad_headers")
    assert fail("--workflow", __file__) == (4, "bad_workflow")
    assert fail("--output-format", "webp")[0] == 4
    assert fail("--model", "comfy-gpt-image-7")[0] == 4
    assert not comfy.bills
    comfy.error = {"exception_message": "Payment Required: Please add credits to your account."}
    assert fail() == (5, "http_402")


def test_flags_override_variables_for_one_command(
    comfy: ComfyServer, run: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GPT_IMAGE_COMFYUI_URL", "http://127.0.0.1:9")
    flags = ("--comfyui-url", comfy.url, "--comfyui-headers", "X-Proxy: secret-word")
    code, made = run("generate", "oak", "--provider", "comfyui", "--quality", "low", *flags)
    assert code == 0 and made["provider"] == "comfyui"
    assert {seen.get("x-proxy") for seen in comfy.headers_seen} == {"secret-word"}
    checks = {check["name"]: check["text"] for check in run("doctor", *flags)[1]["checks"]}
    assert f"requests go to {comfy.url}" in checks["comfyui"]
    assert settings.load().of_providers["comfyui_url"] == "http://127.0.0.1:9"
    assert run("generate", "oak", "--provider", "comfyui", "--comfy-api-key", KEY)[0] == 2


def test_its_key_is_kept_apart_from_the_other_one(
    comfy: ComfyServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "private_folder", lambda: tmp_path)
    monkeypatch.delenv("COMFY_API_KEY")
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    bpy.context.window_manager.clipboard = f'COMFY_API_KEY="{KEY}"'
    if bpy.context.window_manager.clipboard:  # background has none
        bpy.ops.gpt_image.paste_key(place="file", provider="comfyui")
    else:
        settings.store_key_of("comfyui", KEY)
    stored = tmp_path / "comfyui-key"
    assert stored.read_text() == KEY and stored.stat().st_mode & 0o777 == 0o600
    found = settings.load()
    assert (found.connection().keys["comfyui"], found.api_key) == (KEY, "")
    assert KEY not in repr(found) + repr(found.connection())
    assert settings.key_source_of("comfyui") == "file"
    bpy.ops.gpt_image.forget_key(provider="comfyui")
    assert not stored.exists() and settings.key_source_of("comfyui") == ""


def test_the_preferences_have_its_key_and_its_test(comfy: ComfyServer) -> None:
    class Data:
        bl_rna = GPT_IMAGE_AP_preferences.bl_rna
        use_keychain = False
        default_size = "custom"

    layout: Any = draw(GPT_IMAGE_AP_preferences, Data)
    assert "The key of the Comfy account comes from COMFY_API_KEY." in layout.said
    assert {"ComfyUI", "ComfyUI URL", "ComfyUI Headers"} <= set(layout.said)


def test_a_workflow_runs_from_the_command_line_and_the_panel(
    comfy: ComfyServer, run: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COMFY_API_KEY")
    image = tmp_path / "red.png"
    Image.new("RGB", (16, 16), (10, 20, 30)).save(image)
    path = tmp_path / "edit.json"
    path.write_text(json.dumps(EDIT), "utf-8")
    ask = ("generate", "grown", "--provider", "comfyui", "--reference", image, "--workflow", path)
    code, made = run(*ask, "--set", "Grow.width=64", "--target", "image")
    assert (code, made["model"], made["cost_usd"]) == (0, "comfy-workflow", 0)
    shown = bpy.data.images[made["images"][0]["name"]]
    assert tuple(shown.size) == (64, 32)
    assert [round(value * 255) for value in shown.pixels[:3]] == [245, 235, 225]
    code, refused = run("generate", "oak", "--provider", "offline", "--workflow", path)
    assert code == 4 and "runs no workflows" in refused["error"]["message"]
    values = bpy.context.scene.gpt_image
    values.prompt, values.provider, values.workflow, values.target = "grown", "comfyui", str(path), "image"
    item = values.references.add()
    item.kind, item.file = "file", str(image)
    assert bpy.ops.gpt_image.generate() == {"FINISHED"}
    found = [one for one in bpy.data.images if tuple(one.size) == (32, 32)]
    assert found and [round(value * 255) for value in found[0].pixels[:3]] == [245, 235, 225]
    values.provider = "offline"
    assert "workflow" not in to_parameters.plain(values)


def test_a_batch_takes_little_of_the_queue_and_sends_each_row_once(
    comfy: ComfyServer, run: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prompts, "POLL_SECONDS", 0.02)
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (16, 16), (10, 20, 30)).save("red.png")
    Path("edit.json").write_text(json.dumps(EDIT), "utf-8")
    rows: list[dict[str, Any]] = [{"prompt": f"oak {number}", "quality": "low"} for number in range(8)]
    edit = {"workflow": "edit.json", "reference": "red.png"}
    rows += [{**edit, "prompt": f"wide {width}", "set": [f"Grow.width={width}"]} for width in (48, 64)]
    Path("rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    comfy.gate.clear()
    stranger = comfy.queue_foreign()
    threading.Timer(1.5, comfy.gate.set).start()
    code, made = run("batch", "rows.jsonl", "--provider", "comfyui", "--target", "image")
    assert (code, made["succeeded"]) == (0, 10), made
    assert len(comfy.bills) == 8 and comfy.requests.count(("POST", "/prompt")) == 10
    assert comfy.longest == 3 and comfy.history[stranger]["status"]["completed"]  # two of ours
    assert made["cost_usd"] == pytest.approx(8 * 0.019)
    sizes = {Image.open(file).size for row in made["results"] for file in row["files"]}
    assert sizes == {(64, 64), (48, 32), (64, 32)}
    assert run("batch", "rows.jsonl", "--provider", "comfyui", "--target", "image")[1]["skipped"] == 10
    assert len(comfy.bills) == 8


def test_agents_can_not_name_workflows() -> None:
    """They would let a server run whatever a file says, from folders that nobody opened to them."""
    assert not {"workflow", "workflow_values"} & {*tool_arguments.REQUEST, *tool_arguments.PLAN}
