"""The verb ``material``."""

from __future__ import annotations

import argparse
import dataclasses

from .. import api
from ..core.request.map_kinds import BY_NAME
from ..core.request.parameters import PARAMETERS
from .common import (
    OUTPUT_FLAGS,
    Output,
    add_outputs,
    add_scene_outputs,
    check_scene_output,
    path_of,
    save_scene,
    say,
    succeeded,
)
from .flags import add_flag
from .textures import MAP_FLAGS

MATERIAL_FLAGS = ("displacement", "mapping", "convention", *MAP_FLAGS)
"""Parameters whose flags are those of `generate`."""
ELSEWHERE = OUTPUT_FLAGS | {"output", "overwrite"}
"""Options that are not for the material."""


def add_material(verb: argparse.ArgumentParser) -> None:
    """The flags of ``material``."""
    verb.description = (
        "A material from a photo of a flat surface: seen straight on, in even light, made a tile, with maps. "
        "Needs no network and no key."
    )
    verb.add_argument("photo", metavar="PHOTO", help="file, or name of an image in the .blend")
    marked = verb.add_argument_group("the surface")
    marked.add_argument(
        "--corners",
        nargs=4,
        type=_read_point,
        metavar="X,Y",
        help="corners of a rectangle on the surface, clockwise from what becomes the upper left: pixels from "
        "the photo's upper left, or shares of its width and height where all numbers are from 0 to 1 "
        "(default: the whole photo)",
    )
    marked.add_argument(
        "--aspect", type=float, metavar="RATIO", help="its width over its height (default: from the corners)"
    )
    marked.add_argument(
        "--length", type=float, metavar="METRES", help="its width, or what lies between the two points"
    )
    marked.add_argument(
        "--between",
        nargs=2,
        type=_read_point,
        metavar="X,Y",
        help="the two points of --length, as corners are",
    )
    made = verb.add_argument_group("what becomes of it")
    made.add_argument("--size", metavar="WxH", help="pixels of the maps (default: as the photo has)")
    made.add_argument(
        "--no-seamless", dest="seamless", action="store_false", help="the whole marked area, not a tile"
    )
    add_flag(made, PARAMETERS["object_name"])
    add_flag(made, PARAMETERS["name"], help="name of the material (default: the photo's)")
    made.add_argument("--description", metavar="TEXT", help="names the material, such as 'old oak planks'")
    add_flag(made, PARAMETERS["maps"], help=f"of {', '.join(BY_NAME)} (default: what a material needs)")
    for name in MATERIAL_FLAGS:
        add_flag(made, PARAMETERS[name])
    files = add_scene_outputs(verb)
    files.add_argument(
        "--output-dir", type=path_of("output_dir"), metavar="DIR", help="write the maps there, too"
    )
    add_outputs(verb)


def _read_point(text: str) -> tuple[float, float]:
    """Two numbers from ``X,Y``."""
    try:
        x, y = map(float, text.split(","))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"'{text}' is not of the form X,Y") from error
    return x, y


def make_material(options: argparse.Namespace) -> Output:
    """The verb ``material``."""
    check_scene_output(options)
    values = {k: v for k, v in vars(options).items() if k not in ELSEWHERE and v is not None}
    made = api.make_material_from_photo(**values, overwrite=options.overwrite)
    blend = save_scene(options, None, list(made.maps.values()))
    for warning in made.warnings:
        say(f"note: {warning}")
    size = f", {made.metres:g} m wide" if made.metres else ""
    say(f"{made.material}: {made.width} x {made.height} pixels{size}")
    return succeeded(**dataclasses.asdict(made), blend=blend)
