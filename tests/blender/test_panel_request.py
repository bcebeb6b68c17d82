"""From the panel to a request: every parameter, what the model takes of it, and what is asked before."""

from __future__ import annotations

import ast
import dataclasses
from datetime import date
from pathlib import Path
from typing import Any

import bpy
import pytest

from gpt_image_addon import api
from gpt_image_addon.app import models, results, settings
from gpt_image_addon.app.submission import PreparedRequest
from gpt_image_addon.core.journal.states import JobState
from gpt_image_addon.core.request.parameters import QUALITIES, STRENGTHS
from gpt_image_addon.core.request.request import Application, GenerationRequest
from gpt_image_addon.ui import main_panel
from gpt_image_addon.ui.common import enum_items
from gpt_image_addon.ui.points import values as points
from gpt_image_addon.ui.presets import presets, style_operators
from gpt_image_addon.ui.references import images, operators
from gpt_image_addon.ui.request import (
    confirm,
    from_job,
    generate,
    model_notice,
    quote,
    subpanels,
    to_parameters,
)
from gpt_image_addon.ui.results import disk_usage
from tests.api_server import ApiServer, faults
from tests.blender.layouts import Layout, draw

SMALL = {"provider": "offline", "size": "64x64"}
ELSEWHERE = {
    "export_to",
    "export_dir",
    "object_name",
    "object_uid",
    "object_uids",
    "objects",
    "projection",
    "scene_uid",
    "view_matrix",
    "camera_frame",
    "picture",
    "repair_seams",
    "overwrite",
    "accept",
    "edit_of",
    "keep_rest",
    "panorama",
    "sun_azimuth",
    "sun_elevation",
    "normal",
}
"""Parameters that say where a result goes, which the panel knows without asking; it replaces no file.
A world is a panorama, and its sun is corrected when it is there."""


@pytest.fixture(autouse=True)
def fresh(factory_file: None) -> None:
    api.close()
    quote.forget()


def values() -> Any:
    return bpy.context.scene.gpt_image


def wanted() -> dict[str, Any]:
    return to_parameters.plain(values())


def prepared() -> PreparedRequest:
    """What a click would send."""
    return generate.prepare_request(bpy.context, {})


def offered(found: dict[str, Any]) -> tuple[GenerationRequest, Application]:
    return api.split(**found)


def everything(tmp_path: Path) -> dict[str, Any]:
    """What the panel asks for in its various states, each parameter at least once."""
    bpy.data.images.new("Base", 32, 16)
    bpy.ops.gpt_image.add_reference(kind="image", image="Base", label="the wall")
    values().prompt, values().provider, values().target = "oak", "openai", "material"
    values().style, values().name, values().safety_identifier = "anime", "Oak", "c0ffee"
    values().complexity, values().input_fidelity, values().pack = "low", "high", "gltf_orm"
    values().textures_dir, values().svg_model, values().svg_reasoning_effort = str(tmp_path), "m", "low"
    values().mask, values().texture_size, values().relief = "rectangle", 2.0, 5.0
    bpy.ops.gpt_image.add_point(text="make it brass")
    found: dict[str, Any] = {"markup": "", "reference_labels": ()}
    for output_format in ("png", "jpeg", "gif", "svg"):
        values().output_format = output_format
        found |= (
            to_parameters.plain(values())
            | to_parameters.place(bpy.context)
            | images.parameters(values())
            | points.parameters(values())
        )
    for target in ("curves", "sprite", "model", "world", "decal"):
        values().target = target
        found |= to_parameters.plain(values()) | to_parameters.place(bpy.context)
    values().provider, values().workflow, values().workflow_values = "comfyui", "a.json", "A.b=1; C.d=x"
    return found | to_parameters.plain(values())


def test_the_panel_offers_every_parameter(tmp_path: Path) -> None:
    fields = {field.name for kind in (GenerationRequest, Application) for field in dataclasses.fields(kind)}
    found = everything(tmp_path)
    assert fields - ELSEWHERE <= set(found)
    assert found["workflow_values"] == ("A.b=1", "C.d=x")


def test_formats_bring_their_own_parameters_alone(online: ApiServer) -> None:
    values().prompt, values().provider, values().partial_images = "oak", "openai", 2
    own = {"png": set(), "webp": {"output_compression"}, "gif": {"frame_count", "frame_duration_ms"}}
    for name, names in own.items():
        values().output_format = name
        found = wanted()
        kept = {"output_compression", "frame_count", "frame_duration_ms", "svg_model"} & found.keys()
        assert kept == names
        assert ("partial_images" in found) is (name != "gif")
        offered(found)
    values().output_format = "gif"
    assert quote.current(bpy.context.scene).problem == ""
    assert quote.current(bpy.context.scene).size == "960x960"  # the largest of nine frames


