"""Godot 4: a standard and an ORM material with relative paths, and how each texture is imported."""

from __future__ import annotations

from collections.abc import Mapping

from .texture_set import Texture, TextureSet

CHANNELS = {"ao": 0, "roughness": 1, "metallic": 2}
"""Of the packed image, as Godot numbers them."""


def write(found: TextureSet) -> dict[str, bytes]:
    """The files of a material by their path below the folder that is exported to."""
    textures = _make_textures(found)
    folder = found.name
    files: dict[str, bytes] = {}
    for texture in textures.values():
        files[f"{folder}/{texture.file}"] = texture.data
        files[f"{folder}/{texture.file}.import"] = _import_settings(texture).encode()
    files[f"{folder}/{folder}.tres"] = _resource(found, textures, "StandardMaterial3D").encode()
    if "orm" in textures:
        files[f"{folder}/{folder}_orm.tres"] = _resource(found, textures, "ORMMaterial3D").encode()
    return files


def _make_textures(found: TextureSet) -> dict[str, Texture]:
    kinds = ("base_color", "normal", "height")
    made = found.write_maps({kind: f"{found.name}_{kind}.png" for kind in kinds})
    packed = found.write_packed("gltf_orm", f"{found.name}_orm.png")
    return made if packed is None else {**made, "orm": packed}


def _resource(found: TextureSet, textures: Mapping[str, Texture], material: str) -> str:
    used = {role: texture for role, texture in textures.items() if role != "height"}
    lines = [f'[gd_resource type="{material}" load_steps={len(used) + 1} format=3]', ""]
    for role, texture in used.items():
        lines.append(f'[ext_resource type="Texture2D" path={_quoted(texture.file)} id="{role}"]')
    lines += ["", "[resource]", f"resource_name = {_quoted(found.name)}"]
    lines += [f"{name} = {value}" for name, value in _properties(found, used, material).items()]
    return "\n".join(lines) + "\n"


def _properties(found: TextureSet, used: Mapping[str, Texture], material: str) -> dict[str, str]:
    properties: dict[str, str] = {}
    if "base_color" in used:
        properties["albedo_texture"] = _reference("base_color")
        if "opacity" in found.kinds:
            properties["transparency"] = "2"  # cut at a threshold, as foliage is
    else:
        properties["albedo_color"] = "Color({:.6g}, {:.6g}, {:.6g}, 1)".format(*found.constant("base_color"))
    if "orm" in used:
        # Blue is metallic, green is roughness: what a map is multiplied with must be 1.
        properties |= {"metallic": "1.0", "roughness": "1.0"}
        properties |= _orm_slots(material)
    else:
        properties["metallic"] = f"{found.constant('metallic'):.6g}"
        properties["roughness"] = f"{found.constant('roughness'):.6g}"
    if "normal" in used:
        properties |= {"normal_enabled": "true", "normal_texture": _reference("normal")}
    u, v = found.material.repeats
    return {**properties, "uv1_scale": f"Vector3({u:.6g}, {v:.6g}, 1)"}


def _orm_slots(material: str) -> dict[str, str]:
    if material == "ORMMaterial3D":
        return {"ao_enabled": "true", "orm_texture": _reference("orm")}
    slots = {"ao_enabled": "true"}
    for name, channel in CHANNELS.items():
        slots |= {f"{name}_texture": _reference("orm"), f"{name}_texture_channel": str(channel)}
    return slots


def _import_settings(texture: Texture) -> str:
    """As much as Godot has to be told; it completes the file."""
    return f"""[remap]

importer="texture"
type="CompressedTexture2D"

[deps]

source_file={_quoted(texture.file)}

[params]

compress/mode=2
compress/normal_map={1 if texture.is_normal else 2}
mipmaps/generate=true
"""


def _reference(role: str) -> str:
    return f'ExtResource("{role}")'


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
