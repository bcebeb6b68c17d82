"""The one table of material maps: what each is called, where it goes and how its pixels are read.

Beside it stands what may be chosen about all of them. Standard library only, so that the interface can list
the kinds without loading numpy.
"""

from __future__ import annotations

from typing import NamedTuple


class MapKind(NamedTuple):
    """One kind of material map."""

    name: str
    """Identifier in requests, JSON and file names (``<image>_<name>.png``)."""
    label: str
    """What people read."""
    socket: str | None
    """Input of Principled BSDF that the map ends up in; None where it is mixed into another map."""
    is_data: bool
    """Numbers (Non-Color) rather than a colour (sRGB)."""
    channels: int
    """3 for colours and normals, 1 for the rest."""


MAP_KINDS: tuple[MapKind, ...] = (
    MapKind("base_color", "Base Color", "Base Color", is_data=False, channels=3),
    MapKind("normal", "Normal", "Normal", is_data=True, channels=3),
    MapKind("height", "Height", None, is_data=True, channels=1),
    MapKind("roughness", "Roughness", "Roughness", is_data=True, channels=1),
    MapKind("ao", "Ambient Occlusion", None, is_data=True, channels=1),
    MapKind("metallic", "Metallic", "Metallic", is_data=True, channels=1),
    MapKind("opacity", "Opacity", "Alpha", is_data=True, channels=1),
)

MAPS = tuple((kind.name, kind.label, "Make this map") for kind in MAP_KINDS)
DISPLACEMENTS = (
    ("none", "Normal Map", "Relief is shown by the normal map"),
    ("bump", "Bump", "Relief is shown by the height, as bump"),
    ("true", "Displacement", "The height moves the surface; it needs enough geometry"),
)
MAPPINGS = (
    ("uv", "UV Map", "Along the object's UV map, once across it unless Real Size says otherwise"),
    ("upright", "Upright", "Upright on standing faces, at the usual size of the material"),
)
CONVENTIONS = (
    ("OPENGL", "OpenGL", "As Blender reads it: green is up"),
    ("DIRECTX", "DirectX", "As Unreal Engine reads it: green is down"),
)
BITS = (
    ("8", "8 Bit", "Small files"),
    ("16", "16 Bit", "No steps in slopes; large files"),
)
"""The choices about maps, as `parameters.Choice`."""

_DATA_WORDS = frozenset(
    [
        "normal",
        "nor",
        "nrm",
        "nrml",
        "norm",
        "height",
        "disp",
        "displacement",
        "dsp",
        "bump",
        "roughness",
        "rough",
        "rgh",
        "gloss",
        "metallic",
        "metalness",
        "metal",
        "mtl",
        "ao",
        "ambient",
        "occlusion",
        "opacity",
        "alpha",
        "mask",
        "orm",
    ]
)
"""Words, as other programs have them, with which the name of a map ends whose pixels are numbers."""


def is_data_name(stem: str) -> bool:
    """Whether a file's name without its ending says that its pixels are numbers, such as ``wall_normal``."""
    return "_" in stem and stem.rpartition("_")[2].lower() in _DATA_WORDS


BY_NAME: dict[str, MapKind] = {kind.name: kind for kind in MAP_KINDS}