def test_what_another_model_takes_is_hidden_and_not_sent(online: ApiServer) -> None:
    values().prompt, values().provider, values().complexity = "oak", "openai", "low"
    assert prepared().checked.sent.complexity == "low"
    values().model = "gpt-image-2"
    assert prepared().checked.sent.complexity is None
    assert quote.current(bpy.context.scene).problem == ""


def test_qualities_that_the_model_does_not_take_are_greyed() -> None:
    values().prompt, values().provider = "oak", "openai"

    def taken(model: str) -> list[str]:
        values().model = model
        quote.current(bpy.context.scene)
        offered = draw(main_panel.GPT_IMAGE_MT_quality).enums
        assert [name for name, _ in offered] == [name for name, *_ in QUALITIES]
        return [name for name, enabled in offered if enabled]

    assert taken("gpt-image-2.6-sunburst") == [name for name, *_ in QUALITIES]
    assert taken("gpt-image-2") == ["auto", "low", "medium", "high"]


@pytest.mark.parametrize(("provider", "is_active"), [("offline", False), ("openai", True)])
def test_quality_is_greyed_where_it_changes_nothing(provider: str, is_active: bool) -> None:
    values().prompt, values().provider = "oak", provider
    shown: list[bool] = []

    class Shown(Layout):
        active = True

        def _part(self, *_: Any, **__: Any) -> Layout:
            return Shown(self.root)

        row = column = box = grid_flow = split = _part

        def menu(self, *_: Any, **__: Any) -> None:
            shown.append(self.active)

    main_panel._draw_request(Shown(), values(), quote.current(bpy.context.scene))
    assert shown == [is_active]


def test_strengths_reach_the_request_and_the_material() -> None:
    bpy.ops.mesh.primitive_cube_add()
    obj = bpy.context.active_object
    values().normal_strength, values().roughness_contrast = 2.0, 0.5
    values().prompt, values().target, values().provider = "oak", "material", "offline"
    values().size, values().width, values().height = "custom", 64, 64
    assert bpy.ops.gpt_image.generate() == {"FINISHED"}
    stored = results.entry(api.jobs()[-1].id).application
    assert (stored.normal_strength, stored.roughness_contrast) == (2.0, 0.5)
    normal = next(n.image for n in obj.active_material.node_tree.nodes if n.label == "Normal")
    before = bytes(normal.packed_file.data)
    values().normal_strength = 0.25
    assert bpy.ops.gpt_image.remake_material() == {"FINISHED"}
    normal = next(n.image for n in obj.active_material.node_tree.nodes if n.label == "Normal")
    assert bytes(normal.packed_file.data) != before
    assert obj.active_material["gpt_image_normal_strength"] == 0.25


def test_only_a_material_of_a_result_can_be_remade() -> None:
    assert not bpy.ops.gpt_image.remake_material.poll()
    bpy.ops.mesh.primitive_cube_add()
    bpy.context.active_object.data.materials.append(bpy.data.materials.new("Mine"))
    assert not bpy.ops.gpt_image.remake_material.poll()


def test_all_of_a_request_is_recalled() -> None:
    bpy.ops.mesh.primitive_cube_add()
    more = {"normal_strength": 2.0, "relief": 8.0, "displacement": "bump", "texture_size": 2.0, "bits": 16}
    job = api.submit(
        "oak", target="material", maps=("base_color", "normal"), pack="gltf_orm", **more, **SMALL
    )
    assert job.wait(20), job.message
    bpy.ops.gpt_image.recall(job=job.id)
    found = to_parameters.plain(values())
    assert {name: found[name] for name in more} == more
    assert found["maps"] == ("base_color", "normal") and found["pack"] == "gltf_orm"


def done(**more: Any) -> Any:
    job = api.submit("oak", target="image", quality="low", provider="openai", **more)
    assert job.wait(10)
    return job


def ask() -> confirm.Question | None:
    values().prompt, values().target, values().quality = "oak", "image", "low"
    return confirm.question(prepared(), {})


def test_the_same_again_is_asked_about(online: ApiServer) -> None:
    values().provider = "openai"
    assert ask() is None
    first = done()
    asked = ask()
    assert asked is not None and asked.is_stored and asked.earlier.id == first.id
    again = api.submit(**wanted(), **confirm.collect_answers(asked, "reuse"))
    assert again.wait(10) and len(online.image_requests) == 1
    again = api.submit(**wanted(), **confirm.collect_answers(asked, "send"))
    assert again.wait(10) and len(online.image_requests) == 2
    assert confirm.question(prepared(), {"reuse": True}) is None
    values().quality = "high"
    assert confirm.question(prepared(), {}) is None


