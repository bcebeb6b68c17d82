"""Colours by name, and palettes that take on a colour and keep their own contrasts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Colour: TypeAlias = tuple[float, float, float]  # sRGB, 0..1


@dataclass(frozen=True)
class NamedColour:
    """A colour and the words for it."""

    hex: str
    words: str
    """Comma-separated; `+` takes German endings (rot+: rot, rote, roter …), `*` any ending."""
    is_material: bool = False
    """Implied by a material ("oak"), so that any colour said outright wins over it."""


COLOURS: tuple[NamedColour, ...] = (
    NamedColour("#b0241f", "red, reddish, rot+, roetlich+"),
    NamedColour("#8c1c2c", "crimson, ruby, burgundy, maroon, weinrot+, rubinrot+, karminrot+, bordeaux"),
    NamedColour("#c8231c", "scarlet, vermilion, feuerrot+, scharlachrot+, knallrot+"),
    NamedColour("#d9742b", "orange, orangen+, orangefarben+"),
    NamedColour("#d8b32d", "yellow, yellowish, gelb+, gelblich+, lemon, zitronengelb+, mustard, senfgelb+"),
    NamedColour("#4b8a3a", "green, greenish, gruen+, gruenlich+"),
    NamedColour("#6b7036", "olive, olivgruen+, oliv+, khaki"),
    NamedColour("#2f7f5b", "emerald, smaragdgruen+, smaragd+"),
    NamedColour("#9ccf9f", "mint, mintgruen+"),
    NamedColour("#2c8c8c", "teal, petrol, petrolfarben+"),
    NamedColour("#37b5b8", "turquoise, cyan, aqua, tuerkis+, tuerkisfarben+"),
    NamedColour("#2b5fae", "blue, bluish, blau+, blaeulich+"),
    NamedColour("#1f2f5c", "navy, marineblau+, nachtblau+, indigo"),
    NamedColour("#5fa3dc", "sky blue, azure, himmelblau+, azurblau+"),
    NamedColour("#70389a", "purple, violet, lila, lilafarben+, violett+, purpur+, purpurn+"),
    NamedColour("#b49ad6", "lavender, lilac, lavendel, flieder, fliederfarben+"),
    NamedColour("#c02f86", "magenta, fuchsia, pink+"),
    NamedColour("#df9fae", "rose, rosy, rosa, rosafarben+, altrosa"),
    NamedColour("#6d4527", "brown, brownish, braun+, braeunlich+"),
    NamedColour("#4a2c1a", "chocolate, coffee, schokobraun+, kaffeebraun+"),
    NamedColour(
        "#c9ad82", "beige, tan, cream, creamy, sandfarben+, cremefarben+, creme, sand coloured, sand colored"
    ),
    NamedColour("#ece9e2", "white, whitish, weiss+, weisslich+, ivory, elfenbein, elfenbeinfarben+"),
    NamedColour("#858585", "grey, gray, greyish, grayish, grau+, graeulich+"),
    NamedColour("#43474b", "charcoal, anthracite, anthrazit, anthrazitfarben+"),
    NamedColour("#1d1d1f", "black, blackish, schwarz+, schwaerzlich+"),
    NamedColour(
        "#d3a63c", "gold, golden, gilded, goldene, goldener, goldenes, goldenen, vergoldet+, goldfarben+"
    ),
    NamedColour("#bfc3c7", "silver, silvery, silber, silbern+, silberfarben+"),
    NamedColour("#b86f46", "copper, kupfer, kupfern+, kupferblech, kupferplatte, kupferplatten", True),
    NamedColour("#8a6434", "bronze, bronzen+", True),
    NamedColour("#c2a14d", "brass, messing, messingblech", True),
    NamedColour(
        "#c3c7cb", "aluminium, aluminum, chrome, chromed, chrom, verchromt+, nickel, titanium, titan", True
    ),
    NamedColour("#8f9499", "steel, stahl, edelstahl, stainless, stahlblech", True),
    NamedColour("#4c4d50", "iron, cast iron, wrought iron, eisen, gusseisen, schmiedeeisen", True),
    NamedColour("#a87b4d", "oak, oaken, eiche, eichen, eichen*", True),
    NamedColour("#5a3b26", "walnut, nussbaum, nussbaum*, walnuss, walnussholz", True),
    NamedColour(
        "#cda877", "pine, spruce, fir, kiefer, kiefern, kiefern*, fichte, fichten*, tanne, tannenholz", True
    ),
    NamedColour("#d9bd91", "maple, birch, ash wood, ahorn, ahorn*, birke, birken*, esche, eschenholz", True),
    NamedColour("#6e3324", "mahogany, mahagoni, mahagoni*, rosewood, palisander", True),
    NamedColour(
        "#8d4a2e",
        "cherry, cherrywood, kirschholz, kirschbaum*, teak, teakholz, cedar, zeder, zedernholz",
        True,
    ),
    NamedColour(
        "#c6a070", "beech, buche, buchen*, bamboo, bambus, bambus*, ash, larch, laerche, laerchen*", True
    ),
    NamedColour("#2a211d", "ebony, ebenholz, wenge", True),
    NamedColour("#4d555d", "slate, schiefer, schiefer*", True),
    NamedColour("#bf6742", "terracotta, terra cotta, terrakotta, clay, lehm, ton", True),
    NamedColour("#4f8f6c", "jade, malachite, malachit", True),
    NamedColour("#23489a", "lapis, lapis lazuli, sapphire, saphir, cobalt, kobalt, kobaltblau+", True),
    NamedColour("#2b4a7d", "denim, jeans, jeansstoff", True),
    NamedColour(
        "#caa978", "sandstone, sandstein, sandstein*, limestone, kalkstein, travertine, travertin", True
    ),
    NamedColour("#3a3a3d", "basalt, obsidian, graphite, graphit, asphalt, lava rock, lavastein", True),
    NamedColour("#a89e95", "granite, granit, granit*", True),
    NamedColour(
        "#9b7a4d",
        "jute, burlap, hessian, sackleinen, hemp, hanf, straw, stroh, wicker, rattan, cork, kork",
        True,
    ),
    NamedColour("#d8cdb8", "linen, leinen, wool, wolle, cotton, baumwolle", True),
    NamedColour("#d59a2c", "amber, bernstein, honey, honig", True),
)


@dataclass(frozen=True)
class Palette:
    """Colours from dark to light for the thing itself, and for what it meets: joints, veins, threads,
    cracks."""

    main: tuple[Colour, ...]
    accent: tuple[Colour, ...]
    purity: float = 1.0
    """Share of a named colour's chroma that the material takes on: dye is pure, stone is not."""
    has_second: bool = False
    """The accent is a second colour of the thing itself: chequers, stripes, weft."""

    def tinted(
        self, main: Colour | None, accent: Colour | None = None, second: Colour | None = None
    ) -> Palette:
        """The same contrasts around other colours, toned down to what the material can take.

        `second` is another colour of the thing itself, which its joints then share.
        """
        main = tone(main, 0.0, self.purity) if main else None
        other = second or accent
        return replace(
            self,
            main=around(self.main, main) if main else self.main,
            accent=around(self.accent, other) if other else self.accent,
            has_second=self.has_second or second is not None,
        )

    def toned(self, lightness: float, chroma: float) -> Palette:
        """Lighter (`lightness` > 0, up to 1) or darker (down to -1), and more or less colourful."""
        return replace(
            self,
            main=tuple(tone(colour, lightness, chroma) for colour in self.main),
            accent=tuple(tone(colour, lightness / 2, chroma) for colour in self.accent),
        )

    def turned(self, turn: float) -> Palette:
        """All hues moved by `turn` of the colour circle."""
        angle = 2 * np.pi * turn
        rotation = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])

        def moved(stops: tuple[Colour, ...]) -> tuple[Colour, ...]:
            lab = to_oklab(np.array(stops))
            lab[:, 1:] = lab[:, 1:] @ rotation
            return _colours(from_oklab(lab))

        return replace(self, main=moved(self.main), accent=moved(self.accent))


