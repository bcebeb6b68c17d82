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
