"""What Blender can't hold, gif and svg: kept and handed on as files, with a clear word about it."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import bpy
import pytest
from PIL import Image

from gpt_image_addon.core.request.parameters import PARAMETERS
from tests.api_server import ApiServer

MODEL = ("--model", "gpt-image-2.5-flare", "--quality", "low")
SVG = ("--output-format", "svg", "--svg-model", "gpt-6", "--target", "image")


@pytest.mark.parametrize("target", ["image", "texture", "plane", "material"])
def test_an_svg_is_a_file(run: Any, online: ApiServer, tmp_path: Path, target: str) -> None:
    before = {name: len(getattr(bpy.data, name)) for name in ("images", "materials", "objects")}
    code, output = run(
        "generate",
        "a logo",
        *MODEL,
        "--output-format",
        "svg",
        "--svg-model",
        "gpt-6",
        "--target",
        target,
        "--textures-dir",
        str(tmp_path / "textures"),
    )
    assert code == 0 and output["state"] == "succeeded"
    (image,) = output["images"]
    assert (image["name"], image["format"], image["width"], image["height"]) == ("", "svg", 1024, 1024)
    assert image["sha256"] == online.requests[0].answers[0]
    assert Path(image["file"]).read_bytes() == online.answers[image["sha256"]]
    assert any("svg" in warning and image["file"] in warning for warning in output["warnings"])
    assert [path.suffix for path in (tmp_path / "textures").iterdir()] == [".svg"]
    assert {name: len(getattr(bpy.data, name)) for name in before} == before


def test_the_model_that_draws_an_svg_is_in_the_ledger(run: Any, online: ApiServer) -> None:
    """The local server bills 60 tokens in and 30,000 out for it."""
    svg = ("generate", "a logo", *MODEL, *SVG)
    code, planned = run(*svg, "--dry-run")
    code, output = run(*svg)
    assert code == 0 and online.bill_usd > 0.015
    assert output["cost_usd"] == pytest.approx(online.bill_usd)
    assert planned["low_usd"] < output["cost_usd"] <= planned["high_usd"] == output["estimated_usd"]
    assert output["usage"]["svg_usage"]["output_tokens"] == 30_000
    assert run("history")[1]["spent_usd"] == pytest.approx(online.bill_usd)


def test_the_model_that_draws_counts_toward_the_budget(
    run: Any, online: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GPT_IMAGE_MONTHLY_BUDGET_USD", "0.02")
    logo = ("generate", "a logo", *MODEL, "--target", "image")
    assert run("generate", "a logo", *MODEL, *SVG)[0] == 5
    assert not online.image_requests
    assert run(*logo)[0] == 0


def test_an_svg_without_its_model_asks_for_it_by_the_panels_name(run: Any, online: ApiServer) -> None:
    code, output = run("generate", "a logo", *MODEL, "--output-format", "svg", "--target", "image")
    assert (code, output["error"]["param"], output["error"]["billed"]) == (4, "svg.model", "no")
    label = PARAMETERS["svg_model"].panel
    assert label is not None and label.label == "Drawing Model"
    assert f"under {label.label} in the panel" in output["error"]["message"]
    assert "--svg-model" in output["error"]["message"]


@pytest.mark.parametrize("target", ["image", "plane", "texture"])
def test_a_gif_shows_its_first_frame(run: Any, online: ApiServer, tmp_path: Path, target: str) -> None:
    code, output = run(
        "generate",
        "a flame",
        *MODEL,
        "--output-format",
        "gif",
        "--frame-count",
        "4",
        "--target",
        target,
        "--textures-dir",
        str(tmp_path / "textures"),
    )
    assert code == 0
    assert online.requests[0].fields["size"] == "auto"
    (image,) = output["images"]
    received = online.answers[image["sha256"]]
    assert image["format"] == "gif" and Path(image["file"]).read_bytes() == received
    assert any("first frame" in warning for warning in output["warnings"])
    assert {".gif", ".png"} <= {path.suffix for path in (tmp_path / "textures").iterdir()}
    shown = bpy.data.images[image["name"]]
    assert tuple(shown.size) == (image["width"], image["height"])
    with Image.open(io.BytesIO(received)) as moving, Image.open(io.BytesIO(shown.packed_file.data)) as still:
        assert moving.n_frames == 4
        assert moving.convert("RGB").tobytes() == still.convert("RGB").tobytes()


def test_a_stream_is_a_result_like_any_other(run: Any, online: ApiServer) -> None:
    code, output = run("generate", "oak", *MODEL, "--partial-images", "2", "--n", "2", "--target", "image")
    assert code == 0 and len(output["images"]) == 2
    assert online.requests[0].fields["stream"] is True
    assert [image["sha256"] for image in output["images"]] == online.requests[0].answers
    assert output["cost_usd"] == pytest.approx(online.bill_usd)


@pytest.mark.parametrize(
    "flags",
    [
        ("--safety-identifier", "somebody@example.com"),
        ("--output-format", "svg", "--n", "2"),
        ("--output-format", "gif", "--size", "1024x1024"),
        ("--output-format", "gif", "--partial-images", "1"),
        ("--input-fidelity", "high"),
        ("--model", "gpt-image-2.5-flare", "--complexity", "low"),
    ],
    ids=" ".join,
)
def test_what_is_forbidden_is_not_sent(run: Any, online: ApiServer, flags: tuple[str, ...]) -> None:
    code, output = run("generate", "oak", *flags)
    assert code == 4 and output["error"]["type"] == "InvalidRequestError"
    assert not online.requests


def test_the_field_style_comes_from_the_environment(
    run: Any, online: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b"):
        Image.new("RGB", (64, 64)).save(tmp_path / f"{name}.png")
    online.options.picture_fields = "repeated"
    monkeypatch.setenv("GPT_IMAGE_PICTURE_FIELDS", "repeated")
    shown = [flag for name in ("a", "b") for flag in ("--reference", str(tmp_path / f"{name}.png"))]
    code, _ = run("generate", "oak", "--quality", "low", *shown, "--moderation", "low")
    assert code == 0
    assert [file.field for file in online.requests[0].files] == ["image", "image"]
    assert "moderation" not in online.requests[0].fields
    monkeypatch.setenv("GPT_IMAGE_PICTURE_FIELDS", "commas")
    code, output = run("generate", "oak")
    assert code == 3 and output["error"]["code"] == "bad_picture_fields"