def parse(text: str) -> tuple[Colour, ...]:
    """Space-separated #rrggbb values."""
    return tuple(from_hex(word) for word in text.split())


def from_hex(text: str) -> Colour:
    """One #rrggbb value."""
    red, green, blue = (int(text[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return red, green, blue


def around(stops: Sequence[Colour], colour: Colour) -> tuple[Colour, ...]:
    """`stops` moved in OKLab so that their middle is `colour`; lightness contrasts stay, hue differences
    are halved."""
    lab = to_oklab(np.array(stops))
    middle = lab.mean(axis=0)
    goal = to_oklab(np.array(colour))
    moved = lab - middle
    moved[:, 1:] *= 0.5
    # A very dark or very light colour has less room on one side; shrink the contrast instead of clipping it.
    room = min(goal[0] - 0.04, 1.0 - goal[0]) + 0.06
    moved *= min(1.0, room / max(float(np.abs(moved[:, 0]).max()), 1e-6))
    lab = goal + moved
    lab[:, 1:] *= (lab[:, :1] / max(float(goal[0]), 0.05)) ** 0.3
    return _colours(from_oklab(lab))


def tone(colour: Colour, lightness: float, chroma: float) -> Colour:
    """`colour` moved towards white or black by the share `lightness`, its chroma multiplied."""
    lab = to_oklab(np.array(colour))
    lab[0] += lightness * ((1.0 - lab[0]) if lightness > 0 else lab[0])
    lab[1:] *= chroma
    return _colours(from_oklab(lab)[None])[0]


def to_oklab(srgb: NDArray[np.float64]) -> NDArray[np.float64]:
    """(..., 3) sRGB 0..1 to OKLab (Ottosson 2020, "A perceptual color space for image processing")."""
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    return np.asarray(np.cbrt(linear @ _LMS.T) @ _LAB.T)


def from_oklab(lab: NDArray[np.float64]) -> NDArray[np.float64]:
    """(..., 3) OKLab to sRGB, clipped to 0..1."""
    linear = np.clip((lab @ _LAB_INVERSE.T) ** 3 @ _LMS_INVERSE.T, 0.0, 1.0)
    return np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)


def _colours(srgb: NDArray[np.float64]) -> tuple[Colour, ...]:
    return tuple((float(red), float(green), float(blue)) for red, green, blue in srgb)


_LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
_LMS_INVERSE = np.linalg.inv(_LMS)
_LAB_INVERSE = np.linalg.inv(_LAB)
