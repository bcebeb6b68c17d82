"""Defaults, limits and words that hold for every model; the interface needs them before all else loads."""

from __future__ import annotations

from .providers import PROVIDERS as PROVIDERS
from .targets import TARGETS as TARGETS

DEFAULT_CONCURRENCY = 4  # requests at once
UNATTENDED_MAX_COST_USD = 1.0  # of one request in background that names no limit

DEFAULT_SIZE = "1024x1024"
PROMPT_LIMIT = 32_000  # characters
PICTURE_LIMIT = 10  # pictures a request
REFERENCE_LIMIT = 16  # pictures an edit
STYLE_LIMIT = 1000  # characters of a style's words
COMPRESSED_FORMATS = ("jpeg", "webp")
STRENGTHS = ("normal_strength", "height_strength", "ao_strength", "roughness_contrast")
ANIMATED_OR_DRAWN = ("gif", "svg")
"""Formats that never stream and that Blender can't hold."""
BACKGROUNDS = ("auto", "opaque", "transparent")
OUTPUT_FORMATS = ("png", "jpeg", "webp", "gif", "svg")
ALPHA_FORMATS = ("png", "webp")
MODERATIONS = ("auto", "low")
SVG_EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
MAX_FRAME_MS = 655_350  # what a gif can hold
DISPLACEMENTS = ("none", "bump", "true")
CONVENTIONS = ("OPENGL", "DIRECTX")
BITS = (8, 16)
PACKINGS = ("gltf_orm", "unity_mask", "unreal_orm")  # those of packing.LAYOUTS, whose import takes numpy
MAX_STRENGTH = 10.0
NO_OBJECT = -1
"""As `Application.object_uid`: not even the active object. No data-block has this `session_uid`."""
