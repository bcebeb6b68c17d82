"""The verbs ``maps`` and ``tile``, and the flags of ``generate`` that shape tiles, maps and materials."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import Any

from .. import api
from ..core.map_kinds import BY_NAME
from ..core.request import BITS, CONVENTIONS, DISPLACEMENTS, PACKINGS
from .common import OUTPUT_FLAGS, Output, add_outputs, say, succeeded

MAP_FLAGS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("--normal-strength", {"type": float, "metavar": "FACTOR", "help": "steepness of the normal map"}),
    ("--height-strength", {"type": float, "metavar": "FACTOR", "help": "contrast of the height map"}),
    ("--ao-strength", {"type": float, "metavar": "FACTOR", "help": "darkness of the ambient occlusion"}),
    ("--roughness-contrast", {"type": float, "metavar": "FACTOR", "help": "spread of the roughness"}),
    ("--bits", {"type": int, "choices": BITS, "help": "of height and normal (default: 8)"}),
    ("--pack", {"choices": PACKINGS, "help": "also write several maps into one picture"}),
)
MATERIAL_FLAGS: tuple[tuple[str, dict[str, Any]], ...] = (
    (
        "--convention",
        {"choices": CONVENTIONS, "help": "of the normal map in --textures-dir; Blender's own is OPENGL"},
    ),
    (
        "--displacement",
        {"choices": DISPLACEMENTS, "help": "show height as bump or true displacement (default: none)"},
    ),
    ("--texture-size", {"type": float, "metavar": "METRES", "help": "what the picture spans on the object"}),
    (
        "--height-by-model",
        {"action": "store_true", "help": "ask the model for the height too: one more request"},
    ),
)


def kinds(text: str) -> list[str]:
    """Kinds of maps, separated by commas."""
    return [kind.strip() for kind in text.split(",") if kind.strip()]


def add_generate_flags(verb: argparse._ArgumentGroup) -> None:
    """What ``generate`` takes for maps and materials."""
    verb.add_argument("--maps", type=kinds, metavar="KIND,…", help=f"material maps: {', '.join(BY_NAME)}")
    for flag, options in (*MAP_FLAGS, *MATERIAL_FLAGS):
        verb.add_argument(flag, **options)


def add_maps(verb: argparse.ArgumentParser) -> None:
    """The verb ``maps``."""
    verb.description = "Material maps from a picture, as <name>_<kind>.png. Needs no network and no key."
    verb.add_argument("picture", metavar="PICTURE", help="file, or name of an image in the .blend")
    verb.add_argument("--output-dir", type=Path, default=Path(), metavar="DIR", help="default: here")
    verb.add_argument("--seamless", action="store_true", help="make a tile first")
    verb.add_argument("--maps", type=kinds, metavar="KIND,…", help=f"default: all of {', '.join(BY_NAME)}")
    verb.add_argument("--description", metavar="TEXT", help="names the material, such as 'old oak planks'")
    verb.add_argument("--name", help="start of the file names; default: the picture's")
    verb.add_argument("--convention", choices=CONVENTIONS, help="of the normal map (default: OPENGL)")
    for flag, options in MAP_FLAGS:
        verb.add_argument(flag, **options)
    add_outputs(verb)


def add_tile(verb: argparse.ArgumentParser) -> None:
    """The verb ``tile``."""
    verb.description = "A seamless tile from a picture, and how good it is. Needs no network and no key."
    verb.add_argument("picture", metavar="PICTURE", help="file, or name of an image in the .blend")
    verb.add_argument("out", metavar="OUT", type=Path, help="file to write: png, jpg or webp")
    verb.add_argument("--size", metavar="WxH", help="pixels of the tile; default: as large as the cut leaves")
    add_outputs(verb)


def make_maps(options: argparse.Namespace) -> Output:
    """The verb ``maps``."""
    values = {k: v for k, v in vars(options).items() if k not in OUTPUT_FLAGS and v is not None}
    made = dataclasses.asdict(api.make_maps(**values))
    _tell(made["warnings"])
    for kind, file in made["maps"].items():
        say(f"{kind:12} {file}")
    if not options.seamless:
        del made["scores"], made["unchanged"]
    return succeeded(**made)


def make_tile(options: argparse.Namespace) -> Output:
    """The verb ``tile``."""
    made = dataclasses.asdict(api.make_tile(options.picture, options.out, size=options.size))
    _tell(made["warnings"])
    for name, value in made["scores"].items():
        say(f"{name:16} {value}")
    say(made["file"])
    return succeeded(**made)


def _tell(warnings: list[str]) -> None:
    for warning in warnings:
        say(f"note: {warning}")
