"""The table of procedural materials: what each is called, its shape and colors, how deep and rough it is."""

from __future__ import annotations

from dataclasses import dataclass

from .shapes import (
    Build,
    bladed,
    both,
    bricks,
    fractal,
    grained,
    ribbed,
    stones,
    strewn,
    studded,
    woven,
    wrinkled,
)


@dataclass(frozen=True)
class Recipe:
    """One material."""

    words: str
    build: Build
    colors: str
    """Dark to light, as #rrggbb."""
    joints: str
    """Colors of joints or of the ground, one of which is taken."""
    slope: float
    """Root mean square slope, about."""
    roughness: float
    metallic: float = 0.0
    painted: float = 0.5
    """How much of the color has nothing to do with the relief, 0..1."""


DARK, LIGHT, EARTH = "#3a342e #55504a", "#b0a89a #c9c2b4 #8f887c", "#4a3a2a #6b5640"
STONE, RED, WOOD = "#5a5650 #837d74 #aaa398", "#5c2418 #8f4630 #b86f4e", "#4a2f1a #7a5230 #a87a4c"
METAL, GREEN, WHITE = "#6a6a6c #8e8f92 #b5b6b8", "#2a3a16 #4a6026 #7a8a3c", "#b8b4aa #d2cec4 #e8e4da"
ANY = f"{DARK} {LIGHT}"

