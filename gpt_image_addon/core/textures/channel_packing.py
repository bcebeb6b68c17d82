"""Several one-channel maps in the channels of one image, as game engines read them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Channel:
    """What one channel of a packed image holds."""

    kind: str | None
    """The map's kind; None for a constant."""
    default: float
    """Value in 0..1 where the map is missing."""
    inverted: bool = False
    """Store 1 - map: Unity's smoothness is the inverse of roughness."""


@dataclass(frozen=True)
class Layout:
    """A packed image of an engine."""

    name: str
    label: str
    suffix: str
    """Ending of the file name, ``<image>_<suffix>.png``."""
    channels: tuple[Channel, ...]


_OCCLUSION, _ROUGHNESS, _METALLIC = Channel("ao", 1.0), Channel("roughness", 0.5), Channel("metallic", 0.0)

LAYOUTS: dict[str, Layout] = {
    layout.name: layout
    for layout in (
        Layout("gltf_orm", "glTF occlusion, roughness, metallic", "orm", (_OCCLUSION, _ROUGHNESS, _METALLIC)),
        Layout(
            "unity_mask",
            "Unity mask map",
            "mask",
            (_METALLIC, _OCCLUSION, Channel(None, 1.0), Channel("roughness", 0.5, inverted=True)),
        ),
        Layout("unreal_orm", "Unreal ORM", "ORM", (_OCCLUSION, _ROUGHNESS, _METALLIC)),
    )
}


def pack(maps: Mapping[str, NDArray[Any]], layout: str) -> NDArray[np.uint8]:
    """The (H, W, 3 or 4) uint8 image of `layout` (a name in LAYOUTS) from one-channel uint8 or uint16 maps.

    A missing map is filled with its neutral value. Raises ValueError for an unknown layout, for maps of
    different sizes, and when none of the layout's maps is there.
    """
    if layout not in LAYOUTS:
        raise ValueError(f"There is no packing layout {layout!r}; there are {', '.join(LAYOUTS)}.")
    channels = LAYOUTS[layout].channels
    used = {c.kind: maps[c.kind] for c in channels if c.kind is not None and c.kind in maps}
    if not used:
        raise ValueError(f"None of the maps that {layout} packs is there.")
    if len({m.shape for m in used.values()}) > 1 or next(iter(used.values())).ndim != 2:
        raise ValueError("Maps can only be packed together when they have one channel and the same size.")
    out = np.empty((*next(iter(used.values())).shape, len(channels)), np.uint8)
    for i, channel in enumerate(channels):
        values = used.get(channel.kind) if channel.kind else None
        if values is None:
            out[..., i] = round(255 * channel.default)
        else:
            narrow = _eight_bits(values)
            out[..., i] = 255 - narrow if channel.inverted else narrow
    return out


def _eight_bits(values: NDArray[Any]) -> NDArray[np.uint8]:
    if values.dtype == np.uint8:
        return values
    return ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)
