"""glTF 2.0: a swatch of one square metre with tangents, in one binary file."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import Any

from .texture_set import Texture, TextureSet

_JSON, _BIN = 0x4E4F534A, 0x004E4942  # kinds of chunks
_FLOAT, _SHORT = 5126, 5123  # kinds of numbers
_VERTICES, _INDICES = 34962, 34963  # what a buffer is for
_REPEAT, _LINEAR, _MIPMAPPED = 10497, 9729, 9987
_CORNERS = ((-0.5, 0.0, 0.5), (0.5, 0.0, 0.5), (0.5, 0.0, -0.5), (-0.5, 0.0, -0.5))
_UVS = ((0.0, 1.0), (1.0, 1.0), (1.0, 0.0), (0.0, 0.0))
_TRIANGLES = (0, 1, 2, 0, 2, 3)


def write(found: TextureSet) -> dict[str, bytes]:
    """The files of a material by their path below the folder that is exported to."""
    textures = _make_textures(found)
    return {f"{found.name}/{found.name}.glb": _pack(found, textures)}


def _make_textures(found: TextureSet) -> dict[str, Texture]:
    made = found.write_maps({kind: kind for kind in ("base_color", "normal")})
    packed = found.write_packed("gltf_orm", "occlusion_roughness_metallic")
    return made if packed is None else {**made, "orm": packed}


class _Buffer:
    """The binary chunk, and the views that say what lies where in it."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.views: list[dict[str, Any]] = []

    def add(self, data: bytes, **about: int) -> int:
        """Append; returns the number of its view."""
        self.data += bytes(-len(self.data) % 4)
        self.views.append(
            {"buffer": 0, "byteOffset": len(self.data), "byteLength": len(data), **about},
        )
        self.data += data
        return len(self.views) - 1


def _pack(found: TextureSet, textures: Mapping[str, Texture]) -> bytes:
    buffer = _Buffer()
    accessors, attributes = _mesh(buffer)
    images = [
        {"bufferView": buffer.add(texture.data), "mimeType": "image/png", "name": texture.file}
        for texture in textures.values()
    ]
    document: dict[str, Any] = {
        "asset": {"version": "2.0", "generator": "GPT Image for Blender"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0, "name": found.name}],
        "meshes": [{"primitives": [{"attributes": attributes, "indices": 0, "material": 0}]}],
        "materials": [_material(found, list(textures))],
        "accessors": accessors,
        "bufferViews": buffer.views,
        "buffers": [{"byteLength": len(buffer.data)}],
    }
    if images:
        sampler = {"magFilter": _LINEAR, "minFilter": _MIPMAPPED, "wrapS": _REPEAT, "wrapT": _REPEAT}
        document["images"], document["samplers"] = images, [sampler]
        document["textures"] = [{"sampler": 0, "source": number} for number in range(len(images))]
        if found.material.repeats != (1.0, 1.0):
            document["extensionsUsed"] = ["KHR_texture_transform"]
    return _join(document, bytes(buffer.data))


def _mesh(buffer: _Buffer) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """Accessors of a square that lies on the ground, and its attributes by name."""
    tables = {
        "POSITION": ("VEC3", _CORNERS),
        "NORMAL": ("VEC3", ((0.0, 1.0, 0.0),) * 4),
        "TANGENT": ("VEC4", ((1.0, 0.0, 0.0, 1.0),) * 4),
        "TEXCOORD_0": ("VEC2", _UVS),
    }
    indices = struct.pack(f"<{len(_TRIANGLES)}H", *_TRIANGLES)
    view = buffer.add(indices, target=_INDICES)
    accessors: list[dict[str, Any]] = [
        {"bufferView": view, "componentType": _SHORT, "count": len(_TRIANGLES), "type": "SCALAR"}
    ]
    attributes = {}
    for name, (shape, rows) in tables.items():
        flat = [number for row in rows for number in row]
        view = buffer.add(struct.pack(f"<{len(flat)}f", *flat), target=_VERTICES)
        accessor = {"bufferView": view, "componentType": _FLOAT, "count": len(rows), "type": shape}
        if name == "POSITION":
            columns = list(zip(*_CORNERS, strict=True))
            accessor |= {
                "min": [min(column) for column in columns],
                "max": [max(column) for column in columns],
            }
        attributes[name] = len(accessors)
        accessors.append(accessor)
    return accessors, attributes


def _material(found: TextureSet, roles: list[str]) -> dict[str, Any]:
    def place(role: str) -> dict[str, Any]:
        place: dict[str, Any] = {"index": roles.index(role)}
        u, v = found.material.repeats
        if (u, v) != (1.0, 1.0):
            # V runs down here, and up in Blender: the first row of the image stays at the bottom edge.
            place["extensions"] = {"KHR_texture_transform": {"scale": [u, v], "offset": [0.0, 1.0 - v]}}
        return place

    surface: dict[str, Any] = {}
    if "base_color" in roles:
        surface["baseColorTexture"] = place("base_color")
    else:
        surface["baseColorFactor"] = [*found.constant("base_color"), 1.0]
    material: dict[str, Any] = {"name": found.name, "pbrMetallicRoughness": surface}
    if "orm" in roles:
        surface["metallicRoughnessTexture"] = place("orm")
        if "ao" in found.kinds:
            material["occlusionTexture"] = place("orm")
    else:
        surface |= {
            "metallicFactor": found.constant("metallic"),
            "roughnessFactor": found.constant("roughness"),
        }
    if "normal" in roles:
        material["normalTexture"] = place("normal")
    if "opacity" in found.kinds:
        material |= {"alphaMode": "MASK", "doubleSided": True}
    return material


def _join(document: dict[str, Any], binary: bytes) -> bytes:
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    binary += bytes(-len(binary) % 4)
    length = 12 + 8 + len(text) + 8 + len(binary)
    head = struct.pack("<4sII", b"glTF", 2, length)
    return b"".join(
        (head, struct.pack("<II", len(text), _JSON), text, struct.pack("<II", len(binary), _BIN), binary)
    )
