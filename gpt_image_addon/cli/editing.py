"""The verbs ``extend``, ``cutout``, ``curves``, ``sprite`` and ``decal``: what becomes of what is there."""

from __future__ import annotations

import argparse
import dataclasses
from typing import TYPE_CHECKING, Any

from .. import api
from ..core.common.coordinates import parse_coordinates
from ..core.request.parameters import PARAMETERS
from .common import (
    Output,
    UsageError,
    add_outputs,
    add_scene_outputs,
    check_scene_output,
    path_of,
    save_scene,
    say,
    succeeded,
)
from .flags import add_flag, add_money, read_given
from .wait import follow

if TYPE_CHECKING:
    from ..core.request.pricing import Estimate

REQUEST = ("provider", "model", "quality")
"""Parameters whose flags are those of `generate`."""
SENT = (*REQUEST, "max_cost", "reuse", "retry_unknown", "accept")
DRAWN = tuple(name for name, row in PARAMETERS.items() if row.of_drawing)
"""Parameters of curves."""
FRAMES = tuple(name for name, row in PARAMETERS.items() if row.of_sprite)
"""Parameters of sprites."""
SIDES = ("left", "right", "top", "bottom")


def add_extend(verb: argparse.ArgumentParser) -> None:
    """The verb ``extend``."""
    verb.description = (
        "Extend an image beyond its borders; what was there stays bit for bit. A request paints at most half "
        "of the image's width and height, so that more takes several, priced together before."
    )
    _add_files(verb)
    verb.add_argument("--prompt", metavar="TEXT", default="", help="what the new part shows")
    group = verb.add_argument_group("how far, in one of these ways")
    group.add_argument(
        "--side",
        nargs=2,
        action="append",
        metavar=("SIDE", "PIXELS"),
        help=f"add pixels at one of {', '.join(SIDES)}; repeatable",
    )
    group.add_argument("--size", metavar="WxH", help="pixels of the whole, the image in the middle")
    group.add_argument("--aspect", metavar="W:H", help="shape of the whole, such as 16:9")
    _add_request(verb)


def add_cutout(verb: argparse.ArgumentParser) -> None:
    """The verb ``cutout``."""
    verb.description = (
        "The subject of an image on transparent ground, in the image's own pixels and at its size. One "
        "request, to a model that takes a transparent background."
    )
    _add_files(verb)
    verb.add_argument("--subject", metavar="TEXT", default="", help="what is to be cut out")
    _add_request(verb)


