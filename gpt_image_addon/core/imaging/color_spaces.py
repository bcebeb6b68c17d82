"""What the numbers of an image mean, where that is not sRGB, and the same image in sRGB.

Profiles (ICC) are applied by LittleCMS, which has 8 bits in Pillow; what a PNG says in chunks of its own, and
profiles of 16-bit images, by a curve a channel and a matrix.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Floats = NDArray[np.float64]
Curve = tuple[float, ...]
"""Values at even steps from 0 to 1, as of a 'curv' tag."""

MOST_BYTES = 16 * 10**6  # of a profile
STEPS = 4096  # of a curve that is given as a formula
ROWS = 256  # of an image that are converted at once
SAME = 2  # levels up to which a profile counts as sRGB's own
SRGB_GAMMA = 45_455  # as a gAMA chunk says it: 1 / 2.2, times 100,000
GAMMA_TOLERANCE = 1_000
PRIMARY_TOLERANCE = 0.004

SRGB_XY = (0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)
"""White, red, green, blue: x and y of each, as a cHRM chunk has them."""
_CICP_PRIMARIES = {
    1: SRGB_XY,
    9: (0.3127, 0.329, 0.708, 0.292, 0.17, 0.797, 0.131, 0.046),
    11: (0.314, 0.351, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06),
    12: (0.3127, 0.329, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06),
}
"""By the numbers of ITU-T H.273: Rec. 709, Rec. 2020, DCI-P3, Display P3."""
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
_D50 = np.array([0.9642, 1.0, 0.8249])
_MODES = {"RGB ": "RGB", "GRAY": "L", "CMYK": "CMYK", "Lab ": "LAB"}
"""Pillow's mode for a profile's colour space."""


class UnusableProfileError(ValueError):
    """What an image says about its colours can't be used."""


@dataclass(frozen=True)
class Shaped:
    """A curve for each channel, then a matrix."""

    curves: tuple[Curve, Curve, Curve]
    to_srgb: tuple[tuple[float, ...], ...]
    """From linear RGB to linear sRGB."""

    @property
    def is_srgb(self) -> bool:
        """Whether nothing visible would change."""
        return bool(np.abs(self(_probe()).astype(int) - _probe()).max() <= SAME)

    def __call__(self, pixels: NDArray[Any]) -> NDArray[Any]:
        """The same in sRGB.

        :param pixels: (height, width, 1 to 4) uint8 or uint16; the last of 2 or 4 is alpha and stays.
        """
        top = np.iinfo(pixels.dtype).max
        channels = pixels.shape[2] - 1 if pixels.shape[2] in (2, 4) else pixels.shape[2]
        steps = np.linspace(0, 1, top + 1)
        tables = [np.interp(steps, np.linspace(0, 1, len(curve)), curve) for curve in self.curves]
        matrix = np.array(self.to_srgb)
        out = pixels.copy()
        for start in range(0, len(pixels), ROWS):
            part = pixels[start : start + ROWS]
            linear = np.stack([tables[i][part[..., i]] for i in range(channels)], axis=-1)
            if channels == 3:
                linear = linear @ matrix.T
            out[start : start + ROWS, :, :channels] = np.rint(srgb_from_linear(linear) * top)
        return out


@dataclass(frozen=True)
class Profile:
    """An ICC profile that says something else than sRGB."""

    data: bytes

    @cached_property
    def mode(self) -> str:
        """Pillow's mode of the images that it is for."""
        return _mode_of(self.data)

    def __call__(self, image: Image.Image) -> Image.Image:
        """The same in sRGB; alpha stays.

        :param image: loaded, of 8 bits a channel.
        :raises UnusableProfileError: the profile can't be applied.
        """
        alpha = image.getchannel("A") if image.mode in ("RGBA", "LA") else None
        plain = image.convert(image.mode[:-1]) if alpha else image
        if self.mode == "RGB" and plain.mode == "L":
            plain = plain.convert("RGB")
        from PIL import ImageCms

        done = ImageCms.applyTransform(plain, _transform(self.data, plain.mode))
        assert done is not None
        if self.mode == "L":
            done = done.getchannel("G")  # a grey axis: the three are the same
        if alpha:
            done.putalpha(alpha)
        return done

    def shaped(self) -> Shaped | None:
        """The same for 16 bits; None for a profile that is more than curves and a matrix."""
        try:
            return _shaped(self.data)
        except (struct.error, ValueError, KeyError, IndexError, np.linalg.LinAlgError):
            return None


