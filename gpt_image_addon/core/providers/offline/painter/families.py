"""The one table of families: what each is called, which words mean it, its colours, and who paints it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from .patterns import cloth, masonry, metal, mineral, nature, plants, prints, tech, wood
from .primitives.canvas import Canvas
from .primitives.palette import Palette, parse
from .primitives.surface import Surface

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
    purity: float = 1.0
    """See `Palette.purity`."""
    refines: tuple[str, ...] = ()
    """Families that this one wins over when both are named together: "planks of oak wood" are planks."""

    @property
    def palette(self) -> Palette:
        """Its own colours."""
        return Palette(parse(self.main), parse(self.accent), self.purity)


# fmt: off
FAMILIES: tuple[Family, ...] = (
    Family(
        "brick", "Brick",
        "brick, bricks, brickwork, ziegel*, backstein*, klinker*, *ziegelwand, mauerwerk",
        "#4a1f18 #7a3524 #97452d #ab5a3c #c07a58", "#8a8178 #a89f94 #c0b8ab",
        0.85, 0.0, masonry.brick, 0.75, ("stone", "stone_wall", "concrete", "rust"),
    ),
    Family(
        "tiles", "Tiles",
        "tile, tiles, tiled, tiling, ceramic, ceramics, fliese, fliesen, *fliesen, *fliese, kachel, kacheln, "
        "*kacheln, gefliest+",
        "#8fb0b5 #a9c6c8 #c1d8d8 #d6e6e4 #e9f2ef", "#7c7a75 #98958e #b2afa7",
        0.2, 0.0, masonry.tiles, 0.9, ("marble", "stone", "concrete"),
    ),
    Family(
        "hexagons", "Hexagon tiles",
        "hexagon, hexagons, hexagonal, hex tiles, hexagon tiles, hexagonal tiles, honeycomb, honeycombs, "
        "sechseck, sechsecke, sechseckig+, sechseckfliesen, wabe, waben, wabenmuster, bienenwabe",
        "#3c5a66 #527584 #6b8f9c #88a9b3 #a9c3c9", "#2f3436 #474d50 #62696c",
        0.3, 0.0, masonry.hexagons, 0.9, ("tiles", "marble", "metal"),
    ),
    Family(
        "mosaic", "Mosaic",
        "mosaic, mosaics, tesserae, mosaik, mosaike, mosaikfliesen",
        "#c9b48a #dccba4 #e9dcbc #efe6cf #f6f0e0", "#163a55 #22618a #2f86a6 #5fb0b8 #b8542e",
        0.35, 0.0, masonry.mosaic, 1.0, ("tiles", "stone", "marble"),
    ),
    Family(
        "cobblestone", "Cobblestone",
        "cobble, cobbles, cobbled, cobblestone, cobblestones, paving stones, pavers, kopfsteinpflaster, "
        "pflaster, pflastersteine, *pflaster",
        "#4a4845 #66625d #827d75 #9b958b #b5aea2", "#3d372f #5a5145 #776b5a",
        0.8, 0.0, masonry.cobblestone, 0.6, ("stone", "brick"),
    ),
    Family(
        "stone_wall", "Stone wall",
        "stone wall, stone walls, rock wall, rubble, masonry, dry stone wall, castle wall, drystone, "
        "steinmauer, steinmauern, steinwand, bruchstein, bruchsteinmauer, natursteinmauer, burgmauer, "
        "trockenmauer",
        "#4b4742 #6a655d #868076 #a09a8e #bab3a5", "#5f5647 #8b7f6b #aa9f8b",
        0.85, 0.0, masonry.stone_wall, 0.6, ("stone",),
    ),
    Family(
        "roof", "Roof tiles",
        "roof, roofs, roofing, roof tile, roof tiles, roof tiling, shingle, shingles, shingled, dach, "
        "daecher, dachziegel, dachpfanne, dachpfannen, schindel, schindeln, *schindeln",
        "#48190f #74301f #95452b #b0603f #c98762", "#59563c #7b7850 #a3a077",
        0.85, 0.0, masonry.roof, 0.8, ("tiles", "stone", "wood_grain"),
    ),
    Family(
        "wood_planks", "Wood planks",
        "plank, planks, planking, planked, floorboard, floorboards, board, boards, wood floor, wooden floor, "
        "wood flooring, hardwood floor, wooden fence, decking, siding, wood panel, wood panels, wooden "
        "panel, wooden panels, wood paneling, planke, planken, diele, dielen, *dielen, *planken, brett, "
        "bretter, *bretter, holzboden, holzfussboden, holzzaun, bohlen",
        "#2e1b10 #5a3920 #85592f #a97846 #c89c66", "#130c07 #2a1c12",
        0.55, 0.0, wood.wood_planks, 0.85, ("wood_grain",),
    ),
    Family(
        "parquet", "Parquet",
        "parquet, parquetry, herringbone, chevron floor, parkett, *parkett, fischgraet, fischgraetparkett, "
        "fischgraetmuster",
        "#2e1b10 #5a3920 #85592f #a97846 #c89c66", "#130c07 #2a1c12",
        0.35, 0.0, wood.parquet, 0.85, ("wood_grain", "wood_planks"),
    ),
    Family(
        "wood_grain", "Wood grain",
        "wood, wooden, woodgrain, wood grain, timber, lumber, plywood, veneer, holz*, *holz, hoelzern+, "
        "maserung, furnier, oak, walnut, mahogany, maple, birch, pine, cherrywood, teak, ebony, bamboo, "
        "eiche, nussbaum, kiefer, buche, ahorn, mahagoni",
        "#3a2413 #68441f #91632f #b78a50 #d6b27c", "#20130a #3a2413",
        0.45, 0.0, wood.wood_grain, 0.85,
    ),
    Family(
        "bark", "Bark",
        "bark, tree bark, tree trunk, rinde, baumrinde, borke, baumstamm",
        "#150e09 #33261b #574433 #7a6551 #a08c76", "#3f4a2e #687648 #98a377",
        0.95, 0.0, wood.bark, 0.7, ("wood_grain",),
    ),
    Family(
        "marble", "Marble",
        "marble, marbled, onyx, marmor, marmoriert+, marmor*",
        "#a7a5a5 #cbc9c7 #e2e0dd #efedea #f7f6f3", "#3e4247 #5b5f64 #85868a",
        0.12, 0.0, mineral.marble, 0.9, ("stone",),
    ),
    Family(
        "terrazzo", "Terrazzo",
        "terrazzo",
        "#b9b4ab #cfcac1 #ddd9d1 #e8e5de #f1efe9", "#3d4a4c #8a4b36 #b98a5e #c9b9a0 #6f7f79",
        0.2, 0.0, mineral.terrazzo, 0.8, ("tiles", "stone", "marble", "concrete"),
    ),
    Family(
        "gravel", "Gravel",
        "gravel, pebble, pebbles, shingle beach, scree, kies, kiesel, kieselsteine, kieselstein, schotter, "
        "geroell",
        "#4d4a47 #77726b #98928a #b6afa5 #d6d0c6", "#2a2622 #443d36 #5f564b",
        0.85, 0.0, mineral.gravel, 0.6, ("stone", "ground"),
    ),
    Family(
        "stone", "Stone",
        "stone, stones, rock, rocks, rocky, boulder, boulders, cliff, granite, slate, basalt, sandstone, "
        "limestone, stein, steine, steinern+, *gestein, fels, felsen, felswand, felsig+, granit, schiefer, "
        "sandstein, kalkstein, basalt, naturstein",
        "#33312e #56534e #78736c #9a948a #bcb5a9", "#54483a #857563 #a89780",
        0.8, 0.0, mineral.stone, 0.6,
    ),
    Family(
        "plaster", "Plaster",
        "plaster, plastered, stucco, putz, verputzt+, gips, *putz, stuck, lehmputz",
        "#b9aa92 #cfc2ac #ddd2bf #e7dece #f1eadd", "#8a7f70 #a0937f",
        0.85, 0.0, mineral.plaster, 0.7, ("concrete",),
    ),
    Family(
        "concrete", "Concrete",
        "concrete, cement, screed, asphalt, tarmac, beton, sichtbeton, zement, estrich, *beton, beton*, "
        "asphalt",
        "#5c5b59 #7c7b78 #979591 #acaaa5 #c2c0bb", "#5d564c #7d766b",
        0.8, 0.0, mineral.concrete, 0.6,
    ),
    Family(
        "cracked_earth", "Cracked earth",
        "cracked earth, cracked mud, cracked ground, cracked soil, dried mud, dry mud, dry earth, drought, "
        "parched, rissige erde, trockene erde, trockener boden, duerre",
        "#2f2015 #6b4e37 #9a7757 #b89674 #d0b596", "#3a2a1d #5a4431",
        0.95, 0.0, nature.cracked_earth, 0.6, ("ground", "sand"),
    ),
    Family(
        "brushed_metal", "Brushed metal",
        "brushed, brushed metal, brushed steel, hairline, gebuerstet+",
        "#5e6265 #85898c #a3a6a9 #bec1c3 #dcdee0", "#3a3c3e #55585a",
        0.3, 1.0, metal.brushed_metal, 1.0, ("metal",),
    ),
    Family(
        "tread_plate", "Tread plate",
        "tread plate, treadplate, diamond plate, checker plate, chequer plate, diamond steel, riffelblech, "
        "traenenblech, duettblech",
        "#3c4044 #63686d #858a8f #a5aaae #cdd1d4", "#2b2824 #453f37",
        0.4, 1.0, metal.tread_plate, 1.0, ("metal", "brushed_metal"),
    ),
    Family(
        "rust", "Rust",
        "rust, rusty, rusted, corroded, corrosion, rost, rostig+, verrostet+, korrodiert+",
        "#2c120a #5a2412 #8a3c18 #b3592a #d08a4a", "#4d5960 #66747b #7f8d93",
        0.85, 0.0, metal.rust, 0.7, ("metal", "panels", "brushed_metal"),
    ),
    Family(
        "metal", "Metal",
        "metal, metallic, steel, iron, aluminium, aluminum, chrome, copper, brass, bronze, titanium, tin, "
        "zinc, gold, golden, silver, metall*, stahl, edelstahl, eisen, eisern+, alu, kupfer, messing, blech, "
        "*blech, zink, chrom, silber",
        "#4e5257 #73787d #92979c #adb1b5 #cfd2d5", "#37342f #4d4942",
        0.35, 1.0, metal.metal,
    ),
    Family(
        "carbon_fibre", "Carbon fibre",
        "carbon fibre, carbon fiber, carbon, kevlar, kohlefaser, kohlefasern, karbon, carbonfaser",
        "#0b0c0e #1c1e21 #33363a #54585d #868b90", "#101214 #2a2d30",
        0.2, 0.0, tech.carbon_fibre, 1.0, ("fabric",),
    ),
    Family(
        "fabric", "Fabric",
        "fabric, cloth, textile, weave, woven, linen, cotton, canvas, denim, burlap, wool, tweed, stoff, "
        "stoffe, gewebe, gewebt+, leinen, leinwand, baumwolle, jeans, textil, tuch, wolle, *gewebe, "
        "leinenstoff, baumwollstoff, jeansstoff, wollstoff, sackleinen, wicker, rattan",
        "#3d3a36 #6b655c #978f82 #b8b0a1 #d8d1c3", "#55483a #8a7860 #b9a88c",
        0.9, 0.0, cloth.fabric,
    ),
    Family(
        "knit", "Knitwear",
        "knit, knitted, knitwear, knitting, sweater, jumper, crochet, strick, gestrickt+, strickware, "
        "strickmuster, strickstoff, pullover, wollpullover",
        "#4a2626 #7c3d3b #a55a55 #c48079 #deaca3", "#d9cdb9 #ece3d3 #f6f0e6",
        0.95, 0.0, cloth.knit, 1.0, ("fabric",),
    ),
    Family(
        "carpet", "Carpet",
        "carpet, carpets, carpeting, rug, rugs, teppich, teppiche, teppichboden, *teppich",
        "#2d2f3c #4a4e60 #6a6f84 #8b90a3 #b3b7c4", "#a59a86 #c8bda8 #e2d9c7",
        0.98, 0.0, cloth.carpet, 1.0, ("fabric", "fur"),
    ),
    Family(
        "leather", "Leather",
        "leather, hide, leder*, ledern+, *leder",
        "#1f0f08 #43210f #6b381b #8b5029 #ab7142", "#2a1a10 #4a3020",
        0.5, 0.0, cloth.leather, 0.9, ("fabric",),
    ),
    Family(
        "fur", "Fur",
        "fur, furry, pelt, fell, pelz, pelze, *pelz, *fell, flauschig+, fluffy",
        "#1d120a #4a311e #7d5a3a #ab8559 #dcc19a", "#1d120a #4a311e",
        0.98, 0.0, cloth.fur, 0.85,
    ),
    Family(
        "paper", "Paper",
        "paper, parchment, cardboard, papyrus, watercolor paper, papier, pergament, pappe, karton, *papier",
        "#b8a27c #d5c5a4 #e6dabf #f0e7d3 #f8f3e6", "#9a8661 #b9a784",
        0.9, 0.0, cloth.paper, 0.8,
    ),
    Family(
        "stripes", "Stripes",
        "stripe, stripes, striped, streifen, gestreift+",
        "#20446b #28527f #2f5f91 #386ea5 #4680b9", "#d8d2c4 #e9e4d8 #f5f1e8",
        0.85, 0.0, prints.stripes, 1.0, ("fabric",),
    ),
    Family(
        "checks", "Checkerboard",
        "checkerboard, chequerboard, chessboard, checkered, chequered, checked, schachbrett, "
        "schachbrettmuster, kariert+, karo, karos",
        "#1b1c1f #222428 #292b30 #32353a #3d4046", "#d3cec3 #e6e2d8 #f4f1ea",
        0.6, 0.0, prints.checks, 1.0, ("fabric",),
    ),
    Family(
        "dots", "Polka dots",
        "polka, polka dot, polka dots, dotted, dots, gepunktet+, punkte, punktmuster, tupfen",
        "#a12b34 #b4333c #c43c45 #d04a52 #da5d64", "#ddd5c8 #efe9de #f8f5ee",
        0.85, 0.0, prints.dots, 1.0, ("fabric",),
    ),
    Family(
        "plaid", "Plaid",
        "plaid, tartan, scottish, gingham, flannel, schottenkaro, schottenmuster, schottisch+, flanell",
        "#6b1418 #7e1a1e #8f2125 #9e2a2d #ad3638", "#0d1c17 #14352a #1d4a3a",
        0.9, 0.0, prints.plaid, 1.0, ("fabric", "checks"),
    ),
    Family(
        "camouflage", "Camouflage",
        "camouflage, camo, tarnmuster, tarnfarbe, tarnung, flecktarn",
        "#1e1d16 #3e4327 #6a6c40 #8d8657 #b6aa7d", "#1e1d16 #3e4327 #6a6c40",
        0.9, 0.0, prints.camouflage, 0.7, ("fabric",),
    ),
    Family(
        "grass", "Grass",
        "grass, grassy, grasses, lawn, meadow, turf, gras, graeser, grasbewachsen+, rasen, rasenflaeche, "
        "wiese, wiesen, *wiese, *rasen",
        "#0d1a06 #29490f #4d7f20 #7fac3c #b9d26c", "#251d10 #7a6a35 #c3b269",
        0.8, 0.0, plants.grass, 0.75, ("ground",),
    ),
    Family(
        "foliage", "Foliage",
        "foliage, leaves, leafy, ivy, hedge, shrub, bush, laub, blaetter, efeu, hecke, blattwerk, busch, "
        "herbstlaub",
        "#0a1706 #1e3d12 #3b6d22 #65993a #a0c566", "#2c3a10 #7d8a2a #c8b94a",
        0.6, 0.0, plants.foliage, 0.85, ("ground",),
    ),
    Family(
        "moss", "Moss",
        "moss, lichen, moos, flechte, flechten, moosteppich",
        "#101a06 #2a4110 #4c6a1e #7a9436 #aebd62", "#4a4a20 #8a8440 #c2b96a",
        0.95, 0.0, plants.moss, 0.75, ("ground",),
    ),
    Family(
        "ground", "Ground",
        "ground, soil, dirt, earth, mud, forest floor, terrain, erde, erdboden, boden, waldboden, matsch, "
        "schlamm, acker",
        "#1f150d #3a2819 #573d27 #735339 #927050", "#3a3530 #6a635a #968d80",
        0.95, 0.0, nature.ground, 0.6,
    ),
    Family(
        "sand", "Sand",
        "sand, sandy, dune, dunes, desert, beach, sandig+, duene, duenen, strand, wueste, wuestensand, "
        "sandstrand, sandduene, sandduenen",
        "#8f6a3f #b48d5a #cfaa76 #e0c292 #efdcb5", "#f7ecd2",
        0.95, 0.0, nature.sand, 0.7, ("ground",),
    ),
    Family(
        "water", "Water",
        "water, ocean, sea, lake, pool, river, waves, wasser, wasseroberflaeche, meer, meerwasser, ozean, "
        "see, fluss, wellen, schwimmbad",
        "#06304a #0d5373 #1f7f9b #57b3c1 #c9eef0", "#eafafa",
        0.08, 0.0, nature.water,
    ),
    Family(
        "ice", "Ice",
        "ice, icy, frozen, glacier, frozen water, frozen lake, eis, eisig+, gefroren+, gletscher, "
        "gletschereis, eisflaeche",
        "#1d4e6e #4b87a6 #86b9cd #bddfe8 #f2fafb", "#f5fcfd",
        0.15, 0.0, nature.ice, 0.8, ("water",),
    ),
    Family(
        "snow", "Snow",
        "snow, snowy, snowfield, schnee, pulverschnee, neuschnee, schneedecke, schneeflaeche",
        "#a9bdd4 #c9d8e8 #e0e9f2 #f0f5f9 #fdfeff", "#ffffff",
        0.7, 0.0, nature.snow, 0.8, ("ground",),
    ),
    Family(
        "lava", "Lava",
        "lava, magma, molten, volcanic, volcano, lavastrom, vulkan, vulkanisch+, glut",
        "#0b0908 #1d1816 #332c29 #4c4441 #6b625e", "#4a0c03 #b32a06 #f4730f #ffc53d #fff3b0",
        0.8, 0.0, nature.lava, 1.0, ("stone",),
    ),
    Family(
        "clouds", "Sky",
        "sky, skies, cloud, clouds, cloudy, himmel, wolke, wolken, bewoelkt+, wolkenhimmel",
        "#2f6db0 #4c8ccb #6fa9dc #97c4ea #c4dff4", "#8fa3b8 #bccada #e3eaf1 #f6f9fb #ffffff",
        1.0, 0.0, nature.clouds,
    ),
    Family(
        "space", "Space",
        "space, galaxy, nebula, starry, cosmos, cosmic, milky way, weltraum, weltall, galaxie, nebel, "
        "sternenhimmel, kosmos, milchstrasse",
        "#04050c #11163a #2b2f7a #5a57b8 #b9a8ee", "#1a0a24 #7a2a6a #d8608a #ffc2a8",
        0.9, 0.0, nature.space, 1.0, ("clouds",),
    ),
    Family(
        "circuit", "Circuit board",
        "circuit, circuits, circuit board, circuitry, pcb, motherboard, electronics, platine, platinen, "
        "leiterplatte, leiterplatten, schaltkreis, schaltkreise",
        "#04201a #0a3a2c #12573f #2a7d5c #5aa883", "#8a6a24 #c09a3c #e6c876",
        0.4, 0.0, tech.circuit, 1.0, ("panels",),
    ),
    Family(
        "panels", "Sci-fi panels",
        "panel, panels, paneling, panelling, sci fi, scifi, science fiction, spaceship, spacecraft, space "
        "station, hull, greeble, greebles, paneel, paneele, raumschiff, raumstation, bordwand, schiffswand",
        "#23282d #3f474e #5d676f #7f8a92 #a9b2b8", "#1f6f8a #3fd0f0 #c8f6ff",
        0.4, 1.0, tech.panels, 1.0, ("metal", "brushed_metal", "tiles"),
    ),
)
# fmt: on

NOISE = Family(
    "noise",
    "Noise",
    "",
    "#22304a #3f5878 #6d86a0 #a3b4bf #dcdfdc",
    "#7a4a2e #b9784a #e6bd8c",
    0.5,
    0.0,
    mineral.noise,
)
"""What is painted when the words name no family."""

ENAMEL = replace(
    NOISE, main="#7d1f1a #a52a22 #c4382d #d9574a #e98a7c", accent="#f3efe6", paint=mineral.enamel
)
"""What a decal is painted with when the words name no family."""
