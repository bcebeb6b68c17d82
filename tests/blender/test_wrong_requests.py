"""Wrong requests through every face: a typed error, its exit code, nothing sent, the scene as it was."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest

from gpt_image_addon import api
from gpt_image_addon.app import session, settings
from gpt_image_addon.core import errors
from gpt_image_addon.core.errors import (
    BudgetExceededError,
    ConfigurationError,
    GptImageError,
    InvalidRequestError,
    MissingApiKeyError,
    OnlineAccessDisabledError,
)
from gpt_image_addon.core.imaging.formats import encode_png
from tests.api_server import ApiServer
from tests.blender.scene_fixtures import cube, description

CHEAP = {"quality": "low", "model": "gpt-image-2.5-flare"}


@pytest.fixture(autouse=True)
def closed(factory_file: None) -> None:
    """The journal of the test before is not this one's."""
    api.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Files that requests name."""
    (tmp_path / "good.png").write_bytes(encode_png(np.full((64, 64, 3), 90, np.uint8)))
    (tmp_path / "text.png").write_text("no image")
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "cut.png").write_bytes((tmp_path / "good.png").read_bytes()[:60])
    (tmp_path / "white.png").write_bytes(encode_png(np.full((64, 64, 3), 255, np.uint8)))
    (tmp_path / "black.png").write_bytes(encode_png(np.zeros((64, 64, 3), np.uint8)))
    (tmp_path / "folder").mkdir()
    return tmp_path


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "empty prompt": ({"prompt": "  "}, "prompt"),
    "long prompt": ({"prompt": "x" * 32_001}, "prompt"),
    "too many": ({"n": 11}, "n"),
    "none": ({"n": 0}, "n"),
    "no size": ({"size": "big"}, "size"),
    "bad size": ({"size": "1000x1000"}, "size"),
    "narrow": ({"size": "3840x64"}, "size"),
    "quality": ({"quality": "best"}, "quality"),
    "wrong provider of the model": ({"model": "offline-draft"}, "model"),
    "shut down": ({"model": "dall-e-3"}, "model"),
    "style": ({"style": "no_such_style"}, "style"),
    "compression of png": ({"output_compression": 50}, "output_compression"),
    "transparent jpeg": ({"output_format": "jpeg", "background": "transparent"}, "output_format"),
    "previews": ({"partial_images": 4}, "partial_images"),
    "map": ({"target": "material", "maps": ["shine"]}, "maps"),
    "strength": ({"target": "material", "normal_strength": 11}, "normal_strength"),
    "texture size": ({"target": "material", "texture_size": 0}, "texture_size"),
    "repair without a tile": ({"repair_seams": True}, "repair_seams"),
    "missing reference": ({"references": ["nowhere.png"]}, "references"),
    "folder as reference": ({"references": ["folder"]}, "references"),
    "text as reference": ({"references": ["text.png"]}, "references"),
    "empty reference": ({"references": ["empty.png"]}, "references"),
    "too many references": ({"references": ["good.png"] * 17}, "references"),
    "mask alone": ({"mask": "black.png"}, "mask"),
    "missing mask": ({"references": ["good.png"], "mask": "nowhere.png"}, "mask"),
    "mask and markup": (
        {"references": ["good.png"], "mask": "black.png", "markup": "black.png"},
        "markup",
    ),
    "no object": ({"object_name": "Nobody"}, "object_name"),
    "camera as object": ({"object_name": "Eye"}, "object_name"),
    "identifier": ({"safety_identifier": "me@example.com"}, "safety_identifier"),
}
LATER: dict[str, tuple[dict[str, Any], str]] = {
    "cut reference": ({"references": ["cut.png"]}, "references"),
    "empty mask": ({"references": ["good.png"], "mask": "black.png"}, "mask"),
    "full mask": ({"references": ["good.png"], "mask": "white.png"}, "mask"),
}
"""What is found out when the files are read: by the worker, just before it would send."""
NO_COMMAND = {"object_name": "object", "references": "reference"}
PATHS = ("references", "mask", "markup")


def scene() -> dict[str, Any]:
    cube("Cube")
    bpy.context.scene.collection.objects.link(bpy.data.objects.new("Eye", bpy.data.cameras.new("Eye")))
    return description()


def with_files(parameters: dict[str, Any], folder: Path) -> dict[str, Any]:
    found = {**CHEAP, "prompt": "oak", **parameters}
    for name in PATHS:
        if isinstance(found.get(name), list):
            found[name] = [str(folder / file) for file in found[name]]
        elif name in found:
            found[name] = str(folder / found[name])
    return found


def flags_of(parameters: dict[str, Any]) -> list[str]:
    found = [parameters["prompt"]]
    for name, value in parameters.items():
        flag = "--" + NO_COMMAND.get(name, name).replace("_", "-")
        if name == "maps":
            found += [flag, ",".join(value)]
        elif name != "prompt":
            for item in value if isinstance(value, list) else [value]:
                found += [flag] if item is True else [flag, str(item)]
    return found


def assert_untouched(online: ApiServer, before: dict[str, Any]) -> None:
    assert online.requests == []
    journal = session.journal(settings.load())
    assert journal.reserved_usd() == 0 and journal.spent_usd() == 0
    assert description() == before


@pytest.mark.parametrize("wrong", WRONG)
def test_python(online: ApiServer, folder: Path, wrong: str) -> None:
    parameters, param = WRONG[wrong]
    before = scene()
    for call in (api.submit, api.generate, api.plan):
        with pytest.raises(InvalidRequestError) as caught:
            call(**with_files(parameters, folder))
        assert (caught.value.param, caught.value.billed) == (param, "no")
    assert_untouched(online, before)
    assert api.jobs() == () and not session.journal(settings.load()).entries()


@pytest.mark.parametrize("wrong", WRONG)
def test_command_line(run: Any, online: ApiServer, folder: Path, wrong: str) -> None:
    parameters, param = WRONG[wrong]
    before = scene()
    code, output = run("generate", *flags_of(with_files(parameters, folder)))
    assert (code, output["state"]) == (4, "failed")
    assert (output["error"]["type"], output["error"]["param"]) == ("InvalidRequestError", param)
    assert output["error"]["billed"] == "no"
    assert_untouched(online, before)


ROWS = [name for name in WRONG if "object" not in name]  # of a manifest that only writes files


@pytest.mark.parametrize("wrong", ROWS)
def test_batch(run: Any, online: ApiServer, folder: Path, wrong: str) -> None:
    parameters, param = WRONG[wrong]
    before = scene()
    path = folder / "rows.jsonl"
    path.write_text(json.dumps(with_files(parameters, folder)) + "\n")
    code, output = run("batch", path)
    if output["state"] == "failed":  # the line itself can't be understood
        assert (code, output["error"]["type"]) == (4, "InvalidRequestError")
    else:
        assert (code, output["failed"], output["cost_usd"]) == (7, 1, 0)
        error = output["results"][0]["error"]
        assert (error["type"], error["param"], error["billed"]) == ("InvalidRequestError", param, "no")
    assert_untouched(online, before)


@pytest.mark.parametrize("wrong", LATER)
def test_files_that_only_look_right(run: Any, online: ApiServer, folder: Path, wrong: str) -> None:
    parameters, param = LATER[wrong]
    before = scene()
    with pytest.raises(InvalidRequestError) as caught:
        api.generate(**with_files(parameters, folder))
    assert (caught.value.param, caught.value.billed) == (param, "no")
    code, output = run("generate", *flags_of(with_files(parameters, folder)))
    assert (code, output["error"]["billed"]) == (4, "no")
    assert_untouched(online, before)


def without_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")


def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "https://api.example.com/v1")


def plain_http(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://api.example.com/v1")


def small_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPT_IMAGE_MONTHLY_BUDGET_USD", "0.0001")


def small_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPT_IMAGE_MAX_COST_USD", "0.0001")


def no_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPT_IMAGE_MONTHLY_BUDGET_USD", "ten")


SURROUNDINGS: dict[Callable[[pytest.MonkeyPatch], None], tuple[type[GptImageError], int]] = {
    without_key: (MissingApiKeyError, 3),
    offline: (OnlineAccessDisabledError, 3),
    plain_http: (ConfigurationError, 3),
    small_budget: (BudgetExceededError, 5),
    small_limit: (BudgetExceededError, 5),
    no_budget: (ConfigurationError, 3),
}


@pytest.mark.parametrize("surroundings", SURROUNDINGS, ids=lambda found: found.__name__)
def test_right_requests_in_wrong_surroundings(
    run: Any, online: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, surroundings: Any
) -> None:
    kind, code = SURROUNDINGS[surroundings]
    before = scene()
    surroundings(monkeypatch)
    with pytest.raises(kind) as caught:
        api.submit("oak", **CHEAP)
    assert caught.value.billed == "no"
    found, output = run("generate", "oak", "--quality", "low", "--model", "gpt-image-2.5-flare")
    assert found == code and issubclass(getattr(errors, output["error"]["type"]), kind)
    with pytest.raises(RuntimeError):
        bpy.ops.gpt_image.generate(prompt="oak", provider="openai", quality="low")
    rows = tmp_path / "rows.jsonl"
    rows.write_text(json.dumps({"prompt": "oak", **CHEAP}) + "\n")
    assert run("batch", rows)[0] in (code, 7)
    assert online.requests == [] and description() == before


def test_a_state_that_there_is_not() -> None:
    for look in (api.history, api.history_rows):
        with pytest.raises(InvalidRequestError, match="RECEIVE") as caught:
            look(state="RECEIVE")
        assert caught.value.param == "state"
