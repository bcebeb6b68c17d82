"""Images with real bytes, objects, and a description of a file that shows whether anything changed."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from PIL import Image

from gpt_image_addon.core.request.map_kinds import MAP_KINDS
from gpt_image_addon.core.results.store import ImageFile, PreparedResult

RED, GREEN, BLUE = (200, 30, 30), (30, 200, 30), (30, 30, 200)
FACTS = {"prompt": "weathered oak", "model": "offline-draft", "cost_usd": 0.042, "seed": 7}


def image_file(
    name: str = "Oak",
    color: Any = RED,
    *,
    size: tuple[int, int] = (32, 16),
    mode: str = "RGB",
    kind: str = "png",
) -> ImageFile:
    """One colour all over."""
    buffer = io.BytesIO()
    Image.new(mode, size, color).save(buffer, kind)
    return ImageFile(name, buffer.getvalue(), f"{name}.{kind}", kind, *size, has_alpha=mode == "RGBA")


def decal(name: str = "Decal", *, size: tuple[int, int] = (32, 32)) -> ImageFile:
    """Blue on the left, transparent on the right."""
    pixels = np.zeros((*size[::-1], 4), np.uint8)
    pixels[:, : size[0] // 2] = (*BLUE, 255)
    buffer = io.BytesIO()
    Image.fromarray(pixels, "RGBA").save(buffer, "png")
    return ImageFile(name, buffer.getvalue(), f"{name}.png", "png", *size, has_alpha=True)


def unusable(name: str = "Drawing") -> ImageFile:
    """In a format that Blender has no image for."""
    return ImageFile(name, b"<svg/>", f"{name}.svg", "svg", 8, 8)


def map_set(name: str = "Oak", **replaced: ImageFile) -> dict[str, ImageFile]:
    """One image for each kind of map."""
    values: Mapping[str, Any] = {"base_color": GREEN, "normal": (128, 128, 255), "height": 64, "ao": 255}
    maps = {}
    for kind in MAP_KINDS:
        mode = "RGB" if kind.channels == 3 else "L"
        value = values.get(kind.name, 255 if kind.name == "opacity" else 100)
        maps[kind.name] = image_file(f"{name}_{kind.name}", value, mode=mode)
    return maps | replaced


def prepared(*images: ImageFile, maps: Mapping[str, ImageFile] | None = None) -> PreparedResult:
    """A result; one red image unless told otherwise."""
    return PreparedResult("job", images or (image_file(),), maps or {}, FACTS)


def cube(name: str = "Cube", *, uvs: bool = True, material: str | None = None) -> bpy.types.Object:
    """A cube of 2 m, active and selected."""
    bpy.ops.mesh.primitive_cube_add()
    obj = bpy.context.active_object
    obj.name = obj.data.name = name
    if not uvs:
        obj.data.uv_layers.remove(obj.data.uv_layers[0])
    if material:
        obj.data.materials.append(node_material(material))
    return obj


def node_material(name: str) -> bpy.types.Material:
    """A material with the default nodes."""
    material = bpy.data.materials.new(name)
    if material.node_tree is None:
        material.use_nodes = True
    return material


def camera(*, location: tuple[float, float, float] = (0.0, -6.0, 0.0)) -> bpy.types.Object:
    """The scene's camera, looking along +Y."""
    obj = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    obj.location, obj.rotation_euler = location, (np.pi / 2, 0, 0)
    bpy.context.scene.collection.objects.link(obj)
    bpy.context.scene.camera = obj
    bpy.context.view_layer.update()
    return obj


def principled(material: bpy.types.Material) -> Any:
    """The material's one Principled BSDF."""
    (node,) = (n for n in material.node_tree.nodes if n.bl_idname == "ShaderNodeBsdfPrincipled")
    return node


def source_of(socket: Any) -> Any:
    """The node that an input is linked to."""
    (link,) = socket.links
    return link.from_node


def pixel(path: Path, x: float, y: float) -> tuple[int, int, int]:
    """Of a file, at fractions of width and height from its top left."""
    with Image.open(path) as image:
        return image.convert("RGB").getpixel((int(x * image.width), int(y * image.height)))


def dominant(color: tuple[int, int, int]) -> str:
    """Which of red, green and blue is the strongest by far; grey otherwise."""
    name, strongest = max(zip(("red", "green", "blue"), color, strict=True), key=lambda item: item[1])
    return name if strongest > 2 * sorted(color)[1] else "grey"


def reopen(path: Path) -> None:
    """Save the file and open what was saved."""
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    bpy.ops.wm.open_mainfile(filepath=str(path))


def description() -> dict[str, Any]:
    """All that applying a result may touch: data-blocks, users, slots, nodes, links, UV maps, selection."""
    bpy.context.view_layer.update()
    blocks = {
        kind: sorted((b.name, b.users, b.use_fake_user) for b in getattr(bpy.data, kind))
        for kind in ("images", "materials", "meshes", "objects", "scenes", "collections", "node_groups")
    }
    slots = {
        o.name: [(s.link, s.material.name if s.material else None) for s in o.material_slots]
        for o in bpy.data.objects
    }
    trees = {m.name: (_nodes_on(m), _tree(m.node_tree)) for m in bpy.data.materials if m.node_tree}
    uvs = {m.name: [layer.name for layer in m.uv_layers] for m in bpy.data.meshes}
    selected = sorted(o.name for o in bpy.context.view_layer.objects if o.select_get())
    active = bpy.context.view_layer.objects.active
    return blocks | {
        "slots": slots,
        "trees": trees,
        "uvs": uvs,
        "selected": selected,
        "active": active.name if active else None,
    }


def _nodes_on(material: bpy.types.Material) -> bool:
    deprecated = getattr(material.bl_rna.properties["use_nodes"], "is_deprecated", False)
    return deprecated or material.use_nodes


def _tree(tree: bpy.types.NodeTree) -> Any:
    nodes = sorted(
        (
            n.name,
            n.select,
            n.image.name if getattr(n, "image", None) else None,
            getattr(n, "projection", None),
        )
        for n in tree.nodes
    )
    links = sorted(
        (li.from_node.name, li.from_socket.name, li.to_node.name, li.to_socket.name) for li in tree.links
    )
    return nodes, links, tree.nodes.active.name if tree.nodes.active else None


def render_lit(path: Path, *, size: int = 32) -> Path:
    """What Cycles shows from the camera in an even white light; 1 is 255."""
    scene = bpy.context.scene
    world = bpy.data.worlds.new("Even")
    if world.node_tree is None:
        world.use_nodes = True
    background = next(node for node in world.node_tree.nodes if node.bl_idname == "ShaderNodeBackground")
    background.inputs["Color"].default_value = (1, 1, 1, 1)
    scene.world = world
    scene.render.engine = "CYCLES"
    scene.cycles.samples, scene.cycles.use_denoising = 4, False
    scene.view_settings.view_transform = "Standard"
    scene.render.resolution_x = scene.render.resolution_y = size
    scene.render.filepath = str(path)
    bpy.ops.render.render(write_still=True)
    return path
