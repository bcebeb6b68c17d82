"""What each engine gets of a material: every reference leads somewhere, every setting is the right one."""

from __future__ import annotations

import json
import re
import struct
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from numpy.typing import NDArray

from gpt_image_addon.core.engines.table import ENGINE_NAMES
from gpt_image_addon.core.exports.export import make_files
from gpt_image_addon.core.exports.texture_set import Material
from gpt_image_addon.core.imaging.decoding import decode_image
from gpt_image_addon.core.imaging.png_writer import encode_png

SIDE = 32
NAME = "old oak"


def plane(seed: int, channels: int = 1) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(1, 255, (SIDE, SIDE, channels), np.uint8)


MAPS = {
    "base_color": plane(1, 3),
    "normal": plane(2, 3) | np.array([0, 0, 128], np.uint8),
    "height": plane(3),
    "roughness": plane(4),
    "ao": plane(5),
    "metallic": plane(6),
}


def material(*without: str, **changes: Any) -> Material:
    maps = {kind: encode_png(pixels) for kind, pixels in MAPS.items() if kind not in without}
    return Material(NAME, maps, **{"repeats": (2.5, 2.0), **changes})


def pixels_of(data: bytes) -> NDArray[Any]:
    return decode_image(data, as_data=True, deep=True).pixels


def channel(kind: str) -> NDArray[np.uint8]:
    return MAPS[kind][..., 0]


def find(files: Mapping[str, bytes], ending: str) -> bytes:
    (found,) = (data for path, data in files.items() if path.endswith(ending))
    return found


@pytest.mark.parametrize("engine", ENGINE_NAMES)
@pytest.mark.parametrize("without", [(), ("ao", "roughness", "metallic"), ("base_color", "normal", "height")])
def test_an_export_is_the_same_again_and_has_safe_paths(engine: str, without: tuple[str, ...]) -> None:
    files = make_files(material(*without), engine)
    assert files == make_files(material(*without), engine)
    assert files and all(data for data in files.values())
    for path in files:
        assert ".." not in path and not path.startswith("/") and "\\" not in path


def test_packed_maps_hold_each_map_where_the_engine_looks() -> None:
    mask = pixels_of(find(make_files(material(), "unity"), "_Mask.png"))
    assert np.array_equal(mask[..., 0], channel("metallic"))
    assert np.array_equal(mask[..., 1], channel("ao"))
    assert np.array_equal(mask[..., 3], 255 - channel("roughness"))
    for engine, file in (("unreal", "_ORM.png"), ("godot", "_orm.png")):
        orm = pixels_of(find(make_files(material(), engine), file))
        assert all(
            np.array_equal(orm[..., i], channel(kind))
            for i, kind in enumerate(("ao", "roughness", "metallic"))
        )
    orm = pixels_of(
        find(make_files(material("roughness", constants={"roughness": 0.2}), "godot"), "_orm.png")
    )
    assert (orm[..., 1] == 51).all()


def test_normals_are_turned_in_one_place_only() -> None:
    for engine in ENGINE_NAMES:
        files = make_files(material(), engine)
        name = {"unity": "_Normal.png", "unreal": "_N.png"}.get(engine, "_normal.png")
        if engine == "gltf":
            normal = images_of(read_glb(find(files, ".glb")))["normal"]
        else:
            normal = pixels_of(find({k: v for k, v in files.items() if "Neutral" not in k}, name))
        green = 255 - MAPS["normal"][..., 1] if engine == "unreal" else MAPS["normal"][..., 1]
        assert np.array_equal(normal[..., 1], green) and np.array_equal(
            normal[..., 0], MAPS["normal"][..., 0]
        )


@pytest.mark.parametrize(
    ("kind", "strengths", "value"),
    [
        ("normal", {"normal": 0.0}, (128, 128, 255)),
        ("ao", {"ao": 0.0}, 255),
        ("roughness", {"roughness": 0}, 77),
    ],
)
def test_strengths_of_the_nodes_are_in_the_maps(kind: str, strengths: dict[str, float], value: Any) -> None:
    files = make_files(material(strengths=strengths, roughness_mean=0.3), "usd")
    shown = pixels_of(find(files, f"_{kind}.png"))
    assert np.abs(shown.astype(int) - value).max() <= 1


