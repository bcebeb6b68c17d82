"""Blender's own exporters, and the files that they write. Main thread only."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import bpy

from ...core.errors import InvalidRequestError, SceneError
from ...core.text.message import message


def why_not(engine: str) -> str:
    """Why this Blender can't write a format; empty where it can."""
    module, operator = _EXPORTERS[engine].operator
    if operator in dir(getattr(bpy.ops, module)):
        return ""
    return message("This Blender has no exporter for {engine}.", engine=engine)


def check_exporter(engine: str) -> None:
    """:raises InvalidRequestError: this Blender can't write a format."""
    problem = why_not(engine)
    if problem:
        others = [name for name in _EXPORTERS if not why_not(name)]
        raise InvalidRequestError(
            problem,
            code="no_exporter",
            param="engine",
            next_step=message("It has those for {names}.", names=", ".join(others)) if others else "",
        )


def write_scene(scene: bpy.types.Scene, objects: Sequence[bpy.types.Object], engine: str, name: str) -> None:
    """Write the objects of a scene into files below the current folder.

    :param name: path of the file, without its ending.
    :raises SceneError: Blender can't.
    """
    exporter = _EXPORTERS[engine]
    layer = scene.view_layers[0]
    for obj in objects:
        obj.select_set(True, view_layer=layer)
    layer.objects.active = objects[0]
    module, operator = exporter.operator
    call: Callable[..., set[str]] = getattr(getattr(bpy.ops, module), operator)
    known = getattr(getattr(bpy.ops, module), operator).get_rna_type().properties
    options = {key: value for key, value in exporter.options.items() if key in known}
    try:
        with bpy.context.temp_override(
            scene=scene, view_layer=layer, selected_objects=list(objects), active_object=objects[0]
        ):
            call(filepath=f"{name}.{exporter.suffix}", **options)
    except (RuntimeError, TypeError) as error:
        raise SceneError(message("Blender's exporter failed: {reason}", reason=str(error).strip())) from error


def read_files(folder: Path) -> dict[str, bytes]:
    """All files below a folder, by their paths with slashes."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


class _Exporter:
    """A row of the table."""

    def __init__(self, operator: tuple[str, str], suffix: str, **options: Any) -> None:
        self.operator, self.suffix = operator, suffix
        self.options: Mapping[str, Any] = options
        """Those that this Blender does not have are left out."""


_EXPORTERS: Mapping[str, _Exporter] = {
    "gltf": _Exporter(
        ("export_scene", "gltf"),
        "glb",
        export_format="GLB",
        use_active_scene=True,
        export_tangents=True,
        export_animations=False,
        export_yup=True,
    ),
    "usd": _Exporter(
        ("wm", "usd_export"),
        "usdc",
        export_materials=True,
        generate_preview_surface=True,
        generate_materialx_network=False,
        export_textures=True,
        export_textures_mode="NEW",
        relative_paths=True,
        export_lights=False,
        export_cameras=False,
        convert_world_material=False,
    ),
    "fbx": _Exporter(
        ("export_scene", "fbx"),
        "fbx",
        use_selection=True,
        object_types={"MESH"},
        path_mode="COPY",
        embed_textures=True,
        mesh_smooth_type="FACE",
        use_tspace=True,
        bake_anim=False,
    ),
}
