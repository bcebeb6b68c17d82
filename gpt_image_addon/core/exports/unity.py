"""Unity: materials for both pipelines, and what it has to know about each texture.

Unity finds files by the GUID in the ``.meta`` beside each; they are derived from the name: what refers
to a material still does after it was exported again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from .texture_set import Texture, TextureSet, derive_guid

TEXTURES = "Textures"


@dataclass(frozen=True)
class _Pipeline:
    """How one of Unity's render pipelines calls things."""

    folder: str
    shader: str
    """GUID of its Lit shader."""
    color: str
    normal: str
    masks: Mapping[str, str]
    """Slots that the mask map fills, and the keyword that switches each on."""
    normal_keywords: tuple[str, ...]
    normal_scale: str
    floats: Mapping[str, float]


_URP = _Pipeline(
    "URP",
    "933532a4fcc9baf4fa0491de14d08ed7",
    "_BaseMap",
    "_BumpMap",
    {"_MetallicGlossMap": "_METALLICSPECGLOSSMAP", "_OcclusionMap": "_OCCLUSIONMAP"},
    ("_NORMALMAP",),
    "_BumpScale",
    {"_OcclusionStrength": 1.0, "_SmoothnessTextureChannel": 0.0, "_WorkflowMode": 1.0},
)
_HDRP = _Pipeline(
    "HDRP",
    "6e4ae4064600d784cac1e41a9e6f2e59",
    "_BaseColorMap",
    "_NormalMap",
    {"_MaskMap": "_MASKMAP"},
    ("_NORMALMAP", "_NORMALMAP_TANGENT_SPACE"),
    "_NormalScale",
    {
        "_AORemapMax": 1.0,
        "_AORemapMin": 0.0,
        "_MetallicRemapMax": 1.0,
        "_MetallicRemapMin": 0.0,
        "_NormalMapSpace": 0.0,
        "_SmoothnessRemapMax": 1.0,
        "_SmoothnessRemapMin": 0.0,
    },
)
_PIPELINES = (_URP, _HDRP)


def write(found: TextureSet) -> dict[str, bytes]:
    """The files of a material by their path below the folder that is exported to."""
    textures = _make_textures(found)
    paths = {role: f"{found.name}/{TEXTURES}/{texture.file}" for role, texture in textures.items()}
    files: dict[str, bytes] = {}
    for role, texture in textures.items():
        files[paths[role]] = texture.data
        files[f"{paths[role]}.meta"] = _texture_meta(texture, derive_guid("unity", paths[role])).encode()
    guids = {role: derive_guid("unity", path) for role, path in paths.items()}
    for pipeline in _PIPELINES:
        path = f"{found.name}/{pipeline.folder}/{found.name}.mat"
        files[path] = _material(found, pipeline, guids).encode()
        files[f"{path}.meta"] = _material_meta(derive_guid("unity", path)).encode()
    return files


def _make_textures(found: TextureSet) -> dict[str, Texture]:
    names = {"base_color": "BaseColor", "normal": "Normal", "height": "Height"}
    made = found.write_maps({kind: f"{found.name}_{name}.png" for kind, name in names.items()})
    mask = found.write_packed("unity_mask", f"{found.name}_Mask.png")
    return made if mask is None else {**made, "mask": mask}


def _material(found: TextureSet, pipeline: _Pipeline, guids: Mapping[str, str]) -> str:
    slots: dict[str, str] = {}
    keywords: list[str] = []
    if "base_color" in guids:
        slots[pipeline.color] = guids["base_color"]
    if "normal" in guids:
        slots[pipeline.normal] = guids["normal"]
        keywords += pipeline.normal_keywords
    if "mask" in guids:
        slots |= dict.fromkeys(pipeline.masks, guids["mask"])
        keywords += pipeline.masks.values()
    return "\n".join(_material_lines(found, pipeline, slots, keywords)) + "\n"


