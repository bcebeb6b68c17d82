"""The panels draw: every property, operator, menu and icon that they name exists."""

from __future__ import annotations

import types
from pathlib import Path
from typing import Any

import bpy
import pytest

from gpt_image_addon import api, registration
from gpt_image_addon.app import results
from gpt_image_addon.core.common.package import FOLDER
from gpt_image_addon.core.journal.history import HistoryPage
from gpt_image_addon.core.request.request import GenerationRequest
from gpt_image_addon.ui.common import enum_items, sidebar, state
from gpt_image_addon.ui.preferences import preferences
from gpt_image_addon.ui.request import generate, quote, to_parameters
from gpt_image_addon.ui.results import (
    chosen,
    history_view,
    operators_history,
    operators_results,
    outcomes,
    result_menu,
)
from tests.api_server import ApiServer, faults
from tests.blender.layouts import Layout, draw

SMALL = {"provider": "offline", "size": "64x64"}
PANELS = [cls for cls in registration.CLASSES if issubclass(cls, sidebar.Sidebar)]


def panel(name: str) -> type:
    return next(cls for cls in PANELS if cls.__name__ == f"GPT_IMAGE_PT_{name}_view3d")


def values() -> Any:
    return bpy.context.scene.gpt_image


@pytest.fixture(autouse=True)
def fresh() -> None:
    quote.forget()
    history_view.current().__init__()  # type: ignore[misc]
    chosen.current().__init__()  # type: ignore[misc]


@pytest.mark.parametrize("cls", PANELS, ids=lambda cls: cls.__name__)
def test_every_panel_draws_in_every_sidebar(cls: type) -> None:
    assert isinstance(draw(cls), Layout)


def test_the_three_editors_have_the_same_panels() -> None:
    spaces: dict[str, set[str]] = {}
    for cls in PANELS:
        spaces.setdefault(cls.bl_space_type, set()).add(cls.__bases__[0].__name__)  # type: ignore[attr-defined]
    assert set(spaces) == {"VIEW_3D", "IMAGE_EDITOR", "NODE_EDITOR"}
    assert len({frozenset(names) for names in spaces.values()}) == 1


@pytest.mark.parametrize("target", [item[0] for item in enum_items.TARGETS])
@pytest.mark.parametrize("size", ["1024x1024", "custom"])
@pytest.mark.parametrize("provider", ["openai", "offline"])
def test_the_panel_draws_in_every_state(target: str, size: str, provider: str) -> None:
    values().target, values().size, values().provider = target, size, provider
    layout = draw(panel("main"))
    assert "gpt_image.generate" in layout.operators
    assert ("Width" in layout.said) is (size == "custom")


@pytest.mark.parametrize("kind", [item[0] for item in enum_items.REFERENCES])
@pytest.mark.parametrize("mask", [item[0] for item in enum_items.MASKS])
def test_references_and_masks_draw(kind: str, mask: str) -> None:
    bpy.ops.gpt_image.add_reference(kind=kind)
    values().mask, values().output_format, values().partial_images = mask, "jpeg", 2
    layout = draw(panel("main"))
    assert "Label" in layout.said
    assert ("Live" in layout.said) is (kind not in ("file", "image"))


def test_only_what_the_model_takes_is_shown() -> None:
    values().provider = "openai"
    assert "Complexity" in draw(panel("main")).said
    values().model = "gpt-image-2"
    assert "Complexity" not in draw(panel("main")).said
    values().provider = "offline"
    assert "Moderation" not in draw(panel("main")).said


def test_without_a_key_the_panel_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    values().prompt = "oak"
    assert "Drawn on this computer" in draw(panel("main")).said
    layout = draw(bpy.types.GPT_IMAGE_PT_provider)
    assert any("Offline draft" in text for text in layout.said)
    assert "gpt_image.open_preferences" in layout.operators
    monkeypatch.setenv("OPENAI_API_KEY", "sk-x")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")
    assert "To OpenAI: prompt" in draw(panel("main")).said
    assert not any("Offline draft" in text for text in draw(bpy.types.GPT_IMAGE_PT_provider).said)