def test_a_request_without_an_answer_is_asked_about(online: ApiServer) -> None:
    values().provider = "openai"
    online.script(faults.reset("processing"))
    assert done().state is JobState.UNKNOWN
    asked = ask()
    assert asked is not None and asked.is_lost and asked.confirm_text == "Send Again"
    with pytest.raises(api.GptImageError, match="may have been billed"):
        api.submit(**wanted())
    again = api.submit(**wanted(), **confirm.collect_answers(asked, "reuse"))
    assert again.wait(10) and again.state is JobState.APPLIED


def test_what_is_free_is_not_asked_about() -> None:
    values().provider = "offline"
    assert api.submit("oak", target="image", provider="offline").wait(10)
    values().prompt, values().target = "oak", "image"
    assert confirm.question(prepared(), {}) is None


def test_the_question_is_drawn(online: ApiServer) -> None:
    values().provider = "openai"
    done()
    asked = ask()
    assert asked is not None
    layout = Layout()
    operator = bpy.types.GPT_IMAGE_OT_generate
    confirm.draw(layout, asked._replace(dear_usd=0.75), "$0.013")
    text = " ".join(layout.said)
    assert "was made on" in text and "$0.750" in text
    assert layout.said[-2:] == ["Use Stored", "New  ·  $0.013"]
    assert layout.operators == ["gpt_image.answer_question"] * 2
    assert operator.bl_options == {"REGISTER"}


def use_preset(tmp_path: Path, model: str) -> None:
    path = tmp_path / "old.py"
    path.write_text(f"import bpy\nvalues = bpy.context.scene.gpt_image\nvalues.model = {model!r}\n")
    bpy.ops.script.execute_preset(filepath=str(path), menu_idname=presets.GPT_IMAGE_PT_presets.__name__)


def test_a_preset_of_a_retired_model_moves_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    values().prompt, values().provider = "oak", "openai"
    monkeypatch.setattr(models, "today", lambda: date(2026, 11, 30))
    use_preset(tmp_path, "gpt-image-1.5")
    assert (values().model, model_notice.notice(values())) == ("gpt-image-1.5", "")
    monkeypatch.setattr(models, "today", lambda: date(2026, 12, 1))
    use_preset(tmp_path, "gpt-image-1.5")
    assert values().model == "gpt-image-2.6-sunburst"
    shown = quote.messages(values(), quote.current(bpy.context.scene))
    assert any("gpt-image-1.5 was shut down on 2026-12-01" in text for text in shown)
    values().model = "gpt-image-2"
    assert model_notice.notice(values()) == ""


def test_a_recalled_request_of_a_retired_model_moves_on(monkeypatch: pytest.MonkeyPatch) -> None:
    request = GenerationRequest(prompt="oak", provider="openai", model="gpt-image-1")
    entry = type("Entry", (), {"request": request, "application": Application()})
    from_job.fill_panel(values(), entry)
    assert values().model == "gpt-image-2.5-sunburst"
    assert STRENGTHS[0] in presets.KEPT


def test_the_size_of_the_preferences_is_used_where_the_panel_says_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert (values().size, to_parameters.plain(values())["size"]) == ("usual", "1024x1024")
    found = type("Preferences", (), {"default_size": "1536x1024", "textures_dir": "/copies"})
    monkeypatch.setattr(settings, "preferences", lambda: found)
    assert to_parameters.plain(values())["size"] == "1536x1024"
    found.default_size, found.default_width, found.default_height = "custom", 2048, 512
    assert to_parameters.plain(values())["size"] == "2048x512"
    assert Path(to_parameters.place(bpy.context)["textures_dir"]) == Path("/copies")
    values().textures_dir = "/mine"
    assert Path(to_parameters.place(bpy.context)["textures_dir"]) == Path("/mine")


def test_results_are_measured_and_cleaned(tmp_path: Path) -> None:
    jobs = [api.submit(name, target="image", **SMALL) for name in ("oak", "elm")]
    assert all(job.wait(10) for job in jobs)
    bpy.ops.gpt_image.favourite(job=jobs[0].id)
    folder = str(tmp_path / "state")
    assert "MB" in disk_usage.text(folder)
    assert bpy.ops.gpt_image.clean_results(days=1) == {"FINISHED"}
    assert disk_usage.text(folder).startswith("0 results were deleted")
    assert bpy.ops.gpt_image.clean_results(days=0) == {"FINISHED"}
    assert disk_usage.text(folder).startswith("1 results were deleted")
    assert [results.entry(job.id).folder is None for job in jobs] == [False, True]


def test_a_dear_request_is_asked_about_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "preferences", lambda: type("P", (), {"confirm_above_usd": 0.5}))
    assert [confirm.dear_usd(price) for price in (0.4, 0.5, 0.6)] == [0.0, 0.0, 0.6]


