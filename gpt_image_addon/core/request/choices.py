"""What the values of parameters are called: of each its identifier, its label and its tooltip."""

from __future__ import annotations

from .map_kinds import MAP_KINDS

Choice = tuple[str, str, str]

UNSET = "unset"
"""The choice that leaves a parameter out."""
AUTOMATIC = (UNSET, "Automatic", "The model chooses")

QUALITIES = (
    ("auto", "Automatic", "The model chooses"),
    ("low", "Low", "Quick and cheap"),
    ("medium", "Medium", "For most pictures"),
    ("high", "High", "Slower and more expensive"),
    ("xhigh", "Extra High", "Slowest, most expensive"),
    ("max", "Maximum", "The slowest and dearest"),
)
BACKGROUNDS = (
    ("auto", "Automatic", "The model chooses"),
    ("opaque", "Opaque", "No transparency"),
    ("transparent", "Transparent", "A cut-out, for decals"),
)
OUTPUT_FORMATS = (
    ("png", "PNG", "Lossless, with transparency"),
    ("jpeg", "JPEG", "Small, without transparency"),
    ("webp", "WebP", "Small, with transparency"),
    ("gif", "GIF", "Animated; Blender shows the first frame, the file holds all"),
    ("svg", "SVG", "A drawing; Blender can't show it, so it is kept as a file"),
)
SVG_EFFORTS = (
    AUTOMATIC,
    ("none", "None", "Draw at once"),
    ("minimal", "Minimal", "Think as little as possible before drawing"),
    ("low", "Low", "Think a little before drawing"),
    ("medium", "Medium", "Think before drawing"),
    ("high", "High", "Think a lot before drawing"),
    ("xhigh", "Extra High", "Think longer still before drawing"),
    ("max", "Maximum", "Think as long as possible before drawing"),
)
MODERATIONS = (
    ("auto", "Automatic", "The usual filter"),
    ("low", "Low", "A less restrictive filter"),
)
COMPLEXITIES = (
    AUTOMATIC,
    ("low", "Low", "Plain pictures"),
    ("medium", "Medium", "Some detail"),
    ("high", "High", "Much detail"),
)
FIDELITIES = (
    AUTOMATIC,
    ("low", "Low", "References are followed loosely"),
    ("high", "High", "References are followed closely, at a higher price"),
)
MAPS = tuple((kind.name, kind.label, "Make this map") for kind in MAP_KINDS)
DISPLACEMENTS = (
    ("none", "Normal Map", "Relief is shown by the normal map"),
    ("bump", "Bump", "Relief is shown by the height, as bump"),
    ("true", "Displacement", "The height moves the surface; it needs enough geometry"),
)
CONVENTIONS = (
    ("OPENGL", "OpenGL", "As Blender reads it: green is up"),
    ("DIRECTX", "DirectX", "As Unreal Engine reads it: green is down"),
)
BITS = (
    ("8", "8 Bit", "Small files"),
    ("16", "16 Bit", "No steps in slopes; large files"),
)
PACKINGS = (
    (UNSET, "None", "Every map stays a picture of its own"),
    ("gltf_orm", "glTF", "Occlusion, roughness and metallic in one picture"),
    ("unity_mask", "Unity Mask", "Metallic, occlusion and smoothness in one picture"),
    ("unreal_orm", "Unreal ORM", "Occlusion, roughness and metallic in one picture"),
)
"""Those of `channel_packing.LAYOUTS`, whose import takes numpy."""