def test_what_is_sent_of_a_model_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-x")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")
    values().prompt, values().target = "oak", "model"
    assert "To OpenAI: prompt, this view" in draw(panel("main")).said
    values().views, values().guides = "auto", {"depth"}
    values().size, values().width, values().height = "custom", 1152, 768
    said = draw(panel("main"))
    assert "To OpenAI: prompt, 2 images" in said.said
    assert "gpt_image.show_sides" in said.operators


class AboutTheRequest:
    """The context of a button that is about the panel's request."""

    gpt_image_request = True

    def __getattr__(self, name: str) -> Any:
        return getattr(bpy.context, name)


def why_not(monkeypatch: pytest.MonkeyPatch) -> str:
    """What the greyed button says; empty where it can be clicked."""
    generate = next(cls for cls in registration.CLASSES if cls.__name__ == "GPT_IMAGE_OT_generate")
    said: list[str] = []
    monkeypatch.setattr(generate, "poll_message_set", said.append, raising=False)
    assert generate.poll(AboutTheRequest()) is not bool(said)  # type: ignore[attr-defined]
    return said[0] if said else ""


def test_a_disabled_button_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    values().provider = "offline"
    assert why_not(monkeypatch) == "Write a prompt first."
    values().prompt = "oak"
    assert why_not(monkeypatch) == ""
    bpy.ops.gpt_image.add_reference(kind="image")
    assert "Reference 1 has no image" in why_not(monkeypatch)
    bpy.ops.gpt_image.remove_reference()
    values().mask = "rectangle"
    assert "needs a reference" in why_not(monkeypatch)
    values().mask = "none"
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    values().provider = "openai"
    assert "no API key" in why_not(monkeypatch)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-x")
    assert "online access is off" in why_not(monkeypatch)
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")
    assert why_not(monkeypatch) == ""
    values().model = "gpt-image-1"
    assert "shut down" in why_not(monkeypatch)


def test_the_price_stands_on_the_button_and_follows_the_request() -> None:
    values().prompt, values().provider = "oak", "openai"
    values().quality = "low"
    cheap = quote.current(bpy.context.scene).high_usd
    assert any(text.endswith(quote.current(bpy.context.scene).price) for text in draw(panel("main")).said)
    values().quality = "max"
    assert quote.current(bpy.context.scene).high_usd > 4 * cheap > 0
    values().provider, values().quality = "offline", "auto"
    assert any("free" in text for text in draw(panel("main")).said)


def test_a_free_size_is_snapped_to_what_the_model_takes() -> None:
    values().prompt, values().provider = "oak", "openai"
    values().size, values().width, values().height = "custom", 1920, 1080
    assert quote.current(bpy.context.scene).size == "1920x1088"
    assert "1920 × 1088" in draw(panel("main")).said


