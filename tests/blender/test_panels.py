"""The panels draw: every property and operator that they name exists."""

from __future__ import annotations

from typing import Any

import bpy
import pytest

from gpt_image_addon import api
from gpt_image_addon.ui import operators, panels, preferences, properties

SMALL = {"provider": "offline", "size": "64x64"}


class Layout:
    """Stands for a UILayout, which background Blender does not have, and checks what is asked of it."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.operators: list[str] = []

    def _self(self, **_: Any) -> Layout:
        return self

    row = column = box = _self

    def label(self, text: str = "", **_: Any) -> None:
        self.said.append(text)

    def progress(self, text: str = "", factor: float = 0.0, **_: Any) -> None:
        assert 0 <= factor <= 1
        self.said.append(text)

    def prop(self, data: Any, name: str, **_: Any) -> None:
        assert name in data.bl_rna.properties, name
        self.said.append(data.bl_rna.properties[name].name)

    def operator(self, idname: str, **_: Any) -> Any:
        group, name = idname.split(".")
        assert name in dir(getattr(bpy.ops, group)), idname
        self.operators.append(idname)
        return type("Properties", (), {})()


def draw(cls: type, data: Any = None) -> Layout:
    layout = Layout()

    class Shown:
        """What `self` is while drawing."""

        def __getattr__(self, name: str) -> Any:
            return getattr(data, name)

    shown = Shown()
    shown.layout = layout  # type: ignore[attr-defined]
    shown.bl_rna = getattr(data, "bl_rna", None)  # type: ignore[attr-defined]
    cls.draw(shown, bpy.context)  # type: ignore[attr-defined]
    return layout


@pytest.mark.parametrize("target", [item[0] for item in properties.TARGET_ITEMS])
@pytest.mark.parametrize("size", ["1024x1024", "custom"])
@pytest.mark.parametrize("reference", ["none", "file"])
def test_the_panel_draws_in_every_state(target: str, size: str, reference: str) -> None:
    values = bpy.context.scene.gpt_image
    values.target, values.size, values.reference = target, size, reference
    layout = draw(panels.GPT_IMAGE_PT_view3d)
    assert operators.GPT_IMAGE_OT_generate.bl_idname in layout.operators
    assert ("Width" in layout.said) is (size == "custom")


def test_without_a_key_the_panel_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    layout = draw(panels.GPT_IMAGE_PT_view3d)
    assert any("Offline draft" in text for text in layout.said)
    assert operators.GPT_IMAGE_OT_open_preferences.bl_idname in layout.operators
    monkeypatch.setenv("OPENAI_API_KEY", "sk-x")
    assert not any("Offline draft" in text for text in draw(panels.GPT_IMAGE_PT_view3d).said)


def test_jobs_are_listed() -> None:
    assert draw(panels.GPT_IMAGE_PT_view3d_jobs).said == ["Nothing runs"]
    job = api.submit("oak", target="image", **SMALL)
    assert operators.GPT_IMAGE_OT_cancel.bl_idname in draw(panels.GPT_IMAGE_PT_view3d_jobs).operators
    assert job.wait(10)
    layout = draw(panels.GPT_IMAGE_PT_view3d_jobs)
    assert layout.said == ["oak", "Done"]
    bpy.ops.gpt_image.clear_finished()
    assert draw(panels.GPT_IMAGE_PT_view3d_jobs).said == ["Nothing runs"]


def test_the_preferences_draw(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    layout = draw(preferences.GPT_IMAGE_AP_preferences, preferences.GPT_IMAGE_AP_preferences)
    assert "Base URL" in layout.said
    assert any("no key" in text for text in layout.said)


def test_the_panels_values_become_a_request() -> None:
    bpy.ops.mesh.primitive_cube_add()
    values = bpy.context.scene.gpt_image
    values.prompt, values.size, values.width, values.height, values.n = "oak", "custom", 640, 320, 2
    values.provider = "offline"
    request, application = api.split(**properties.to_parameters(bpy.context))
    assert (request.prompt, request.size, request.n, request.provider) == ("oak", "640x320", 2, "offline")
    assert application.object_uid == bpy.context.active_object.session_uid
    assert application.scene_uid == bpy.context.scene.session_uid


def test_the_operator_works_from_a_script() -> None:
    bpy.ops.mesh.primitive_cube_add()
    cube = bpy.context.active_object
    assert bpy.ops.gpt_image.generate(
        prompt="slate", provider="offline", target="material", size="64x64"
    ) == {"FINISHED"}
    assert cube.active_material.name == "slate"
    bpy.context.scene.gpt_image.prompt = "oak"
    assert bpy.ops.gpt_image.generate(provider="offline", target="image", size="64x64") == {"FINISHED"}
    assert "oak" in bpy.data.images


def test_a_refused_request_is_reported() -> None:
    with pytest.raises(RuntimeError, match="prompt is empty"):
        bpy.ops.gpt_image.generate(provider="offline")
    with pytest.raises(RuntimeError, match="not known"):
        bpy.ops.gpt_image.generate(prompt="x", provider="offline", target="cube")