def test_unity_finds_all_by_guid() -> None:
    files = make_files(material(), "unity")
    metas = {path: re.search(rb"guid: (\w{32})", data)[1] for path, data in files.items() if ".meta" in path}
    assert len(set(metas.values())) == len(metas) == len(files) / 2
    assert all(path.removesuffix(".meta") in files for path in metas)
    for path, data in files.items():
        if path.endswith(".png.meta"):
            is_color, is_normal = "BaseColor" in path, "Normal" in path
            assert f"sRGBTexture: {int(is_color)}\n".encode() in data
            assert f"textureType: {int(is_normal)}\n".encode() in data
            assert b"TextureImporter:\n  serializedVersion: 13\n" in data and b"textureShape: 1\n" in data
    slots = {
        "URP": {
            "_BaseMap": "BaseColor",
            "_BumpMap": "Normal",
            "_MetallicGlossMap": "Mask",
            "_OcclusionMap": "Mask",
        },
        "HDRP": {"_BaseColorMap": "BaseColor", "_NormalMap": "Normal", "_MaskMap": "Mask"},
    }
    for folder, wanted in slots.items():
        text = files[f"{NAME}/{folder}/{NAME}.mat"].decode()
        shown = dict(re.findall(r"- (_\w+):\n +m_Texture: \{fileID: 2800000, guid: (\w+), type: 3\}", text))
        by_guid = {guid.decode(): path for path, guid in metas.items()}
        assert {slot: by_guid[guid].rpartition("_")[2] for slot, guid in shown.items()} == {
            slot: f"{file}.png.meta" for slot, file in wanted.items()
        }
        assert text.count("m_Scale: {x: 2.5, y: 2}") == len(wanted)
        keywords = re.search(r"m_ValidKeywords:\n((?:  - \w+\n)+)", text)[1]
        assert "_NORMALMAP\n" in keywords and keywords.count("MASK") + keywords.count("GLOSS") == 1
    assert (
        len({re.search(r"m_Shader: .*guid: (\w+)", files[p].decode())[1] for p in files if p[-4:] == ".mat"})
        == 2
    )


def test_without_masks_unity_gets_the_values() -> None:
    bare = material("ao", "roughness", "metallic", constants={"roughness": 0.25, "metallic": 1.0})
    text = make_files(bare, "unity")[f"{NAME}/URP/{NAME}.mat"].decode()
    assert (
        "_Smoothness: 0.75\n" in text
        and "_Metallic: 1\n" in text
        and "GLOSS" not in text.split("m_SavedP")[0]
    )


class Recorder:
    """Stands for Unreal's module: takes every call and notes it."""

    def __init__(self, path: str = "unreal", calls: list[Any] | None = None) -> None:
        self.path, self.calls = path, [] if calls is None else calls

    def __getattr__(self, name: str) -> Recorder:
        if name.startswith("__"):
            raise AttributeError(name)
        return Recorder(f"{self.path}.{name}", self.calls)

    def __call__(self, *arguments: Any) -> Any:
        self.calls.append((self.path.rpartition(".")[2], arguments))
        if self.path.endswith("does_asset_exist"):
            return False
        return Recorder(f"{self.path}()", self.calls)


def test_the_script_for_unreal_imports_each_file_with_its_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = make_files(material(), "unreal")
    for path, data in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(data)
    recorder = Recorder()
    monkeypatch.setitem(__import__("sys").modules, "unreal", recorder)  # type: ignore[arg-type]
    script = tmp_path / "import_materials.py"
    module = types.ModuleType("script")
    module.__file__ = str(script)
    exec(compile(script.read_text(), str(script), "exec"), vars(module))
    set_ = [arguments for name, arguments in recorder.calls if name == "set_editor_property"]
    imported = [value for key, value in set_ if key == "filename"]
    assert sorted(Path(file).name for file in imported) == sorted(
        Path(path).name for path in files if path.endswith(".png")
    )
    assert {value for key, value in set_ if key == "flip_green_channel"} == {False}
    srgb = [value for key, value in set_ if key == "srgb"]
    assert srgb.count(True) == 2  # the color, and the neutral one
    textures = [a[1] for name, a in recorder.calls if name.endswith("instance_texture_parameter_value")]
    assert textures == ["BaseColor", "Normal", "ORM"]
    scalars = [a[1:] for name, a in recorder.calls if name.endswith("instance_scalar_parameter_value")]
    assert scalars == [("RepeatsU", 2.5), ("RepeatsV", 2.0)]