Space = Profile | Shaped


def find_space(image: Image.Image, chunks: Mapping[bytes, bytes]) -> Space | None:
    """What the numbers of an image mean; None for sRGB, and where nothing is said.

    In a PNG what is most exact wins: cICP, iCCP, sRGB, then cHRM with gAMA (PNG specification, third edition,
    section 4.3).

    :param chunks: of a PNG, by kind.
    :raises UnusableProfileError: what it says can't be used.
    """
    if b"cICP" in chunks:
        return _different(_of_cicp(chunks[b"cICP"]))
    data = image.info.get("icc_profile")
    if data:
        return _profile_for(image, bytes(data))
    if b"sRGB" in chunks or not {b"gAMA", b"cHRM"} & chunks.keys():
        return None
    return _of_chunks(chunks)


def srgb_from_linear(values: NDArray[Any]) -> NDArray[Any]:
    """Linear values as sRGB encodes them; what lies outside 0 to 1 is cut off."""
    values = np.clip(values, 0, 1)
    return np.where(values <= 0.0031308, values * 12.92, 1.055 * values ** (1 / 2.4) - 0.055)


def linear_from_srgb(values: NDArray[Any]) -> NDArray[Any]:
    """What sRGB values from 0 to 1 encode (IEC 61966-2-1)."""
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def _different(shaped: Shaped) -> Shaped | None:
    return None if shaped.is_srgb else shaped


def _probe() -> NDArray[np.uint8]:
    """Colours from all over, as an image of one row."""
    axis = np.linspace(0, 255, 9).astype(np.uint8)
    colors: NDArray[np.uint8] = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1)
    return colors.reshape(1, -1, 3)


def _curve_of_gamma(gamma: float) -> Curve:
    return tuple(np.linspace(0, 1, STEPS) ** gamma)


def _matrix(values: Floats) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(map(float, row)) for row in values)


# --- ICC ---


def _profile_for(image: Image.Image, data: bytes) -> Profile | None:
    profile = Profile(data)
    if len(data) > MOST_BYTES:
        raise UnusableProfileError("is too large")
    mode = {"P": "RGB", "PA": "RGB", "YCbCr": "RGB"}.get(image.mode, image.mode.rstrip("Aa"))
    if profile.mode != mode and (profile.mode, mode) != ("RGB", "L"):
        raise UnusableProfileError("is not for images of this kind")
    return None if _is_srgb(data) else profile


@lru_cache(maxsize=16)
def _mode_of(data: bytes) -> str:
    from PIL import ImageCms

    try:
        found = ImageCms.ImageCmsProfile(io.BytesIO(data))
        space = str(found.profile.xcolor_space)
    except (ImageCms.PyCMSError, ImportError, OSError, ValueError, TypeError) as error:
        raise UnusableProfileError("can't be read") from error
    mode = _MODES.get(space) or _MODES.get(f"{space} ")
    if mode is None:
        raise UnusableProfileError("is of an unknown kind")
    return mode


@lru_cache(maxsize=16)
def _transform(data: bytes, mode: str) -> Any:
    from PIL import ImageCms

    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(data))
        return ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
    except (ImageCms.PyCMSError, OSError, ValueError) as error:
        raise UnusableProfileError("can't be applied") from error


@lru_cache(maxsize=16)
def _is_srgb(data: bytes) -> bool:
    """Whether a profile changes no colour that anybody would see, whatever it is called.

    :raises UnusableProfileError: it can't be read.
    """
    profile = Profile(data)
    if profile.mode not in ("RGB", "L"):
        _transform(data, profile.mode)
        return False
    grey = np.arange(256, dtype=np.uint8)[None]
    probe = Image.fromarray(grey if profile.mode == "L" else _probe())
    found = np.asarray(profile(probe)).astype(int)
    return bool(np.abs(found - np.asarray(probe)).max() <= SAME)


def _shaped(data: bytes) -> Shaped | None:
    tags = dict(_tags(data))
    if data[16:20] != b"RGB " or data[20:24] != b"XYZ " or any(kind in tags for kind in (b"A2B0", b"A2B1")):
        return None
    colorants = np.array([_xyz(tags[kind]) for kind in (b"rXYZ", b"gXYZ", b"bXYZ")]).T
    red, green, blue = (_curve(tags[kind]) for kind in (b"rTRC", b"gTRC", b"bTRC"))
    return Shaped((red, green, blue), _matrix(np.linalg.inv(_to_d50(SRGB_XY)) @ colorants))


