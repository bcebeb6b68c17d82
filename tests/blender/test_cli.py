"""The command line in a real Blender: JSON, exit codes, and what is in the saved file."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import bpy
import pytest

from gpt_image_addon import cli
from gpt_image_addon.core.request import styles
from tests.api_server import ApiServer, faults

ROOT = Path(__file__).resolve().parents[2]
SUCCESS_KEYS = {
    "schema",
    "state",
    "job",
    "provider",
    "model",
    "request_id",
    "images",
    "maps",
    "material",
    "object",
    "objects",
    "exported",
    "world",
    "usage",
    "estimated_usd",
    "cost_usd",
    "blend",
    "warnings",
}
ERROR_KEYS = {"type", "code", "message", "param", "request_id", "retryable", "billed"}
OFFLINE = ("--provider", "offline", "--size", "256x256")


def add_cube() -> bpy.types.Object:
    bpy.ops.mesh.primitive_cube_add()
    return bpy.context.active_object


def colour_space(socket: bpy.types.NodeSocket) -> str:
    """That of the image which the socket's links lead to."""
    nodes = [socket.links[0].from_node]
    for node in nodes:
        if node.type == "TEX_IMAGE":
            return str(node.image.colorspace_settings.name)
        nodes += [link.from_node for inner in node.inputs for link in inner.links]
    raise LookupError("there is no image")


def failed(output: dict[str, Any]) -> dict[str, Any]:
    assert output["state"] == "failed" and set(output) == {"schema", "state", "error"}
    assert set(output["error"]) == ERROR_KEYS
    return output["error"]


def test_an_offline_material_survives_saving(run: Any, tmp_path: Path) -> None:
    add_cube()
    blend = tmp_path / "x.blend"
    code, output = run(
        "generate", "weathered oak planks", *OFFLINE, "--target", "material", "--output", str(blend)
    )
    assert code == 0
    assert set(output) == SUCCESS_KEYS
    assert (output["schema"], output["state"], output["blend"]) == (1, "succeeded", str(blend))
    assert (output["provider"], output["model"], output["cost_usd"]) == ("offline", "offline-draft", 0)
    assert any("offline draft" in warning for warning in output["warnings"])
    for path in (*(image["file"] for image in output["images"]), *output["maps"].values()):
        assert Path(path).is_absolute() and Path(path).is_file()
    bpy.ops.wm.open_mainfile(filepath=str(blend))
    material = bpy.data.materials[output["material"]]
    principled = next(node for node in material.node_tree.nodes if node.type == "BSDF_PRINCIPLED")
    spaces = {node.image.name: node.image for node in material.node_tree.nodes if node.type == "TEX_IMAGE"}
    assert colour_space(principled.inputs["Base Color"]) == "sRGB"
    assert colour_space(principled.inputs["Roughness"]) == "Non-Color"
    assert colour_space(principled.inputs["Normal"]) == "Non-Color"
    assert spaces and all(image.packed_file for image in spaces.values())
    assert all(tuple(image.size) == (256, 256) for image in spaces.values())


def test_a_texture_is_exactly_the_servers_bytes(run: Any, online: ApiServer, tmp_path: Path) -> None:
    add_cube()
    blend = tmp_path / "x.blend"
    code, output = run("generate", "oak", "--quality", "low", "--output", str(blend))
    assert code == 0
    (record,) = online.requests
    (image,) = output["images"]
    assert image["sha256"] == record.answers[0]
    assert hashlib.sha256(Path(image["file"]).read_bytes()).hexdigest() == record.answers[0]
    assert (output["request_id"], output["usage"]) == (record.request_id, record.usage)
    assert output["cost_usd"] == pytest.approx(online.bill_usd)
    assert output["cost_usd"] <= output["estimated_usd"]
    bpy.ops.wm.open_mainfile(filepath=str(blend))
    packed = bpy.data.images[image["name"]]
    assert hashlib.sha256(packed.packed_file.data).hexdigest() == record.answers[0]
    assert packed["gpt_image_prompt"] == "oak" and packed["gpt_image_request_id"] == record.request_id


