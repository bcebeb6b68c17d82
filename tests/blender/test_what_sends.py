"""Which operators send anything: each shows its price before, and no other one reaches the server."""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bpy
import pytest

import gpt_image_addon
from gpt_image_addon import api, registration
from gpt_image_addon.app import results
from gpt_image_addon.ui import menus
from gpt_image_addon.ui.editing import new_images
from gpt_image_addon.ui.request import quote
from gpt_image_addon.ui.request.generate import GPT_IMAGE_OT_generate
from gpt_image_addon.ui.results.operators_results import GPT_IMAGE_OT_again
from tests.api_server import ApiServer
from tests.blender.layouts import Layout
from tests.blender.scene_fixtures import cube
from tests.blender.test_equal_requests import Button

UI = Path(gpt_image_addon.__file__).parent / "ui"
SENDS = {
    *("submit", "generate", "again", "make_tile", "submit_tile"),
    *("upscale", "submit_upscale", "repair_poles"),
    *("extend_image", "cut_out_image", "run_through", "extend", "cut_out"),
    *("run_batch", "submit_batch", "start_batch", "collect_batch"),
}
"""Functions of the layers below that send."""
SENDERS = {
    "GPT_IMAGE_OT_generate": "the price is on the button, and in the dialog of the menus",
    "GPT_IMAGE_OT_again": "the price is on the button",
    "GPT_IMAGE_OT_make_it": "the price is on the button",
    "GPT_IMAGE_OT_upscale": "the price is in its dialog, for each factor",
    "GPT_IMAGE_OT_repair_poles": "the price is in its dialog",
    "GPT_IMAGE_OT_extend": "the price is in its dialog, worked out anew with each change",
    "GPT_IMAGE_OT_cut_out": "the price is in its dialog",
    "Sending": "what sends for generate and make_it, once their prices were shown",
    "GPT_IMAGE_OT_answer_question": "the price is on the button of the question",
}
PAID = {"provider": "openai", "quality": "low", "size": "816x816"}


@pytest.fixture(autouse=True)
def fresh(factory_file: None) -> Iterator[None]:
    api.close()
    quote.forget()
    yield
    api.close()


def senders() -> Iterator[str]:
    """Classes and functions of the interface that call what sends."""
    for path in sorted(UI.rglob("*.py")):
        for owner in ast.parse(path.read_text()).body:
            for node in ast.walk(owner):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                    through = ast.unparse(node.func.value)
                    if node.func.attr in SENDS and not through.startswith("bpy.ops"):
                        yield getattr(owner, "name", path.name)


def test_no_other_operator_sends() -> None:
    found = set(senders())
    assert found <= set(SENDERS) and {"GPT_IMAGE_OT_generate", "GPT_IMAGE_OT_again"} <= found


def test_extending_and_cutting_out_show_their_price(online: ApiServer) -> None:
    values = bpy.context.scene.gpt_image
    values.provider, values.quality = "openai", "low"
    image = bpy.data.images.new("wall", 512, 512)
    asked: list[Any] = []
    context = SimpleNamespace(
        space_data=SimpleNamespace(type="IMAGE_EDITOR", image=image),
        window_manager=SimpleNamespace(invoke_props_dialog=lambda operator, **how: asked.append(how)),
    )
    for operator in (new_images.GPT_IMAGE_OT_extend, new_images.GPT_IMAGE_OT_cut_out):
        button = Button(operator)
        button.left = button.top = button.bottom = 0
        button.right, button.subject, button.shown = 128, "", operator.shown
        operator.invoke(button, context, None)
        assert "$0.0" in button._told and not button._problem and "Send" in asked[-1]["confirm_text"]
    button = Button(new_images.GPT_IMAGE_OT_extend)
    button.left = button.top = button.bottom = button.right = 0
    button.invoke(context, None)
    assert button._problem and button.execute(context) == {"CANCELLED"}
    assert button.said and not online.requests


def test_using_a_result_again_sends_nothing(online: ApiServer) -> None:
    """Not even where seams were to be repaired, or the height asked for."""
    cube()
    job = api.submit(
        "oak planks", target="material", seamless=True, repair_seams=True, height_by_model=True, **PAID
    )
    assert job.wait(30) and job.error is None
    sent = len(online.image_requests)
    assert sent > 1, "the first time they are asked for"
    for target in ("texture", "material", "plane", "image"):
        assert bpy.ops.gpt_image.apply_result(job=job.id, target=target) == {"FINISHED"}
    assert bpy.ops.gpt_image.make_seamless(job=job.id) == {"FINISHED"}
    assert bpy.ops.gpt_image.recover(job=job.id) == {"FINISHED"}
    bpy.ops.gpt_image.recover_all()
    bpy.ops.gpt_image.use_variation(job=job.id, number=0)
    bpy.ops.gpt_image.use_as_reference(job=job.id)
    bpy.ops.gpt_image.recall(job=job.id)
    bpy.context.view_layer.objects.active.active_material = results.material_of(job.id)
    bpy.ops.gpt_image.remake_material()
    assert len(online.image_requests) == sent
    assert all(not one.cost_usd for one in api.jobs() if one is not job and isinstance(one, api.Job))