# fmt: off
RECIPES: tuple[Recipe, ...] = (
    Recipe("red brick wall", bricks(28, 2.3, 4, 4), RED, ANY, 0.5, 0.8),
    Recipe("old brick wall", bricks(30, 2.1, 5, 6, rough=1.6), RED, ANY, 0.6, 0.85, painted=0.7),
    Recipe("white brick wall", bricks(26, 2.4, 3, 4, rough=0.8), WHITE, LIGHT, 0.4, 0.7, painted=0.2),
    Recipe("clinker brick", bricks(22, 3.2, 3, 2), "#3a2420 #5c3a30 #7a5644", ANY, 0.5, 0.6),
    Recipe(
        "castle brick wall", both(bricks(44, 2, 6, 8, rough=1.5), fractal(12, 1.5), 0.6),
        STONE, ANY, 0.55, 0.8,
    ),
    Recipe(
        "concrete blocks", both(bricks(64, 2, 4, 3), fractal(4, 1.2, pits=1), 0.5),
        "#8a8a86 #a5a5a0", LIGHT, 0.3, 0.8,
    ),
    Recipe("stone wall", stones(40, 5, 9, stretch=1.5, rough=1.2), STONE, ANY, 0.5, 0.75),
    Recipe(
        "dry stone wall", both(stones(30, 4, 10, stretch=2.2, rough=1.5), fractal(9, 1.5), 0.5),
        STONE, DARK, 0.65, 0.8,
    ),
    Recipe(
        "cobblestone", stones(30, 4, 14, jitter=0.6),
        "#4a4845 #827d75 #b5aea2", f"{EARTH} {ANY}", 0.5, 0.7,
    ),
    Recipe("stone path", stones(56, 6, 6, rough=0.8), STONE, f"{GREEN} {EARTH} {ANY}", 0.35, 0.7),
    Recipe("stone paving", bricks(48, 1.5, 3, 3, offset=-1, rough=0.8), STONE, ANY, 0.3, 0.65),
    Recipe("flagstone with moss", stones(64, 7, 5), STONE, GREEN, 0.35, 0.75),
    Recipe("pebbles", strewn(16, 5, length=1.3), "#55504a #8a8276 #c2b8a8", EARTH, 0.6, 0.6),
    Recipe("gravel", strewn(9, 5, length=1.2, bulge=1.1), STONE, EARTH, 0.6, 0.8),
    Recipe("river stones", strewn(34, 4, length=1.4), "#4a4a4c #7a7c7e #b0aca4", EARTH, 0.55, 0.5),
    Recipe("rubble", both(stones(14, 2, 6, rough=2), fractal(20, 1.6), 0.8), STONE, EARTH, 0.65, 0.85),
    Recipe("rock", fractal(70, 1.9, creases=0.6), STONE, DARK, 0.45, 0.75, painted=0.35),
    Recipe(
        "cliff rock", both(fractal(90, 2.0, creases=1.2), fractal(10, 1.6), 0.5),
        STONE, DARK, 0.5, 0.75, painted=0.3,
    ),
    Recipe(
        "layered rock", both(ribbed(22, 8, sharp=0.5), fractal(24, 1.7), 0.8),
        "#6a5644 #8f7860 #b5a084", DARK, 0.45, 0.8,
    ),
    Recipe("lava rock", fractal(30, 1.7, pits=2, creases=0.5), "#1e1c1c #383434 #524c4a", DARK, 0.5, 0.8),
    Recipe(
        "slate", both(ribbed(40, 10, sharp=0.3), fractal(30, 2.0), 0.6),
        "#2e3338 #454c52 #626a70", DARK, 0.25, 0.5,
    ),
    Recipe(
        "sandstone", both(fractal(5, 1.2), ribbed(30, 6), 0.5),
        "#a5835c #c2a078 #dcc09a", LIGHT, 0.25, 0.85,
    ),
    Recipe("granite", fractal(4, 1.4), "#4a4644 #8a8480 #c2bab4", LIGHT, 0.06, 0.4, painted=1.0),
    Recipe("marble", fractal(60, 2.4), WHITE, LIGHT, 0.012, 0.2, painted=1.0),
    Recipe("onyx", fractal(80, 2.4), "#3a2c1e #7a5c3a #d2b078", LIGHT, 0.012, 0.15, painted=1.0),
    Recipe(
        "ceramic tiles", bricks(40, 1, 3, 2, offset=0, rough=0.05),
        "#8fb0b5 #c1d8d8 #e9f2ef", ANY, 0.15, 0.2,
    ),
    Recipe(
        "bathroom tiles", bricks(24, 1, 2, 2, offset=0, rough=0.03),
        WHITE, ANY, 0.15, 0.15, painted=0.15,
    ),
    Recipe(
        "terracotta tiles", bricks(48, 1, 5, 3, offset=0, rough=0.4),
        "#8a4a2e #b06a44 #c98a60", ANY, 0.25, 0.7,
    ),
    Recipe(
        "mosaic", stones(14, 2.5, 2, jitter=0.4, rough=0.1),
        "#2a4a6a #c2a05a #e0d8c8", ANY, 0.3, 0.35, painted=0.9,
    ),
    Recipe("roof tiles", both(bricks(34, 1.1, 2, 8), ribbed(34, 1, along=1), 0.8), RED, DARK, 0.5, 0.75),
    Recipe("slate roof", bricks(26, 1.3, 2, 10, rough=0.6), "#33383e #4c535a #6a7076", DARK, 0.35, 0.6),
    Recipe(
        "wood planks", bricks(48, 8, 2.5, 2, offset=-1, rough=0.2, grain=0.6),
        WOOD, DARK, 0.2, 0.6, painted=0.7,
    ),
    Recipe(
        "weathered planks", bricks(40, 7, 4, 3, offset=-1, rough=0.5, grain=1.4),
        "#5a5046 #7c7266 #a0968a", DARK, 0.3, 0.8,
    ),
    Recipe(
        "wood floor", bricks(40, 5, 1.2, 1, offset=-1, rough=0.03, grain=0.1),
        WOOD, DARK, 0.08, 0.4, painted=0.9,
    ),
    Recipe("parquet", bricks(24, 4, 1, 1, rough=0.02, grain=0.1), WOOD, DARK, 0.08, 0.3, painted=0.9),
    Recipe("oak wood", grained(5, 18, rings=0.5), WOOD, DARK, 0.1, 0.5, painted=0.9),
    Recipe(
        "painted wood", both(grained(5, 14), bricks(50, 9, 3, 2, offset=-1), 1.0),
        "#3a5a6a #6a8a94 #b8c8c8", DARK, 0.15, 0.5, painted=0.3,
    ),
    Recipe(
        "tree bark", both(grained(16, 4, cracks=1.5), fractal(8, 1.4), 0.5),
        "#2e241a #55452f #7c6a50", DARK, 0.6, 0.85, painted=0.3,
    ),
    Recipe("birch bark", both(grained(10, 0.2), fractal(40, 2), 0.5), WHITE, DARK, 0.2, 0.6, painted=0.8),
    Recipe("plywood", grained(4, 24, rings=0.3), "#a5835c #c2a078 #d8bc94", LIGHT, 0.06, 0.6, painted=0.9),
    Recipe("cork", strewn(7, 5, bulge=0.4), "#7a5636 #a57c54 #c29c74", EARTH, 0.2, 0.8),
    Recipe("wicker", woven(18, fuzz=0.06), WOOD, DARK, 0.5, 0.6),
    Recipe("plaster", fractal(10, 1.5, pits=0.4), WHITE, LIGHT, 0.22, 0.8, painted=0.12),
    Recipe(
        "rough stucco", fractal(7, 1.9, creases=0.6),
        f"{WHITE} #b89a6a", LIGHT, 0.35, 0.85, painted=0.1,
    ),
    Recipe(
        "trowelled plaster", both(fractal(40, 2.3, creases=0.8), fractal(4, 1.2), 0.3),
        f"{WHITE} #a58a6a", LIGHT, 0.18, 0.75, painted=0.15,
    ),
    Recipe(
        "painted plaster wall", both(fractal(5, 1.6), fractal(60, 2.2), 0.5),
        "#8a9aa0 #b0bcc0 #c8d0d2", LIGHT, 0.15, 0.6, painted=0.2,
    ),
    Recipe(
        "concrete", fractal(30, 1.5, pits=1.2),
        "#7a7a76 #98988f #b0aea5", LIGHT, 0.12, 0.75, painted=0.8,
    ),
    Recipe(
        "rough concrete", fractal(8, 1.5, pits=1.5),
        "#6a6a66 #8a8a84 #a5a39c", LIGHT, 0.3, 0.85, painted=0.4,
    ),
    Recipe(
        "asphalt", both(strewn(5, 4, length=1.1), fractal(3, 1.2), 0.4),
        "#2a2a2c #444446 #6a6a68", DARK, 0.4, 0.85, painted=0.5,
    ),
    Recipe("brown leather", wrinkled(11, 0.2), "#2e1a10 #55321c #7c4e2e", DARK, 0.2, 0.5, painted=0.2),
    Recipe("black leather", wrinkled(16, 0.15), "#141414 #242424 #383636", DARK, 0.25, 0.4, painted=0.2),
    Recipe("crumpled paper", wrinkled(50, 0.02), WHITE, LIGHT, 0.25, 0.75, painted=0.05),
    Recipe("reptile skin", stones(13, 2, 6, jitter=0.5, rough=0.1), GREEN, DARK, 0.4, 0.4),
    Recipe("linen fabric", woven(6), "#8a8070 #b0a690 #d0c8b4", LIGHT, 0.3, 0.85, painted=0.3),
    Recipe(
        "wool fabric", both(woven(12, fuzz=0.25), bladed(900, 9), 0.5),
        "#5a2a2e #8a4a4a #a5706a", DARK, 0.4, 0.9, painted=0.3,
    ),
    Recipe("denim", woven(6, 2), "#1e2e4a #34507a #6a84a8", "#b8c0cc", 0.3, 0.85),
    Recipe("carpet", bladed(5000, 7, thick=0.7), "#4a2e2e #7a5050 #a57c74", DARK, 0.45, 0.9),
    Recipe("fur", bladed(3000, 26, 1.2, 0.6), "#3a2a1c #6a4e34 #a58660", DARK, 0.4, 0.75),
    Recipe("corduroy", ribbed(12, 0.4), "#4a3a26 #6e583a #94784e", DARK, 0.4, 0.85, painted=0.2),
    Recipe("carbon fibre", woven(14, 2, fuzz=0.01), "#101012 #26262a #404046", DARK, 0.15, 0.3),
    Recipe("steel plate", fractal(90, 2.2), METAL, DARK, 0.03, 0.35, 1.0, painted=0.9),
    Recipe("brushed steel", grained(2, 60), METAL, DARK, 0.03, 0.35, 1.0, painted=0.6),
    Recipe(
        "scratched metal", both(fractal(60, 2), bladed(60, 120, thick=0.6), 0.8),
        METAL, DARK, 0.08, 0.35, 1.0, painted=0.6,
    ),
    Recipe(
        "metal plates",
        both(bricks(90, 1.2, 3, 2, offset=0, rough=0.05), studded(22, 0.25, shift=False), 0.5),
        METAL, DARK, 0.2, 0.4, 1.0,
    ),
    Recipe("tread plate", studded(26, 0.6), METAL, DARK, 0.3, 0.4, 1.0, painted=0.3),
    Recipe(
        "perforated metal", studded(20, 0.6, sign=-1),
        METAL, "#0a0a0a #1a1a1a", 0.4, 0.4, 1.0, painted=0.2,
    ),
    Recipe("corrugated metal", ribbed(30, 0, along=1), METAL, DARK, 0.4, 0.45, 0.9),
    Recipe(
        "hammered copper", stones(20, 0.5, 12, jitter=0.8, rough=0.1),
        "#6a3a22 #a5643e #d29468", DARK, 0.25, 0.3, 1.0, painted=0.4,
    ),
    Recipe(
        "rusty metal", fractal(14, 1.4, pits=0.6),
        "#3a2014 #7a4424 #a5683a", DARK, 0.15, 0.75, 0.1, painted=0.9,
    ),
    Recipe(
        "painted metal", both(fractal(50, 2), fractal(5, 1.5, pits=2), 0.5),
        "#2e5a4a #4a7c68 #8aa898", "#6a3a20", 0.08, 0.45, painted=0.8,
    ),
    Recipe("chainmail", woven(14, fuzz=0), METAL, "#0a0a0a #161616", 0.5, 0.35, 1.0, painted=0.1),
    Recipe(
        "forest ground", both(strewn(12, 3, length=2.6, bulge=0.25), fractal(20, 1.6), 0.5),
        "#2e2418 #55442e #8a7048", EARTH, 0.4, 0.85,
    ),
    Recipe("soil", fractal(14, 1.5, creases=0.3), "#2e2218 #4a3826 #6e563c", EARTH, 0.3, 0.9, painted=0.4),
    Recipe("mud", fractal(40, 1.9, creases=0.4), "#3a2a1c #54402c #6e563e", EARTH, 0.2, 0.5, painted=0.2),
    Recipe(
        "cracked earth", stones(44, 4, 4, rough=0.6),
        "#7a5e42 #a08260 #b89c78", "#3a2a1c #55402c", 0.3, 0.85, painted=0.3,
    ),
    Recipe(
        "sand", both(fractal(60, 2.2), fractal(2.5, 1.0), 0.8),
        "#a5855c #c0a074 #d8bc90", LIGHT, 0.2, 0.85, painted=0.2,
    ),
    Recipe("sand ripples", ribbed(26, 7), "#a5855c #c0a074 #d8bc90", LIGHT, 0.25, 0.8, painted=0.1),
    Recipe(
        "snow", both(fractal(50, 2.3), fractal(3, 1.1), 0.4),
        "#c8d0d8 #dce2e8 #f0f2f4", WHITE, 0.15, 0.6, painted=0.05,
    ),
    Recipe("grass", bladed(3500, 16, thick=0.8), GREEN, EARTH, 0.45, 0.75),
    Recipe("straw", bladed(1500, 60, thick=1.0), "#7a6236 #a58a54 #d2b87c", EARTH, 0.45, 0.8),
    Recipe("moss", both(fractal(30, 1.8), bladed(4000, 4, thick=0.8), 0.8), GREEN, EARTH, 0.4, 0.85),
    Recipe(
        "fallen leaves", strewn(34, 5, length=1.7, bulge=0.2, vein=True),
        "#5a3416 #94602a #c89a4c", EARTH, 0.4, 0.65,
    ),
    Recipe("green leaves", strewn(26, 6, length=2.0, bulge=0.25, vein=True), GREEN, DARK, 0.4, 0.5),
    Recipe("wood chips", strewn(14, 5, length=2.4, bulge=0.25), WOOD, EARTH, 0.5, 0.8),
    Recipe("coal", stones(22, 2, 9, rough=1.8), "#0c0c0e #1c1c1e #323234", DARK, 0.5, 0.5, painted=0.3),
    Recipe("ice", fractal(50, 2.1, creases=0.8), "#a0b8c8 #c0d2dc #dce8ee", WHITE, 0.12, 0.15, painted=0.6),
    Recipe(
        "water", fractal(40, 2.6, creases=0.5),
        "#1a3a4a #2e5a6a #4a7c88", DARK, 0.15, 0.06, painted=0.2,
    ),
    Recipe(
        "quilted fabric", both(studded(40, 1.2), woven(4), 0.3),
        "#5a5a6a #84848e #a8a8b0", DARK, 0.25, 0.8, painted=0.1,
    ),
    Recipe(
        "rubber studs", studded(18, 0.5, shift=False),
        "#161616 #262626 #3a3a3a", DARK, 0.35, 0.7, painted=0.1,
    ),
)
# fmt: on
