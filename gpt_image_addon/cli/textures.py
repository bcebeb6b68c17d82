"""The verbs ``maps`` and ``tile``, and the flags of ``generate`` that shape tiles, maps and materials."""

from __future__ import annotations

import argparse
import dataclasses
from typing import TYPE_CHECKING, Any

from .. import api
from ..core.request.map_kinds import BY_NAME
from ..core.request.parameters import BITS, CONVENTIONS, DISPLACEMENTS, PACKINGS
from ..core.request.providers import DEFAULT_PROVIDER, PROVIDERS
from .common import OUTPUT_FLAGS, Output, UsageError, add_outputs, path_of, say, succeeded
from .wait import follow

if TYPE_CHECKING:
    from ..core.request.pricing import Estimate

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
REPAIR_FLAGS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("--description", {"metavar": "TEXT", "help": "what the picture shows, for the model"}),
    ("--provider", {"choices": PROVIDERS, "help": f"default: $GPT_IMAGE_PROVIDER or {DEFAULT_PROVIDER}"}),
    ("--model", {"metavar": "ID", "help": "model; `models` lists them"}),
    ("--quality", {"help": "low, medium, high, xhigh, max or auto, as the model takes it (default: auto)"}),
    ("--max-cost", {"type": float, "metavar": "USD", "help": "send nothing that could cost more"}),
    ("--retry-unknown", {"action": "store_true", "help": "send again what got no answer before"}),
)
REPAIR_KEYS = ("repaired", "job", "estimated_usd", "cost_usd")
"""What the output says only of a repair."""
REPAIR = tuple(flag.removeprefix("--").replace("-", "_") for flag, _ in REPAIR_FLAGS)


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
    verb.add_argument(
        "--output-dir", type=path_of("output_dir"), default=".", metavar="DIR", help="default: here"
    )
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
    verb.description = (
        "A seamless tile from a picture, and how good it is. Only --repair-seams needs network and key."
    )
    verb.add_argument("picture", metavar="PICTURE", help="file, or name of an image in the .blend")
    verb.add_argument("out", metavar="OUT", type=path_of("output"), help="file to write: png, jpg or webp")
    verb.add_argument("--size", metavar="WxH", help="pixels of the tile; default: as large as the cut leaves")
    group = verb.add_argument_group("repair by a model")
    group.add_argument(
        "--repair-seams", action="store_true", help="let a model repaint the seams: one paid request"
    )
    for flag, options in REPAIR_FLAGS:
        group.add_argument(flag, **options)
    group.add_argument("--dry-run", action="store_true", help="price the repair; send and write nothing")
    add_outputs(verb)


def make_maps(options: argparse.Namespace) -> Output:
    """The verb ``maps``."""
    values = {k: v for k, v in vars(options).items() if k not in OUTPUT_FLAGS and v is not None}
    made = dataclasses.asdict(api.make_maps(**values, overwrite=options.overwrite))
    _tell(made["warnings"])
    for kind, file in made["maps"].items():
        say(f"{kind:12} {file}")
    if not options.seamless:
        del made["scores"], made["unchanged"]
    return succeeded(**made)


def make_tile(options: argparse.Namespace) -> Output:
    """The verb ``tile``."""
    repair = {name: getattr(options, name) for name in REPAIR if getattr(options, name)}
    if not options.repair_seams:
        if repair or options.dry_run:
            raise UsageError("the flags of a repair need --repair-seams")
        result = api.make_tile(options.picture, options.out, size=options.size, overwrite=options.overwrite)
    elif options.dry_run:
        return _priced(api.estimate_tile(options.picture, size=options.size, **repair))
    else:
        job = api.submit_tile(
            options.picture,
            options.out,
            size=options.size,
            repair_seams=True,
            overwrite=options.overwrite,
            **repair,
        )
        if job.estimated_usd:
            say(f"The tile is cut. Its repair costs at most ${job.estimated_usd:.4f}.")
        follow(job)
        result = api.tile_result(job)
    made = dataclasses.asdict(result)
    _tell(made["warnings"])
    if not options.repair_seams:
        for name in REPAIR_KEYS:
            del made[name]
    for name, value in made["scores"].items():
        say(f"{name:16} {value}")
    say(made["file"])
    return succeeded(**made)


def _priced(price: Estimate) -> Output:
    say(f"The repair would cost at most ${price.high_usd:.4f}.")
    values = succeeded(
        estimated_usd=price.high_usd,
        low_usd=price.low_usd,
        likely_usd=price.likely_usd,
        high_usd=price.high_usd,
        exact=price.exact,
    )
    return {**values, "state": "dry_run"}


def _tell(warnings: list[str]) -> None:
    for warning in warnings:
        say(f"note: {warning}")
