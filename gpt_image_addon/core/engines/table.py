"""The engines that materials are exported for. Standard library only, so that they can be listed quickly."""

from __future__ import annotations

ENGINES = (
    ("unity", "Unity", "Materials for URP and HDRP, with what Unity has to know about each texture"),
    ("unreal", "Unreal Engine", "Textures, and a script for the editor that makes the materials"),
    ("godot", "Godot 4", "A standard and an ORM material, with import settings"),
    ("gltf", "glTF 2.0", "A binary file with a square of one metre"),
    ("usd", "USD", "A preview surface on a square of one metre"),
    ("materialx", "MaterialX", "A standard surface"),
)
"""Name on the command line and in JSON, label, and what is written."""
ENGINE_NAMES = tuple(name for name, _, _ in ENGINES)
OBJECT_FORMATS = (
    ("gltf", "glTF 2.0", "A binary file with everything in it"),
    ("usd", "USD", "A binary layer beside its textures; no occlusion"),
    ("fbx", "FBX", "Carries color and normal only: roughness and metallic become one value each"),
)
"""The same for whole objects."""
OBJECT_FORMAT_NAMES = tuple(name for name, _, _ in OBJECT_FORMATS)
CARRIED = {
    "gltf": frozenset(("base_color", "normal", "roughness", "metallic", "ao", "opacity")),
    "usd": frozenset(("base_color", "normal", "roughness", "metallic", "opacity")),
    "fbx": frozenset(("base_color", "normal")),
}
"""Kinds of maps that an object takes along."""
PACKED = frozenset(("gltf",))
"""Formats in which occlusion, roughness and metallic share an image."""