def test_a_quote_is_worked_out_once_a_change(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    planner = api.planner
    monkeypatch.setattr(
        api, "planner", lambda prompt, **more: asked.append(prompt) or planner(prompt, **more)
    )
    values().prompt, values().provider = "oak", "offline"
    for _ in range(3):
        draw(panel("main"))
    assert asked == ["oak"]
    values().prompt = "elm"
    draw(panel("main"))
    assert asked == ["oak", "elm"]


def card() -> Layout:
    """The main panel: it holds the card."""
    registration._jobs_changed()
    return draw(panel("main"))


def test_without_a_result_the_card_says_what_to_begin_with() -> None:
    layout = card()
    assert layout.operators.count("script.execute_preset") == 5
    assert {"Tileable Material", "Game Prop"} <= set(layout.said)


def test_a_job_is_shown_from_its_begin_to_its_end() -> None:
    job = api.submit("oak", target="image", **SMALL)
    layout = card()
    assert "oak" in layout.said and "gpt_image.cancel" in layout.operators
    assert "gpt_image.cancel" in draw(panel("results")).operators
    assert job.wait(10)
    layout = card()
    assert "oak" in layout.said and "gpt_image.cancel" not in layout.operators
    assert layout.pointers["gpt_image_job"] == job.id
    assert {"gpt_image.again", "gpt_image.edit_region", "gpt_image.favourite"} <= set(layout.operators)


def test_the_newest_result_of_the_history_is_shown_at_first() -> None:
    job = api.submit("oak", target="image", **SMALL)
    assert job.wait(10)
    state.drop()
    state.make()
    draw(panel("results"))
    assert "oak" in draw(panel("main")).said and chosen.current().job == job.id


def test_a_result_is_chosen_in_the_list() -> None:
    first, second = (api.submit(prompt, target="image", **SMALL) for prompt in ("oak", "elm"))
    assert first.wait(10) and second.wait(10)
    assert "elm" in card().said
    assert draw(panel("results")).operators.count("gpt_image.show_result") == 2
    bpy.ops.gpt_image.show_result(job=first.id)
    said = draw(panel("main")).said
    assert "oak" in said and "elm" not in said
    properties = types.SimpleNamespace(job=first.id)
    tooltip = operators_history.GPT_IMAGE_OT_show_result.description(bpy.context, properties)
    assert tooltip.startswith("oak\n") and "draft" in tooltip


def test_the_menu_of_a_result_opens_and_deletes_its_files() -> None:
    job = api.submit("oak", target="image", **SMALL)
    assert job.wait(10)
    offered = draw(result_menu.GPT_IMAGE_MT_result).operators
    assert {"gpt_image.open_folder", "gpt_image.delete_result"} <= set(offered)
    assert card() and chosen.current().images
    bpy.ops.gpt_image.delete_result(job=job.id)
    draw(panel("results"))
    assert chosen.current().job == job.id and chosen.current().images == ()


def test_a_favourite_is_marked_in_the_card() -> None:
    job = api.submit("oak", target="image", **SMALL)
    assert job.wait(10)
    card()
    draw(panel("results"))
    bpy.ops.gpt_image.favourite(job=job.id)
    assert chosen.current().item.favourite and results.entry(job.id).favourite


def test_further_variations_are_on_further_pages() -> None:
    assert api.submit("oak", target="texture", n=6, **SMALL).wait(10)
    assert {"1", "4"} <= set(card().said) and "5" not in card().said
    bpy.ops.gpt_image.turn_variations()
    assert {"5", "6"} <= set(card().said) and "1" not in card().said
    bpy.ops.gpt_image.turn_variations()
    assert "1" in card().said


def place_line() -> str:
    """The line above the button."""
    said = draw(panel("main")).said
    return next(
        text for text in said if text.startswith(("On ", "Only ", "As a ", "Nothing ", "'", "Image at "))
    )


def test_where_the_result_goes_is_said_before() -> None:
    values().target = "material"
    assert place_line() == "Nothing is active: it is only kept in the file."
    bpy.ops.mesh.primitive_cube_add()
    assert place_line() == "On Cube"
    bpy.context.object.active_material = bpy.data.materials.new("Wood")
    assert place_line() == "On Cube › Wood"
    bpy.ops.object.mode_set(mode="EDIT")
    assert place_line() == "On the selected faces of Cube"
    bpy.ops.object.mode_set(mode="SCULPT")
    assert place_line() == "Image at once; onto Cube after Sculpt Mode"
    bpy.ops.object.mode_set(mode="OBJECT")
    bpy.ops.object.camera_add()
    assert place_line() == "'Camera' can't have a material: it is only kept in the file."
    for target, words in (("image", "Only as an image"), ("plane", "As a new plane")):
        values().target = target
        assert place_line().startswith(words)


def test_where_it_went_is_said_after() -> None:
    bpy.ops.mesh.primitive_cube_add()
    job = api.submit("oak", target="texture", n=2, **SMALL)
    assert job.wait(10)
    layout = card()
    assert "Cube › oak 1" in layout.said and "gpt_image.show_messages" in layout.operators
    tooltip = operators_results.GPT_IMAGE_OT_show_messages.description(
        bpy.context, types.SimpleNamespace(job=job.id)
    )
    assert "other images" in tooltip
    bpy.ops.object.camera_add()
    assert api.submit("elm", target="material", **SMALL).wait(10)
    assert any("can't have a material" in text for text in card().said)


def test_a_failed_job_can_be_tried_again(online: ApiServer) -> None:
    online.script(faults.error("insufficient_quota"))
    job = api.submit("oak", provider="openai", quality="low", target="image")
    assert job.wait(10) and job.error is not None
    layout = card()
    assert {"gpt_image.again", "gpt_image.recall"} <= set(layout.operators)
    assert "Nothing was billed." in layout.said
    assert any(text.startswith("Try Again  ·  $") for text in layout.said)
    assert state.part(outcomes.Outcomes).newest is job
    layout = Layout()
    outcomes.draw_newest(layout)
    assert layout.said[0].startswith("oak: ")


class AboutTheJob:
    """The context of a menu that is about one job."""

    def __init__(self, job: str) -> None:
        self.gpt_image_job = job


def test_the_menu_of_a_result_names_the_price_of_another_one(online: ApiServer) -> None:
    job = api.submit("oak", provider="openai", quality="low", target="image")
    assert job.wait(10)
    assert job.cost_usd is not None
    text = result_menu._another_one(job.id)
    assert text == f"Another One  ·  {quote.usd(job.estimated_usd)}" and "$" in text
    assert result_menu._another_one("nothing") == "Another One"


def test_variations_are_offered_side_by_side() -> None:
    bpy.ops.mesh.primitive_cube_add()
    job = api.submit("oak", target="texture", n=3, **SMALL)
    assert job.wait(10)
    assert card().operators.count("gpt_image.use_variation") == 4
    assert len(chosen.current().images) == 3
    bpy.ops.gpt_image.use_variation(job=job.id, number=2)
    assert chosen.current().used == 2


def test_the_history_lists_searches_and_pages() -> None:
    shown, cls = bpy.context.window_manager.gpt_image, panel("results")
    for number in range(history_view.PAGE + 2):
        assert api.submit(f"oak {number}", target="image", **SMALL).wait(10)

    def listed() -> list[str]:
        count = draw(cls).operators.count("gpt_image.show_result")
        rows = [row.prompt for row in history_view.current().rows]
        assert len(rows) == count
        return rows

    found = listed()
    assert found.count(f"oak {history_view.PAGE + 1}") == 1 and "oak 0" not in found
    assert f"1 to {history_view.PAGE} of {history_view.PAGE + 2}" in draw(cls).said
    bpy.ops.gpt_image.turn_page(step=1)
    assert "oak 0" in listed()
    shown.search = "oak 3"
    try:
        assert listed() == ["oak 3"]
    finally:
        shown.search = ""


def test_an_older_answer_does_not_replace_a_newer_one() -> None:
    older, newer = (HistoryPage(float(number), 0.0, number * history_view.PAGE, ()) for number in (1, 2))
    view = history_view.current()
    first, second = next(view.questions), next(view.questions)
    history_view._take_answer(view, second, newer, None)
    history_view._take_answer(view, first, older, None)
    assert view.spent_usd == 2.0 and view.pages == 2


def test_the_last_page_is_shown_when_the_page_is_gone() -> None:
    view = history_view.current()
    view.page = 7
    history_view._take_answer(
        view, next(view.questions), HistoryPage(0.0, 0.0, history_view.PAGE + 1, ()), None
    )
    assert view.page == 1


def test_the_preferences_draw(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    cls = preferences.GPT_IMAGE_AP_preferences

    class Data:
        bl_rna = cls.bl_rna
        use_keychain = False
        default_size = "custom"

    monkeypatch.setenv("OPENAI_ORG_ID", "org-x")
    layout = draw(cls, Data)
    assert "Default Width" in layout.said and "gpt_image.clean_results" in layout.operators
    assert [text for text in layout.said if "takes precedence" in text] == [
        "OPENAI_ORG_ID is set and takes precedence."
    ]
    assert "Base URL" in layout.said
    assert any("no key" in text for text in layout.said)
    assert "gpt_image.test_connection" in layout.operators


def test_the_panels_values_become_a_request() -> None:
    bpy.ops.mesh.primitive_cube_add()
    values().prompt, values().size, values().width, values().height = "oak", "custom", 640, 320
    values().provider, values().n = "offline", 2
    found = {**to_parameters.plain(values()), **to_parameters.place(bpy.context)}
    request, application = api.split(**found)
    assert (request.prompt, request.size, request.n, request.provider) == ("oak", "640x320", 2, "offline")
    assert application.object_uid == bpy.context.active_object.session_uid
    assert application.scene_uid == bpy.context.scene.session_uid


def test_a_long_prompt_comes_from_a_text() -> None:
    text = bpy.data.texts.new("prompt")
    text.write("oak\nplanks")
    values().prompt, values().prompt_text = "ignored", text
    assert to_parameters.plain(values())["prompt"] == "oak\nplanks"


def test_the_operator_works_from_a_script() -> None:
    bpy.ops.mesh.primitive_cube_add()
    cube = bpy.context.active_object
    assert bpy.ops.gpt_image.generate(
        prompt="slate", provider="offline", target="material", size="64x64"
    ) == {"FINISHED"}
    assert cube.active_material.name == "slate"
    values().prompt = "oak"
    assert bpy.ops.gpt_image.generate(provider="offline", target="image", size="64x64") == {"FINISHED"}
    assert "oak" in bpy.data.images


def test_a_refused_request_is_reported() -> None:
    with pytest.raises(RuntimeError, match="prompt is empty"):
        bpy.ops.gpt_image.generate(provider="offline")
    with pytest.raises(RuntimeError, match="not known"):
        bpy.ops.gpt_image.generate(prompt="x", provider="offline", target="cube")


@pytest.mark.parametrize(
    ("likely", "high", "text"),
    [(0.053, 0.0531, "$0.053"), (0.05, 0.211, "≈ $0.050"), (1.2, 3.4, "≈ $1.20"), (0.0, 0.0, "$0.00")],
)
def test_a_price_is_one_number(likely: float, high: float, text: str) -> None:
    assert quote.price_text(likely, high) == text
    assert quote.price_text(likely, high, is_paid=False) == "free"


def test_the_worst_case_is_in_the_tooltip(online: ApiServer) -> None:
    operator = generate.GPT_IMAGE_OT_generate
    values().prompt, values().provider, values().quality = "oak", "openai", "auto"
    found = quote.current(bpy.context.scene)
    assert found.price.startswith("≈ $") and found.high_usd > 1.05 * found.low_usd
    text = operator.description(bpy.context, None)
    assert quote.usd(found.low_usd) in text and quote.usd(found.high_usd) in text
    values().provider = "offline"
    assert "$" not in operator.description(bpy.context, None)


def test_the_panel_begins_with_medium_and_scripts_with_auto() -> None:
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    assert values().quality == "medium"
    assert GenerationRequest(prompt="oak").quality == "auto"


PRESETS = sorted((FOLDER / "presets" / "gpt_image").glob("*.py"))


def test_five_presets_are_there_from_the_start() -> None:
    folders = bpy.utils.preset_paths("gpt_image")
    shown = {path.stem for folder in folders for path in Path(folder).glob("*.py")}
    assert {"tileable_material", "decal", "concept_from_view", "poster", "game_prop"} <= shown
    assert len(PRESETS) == 5


@pytest.mark.parametrize("preset", PRESETS, ids=lambda path: path.stem)
def test_a_preset_makes_a_request_that_can_be_sent(preset: Path, online: ApiServer) -> None:
    bpy.ops.mesh.primitive_cube_add()
    values().prompt, values().provider = "oak", "openai"
    values().seamless, values().background, values().n = preset.stem != "tileable_material", "opaque", 4
    bpy.ops.script.execute_preset(filepath=str(preset), menu_idname="GPT_IMAGE_MT_presets")
    assert (values().n, values().quality, values().provider) == (1, "medium", "openai")
    assert values().seamless is (preset.stem == "tileable_material")
    assert (values().target == "decal") is (preset.stem == "decal")
    found = quote.current(bpy.context.scene)
    assert found.problem == "" and found.high_usd > 0 and draw(panel("main")).said
    values().references.clear()