def test_a_long_prompt_is_written_in_a_text() -> None:
    values().prompt = "oak"
    bpy.ops.gpt_image.edit_prompt()
    assert values().prompt_text.as_string() == "oak"
    values().prompt_text.write("\nwith moss")
    assert to_parameters.plain(values())["prompt"] == "oak\nwith moss"
    bpy.ops.gpt_image.edit_prompt()
    assert len(bpy.data.texts) == 1
    layout = draw(type("Main", (main_panel.GPT_IMAGE_PT_main,), {}))
    assert "gpt_image.edit_prompt" in layout.operators


def test_styles_stand_under_the_titles_of_their_groups() -> None:
    bpy.ops.gpt_image.add_style(label="Moon Dust", words="Style: grey dust.")
    items = enum_items.style_items(None, None)
    titles = [item[1] for item in items if not item[0]]
    assert titles == ["Surfaces", "Rendering", "Painting", "Drawing", "Design and Genre", "Own Styles"]
    tips = {item[0]: item[2] for item in items}
    assert tips["oil_painting"] == "Images for a frame, and rich concept art"
    assert tips["moon_dust"] == enum_items.words_of("moon_dust") == "Style: grey dust."
    assert "impasto" in enum_items.words_of("oil_painting")
    for name in (enum_items.NO_STYLE, "watercolour", "hand_painted"):
        values().style = name
        assert values().style == name


def test_the_menu_of_styles_says_what_the_style_adds() -> None:
    assert not bpy.ops.gpt_image.delete_style.poll()
    values().style = "anime"
    said = " ".join(draw(style_operators.GPT_IMAGE_MT_styles).said)
    assert enum_items.words_of("anime") in said and enum_items.words_of("none") == ""
    bpy.ops.gpt_image.add_style(label="Moon Dust", words="Style: grey dust.")
    assert bpy.ops.gpt_image.delete_style.poll() and bpy.ops.gpt_image.delete_style() == {"FINISHED"}


class Dropped:
    """The context of a drop."""

    scene = True

    def __init__(self, kind: str, tab: str = "GPT Image") -> None:
        self.region = type("Region", (), {"type": kind, "active_panel_category": tab})


def test_images_are_taken_where_the_panel_is_shown() -> None:
    handler = operators.GPT_IMAGE_FH_pictures
    assert handler.poll_drop(Dropped("UI"))  # type: ignore[arg-type]
    assert not handler.poll_drop(Dropped("WINDOW"))  # type: ignore[arg-type]
    assert not handler.poll_drop(Dropped("UI", "Item"))  # type: ignore[arg-type]
    assert handler.bl_import_operator == "gpt_image.drop_pictures"
    assert set(handler.bl_file_extensions.split(";")) == {".png", ".jpg", ".jpeg", ".webp"}


def test_a_result_is_made_seamless_without_a_request(online: ApiServer) -> None:
    bpy.ops.mesh.primitive_cube_add()
    job = done()
    before = api.result_of(job).images[0].file
    assert bpy.ops.gpt_image.make_seamless(job=job.id) == {"FINISHED"}
    again = api.jobs()[-1]
    assert again.wait(30) and again.state is JobState.APPLIED, again.message
    made = api.result_of(again).images[0]
    assert made.file == before and made.processed is not None and len(online.image_requests) == 1


def test_every_refusal_says_why() -> None:
    """A ``poll`` of an operator never says no without a word."""
    silent = []
    for path in sorted(Path(main_panel.__file__).parent.glob("operators_*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name == "poll":
                text = ast.unparse(node)
                refusals = text.count("return False") - text.count("super().poll")
                if refusals != text.count("poll_message_set") or "return not" in text:
                    silent.append(f"{path.name}:{node.lineno}")
    assert silent == []


def test_strengths_are_shown_where_they_do_something() -> None:
    main = type("Main", (main_panel.GPT_IMAGE_PT_main,), {})
    bpy.ops.mesh.primitive_cube_add()
    values().target = "texture"
    assert "gpt_image.remake_material" not in draw(main).operators
    assert api.submit("oak", target="material", **SMALL).wait(20)
    assert "gpt_image.remake_material" in draw(main).operators


def test_what_is_about_copies_shows_where_there_is_a_folder() -> None:
    values().target = "material"

    def drawn() -> set[str]:
        layout = Layout()
        subpanels._draw_output(layout, values(), quote.current(bpy.context.scene))
        return {"Depth", "Normals", "Pack"} & set(layout.said)

    assert drawn() == set()
    values().textures_dir = "/copies"
    assert drawn() == {"Depth", "Normals", "Pack"}
    values().target = "plane"
    assert drawn() == set()