def _tags(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    (count,) = struct.unpack_from(">I", data, 128)
    for number in range(min(count, 100)):
        kind, start, size = struct.unpack_from(">4sII", data, 132 + 12 * number)
        yield kind, data[start : start + size]


def _xyz(tag: bytes) -> tuple[float, ...]:
    return tuple(value / 65536 for value in struct.unpack_from(">3i", tag, 8))


def _curve(tag: bytes) -> Curve:
    if tag[:4] == b"para":
        return _formula(tag)
    if tag[:4] != b"curv":
        raise ValueError(tag[:4])
    (count,) = struct.unpack_from(">I", tag, 8)
    if count == 0:
        return (0.0, 1.0)
    if count == 1:
        return _curve_of_gamma(struct.unpack_from(">H", tag, 12)[0] / 256)
    return tuple(value / 65535 for value in struct.unpack_from(f">{count}H", tag, 12))


def _formula(tag: bytes) -> Curve:
    """A parametric curve (ICC.1:2022, 10.18)."""
    (kind,) = struct.unpack_from(">H", tag, 8)
    given = [value / 65536 for value in struct.unpack_from(f">{(1, 3, 4, 5, 7)[kind]}i", tag, 12)]
    gamma, a, b, c, d, e, f = given + [0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0][len(given) :]
    x = np.linspace(0, 1, STEPS)
    power = np.clip(a * x + b, 0, None) ** gamma
    if kind < 3:
        return tuple(np.clip(power + c, 0, 1))
    return tuple(np.clip(np.where(x >= d, power + e, c * x + f), 0, 1))


# --- PNG ---


def _of_chunks(chunks: Mapping[bytes, bytes]) -> Shaped | None:
    gamma, xy = SRGB_GAMMA, SRGB_XY
    try:
        if b"gAMA" in chunks:
            (gamma,) = struct.unpack(">I", chunks[b"gAMA"])
        if b"cHRM" in chunks:
            xy = tuple(value / 100_000 for value in struct.unpack(">8I", chunks[b"cHRM"]))
        usual = abs(gamma - SRGB_GAMMA) <= GAMMA_TOLERANCE
        if usual and np.abs(np.subtract(xy, SRGB_XY)).max() <= PRIMARY_TOLERANCE:
            return None
        curve = _curve_of_srgb() if usual else _curve_of_gamma(100_000 / gamma)
        return _different(_with_primaries(curve, xy))
    except (struct.error, ZeroDivisionError, np.linalg.LinAlgError) as error:
        raise UnusableProfileError("can't be used") from error


def _of_cicp(chunk: bytes) -> Shaped:
    if len(chunk) != 4:
        raise UnusableProfileError("has another form")
    primaries, transfer, matrix, full = struct.unpack("4B", chunk)
    xy, curve = _CICP_PRIMARIES.get(primaries), _cicp_curve(transfer)
    if xy is None or curve is None or matrix or not full:
        raise UnusableProfileError("is of an unknown kind")
    return _with_primaries(curve, xy)


def _cicp_curve(transfer: int) -> Curve | None:
    """By the numbers of ITU-T H.273; HDR's have no place in sRGB."""
    if transfer in (1, 6, 13, 14, 15):  # of video; a display shows it nearly as sRGB
        return _curve_of_srgb()
    gammas = {4: 2.2, 5: 2.8, 8: 1.0}
    return _curve_of_gamma(gammas[transfer]) if transfer in gammas else None


def _curve_of_srgb() -> Curve:
    x = np.linspace(0, 1, STEPS)
    return tuple(np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4))


def _with_primaries(curve: Curve, xy: tuple[float, ...]) -> Shaped:
    return Shaped((curve, curve, curve), _matrix(np.linalg.inv(_to_d50(SRGB_XY)) @ _to_d50(xy)))


def _to_d50(xy: tuple[float, ...]) -> Floats:
    """From linear RGB to XYZ under D50, by Bradford's adaptation."""
    white, *primaries = [
        np.array([x / y, 1, (1 - x - y) / y]) for x, y in zip(xy[::2], xy[1::2], strict=True)
    ]
    rgb = np.stack(primaries, axis=1)
    rgb = rgb * np.linalg.solve(rgb, white)
    scale = np.diag(_BRADFORD @ _D50 / (_BRADFORD @ white))
    adapted: Floats = np.linalg.inv(_BRADFORD) @ scale @ _BRADFORD @ rgb
    return adapted
