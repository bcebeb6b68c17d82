"""Tiles and maps through the faces: verbs, Python, and requests to the local server."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from PIL import Image

from gpt_image_addon import api
from gpt_image_addon.core.errors import BudgetExceededError, InvalidRequestError, SceneError
from gpt_image_addon.core.imaging.image_metadata import strip_metadata
from gpt_image_addon.core.providers.offline.painter import paint
from gpt_image_addon.core.request.map_kinds import MAP_KINDS
from gpt_image_addon.core.textures.tiling import is_seamless
from tests.api_server import ApiServer, faults
from tests.blender.scene_fixtures import cube, principled, reopen, source_of

KINDS = {kind.name for kind in MAP_KINDS} - {"opacity"}
Run = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture(autouse=True)
def clean(factory_file: None, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "GPT_IMAGE_PROVIDER"):
        monkeypatch.delenv(name, raising=False)
    api.close()


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """An image that does not tile."""
    path = tmp_path / "old wall.png"
    Image.fromarray(paint("mossy cobblestone", 512, 512).color[30:290, 45:345, :3]).save(path)
    return path


def size_of(path: str | Path) -> tuple[int, int]:
    with Image.open(path) as image:
        return image.size


def test_maps_needs_no_key_and_writes_every_kind(run: Run, photo: Path, tmp_path: Path) -> None:
    code, output = run("maps", photo, "--output-dir", tmp_path / "out", "--description", "stone wall")
    assert code == 0
    assert set(output) == {"schema", "state", "maps", "material_guess", "warnings"}
    assert set(output["maps"]) == KINDS
    for kind, file in output["maps"].items():
        assert Path(file) == tmp_path / "out" / f"old wall_{kind}.png"
        assert size_of(file) == (300, 260)
    assert output["material_guess"]["known"]
    assert not bpy.data.materials


def test_maps_of_a_tile_say_how_good_it_is(run: Run, photo: Path, tmp_path: Path) -> None:
    code, output = run("maps", photo, "--output-dir", tmp_path, "--seamless", "--maps", "normal,ao")
    assert code == 0
    assert set(output["maps"]) == {"normal", "ao"}
    assert output["scores"]["seam_ratio"] < 3
    assert not output["unchanged"]
    assert is_seamless(np.asarray(Image.open(output["maps"]["normal"])))


def test_strengths_and_packing_come_from_flags(run: Run, photo: Path, tmp_path: Path) -> None:
    flags = ("--normal-strength", "0", "--pack", "unity_mask", "--maps", "normal", "--name", "Wall")
    code, output = run("maps", photo, "--output-dir", tmp_path, *flags)
    assert code == 0
    assert np.asarray(Image.open(output["maps"]["normal"])).std(axis=(0, 1)).max() == 0
    assert output["maps"]["unity_mask"] == str(tmp_path / "Wall_mask.png")


@pytest.mark.parametrize(
    ("flags", "param"),
    [
        (("--maps", "bump"), "maps"),
        (("--normal-strength", "-1"), "normal_strength"),
        (("--roughness-contrast", "nan"), "roughness_contrast"),
    ],
)
def test_maps_refuses_what_it_does_not_know(
    run: Run, photo: Path, tmp_path: Path, flags: tuple[str, ...], param: str
) -> None:
    code, output = run("maps", photo, "--output-dir", tmp_path / "out", *flags)
    assert (code, output["error"]["param"]) == (4, param)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("verb", ["maps", "tile"])
@pytest.mark.parametrize("name", ["gone.png", "broken.png", "folder"])
def test_an_image_that_cannot_be_read_is_refused(run: Run, tmp_path: Path, verb: str, name: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nrubbish")
    extra = (tmp_path / "out.png",) if verb == "tile" else ("--output-dir", tmp_path / "out")
    code, output = run(verb, tmp_path / name, *extra)
    assert code == 4
    assert name in output["error"]["message"]
    assert not (tmp_path / "out.png").exists()
    assert not (tmp_path / "out").exists()


def test_a_tile_has_the_size_asked_for_and_scores(run: Run, photo: Path, tmp_path: Path) -> None:
    code, output = run("tile", photo, tmp_path / "tile.png", "--size", "200x160")
    assert code == 0
    assert set(output) == {"schema", "state", "file", "width", "height", "scores", "unchanged", "warnings"}
    assert size_of(output["file"]) == (200, 160)
    assert {"seam_ratio", "seam_percentile", "band_sharpness", "coherence", "good"} == set(output["scores"])
    assert output["unchanged"] is False


def test_a_seamless_image_is_copied_bit_by_bit(run: Run, tmp_path: Path) -> None:
    draft = tmp_path / "draft.png"
    Image.fromarray(paint("mossy cobblestone", 256, 256).color).save(draft)
    code, output = run("tile", draft, tmp_path / "tile.png")
    assert (code, output["unchanged"]) == (0, True)
    assert (tmp_path / "tile.png").read_bytes() == draft.read_bytes()


@pytest.mark.parametrize(
    ("out", "flags"),
    [("tile.exr", ()), ("old wall.png", ()), ("t.png", ("--size", "4x4")), ("t.png", ("--size", "x"))],
)
def test_tile_refuses_other_files_and_sizes(
    run: Run, photo: Path, tmp_path: Path, out: str, flags: tuple[str, ...]
) -> None:
    before = photo.read_bytes()
    code, _ = run("tile", photo, tmp_path / out, *flags)
    assert code == 4
    assert photo.read_bytes() == before
    assert {p.name for p in tmp_path.glob("*.*")} == {photo.name}


def test_node_wrangler_recognises_the_names(run: Run, photo: Path, tmp_path: Path) -> None:
    components = pytest.importorskip(
        "node_wrangler.utils.paths", reason="this Blender does not come with Node Wrangler"
    )
    _, output = run("maps", photo, "--output-dir", tmp_path)
    wanted = {
        "base_color": "diffuse diff albedo base col color basecolor",
        "normal": "normal nor nrm nrml norm",
        "height": "displacement displace disp dsp height heightmap",
        "roughness": "roughness rough rgh",
        "ao": "ao ambient occlusion",
        "metallic": "metallic metalness metal mtl",
    }
    for kind, tags in wanted.items():
        parts = components.split_into_components(output["maps"][kind])
        assert set(parts) & set(tags.split()), (kind, parts)


def test_an_image_of_the_file_is_an_image_too(photo: Path, tmp_path: Path) -> None:
    loaded = bpy.data.images.load(str(photo))
    loaded.name = "Loaded"
    by_name = api.make_maps("Loaded", tmp_path / "a", maps=["normal"])
    by_path = api.make_maps(photo, tmp_path / "b", maps=["normal"])
    assert Path(by_name.maps["normal"]).read_bytes() == Path(by_path.maps["normal"]).read_bytes()
    assert Path(by_name.maps["normal"]).name == "Loaded_normal.png"
    painted = bpy.data.images.new("Painted", 32, 20)
    painted.pixels.foreach_set(np.tile(np.float32([1, 0, 0, 1]), 32 * 20))
    tile = api.make_tile(painted, tmp_path / "t.png", size="32x20")
    assert (tile.width, tile.height) == (32, 20)
    assert np.asarray(Image.open(tile.file))[0, 0, :3].tolist() == [255, 0, 0]


def test_an_image_without_pixels_is_refused(tmp_path: Path) -> None:
    image = bpy.data.images.new("Gone", 8, 8)
    image.source, image.filepath = "FILE", str(tmp_path / "gone.png")
    with pytest.raises(InvalidRequestError):
        api.make_maps(image, tmp_path)


def test_maps_and_tiles_are_made_in_the_background(photo: Path, tmp_path: Path) -> None:
    jobs = [
        api.submit_maps(photo, tmp_path / "maps", maps=["normal"]),
        api.submit_tile(photo, tmp_path / "tile.png"),
        api.submit_tile(photo, tmp_path / "tile.png", size="100x100"),
    ]
    assert all(job.wait(30) for job in jobs)
    assert [job.error for job in jobs] == [None] * 3
    assert Path(jobs[0].applied.maps["normal"]).is_file()
    assert jobs[2].applied.width == 100
    (tmp_path / "broken.png").write_bytes(b"rubbish")
    failed = api.submit_tile(tmp_path / "broken.png", tmp_path / "t.png")
    failed.wait(30)
    assert isinstance(failed.error, InvalidRequestError)


def test_a_seamless_request_asks_for_more_and_pays_for_it(
    run: Run, online: ApiServer, tmp_path: Path
) -> None:
    flags = ("--quality", "low", "--size", "1024x1024")
    _, plain = run("estimate", "oak", *flags)
    _, priced = run("estimate", "oak", *flags, "--seamless")
    assert priced["estimated_usd"] > 1.2 * plain["estimated_usd"]
    code, output = run("generate", "oak", *flags, "--seamless", "--output", tmp_path / "x.blend")
    assert code == 0
    (record,) = online.requests
    assert record.fields["size"] == "1344x1344"
    (image,) = output["images"]
    assert (image["width"], image["height"]) == (1024, 1024)
    assert size_of(image["file"]) == (1344, 1344)
    assert (
        hashlib.sha256(Path(image["file"]).read_bytes()).hexdigest() == image["sha256"] == record.answers[0]
    )
    assert size_of(image["processed"]) == (1024, 1024)
    assert output["cost_usd"] <= output["estimated_usd"] == pytest.approx(priced["estimated_usd"])
    bpy.ops.wm.open_mainfile(filepath=output["blend"])
    block = bpy.data.images[image["name"]]
    assert tuple(block.size) == (1024, 1024)
    assert bytes(block.packed_file.data) == Path(image["processed"]).read_bytes()
    assert block["gpt_image_tile_seam_ratio"] > 0


def test_sizes_that_no_model_paints_are_fine_for_tiles(run: Run, online: ApiServer) -> None:
    code, output = run("generate", "oak", "--quality", "low", "--size", "500x300", "--seamless")
    assert code == 0
    assert (output["images"][0]["width"], output["images"][0]["height"]) == (500, 300)
    assert run("generate", "oak", "--quality", "low", "--size", "500x300")[0] == 4


def test_several_images_of_a_material_are_paired_with_their_images(online: ApiServer) -> None:
    cube()
    result = api.generate("oak", target="material", n=2, quality="low")
    first, second = result.images
    assert (first.name, second.name) == ("oak 1_base_color", "oak 2")
    assert [image.sha256 for image in result.images] == online.requests[0].answers
    packed = bytes(bpy.data.images[second.name].packed_file.data)
    assert hashlib.sha256(packed).hexdigest() == second.sha256


def test_the_height_is_asked_of_the_model_in_a_job_of_its_own(run: Run, online: ApiServer) -> None:
    cube()
    flags = ("--quality", "low", "--target", "material")
    _, plain = run("estimate", "oak", *flags)
    _, priced = run("estimate", "oak", *flags, "--height-by-model")
    assert priced["estimated_usd"] > 1.5 * plain["estimated_usd"]
    code, output = run("generate", "oak", *flags, "--height-by-model")
    assert code == 0
    image, height = online.requests
    assert (image.path, height.path) == ("/v1/images/generations", "/v1/images/edits")
    assert "height map" in height.fields["prompt"]
    (sent,) = height.files
    assert sent.filename == "image-1.png" and [sent.sha256] != image.answers  # without what the file says
    received = Path(output["images"][0]["file"]).read_bytes()
    assert sent.sha256 == hashlib.sha256(strip_metadata(received) or b"").hexdigest()
    assert height.fields["size"] == "1024x1024"
    assert output["cost_usd"] == pytest.approx(online.bill_usd)
    assert output["cost_usd"] <= output["estimated_usd"] == pytest.approx(priced["estimated_usd"])
    _, history = run("history")
    rows = {row["job"]: row for row in history["jobs"]}
    assert {row["state"] for row in rows.values()} == {"APPLIED"}
    assert rows[f"{output['job']}-height"]["cost_usd"] == pytest.approx(height.cost_usd)
    assert history["spent_usd"] == pytest.approx(online.bill_usd)


@pytest.mark.parametrize("step", [faults.error("server_error"), faults.answer("one_corrupt")])
def test_a_result_survives_the_failure_of_its_height(run: Run, online: ApiServer, step: Any) -> None:
    cube()
    online.script(faults.ok(), *[step] * 3)
    code, output = run("generate", "oak", "--quality", "low", "--target", "material", "--height-by-model")
    assert code == 0
    assert any("height" in warning for warning in output["warnings"])
    assert output["material"] and output["maps"]["normal"]


def test_the_budget_is_for_both_requests(online: ApiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    one = api.estimate("oak", quality="low", provider="openai").high_usd
    monkeypatch.setenv("GPT_IMAGE_MONTHLY_BUDGET_USD", str(1.5 * one))
    with pytest.raises(BudgetExceededError):
        api.generate("oak", target="material", quality="low", provider="openai", height_by_model=True)
    assert online.requests == []


def test_a_draft_needs_no_height_from_a_model() -> None:
    cube()
    result = api.generate("oak", target="material", provider="offline", size="64x64", height_by_model=True)
    assert result.estimated_usd == 0
    assert not any("height could not" in warning for warning in result.warnings)


def shown(material: str) -> dict[str, Any]:
    """Images of a material, by kind."""
    nodes = bpy.data.materials[material].node_tree.nodes
    return {n["gpt_image_kind"]: n.image for n in nodes if n.bl_idname == "ShaderNodeTexImage"}


def test_maps_are_made_anew_with_other_strengths_and_nothing_is_sent(tmp_path: Path) -> None:
    cube("A")
    first = api.generate(
        "cobblestone", target="material", provider="offline", size="128x128", object_name="A"
    )
    cube("B")
    second = api.generate(
        "cobblestone", target="material", provider="offline", size="128x128", object_name="B", reuse=True
    )
    other = {kind: bytes(image.packed_file.data) for kind, image in shown(second.material).items()}
    reopen(tmp_path / "x.blend")
    api.close()
    before = {kind: bytes(image.packed_file.data) for kind, image in shown(first.material).items()}
    names = api.remake_material(first.material, normal_strength=0.0)
    after = {kind: bytes(image.packed_file.data) for kind, image in shown(first.material).items()}
    assert {kind for kind in before if after[kind] != before[kind]} == {"normal"}
    assert len(names) == 1
    assert np.asarray(Image.open(io.BytesIO(after["normal"]))).std(axis=(0, 1)).max() == 0
    assert {k: bytes(image.packed_file.data) for k, image in shown(second.material).items()} == other
    api.remake_material(first.material, roughness_contrast=0.0)  # the normals stay flat
    assert bytes(shown(first.material)["normal"].packed_file.data) == after["normal"]
    api.remake_material(first.material, normal_strength=1.0, roughness_contrast=1.0)
    assert {k: bytes(i.packed_file.data) for k, i in shown(first.material).items()} == before
    normal = source_of(principled(bpy.data.materials[first.material]).inputs["Normal"])
    assert source_of(normal.inputs["Color"]).image.colorspace_settings.name == "Non-Color"


def test_only_materials_with_a_result_are_made_anew() -> None:
    bpy.data.materials.new("Plain")
    with pytest.raises(InvalidRequestError, match="no material"):
        api.remake_material("Gone", normal_strength=1.0)
    with pytest.raises(SceneError, match="not on this machine"):
        api.remake_material("Plain", normal_strength=1.0)
    with pytest.raises(InvalidRequestError, match="parameter"):
        api.remake_material("Plain", shine=1.0)