def test_references_of_both_kinds_make_an_edit(run: Any, online: ApiServer, tmp_path: Path) -> None:
    add_cube()
    bpy.ops.object.camera_add(location=(0, -5, 0), rotation=(1.57, 0, 0))
    bpy.context.scene.camera = bpy.context.active_object
    code, output = run("generate", "x", *OFFLINE, "--target", "image")
    file = output["images"][0]["file"]
    settings_before = (
        bpy.context.scene.render.engine,
        bpy.context.scene.render.resolution_x,
        len(bpy.data.scenes),
    )
    code, output = run(
        "generate",
        "like this",
        "--reference",
        file,
        "--reference",
        "camera",
        "--target",
        "plane",
        "--quality",
        "low",
    )
    assert code == 0
    (record,) = online.requests
    assert record.path == "/v1/images/edits"
    assert [file.field for file in record.files] == ["image[]", "image[]"]
    assert record.files[0].sha256 == hashlib.sha256(Path(file).read_bytes()).hexdigest()
    assert bpy.data.objects[output["object"]].type == "MESH"
    after = (bpy.context.scene.render.engine, bpy.context.scene.render.resolution_x, len(bpy.data.scenes))
    assert after == settings_before


def test_a_large_reference_is_shrunk_and_said(run: Any, online: ApiServer, tmp_path: Path) -> None:
    from PIL import Image

    large = tmp_path / "large.png"
    Image.new("RGB", (5000, 2000), "red").save(large)
    code, output = run("generate", "x", "--reference", str(large), "--target", "image", "--quality", "low")
    assert code == 0
    assert any("shrunk from 5000x2000 to 3840x1536" in warning for warning in output["warnings"])


def test_without_a_key_nothing_is_sent(
    run: Any, api_server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", api_server.base_url)
    code, output = run("generate", "x")
    assert (code, failed(output)["type"]) == (3, "MissingApiKeyError")
    assert api_server.requests == []


def test_online_access_off_keeps_everything_here(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-none")
    code, output = run("generate", "x")
    assert (code, failed(output)["type"]) == (3, "OnlineAccessDisabledError")


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--size", "1920x1080"), "1920x1088"),
        (("--model", "gpt-image-1"), "gpt-image-2.5-sunburst"),
        (("--quality", "best"), "quality"),
        (("--reference", "missing.png"), "missing.png"),
        (("--maps", "bump"), "bump"),
        (("--style", "nope"), "style"),
    ],
)
def test_bad_requests_are_refused_before_sending(
    run: Any, online: ApiServer, flags: tuple[str, ...], words: str
) -> None:
    code, output = run("generate", "x", *flags)
    error = failed(output)
    assert (code, error["type"], error["billed"]) == (4, "InvalidRequestError", "no")
    assert words in error["message"]
    assert online.requests == []