def _material_lines(
    found: TextureSet, pipeline: _Pipeline, slots: Mapping[str, str], keywords: list[str]
) -> Iterator[str]:
    u, v = found.material.repeats
    color = (1.0, 1.0, 1.0) if "base_color" in found.kinds else found.constant("base_color")
    has_mask = found.has_any("ao", "roughness", "metallic")
    floats = {
        **pipeline.floats,
        "_Metallic": 1.0 if has_mask else found.constant("metallic"),
        "_Smoothness": 1.0 if has_mask else 1.0 - found.constant("roughness"),
        pipeline.normal_scale: 1.0,
    }
    yield "%YAML 1.1"
    yield "%TAG !u! tag:unity3d.com,2011:"
    yield "--- !u!21 &2100000"
    yield "Material:"
    yield "  serializedVersion: 8"
    yield "  m_ObjectHideFlags: 0"
    yield "  m_CorrespondingSourceObject: {fileID: 0}"
    yield "  m_PrefabInstance: {fileID: 0}"
    yield "  m_PrefabAsset: {fileID: 0}"
    yield f"  m_Name: {_quoted(found.name)}"
    yield f"  m_Shader: {{fileID: 4800000, guid: {pipeline.shader}, type: 3}}"
    yield "  m_Parent: {fileID: 0}"
    yield "  m_ModifiedSerializedProperties: 0"
    yield "  m_ValidKeywords:" if keywords else "  m_ValidKeywords: []"
    for keyword in sorted(keywords):
        yield f"  - {keyword}"
    yield "  m_InvalidKeywords: []"
    yield "  m_LightmapFlags: 4"
    yield "  m_EnableInstancingVariants: 0"
    yield "  m_DoubleSidedGI: 0"
    yield "  m_CustomRenderQueue: -1"
    yield "  stringTagMap: {}"
    yield "  disabledShaderPasses: []"
    yield "  m_LockedProperties: "
    yield "  m_SavedProperties:"
    yield "    serializedVersion: 3"
    yield "    m_TexEnvs:" if slots else "    m_TexEnvs: []"
    for slot, guid in sorted(slots.items()):
        yield f"    - {slot}:"
        yield f"        m_Texture: {{fileID: 2800000, guid: {guid}, type: 3}}"
        yield f"        m_Scale: {{x: {u:.6g}, y: {v:.6g}}}"
        yield "        m_Offset: {x: 0, y: 0}"
    yield "    m_Ints: []"
    yield "    m_Floats:"
    for name, value in sorted(floats.items()):
        yield f"    - {name}: {value:.6g}"
    yield "    m_Colors:"
    red, green, blue = color
    yield f"    - _BaseColor: {{r: {red:.6g}, g: {green:.6g}, b: {blue:.6g}, a: 1}}"
    yield "  m_BuildTextureStacks: []"


def _texture_meta(texture: Texture, guid: str) -> str:
    """What of `serializedVersion` 13 is needed: without it Unity takes the file for a cube map."""
    return f"""fileFormatVersion: 2
guid: {guid}
TextureImporter:
  serializedVersion: 13
  mipmaps:
    mipMapMode: 0
    enableMipMap: 1
    sRGBTexture: {int(texture.is_color)}
    linearTexture: 0
  textureSettings:
    serializedVersion: 2
    filterMode: 1
    aniso: 4
    mipBias: 0
    wrapU: 0
    wrapV: 0
    wrapW: 0
  maxTextureSize: 8192
  textureShape: 1
  textureType: {int(texture.is_normal)}
  userData:
  assetBundleName:
  assetBundleVariant:
"""


def _material_meta(guid: str) -> str:
    return f"""fileFormatVersion: 2
guid: {guid}
NativeFormatImporter:
  externalObjects: {{}}
  mainObjectFileID: 2100000
  userData:
  assetBundleName:
  assetBundleVariant:
"""


def _quoted(text: str) -> str:
    """As a YAML scalar in single quotes."""
    return "'" + text.replace("'", "''") + "'"
