"""The one table of families: what each is called, which words mean it, its colours, and who paints it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .canvas import Canvas
from .palette import Palette, parse
from .patterns import cloth, masonry, metal, mineral, nature, tech, wood
from .surface import Surface

Painter = Callable[[Canvas, Palette], Surface]


@dataclass(frozen=True)
class Family:
    """One kind of texture."""

    name: str
    """Identifier, as in `Draft.family`."""
    label: str
    """What people read."""
    words: str
    """Comma-separated words that mean it; `*` any ending or beginning, `+` German endings."""
    main: str
    """Its own colours, dark to light, as #rrggbb."""
    accent: str
    """Colours of joints, veins, threads."""
    roughness: float
    """Typical mean roughness, 0..1."""
    metallic: float
    """1 for bare metal, else 0."""
    paint: Painter
    refines: tuple[str, ...] = ()
    """Families that this one wins over when both are named together: "planks of oak wood" are planks."""

    @property
    def palette(self) -> Palette:
        """Its own colours."""
        return Palette(parse(self.main), parse(self.accent))


FAMILIES: tuple[Family, ...] = (
    Family(
        "brick", "Brick", "brick, bricks, brickwork, ziegel, ziegeln, ziegel*, backstein*, klinker*, *ziegelwand, mauerwerk",
        "#4a1f18 #7a3524 #97452d #ab5a3c #c07a58", "#8a8178 #a89f94 #c0b8ab", 0.85, 0.0, masonry.brick,
        ("stone", "concrete", "rust"),
    ),
    Family(
        "tiles", "Tiles", "tile, tiles, tiled, tiling, ceramic, ceramics, fliese, fliesen, *fliesen, *fliese, kachel, kacheln, *kacheln",
        "#8fb0b5 #a9c6c8 #c1d8d8 #d6e6e4 #e9f2ef", "#7c7a75 #98958e #b2afa7", 0.2, 0.0, masonry.tiles,
        ("marble", "stone", "concrete"),
    ),
    Family(
        "cobblestone", "Cobblestone", "cobble, cobbles, cobblestone, cobblestones, paving stones, pavement, kopfsteinpflaster, pflaster, pflastersteine, *pflaster",
        "#4a4845 #66625d #827d75 #9b958b #b5aea2", "#3d372f #5a5145 #776b5a", 0.8, 0.0, masonry.cobblestone,
        ("stone", "brick"),
    ),
    Family(
        "wood_planks", "Wood planks", "plank, planks, planking, floorboard, floorboards, board, boards, wood floor, wooden floor, hardwood floor, parquet, decking, siding, planke, planken, diele, dielen, *dielen, *planken, brett, bretter, *bretter, holzboden, parkett, *parkett, bohlen",
        "#2e1b10 #5a3920 #85592f #a97846 #c89c66", "#130c07 #2a1c12", 0.55, 0.0, wood.wood_planks, ("wood_grain",),
    ),
    Family(
        "wood_grain", "Wood grain", "wood, wooden, woodgrain, timber, lumber, plywood, holz, hoelzern+, *holz, holz*, oak, walnut, mahogany, maple, birch, pine, cherrywood, teak, ebony, eiche, nussbaum, kiefer, buche",
        "#3a2413 #68441f #91632f #b78a50 #d6b27c", "#20130a #3a2413", 0.45, 0.0, wood.wood_grain,
    ),
    Family(
        "marble", "Marble", "marble, marbled, onyx, marmor, marmoriert+, marmor*",
        "#a7a5a5 #cbc9c7 #e2e0dd #efedea #f7f6f3", "#3e4247 #5b5f64 #85868a", 0.12, 0.0, mineral.marble, ("stone",),
    ),
    Family(
        "stone", "Stone", "stone, stones, rock, rocks, rocky, boulder, cliff, granite, slate, basalt, sandstone, limestone, stein, steine, steinern+, *gestein, fels, felsen, felswand, felsig+, granit, schiefer, sandstein, kalkstein, steinwand, steinmauer, naturstein",
        "#3a3835 #5b5853 #7b766f #9a948a #b9b2a6", "#54483a #857563 #a89780", 0.8, 0.0, mineral.stone,
    ),
    Family(
        "plaster", "Plaster", "plaster, plastered, stucco, putz, verputzt+, gips, *putz, stuck",
        "#b9aa92 #cfc2ac #ddd2bf #e7dece #f1eadd", "#8a7f70 #a0937f", 0.85, 0.0, mineral.plaster, ("concrete",),
    ),
    Family(
        "concrete", "Concrete", "concrete, cement, screed, beton, sichtbeton, zement, estrich, *beton, beton*",
        "#5c5b59 #7c7b78 #979591 #acaaa5 #c2c0bb", "#5d564c #7d766b", 0.8, 0.0, mineral.concrete,
    ),
    Family(
        "brushed_metal", "Brushed metal", "brushed, hairline, gebuerstet+, brushed metal, brushed steel",
        "#5e6265 #85898c #a3a6a9 #bec1c3 #dcdee0", "#3a3c3e #55585a", 0.3, 1.0, metal.brushed_metal, ("metal",),
    ),
    Family(
        "rust", "Rust", "rust, rusty, rusted, corroded, corrosion, rost, rostig+, verrostet+, korrodiert+, patina",
        "#2c120a #5a2412 #8a3c18 #b3592a #d08a4a", "#4d5960 #66747b #7f8d93", 0.85, 0.0, metal.rust, ("metal", "panels"),
    ),
    Family(
        "metal", "Metal", "metal, metallic, steel, iron, aluminium, aluminum, chrome, copper, brass, bronze, titanium, tin, zinc, gold, silver, metall, metallisch+, stahl, edelstahl, eisen, alu, kupfer, messing, blech, metall*, *blech, zink",
        "#4e5257 #73787d #92979c #adb1b5 #cfd2d5", "#37342f #4d4942", 0.35, 1.0, metal.metal,
    ),
    Family(
        "fabric", "Fabric", "fabric, cloth, textile, weave, woven, linen, cotton, canvas, denim, burlap, wool, tweed, stoff, stoffe, gewebe, gewebt+, leinen, leinwand, baumwolle, jeans, textil, tuch, wolle, *gewebe, leinenstoff, baumwollstoff, jeansstoff, sackleinen",
        "#3d3a36 #6b655c #978f82 #b8b0a1 #d8d1c3", "#55483a #8a7860 #b9a88c", 0.9, 0.0, cloth.fabric,
    ),
    Family(
        "leather", "Leather", "leather, hide, suede, leder, ledern+, *leder, leder*",
        "#1f0f08 #43210f #6b381b #8b5029 #ab7142", "#2a1a10 #4a3020", 0.5, 0.0, cloth.leather, ("fabric",),
    ),
    Family(
        "grass", "Grass", "grass, grassy, lawn, meadow, turf, gras, grasbewachsen+, rasen, wiese, wiesen",
        "#0c1706 #23400f #3f6a1b #6a9632 #a5c25c", "#2c2413 #7a6a35 #c3b269", 0.8, 0.0, nature.grass, ("ground",),
    ),
    Family(
        "ground", "Ground", "ground, soil, dirt, earth, mud, forest floor, erde, erdboden, boden, waldboden, matsch, schlamm, acker",
        "#1f150d #3a2819 #573d27 #735339 #927050", "#4d4841 #7b756b #a8a094", 0.95, 0.0, nature.ground,
    ),
    Family(
        "sand", "Sand", "sand, sandy, dune, dunes, desert, beach, sandig+, duene, duenen, strand, wueste, wuestensand, sandstrand",
        "#8f6a3f #b48d5a #cfaa76 #e0c292 #efdcb5", "#f7ecd2", 0.95, 0.0, nature.sand,
    ),
    Family(
        "water", "Water", "water, ocean, sea, lake, pool, river, waves, wasser, wasser*, meer, ozean, see, fluss, wellen",
        "#06304a #0d5373 #1f7f9b #57b3c1 #c9eef0", "#eafafa", 0.08, 0.0, nature.water,
    ),
    Family(
        "ice", "Ice", "ice, icy, frozen, glacier, eis, eisig+, gefroren+, gletscher, eisflaeche, frozen water, frozen lake",
        "#1d4e6e #4b87a6 #86b9cd #bddfe8 #f2fafb", "#f5fcfd", 0.15, 0.0, nature.ice, ("water",),
    ),
    Family(
        "panels", "Sci-fi panels", "panel, panels, paneling, sci fi, scifi, science fiction, spaceship, spacecraft, hull, greeble, greebles, paneele, raumschiff, aussenhuelle, bordwand, science fiction platten",
        "#23282d #3f474e #5d676f #7f8a92 #a9b2b8", "#1f6f8a #3fd0f0 #c8f6ff", 0.4, 1.0, tech.panels, ("metal", "brushed_metal", "tiles"),
    ),
)  # fmt: skip

NOISE = Family(
    "noise", "Noise", "", "#22304a #3f5878 #6d86a0 #a3b4bf #dcdfdc", "#7a4a2e #b9784a #e6bd8c", 0.5, 0.0, mineral.noise
)
"""What is painted when the words name no family."""