@pytest.mark.parametrize("kind", ["corrupt", "text", "bomb", "cut"])
def test_bad_references_are_refused_before_sending(
    run: Any, online: ApiServer, tmp_path: Path, kind: str
) -> None:
    from PIL import Image

    path = tmp_path / "reference.png"
    if kind == "bomb":
        Image.new("1", (20000, 20000)).save(path)
    else:
        Image.effect_noise((64, 64), 50).save(path)
        data = path.read_bytes()
        damaged = {
            "corrupt": data[:100] + bytes(200) + data[300:],
            "text": b"not an image",
            "cut": data[: len(data) // 2],
        }
        path.write_bytes(damaged[kind])
    code, output = run("generate", "x", "--reference", str(path))
    assert (code, failed(output)["type"]) == (4, "InvalidRequestError")
    assert online.requests == []


@pytest.mark.parametrize(
    ("fault", "code", "billed"),
    [
        (faults.answer("truncated_json"), 6, "maybe"),
        (faults.answer("not_an_image"), 6, "yes"),
        (faults.answer("bomb"), 6, "yes"),
        (faults.error("moderation_blocked"), 4, "no"),
        (faults.error("insufficient_quota"), 5, "no"),
        (faults.error("invalid_api_key"), 3, "no"),
    ],
    ids=lambda value: value.name() if isinstance(value, faults.Step) else None,
)
def test_rubbish_leaves_the_file_as_it_was(
    run: Any, online: ApiServer, tmp_path: Path, fault: faults.Step, code: int, billed: str
) -> None:
    add_cube()
    blend = tmp_path / "x.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(blend))
    before = blend.read_bytes(), sorted(image.name for image in bpy.data.images), len(bpy.data.materials)
    online.script(fault)
    found, output = run("generate", "x", "--output", str(blend), "--overwrite")
    error = failed(output)
    assert (found, error["billed"]) == (code, billed)
    assert error["request_id"] == online.requests[0].request_id
    assert before == (
        blend.read_bytes(),
        sorted(image.name for image in bpy.data.images),
        len(bpy.data.materials),
    )
    assert len(online.requests) == 1


def test_one_bad_image_of_three_is_left_out(run: Any, online: ApiServer) -> None:
    online.script(faults.answer("one_corrupt"))
    code, output = run("generate", "x", "--n", "3", "--target", "image", "--quality", "low")
    assert (code, len(output["images"])) == (0, 2)
    assert any("left out" in warning for warning in output["warnings"])


@pytest.mark.parametrize(
    "argv",
    [
        (),
        ("paint", "x"),
        ("generate",),
        ("generate", "x", "--n", "many"),
        ("generate", "x", "--target", "cube"),
        ("generate", "x", "--api-key", "sk-1"),
    ],
)
def test_usage_errors(run: Any, argv: tuple[str, ...]) -> None:
    code, output = run(*argv)
    assert (code, failed(output)["code"]) == (2, "usage")


def test_an_existing_output_is_not_replaced(run: Any, online: ApiServer, tmp_path: Path) -> None:
    blend = tmp_path / "x.blend"
    blend.write_text("mine")
    code, output = run("generate", "x", "--output", str(blend))
    assert (code, blend.read_text(), online.requests) == (4, "mine", [])
    assert "add --overwrite to replace it" in output["error"]["message"]
    assert "--overwrite" in failed(output)["message"]


def test_a_dry_run_sends_nothing(run: Any, online: ApiServer) -> None:
    code, output = run("generate", "x", "--dry-run", "--quality", "low", "--background", "transparent")
    assert (code, output["state"], online.requests) == (0, "dry_run", [])
    assert 0 < output["low_usd"] <= output["high_usd"] == output["estimated_usd"]
    assert "transparent background" in output["prompt"]


def test_reuse_returns_the_stored_result(run: Any, online: ApiServer) -> None:
    _, first = run("generate", "x", "--target", "image", "--quality", "low")
    code, second = run("generate", "x", "--target", "image", "--quality", "low", "--reuse")
    assert (code, second["job"], second["images"][0]["sha256"]) == (
        0,
        first["job"],
        first["images"][0]["sha256"],
    )
    assert len(online.requests) == 1
    _, third = run("generate", "x", "--target", "image", "--quality", "low")
    assert len(online.requests) == 2 and any("already made" in warning for warning in third["warnings"])


def test_the_budget_stops_a_request(run: Any, online: ApiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPT_IMAGE_MONTHLY_BUDGET_USD", "0.0001")
    code, output = run("generate", "x")
    assert (code, failed(output)["type"], online.requests) == (5, "BudgetExceededError", [])


def test_copies_go_to_the_textures_folder(run: Any, tmp_path: Path) -> None:
    folder = tmp_path / "textures"
    run(
        "generate",
        "red bricks",
        *OFFLINE,
        "--target",
        "material",
        "--maps",
        "normal,roughness",
        "--textures-dir",
        str(folder),
    )
    assert sorted(path.name for path in folder.iterdir()) == [
        "red bricks.png",
        "red bricks_normal.png",
        "red bricks_roughness.png",
    ]


def test_styles_are_listed_by_their_groups(run: Any, tmp_path: Path) -> None:
    styles.keep_styles({"moon": styles.check_style("moon", "Moon", "Style: dust.")})
    code, output = run("styles")
    groups = {style["name"]: style["group"] for style in output["styles"]}
    assert code == 0 and (groups["photo_scan"], groups["watercolour"], groups["moon"]) == (
        "Surfaces",
        "Painting",
        "",
    )


def test_models_and_doctor(run: Any, tmp_path: Path) -> None:
    code, output = run("models")
    states = {model["id"]: model["state"] for model in output["models"]}
    assert (code, states["gpt-image-2.6-sunburst"], states["gpt-image-1"]) == (0, "active", "shut down")
    report = tmp_path / "doctor.json"
    code, output = run("doctor", "--json-file", str(report))
    assert (code, output["state"]) == (3, "problems")  # there is no key
    assert json.loads(report.read_text()) == output
    assert {check["name"] for check in output["checks"]} >= {
        "blender",
        "pillow",
        "requests",
        "journal",
        "openai",
    }


def test_help_is_no_failure(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["generate", "--help"]) == 0
    assert "--output-compression" in capsys.readouterr().out


@pytest.mark.bpy_module
def test_the_module_is_a_program(tmp_path: Path) -> None:
    blend = tmp_path / "in.blend"
    add_cube().name = "Kasten"
    bpy.ops.wm.save_as_mainfile(filepath=str(blend))
    command = [
        sys.executable,
        "-m",
        "gpt_image_addon",
        "--blend",
        str(blend),
        "generate",
        "slate tiles",
        *OFFLINE,
    ]
    run = subprocess.run(
        [*command, "--object", "Kasten", "--json"],
        cwd=ROOT,
        env=os.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout.splitlines()[-1])["object"] == "Kasten"


def masked(tmp_path: Path, size: int = 1024) -> tuple[Path, Path]:
    from PIL import Image, ImageDraw

    original, mask = tmp_path / "original.png", tmp_path / "mask.png"
    Image.effect_noise((size, size), 60).convert("RGB").save(original)
    image = Image.new("L", (size, size), 0)
    ImageDraw.Draw(image).rectangle((200, 200, 700, 800), fill=255)
    image.save(mask)
    return original, mask


def test_a_masked_edit_keeps_what_lies_outside(run: Any, online: ApiServer, tmp_path: Path) -> None:
    import numpy as np
    from PIL import Image

    original, mask = masked(tmp_path)
    flags = ("--reference", str(original), "--mask", str(mask), "--target", "image", "--quality", "low")
    code, output = run("generate", "a window", *flags)
    (record,) = online.requests
    assert (code, [file.field for file in record.files]) == (0, ["image", "mask"])
    assert output["images"][0]["sha256"] == record.answers[0]
    packed = bpy.data.images[output["images"][0]["name"]]
    (tmp_path / "imported.png").write_bytes(packed.packed_file.data)
    imported = np.asarray(Image.open(tmp_path / "imported.png").convert("RGB"))
    before = np.asarray(Image.open(original))
    outside = np.asarray(Image.open(mask)) == 0
    assert (imported[outside] == before[outside]).all()
    assert (imported[300:600, 300:600] != before[300:600, 300:600]).any()
    code, output = run("generate", "a window", *flags, "--no-composite")
    plain = bpy.data.images[output["images"][0]["name"]]
    assert hashlib.sha256(plain.packed_file.data).hexdigest() == output["images"][0]["sha256"]


def test_an_empty_mask_is_refused_before_sending(run: Any, online: ApiServer, tmp_path: Path) -> None:
    from PIL import Image

    original, mask = masked(tmp_path)
    Image.new("L", (64, 64), 0).save(mask)
    code, output = run("generate", "x", "--reference", str(original), "--mask", str(mask))
    assert (code, failed(output)["param"], online.requests) == (4, "mask", [])


def test_a_transparent_result_has_no_halo(run: Any, online: ApiServer) -> None:
    code, output = run(
        "generate", "a star", "--background", "transparent", "--target", "image", "--quality", "low"
    )
    (image,) = output["images"]
    assert (code, image["sha256"]) == (0, online.requests[0].answers[0])
    assert not any("transparen" in warning for warning in output["warnings"])
    assert hashlib.sha256(Path(image["file"]).read_bytes()).hexdigest() == image["sha256"]