def _add_files(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("picture", metavar="IMAGE", help="file, or name of an image in the .blend")
    verb.add_argument(
        "out",
        metavar="OUT",
        type=path_of("output"),
        help="file to write: png, tif, tga or webp, which keep every pixel; extend also bmp and jpg",
    )


def _add_request(verb: argparse.ArgumentParser) -> None:
    group = verb.add_argument_group("the request")
    for name in REQUEST:
        add_flag(group, PARAMETERS[name])
    group.add_argument(
        "--accept", action="store_true", help="use an answer even where it does not match the image"
    )
    add_money(verb, can_reuse=True)
    add_outputs(verb)


def extend(options: argparse.Namespace) -> Output:
    """The verb ``extend``."""
    values = {
        **_sent(options),
        **_sides(options.side or ()),
        "prompt": options.prompt,
        "size": options.size,
        "aspect": options.aspect,
    }
    if options.dry_run:
        plan = api.plan_extension(options.picture, **values)
        say(f"{plan.width}x{plan.height} pixels, requests of {', '.join(plan.sizes)}.")
        return _priced(plan, plan.estimate)
    extension = api.begin_extension(options.picture, options.out, overwrite=options.overwrite, **values)
    api.run_through(extension, follow)
    return _told(extension.result())


def cut_out(options: argparse.Namespace) -> Output:
    """The verb ``cutout``."""
    values = {**_sent(options), "subject": options.subject}
    if options.dry_run:
        plan = api.plan_cut_out(options.picture, **values)
        return _priced(plan, plan.estimate)
    cutting = api.begin_cut_out(options.picture, options.out, overwrite=options.overwrite, **values)
    api.run_through(cutting, follow)
    return _told(cutting.result())


def _sent(options: argparse.Namespace) -> dict[str, Any]:
    return {name: getattr(options, name) for name in SENT if getattr(options, name)}


def _sides(given: list[list[str]] | tuple[()]) -> dict[str, int]:
    """
    :raises UsageError: no side, no number of pixels, or a side twice.
    """
    found: dict[str, int] = {}
    for side, pixels in given:
        if side not in SIDES:
            raise UsageError(f"--side is one of {', '.join(SIDES)}, not {side}")
        if side in found:
            raise UsageError(f"--side {side} is given twice")
        if not pixels.isdecimal() or len(pixels) > 6 or not int(pixels):
            raise UsageError(f"--side {side} needs a number of pixels, not {pixels}")
        found[side] = int(pixels)
    return found


def _priced(plan: Any, price: Estimate) -> Output:
    about = "" if price.exact else "about "
    say(f"This would cost {about}${price.likely_usd:.4f}, and at most ${price.high_usd:.4f}.")
    for warning in plan.warnings:
        say(f"note: {warning}")
    told = {field.name: getattr(plan, field.name) for field in dataclasses.fields(plan)}
    del told["estimate"]
    values = succeeded(
        **told,
        estimated_usd=price.high_usd,
        low_usd=price.low_usd,
        likely_usd=price.likely_usd,
        high_usd=price.high_usd,
        exact=price.exact,
    )
    return {**values, "state": "dry_run"}


def _told(result: Any) -> Output:
    made = dataclasses.asdict(result)
    for warning in made["warnings"]:
        say(f"note: {warning}")
    say(made["file"])
    return succeeded(**made)


def add_curves(verb: argparse.ArgumentParser) -> None:
    """The flags of ``curves``."""
    verb.description = (
        "An SVG file as filled curves with a material for each color. Scripts, links and what is no drawing "
        "are refused. Sends nothing."
    )
    verb.add_argument("file", metavar="FILE", help="an SVG file")
    made = verb.add_argument_group("what becomes of it")
    add_flag(made, PARAMETERS["name"], help="name of the objects (default: the file's)")
    for name in DRAWN:
        add_flag(made, PARAMETERS[name])
    add_scene_outputs(verb)
    add_outputs(verb)


def make_curves(options: argparse.Namespace) -> Output:
    """The verb ``curves``."""
    check_scene_output(options)
    made = api.make_curves(options.file, **read_given(options))
    blend = save_scene(options, None, [])
    for warning in made.warnings:
        say(f"note: {warning}")
    say(f"{made.object}: {len(made.objects) - 1} curves, {len(made.materials)} materials")
    return succeeded(**dataclasses.asdict(made), blend=blend)


def add_sprite(verb: argparse.ArgumentParser) -> None:
    """The flags of ``sprite``."""
    verb.description = (
        "Several images, or one GIF, as the frames of an animated plane: one sheet with keyframes, and the "
        "table that engines read. Sends nothing."
    )
    verb.add_argument("files", metavar="IMAGE", nargs="+", help="images in their order, or one GIF")
    made = verb.add_argument_group("what becomes of it")
    add_flag(made, PARAMETERS["name"], help="name of the plane (default: the first file's)")
    for name in FRAMES:
        add_flag(made, PARAMETERS[name])
    files = add_scene_outputs(verb)
    files.add_argument(
        "--output-dir", type=path_of("output_dir"), metavar="DIR", help="write the sheet and its table there"
    )
    add_outputs(verb)


def make_sprite(options: argparse.Namespace) -> Output:
    """The verb ``sprite``."""
    check_scene_output(options)
    values = {name: value for name, value in read_given(options).items() if name in ("name", *FRAMES)}
    made = api.make_sprite(
        options.files, **values, output_dir=options.output_dir, overwrite=options.overwrite
    )
    blend = save_scene(options, None, list(made.files.values()))
    for warning in made.warnings:
        say(f"note: {warning}")
    say(f"{made.object}: {made.frames} frames, {sum(made.durations_ms)} ms")
    return succeeded(**dataclasses.asdict(made), blend=blend)


def add_decal(verb: argparse.ArgumentParser) -> None:
    """The flags of ``decal``."""
    verb.description = (
        "A decal that lies on an object, cut again in another place, or painted into the texture below it: "
        "into the image of the object's base color, in which all else stays. Sends nothing."
    )
    verb.add_argument("name", metavar="DECAL", help="name of its object in the .blend")
    what = verb.add_argument_group("what becomes of it, one of these").add_mutually_exclusive_group(
        required=True
    )
    what.add_argument(
        "--at",
        type=parse_coordinates,
        metavar="X,Y,Z",
        help="where it lies from now on, such as `--at=-1,0,2`: on the nearest face",
    )
    what.add_argument("--bake", action="store_true", help="paint it into the texture, and hide it")
    what.add_argument(
        "--take-out", action="store_true", help="bring the texture back that was there before, and show it"
    )
    moved = verb.add_argument_group("with --at")
    moved.add_argument(
        "--normal", type=parse_coordinates, metavar="X,Y,Z", help="where it looks to (default: as the face)"
    )
    moved.add_argument("--object", metavar="NAME", help="the object it comes onto (default: the same)")
    add_scene_outputs(verb)
    add_outputs(verb)


def change_decal(options: argparse.Namespace) -> Output:
    """The verb ``decal``."""
    check_scene_output(options)
    if options.at is None and (options.normal is not None or options.object is not None):
        raise UsageError("--normal and --object need --at X,Y,Z")
    images: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    if options.at is not None:
        api.move_decal(options.name, options.at, normal=options.normal, object_name=options.object)
        say(f"{options.name}: moved")
    else:
        change = api.bake_decal if options.bake else api.take_out_decal
        made = change(options.name)
        images, warnings = made.images, made.warnings
        say(f"{options.name}: {'in' if options.bake else 'out of'} {', '.join(images)}")
    blend = save_scene(options, None, [])
    for warning in warnings:
        say(f"note: {warning}")
    return succeeded(object=options.name, images=images, warnings=warnings, blend=blend)
