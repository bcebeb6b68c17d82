"""A material from a photo: from Python, the command line and the operator."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from PIL import Image

from gpt_image_addon import api, cli
from gpt_image_addon.core.errors import InvalidRequestError
from gpt_image_addon.ui.editing import photo_material as interface
from tests.api_server import ApiServer
from tests.core.editing.test_homography import PHOTO, photo_of_texture, pose

CORNERS = pose(25, 30)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "wall.jpg"
    Image.fromarray(photo_of_texture(1024, CORNERS)).save(path, quality=95)
    return path


@pytest.fixture
def plane() -> bpy.types.Object:
    """An active plane, 2 metres wide, with UVs."""
    bpy.ops.mesh.primitive_plane_add(size=2)
    return bpy.context.active_object


def node(material: str, label: str) -> Any:
    tree = bpy.data.materials[material].node_tree
    return next(node for node in tree.nodes if node.label == label)


def nothing_made() -> dict[str, int]:
    return {name: len(getattr(bpy.data, name)) for name in ("materials", "images", "meshes")}


def test_a_material_is_put_onto_the_object_in_its_real_size(photo: Path, plane: bpy.types.Object) -> None:
    made = api.make_material_from_photo(photo, corners=CORNERS, length=0.6, description="brick")
    assert made.aspect == pytest.approx(1.0, abs=0.001)
    assert np.allclose(made.corners, CORNERS)
    assert (made.object, plane.active_material.name) == (plane.name, made.material)
    assert made.metres == pytest.approx(0.6 * (1 - 0.2375), rel=0.01)
    assert node(made.material, "Texture Size (m)").outputs[0].default_value == pytest.approx(made.metres)
    assert node(made.material, "Repeats").inputs[0].default_value == pytest.approx(2.0)
    kinds = {node.get("gpt_image_kind") for node in plane.active_material.node_tree.nodes}
    assert kinds >= {"base_color", "normal", "roughness", "height", "metallic"} and "opacity" not in kinds
    assert made.maps == {} and made.material_guess["name"] == "brick"
    assert made.scores is not None and made.width == made.height


def test_two_points_can_be_the_known_length(photo: Path, plane: bpy.types.Object) -> None:
    by_edge = api.make_material_from_photo(photo, corners=CORNERS, length=0.6)
    shares = [(x / PHOTO[0], y / PHOTO[1]) for x, y in (CORNERS[1], CORNERS[2])]
    by_points = api.make_material_from_photo(photo, corners=CORNERS, length=0.6, between=shares)
    assert by_points.metres == pytest.approx(by_edge.metres, rel=0.001)


def test_the_maps_can_be_files_too(photo: Path, plane: bpy.types.Object, tmp_path: Path) -> None:
    made = api.make_material_from_photo(
        photo, corners=CORNERS, output_dir=tmp_path / "maps", size="128x128", maps=["normal"], name="Wall"
    )
    assert {kind: Path(file).name for kind, file in made.maps.items()} == {
        "base_color": "Wall_base_color.png",
        "normal": "Wall_normal.png",
    }
    assert all(Image.open(file).size == (128, 128) for file in made.maps.values())


def test_all_of_a_door_keeps_its_shape(tmp_path: Path, plane: bpy.types.Object) -> None:
    """An image that is no square repeats in its own aspect."""
    corners = pose(20, 25, aspect=0.5)
    path = tmp_path / "door.png"
    Image.fromarray(photo_of_texture(1024, corners)).save(path)
    made = api.make_material_from_photo(path, corners=corners, length=1.0, seamless=False)
    assert made.width / made.height == pytest.approx(0.5, abs=0.01)
    assert made.metres == 1.0 and made.scores is None
    mapping = next(
        node for node in plane.active_material.node_tree.nodes if node.bl_idname == "ShaderNodeMapping"
    )
    assert tuple(mapping.inputs["Scale"].default_value) == pytest.approx((2.0, 1.0, 2.0), abs=0.03)
    assert tuple(node(made.material, "Aspect").inputs[1].default_value) == pytest.approx(
        (1, 0.5, 1), abs=0.01
    )


def test_a_photo_lying_on_its_side_is_marked_upright(photo: Path, plane: bpy.types.Object) -> None:
    """Corners are those of the photo as people see it, whatever the camera wrote."""
    upright = Image.open(photo)
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = photo.with_name("turned.png")
    upright.transpose(Image.Transpose.ROTATE_90).save(turned, exif=exif)
    first, second = (
        api.make_material_from_photo(path, corners=CORNERS, size="64x64") for path in (photo, turned)
    )
    colors = [node(made.material, "Base Color").image for made in (first, second)]
    one, other = (
        np.asarray(Image.open(io.BytesIO(bytes(image.packed_file.data)))).astype(int) for image in colors
    )
    assert np.abs(one - other).mean() < 1


def test_an_image_of_the_file_is_taken_as_it_is_shown(photo: Path, plane: bpy.types.Object) -> None:
    image = bpy.data.images.load(str(photo))
    by_block = api.make_material_from_photo(image, corners=CORNERS, size="64x64")
    by_name = api.make_material_from_photo(image.name, corners=CORNERS, size="64x64")
    assert by_block.aspect == by_name.aspect == pytest.approx(1.0, abs=0.001)


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "crossed": ({"corners": [CORNERS[0], CORNERS[2], CORNERS[1], CORNERS[3]]}, "corners"),
    "three": ({"corners": CORNERS[:3]}, "corners"),
    "numbers": ({"corners": [(1, 2, 3)] * 4}, "corners"),
    "words": ({"corners": "abcd"}, "corners"),
    "outside": ({"corners": [(0, 0), (9000, 0), (9000, 900), (0, 900)]}, "corners"),
    "aspect": ({"aspect": -1.0}, "aspect"),
    "length": ({"length": 0.0}, "length"),
    "no length": ({"between": [(0, 0), (9, 9)]}, "length"),
    "between": ({"length": 1.0, "between": [(0, 0), (9000, 9)]}, "between"),
    "size": ({"size": "large"}, "size"),
    "map": ({"maps": ["bump"]}, "maps"),
    "object": ({"object_name": "Nobody"}, "object_name"),
    "mapping": ({"mapping": "round"}, "mapping"),
    "unknown": ({"corner": 1}, "corner"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_made_is_refused_before_anything_is_done(name: str, photo: Path) -> None:
    parameters, param = REFUSED[name]
    before = nothing_made()
    with pytest.raises(InvalidRequestError) as caught:
        api.submit_material_from_photo(photo, **parameters)
    assert caught.value.param == param, caught.value
    assert nothing_made() == before


@pytest.mark.parametrize(
    ("data", "told"), [(b"no image", "is not an image"), (b"v/1\x01" + b"\0" * 64, "OpenEXR")]
)
def test_files_that_are_no_photos_are_refused(tmp_path: Path, data: bytes, told: str) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(data)
    with pytest.raises(InvalidRequestError, match=told):
        api.make_material_from_photo(path)
    with pytest.raises(InvalidRequestError, match="can't be read"):
        api.make_material_from_photo(tmp_path / "missing.jpg")


def test_a_broken_photo_leaves_the_file_as_it_was(photo: Path, plane: bpy.types.Object) -> None:
    photo.write_bytes(photo.read_bytes()[:4000])
    before = nothing_made()
    with pytest.raises(InvalidRequestError, match="image"):
        api.make_material_from_photo(photo, corners=CORNERS)
    assert nothing_made() == before and plane.active_material is None


def test_edit_mode_is_to_be_left_first(photo: Path, plane: bpy.types.Object) -> None:
    bpy.ops.object.mode_set(mode="EDIT")
    try:
        with pytest.raises(InvalidRequestError, match="Edit Mode"):
            api.make_material_from_photo(photo, corners=CORNERS)
    finally:
        bpy.ops.object.mode_set(mode="OBJECT")


def test_without_an_object_the_material_is_kept(photo: Path) -> None:
    bpy.context.view_layer.objects.active = None
    made = api.make_material_from_photo(photo, corners=CORNERS, size="64x64")
    assert made.object is None and bpy.data.materials[made.material].use_fake_user


def test_a_task_does_the_same(photo: Path, plane: bpy.types.Object) -> None:
    task = api.submit_material_from_photo(photo, corners=CORNERS, size="64x64")
    assert task.wait(60) and api.photo_material_of(task).object == plane.name
    assert task.title == "wall" and task in api.jobs()


def test_the_verb_makes_and_saves_it(
    photo: Path, plane: bpy.types.Object, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    corners = [f"{x:.2f},{y:.2f}" for x, y in CORNERS]
    blend = tmp_path / "wall.blend"
    arguments = ["material", str(photo), "--corners", *corners, "--length", "0.6", "--object", plane.name]
    code = cli.main([*arguments, "--output", str(blend), "--json"])
    output = json.loads(capfd.readouterr().out.splitlines()[-1])
    assert (code, output["state"], output["object"], output["blend"]) == (
        0,
        "succeeded",
        plane.name,
        str(blend),
    )
    assert blend.is_file() and output["metres"] == pytest.approx(0.6 * (1 - 0.2375), rel=0.01)


@pytest.mark.parametrize(
    ("corners", "code"),
    [
        (("0,0", "1,1", "1,0", "0,1"), 4),
        (("0,0", "1,0", "x", "0,1"), 2),
        (("0,0", "nan,0", "1,1", "0,1"), 4),
    ],
)
def test_the_verb_refuses_corners(photo: Path, corners: tuple[str, ...], code: int) -> None:
    assert cli.main(["material", str(photo), "--corners", *corners]) == code


def test_the_operator_makes_it_without_a_request(
    photo: Path, plane: bpy.types.Object, api_server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", api_server.base_url)
    image = bpy.data.images.load(str(photo))
    corners = [value for x, y in CORNERS for value in (x / PHOTO[0], y / PHOTO[1])]
    bpy.ops.gpt_image.material_from_photo(image=image.name, corners=corners, length=0.6)
    assert plane.active_material.name.startswith("wall")
    assert not api_server.requests
    with pytest.raises(RuntimeError, match="cross"):
        bpy.ops.gpt_image.material_from_photo(image=image.name, corners=(0, 0, 1, 1, 1, 0, 0, 1))


@pytest.mark.parametrize(
    ("corners", "told", "is_good"),
    [
        (CORNERS, "The aspect is 1.00.", True),
        (pose(62, 25, away=2.6), "the far side will look soft.", True),
        (pose(50, 0), "The aspect will be asked for.", True),
        (tuple(reversed(CORNERS)), "anticlockwise", False),
    ],
)
def test_what_is_told_while_corners_are_dragged(corners: Any, told: str, is_good: bool) -> None:
    found = interface.photo_material.describe_corners(corners, PHOTO)
    assert told in found[0] and found[1] is is_good