def test_godot_refers_to_files_beside_it() -> None:
    files = make_files(material(), "godot")
    for resource, maps in ((f"{NAME}.tres", 3), (f"{NAME}_orm.tres", 3)):
        text = files[f"{NAME}/{resource}"].decode()
        named = dict(re.findall(r'\[ext_resource type="Texture2D" path="(.+)" id="(.+)"\]', text))
        assert len(named) == maps and all(f"{NAME}/{file}" in files for file in named)
        assert set(re.findall(r'ExtResource\("(.+)"\)', text)) == set(named.values())
        assert f"load_steps={maps + 1} " in text and "uv1_scale = Vector3(2.5, 2, 1)" in text
        assert "metallic = 1.0" in text
    for path in [path for path in files if path.endswith(".png")]:
        settings = files[f"{path}.import"].decode()
        assert f'source_file="{Path(path).name}"' in settings
        assert f"compress/normal_map={1 if 'normal' in path else 2}\n" in settings


def read_glb(data: bytes) -> tuple[dict[str, Any], bytes]:
    magic, version, length = struct.unpack_from("<4sII", data)
    assert (magic, version, length) == (b"glTF", 2, len(data))
    size, kind = struct.unpack_from("<I4s", data, 12)
    assert kind == b"JSON" and size % 4 == 0
    document = json.loads(data[20 : 20 + size])
    rest, kind = struct.unpack_from("<I4s", data, 20 + size)
    assert kind == b"BIN\0" and 28 + size + rest == length
    return document, data[28 + size :]


def images_of(found: tuple[dict[str, Any], bytes]) -> dict[str, NDArray[Any]]:
    document, binary = found
    images = {}
    for image in document["images"]:
        view = document["bufferViews"][image["bufferView"]]
        start = view["byteOffset"]
        images[image["name"]] = pixels_of(binary[start : start + view["byteLength"]])
    return images


def test_a_glb_holds_its_images_and_where_they_lie() -> None:
    document, binary = found = read_glb(find(make_files(material(), "gltf"), ".glb"))
    assert np.array_equal(images_of(found)["base_color"], MAPS["base_color"])
    (surface,) = document["materials"]
    places = [surface["normalTexture"], surface["occlusionTexture"]]
    places += [
        surface["pbrMetallicRoughness"][f"{name}Texture"] for name in ("baseColor", "metallicRoughness")
    ]
    for place in places:
        assert place["extensions"]["KHR_texture_transform"] == {"scale": [2.5, 2.0], "offset": [0.0, -1.0]}
        assert document["textures"][place["index"]]["source"] < len(document["images"])
    for view in document["bufferViews"]:
        assert view["byteOffset"] % 4 == 0 and view["byteOffset"] + view["byteLength"] <= len(binary)
    plain = read_glb(find(make_files(material(repeats=(1.0, 1.0)), "gltf"), ".glb"))[0]
    assert "extensionsUsed" not in plain


def test_usd_and_materialx_connect_what_is_there() -> None:
    files = make_files(material(), "usd")
    text = files[f"{NAME}/{NAME}.usda"].decode()
    prims = set(re.findall(r'def Shader "(\w+)"', text))
    for target in re.findall(r"connect = </old_oak/Materials/old_oak/(\w+)\.", text):
        assert target in prims
    for file in re.findall(r"@\./(.+?)@", text):
        assert f"{NAME}/{file}" in files
    assert "inputs:occlusion.connect" in text and "inputs:scale = (2.5, 2)" in text
    files = make_files(material(), "materialx")
    root = ElementTree.fromstring(files[f"{NAME}/{NAME}.mtlx"])
    names = {node.attrib["name"] for node in root.iter() if "name" in node.attrib}
    for node in root.iter("input"):
        assert {node.attrib.get(key, "uv") for key in ("nodename", "nodegraph", "output")} <= names
        if node.attrib["name"] == "file":
            assert f"{NAME}/{node.attrib['value']}" in files


@pytest.mark.parametrize("name", ["", "2 Türen & <x> \"y\" 'z'", "木"])
def test_names_of_all_kinds_make_documents_that_can_be_read(name: str) -> None:
    odd = Material(name or "x", material().maps)
    ElementTree.fromstring(find(make_files(odd, "materialx"), ".mtlx"))
    assert re.search(
        r'defaultPrim = "[A-Za-z_]\w*"', find(make_files(odd, "usd"), ".usda").decode(), re.ASCII
    )
    read_glb(find(make_files(odd, "gltf"), ".glb"))