def test_every_menu_asks_first() -> None:
    asked = []

    class Layout(SimpleNamespace):
        def operator(self, idname: str, **_: Any) -> Any:
            asked.append(SimpleNamespace(idname=idname))
            return asked[-1]

        def separator(self) -> None: ...

    for name, draw in menus.MENUS:
        if name.endswith(("_add", "_image")):
            context = SimpleNamespace(space_data=SimpleNamespace(tree_type="ShaderNodeTree", image=None))
            draw(SimpleNamespace(layout=Layout()), context)
    buttons = [button for button in asked if button.idname == GPT_IMAGE_OT_generate.bl_idname]
    assert len(buttons) == 3 and all(button.ask for button in buttons)


def test_a_menu_sends_nothing_before_its_price_is_known(
    online: ApiServer,
) -> None:
    values = bpy.context.scene.gpt_image
    values.provider, values.prompt, values.quality = "openai", "oak", "low"
    button = Button(GPT_IMAGE_OT_generate)
    button.ask, button._question, button._quote = True, None, quote.Quote(provider="openai")
    assert button.execute(bpy.context) == {"CANCELLED"}
    assert "price" in button.said[0] and not online.requests


def test_another_one_asks_where_it_has_become_dearer(
    online: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = api.submit("oak", target="image", **PAID)
    assert job.wait(20)
    entry = results.entry(job.id)

    monkeypatch.setattr(
        results, "entry", lambda job: dataclasses.replace(entry, estimated_usd=entry.estimated_usd / 2)
    )
    asked: list[dict[str, Any]] = []

    def ask(operator: Any, **how: Any) -> set[str]:
        asked.append(how)
        return {"RUNNING_MODAL"}

    manager = SimpleNamespace(invoke_props_dialog=ask)
    context = SimpleNamespace(
        window_manager=manager,
        scene=bpy.context.scene,
        active_object=None,
        selected_objects=[],
        region_data=None,
    )
    button = Button(GPT_IMAGE_OT_again, job.id)
    assert button.operator.invoke(button, context, None) == {"RUNNING_MODAL"}
    assert asked and button._dear_usd == pytest.approx(entry.estimated_usd)
    assert len(online.image_requests) == 1


def test_the_tooltip_says_where_it_is_sent(online: ApiServer) -> None:
    job = api.submit("oak", target="image", **PAID)
    assert job.wait(20)
    said = GPT_IMAGE_OT_again.description(bpy.context, SimpleNamespace(job=job.id))
    assert "OpenAI" in said and "$" in said
    assert GPT_IMAGE_OT_again in registration.CLASSES


def test_a_dialog_knows_its_price_when_it_opens(online: ApiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a window a thread works prices out, and a dialog is not drawn again when it has."""
    monkeypatch.setattr(api, "errand", lambda work, done: None)
    values = bpy.context.scene.gpt_image
    values.provider, values.prompt, values.quality = "openai", "oak", "low"
    assert quote.current(bpy.context.scene).price == ""
    assert "$" in quote.price_now(bpy.context.scene, {}).price
    values.provider = "offline"
    assert quote.price_now(bpy.context.scene, {}).price == "free" and not online.image_requests


class Dialog:
    """The operator behind a dialog that was opened from a menu, and what is typed there."""

    check = GPT_IMAGE_OT_generate.check
    draw = GPT_IMAGE_OT_generate.draw
    _question = None

    def __init__(self, **given: Any) -> None:
        self.given, self.target, self.layout = given, given.get("target", ""), Layout()
        self.bl_rna = bpy.ops.gpt_image.generate.get_rna_type()

    def _collect_given(self, names: tuple[str, ...]) -> dict[str, Any]:
        return {name: value for name, value in self.given.items() if name in names}


def test_a_dialog_follows_what_is_typed_there(online: ApiServer) -> None:
    """Its price is that of its own request, not of the panel's."""
    values = bpy.context.scene.gpt_image
    values.provider, values.prompt, values.quality = "offline", "oak", "low"
    dialog = Dialog(prompt="an elm", provider="openai", target="image")
    for prompt in ("an elm", "an elm " * 4000):
        dialog.given["prompt"] = prompt
        assert dialog.check(bpy.context)
        dialog.layout = Layout()
        dialog.draw(bpy.context)
        price = dialog._quote.price  # type: ignore[attr-defined]
        assert any(text.endswith(price) for text in dialog.layout.said) and "$" in price
    assert dialog._quote.high_usd > quote.price_now(bpy.context.scene, {"provider": "openai"}).high_usd  # type: ignore[attr-defined]
    assert not online.image_requests
