"""The targets, a row each: what a result can become in Blender, as plain values.

To add one, add a row here and a module to `scene.targets`, which finds it by the row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class TargetInfo:
    """A row of the table of targets."""

    label: str
    description: str
    use_label: str
    """In the menu of a result that is there."""
    icon: str
    """Blender's identifier."""
    number: int
    """Place in the panel. Files store it, so it stays with its target."""
    module: str
    """As seen from `scene.targets`; its `TARGET` puts results into the scene."""
    place: str = ""
    """Where a result goes, for people, where that is no object that is there."""
    onto_object: bool = False
    """It goes onto an object that is there."""
    maps: tuple[str, ...] = ()
    """Kinds of the material maps that it needs."""
    relief_maps: tuple[str, ...] = ()
    """Kinds of those that it needs where a relief is asked for."""
    is_surface: bool = False
    """It is a surface, which usually tiles; of other targets only what tiles is one."""
    changes_scene: bool = True
    """It changes the scene, and not only what the file holds."""
    activates_objects: bool = False
    """It adds objects and makes them the active ones."""
    parent: str = ""
    """The target in whose place the panel offers it; empty where it has a place of its own."""
    is_drawing: bool = False
    """It is made of a drawing (SVG), and of nothing that has pixels."""
    is_animated: bool = False
    """It is made of several frames: of an animated image, or of the images of one result."""
    is_projected: bool = False
    """It is projected from the views that the model is shown, so each request brings its own guide."""
    is_panorama: bool = False
    """It is asked for as a panorama of everything around, and becomes a light."""
    is_decal: bool = False
    """It lies on a part of an object's surface, and what is around its subject is clear."""
    asset: Literal["", "material", "object"] = ""
    """The data-block that an asset library gets; empty where it can't be an asset."""
    asset_each: bool = False
    """Each image becomes a material of its own there."""


TARGETS: Mapping[str, TargetInfo] = {
    "image": TargetInfo(
        label="Image",
        description="An image data-block and nothing else",
        use_label="Use as Image",
        icon="IMAGE_DATA",
        number=3,
        module=".image",
        place="Only as an image of this file",
        changes_scene=False,
    ),
    "texture": TargetInfo(
        label="Texture",
        description="Into the base color of the active object's material",
        use_label="Use as Texture",
        icon="TEXTURE",
        number=0,
        module=".texture",
        onto_object=True,
        asset="material",
        asset_each=True,
    ),
    "plane": TargetInfo(
        label="Image Plane",
        description="A plane of the image's shape that faces the view",
        use_label="Use as Image Plane",
        icon="IMAGE_PLANE",
        number=2,
        module=".plane",
        place="As a new plane at the 3D cursor",
        activates_objects=True,
        asset="object",
    ),
    "material": TargetInfo(
        label="Material",
        description="A whole material with normal, roughness and height maps",
        use_label="Use as Material",
        icon="MATERIAL",
        number=1,
        module=".material",
        onto_object=True,
        maps=("base_color", "normal", "roughness", "height", "metallic", "opacity"),
        is_surface=True,
        asset="material",
    ),
    "model": TargetInfo(
        label="Model",
        description="Painted onto the object as it is seen, into its own UV map",
        use_label="Use on Model",
        icon="MOD_UVPROJECT",
        number=4,
        module=".model",
        onto_object=True,
        is_projected=True,
    ),
    "curves": TargetInfo(
        label="Curves",
        description="Filled curves of an SVG drawing, with a material for each color",
        use_label="Use as Curves",
        icon="CURVE_DATA",
        number=5,
        module="..objects.curves",
        place="As new curves at the 3D cursor",
        parent="image",
        is_drawing=True,
        activates_objects=True,
    ),
    "sprite": TargetInfo(
        label="Sprite",
        description="An animated plane: several images, or a GIF, as frames on one sheet",
        use_label="Use as Sprite",
        icon="RENDER_ANIMATION",
        number=6,
        module="..objects.sprite",
        place="As a sprite at the 3D cursor",
        parent="plane",
        is_animated=True,
        activates_objects=True,
    ),
    "world": TargetInfo(
        label="World",
        description="The sky around the scene, which lights it with its sun",
        use_label="Use as World",
        icon="WORLD",
        number=7,
        module="..worlds.target",
        place="As the world of this scene",
        is_panorama=True,
    ),
    "decal": TargetInfo(
        label="Decal",
        description="On a part of an object's surface, where the 3D cursor is, with a clear background",
        use_label="Use as Decal",
        icon="STICKY_UVS_LOC",
        number=8,
        module="..decals.decal",
        onto_object=True,
        is_decal=True,
        relief_maps=("normal", "height"),
    ),
}
"""By the name that requests have."""


def find_target(name: str) -> TargetInfo:
    """The row of a target; for one that is not in the table, a row of its name that promises nothing."""
    return TARGETS.get(name) or TargetInfo(name, "", name, "NONE", -1, "")


def list_family(name: str) -> list[str]:
    """The targets that share a place in the panel with one, itself among them; first the one that has it."""
    head = find_target(name).parent or name
    return [head, *(other for other, info in list_targets() if info.parent == head)]


def list_targets() -> list[tuple[str, TargetInfo]]:
    """Names and rows in the order of the panel."""
    return sorted(TARGETS.items(), key=lambda row: row[1].number)
