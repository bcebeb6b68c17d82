"""The verbs ``maps``, ``tile``, ``upscale`` and ``export``."""

from __future__ import annotations

import argparse
import dataclasses
from typing import TYPE_CHECKING, Any

from .. import api
from ..core.engines.table import ENGINE_NAMES, ENGINES, OBJECT_FORMAT_NAMES, OBJECT_FORMATS
from ..core.errors import JobCancelled
from ..core.request.map_kinds import BY_NAME
from ..core.request.parameters import PARAMETERS, STRENGTHS
from .common import OUTPUT_FLAGS, Output, UsageError, add_outputs, path_of, say, succeeded
from .flags import add_flag, add_money
from .wait import find_billed, follow

if TYPE_CHECKING:
    from ..core.request.pricing import Estimate

MAP_FLAGS = ("relief", *STRENGTHS, "bits", "pack")
"""Parameters of `maps` whose flags are those of `generate`."""
REPAIR_PARAMETERS = ("provider", "model", "quality")
"""The same of `tile` and `upscale`."""
REPAIR = ("description", *REPAIR_PARAMETERS, "max_cost", "retry_unknown")
"""All that only a repair takes."""
UPSCALE_REQUEST = ("prompt", *REPAIR_PARAMETERS, "max_cost", "retry_unknown")
"""All that only the requests of `upscale` have."""
SCALES = (2, 4, 8)
REPAIR_KEYS = ("repaired", "job", "estimated_usd", "cost_usd")
"""What the output says only of a repair."""


def add_maps(verb: argparse.ArgumentParser) -> None:
    """The verb ``maps``."""
    verb.description = "Material maps from an image, as <name>_<kind>.png. Needs no network and no key."
    verb.add_argument("picture", metavar="IMAGE", help="file, or name of an image in the .blend")
    verb.add_argument(
        "--output-dir", type=path_of("output_dir"), default=".", metavar="DIR", help="default: here"
    )
    verb.add_argument("--seamless", action="store_true", help="make a tile first")
    add_flag(verb, PARAMETERS["maps"], help=f"default: all of {', '.join(BY_NAME)}")
    verb.add_argument("--description", metavar="TEXT", help="names the material, such as 'old oak planks'")
    verb.add_argument("--name", help="start of the file names; default: the image's")
    add_flag(verb, PARAMETERS["convention"], help="of the normal map (default: OPENGL)")
    for name in ("texture_size", *MAP_FLAGS):
        add_flag(verb, PARAMETERS[name])
    add_outputs(verb)


def add_tile(verb: argparse.ArgumentParser) -> None:
    """The verb ``tile``."""
    verb.description = (
        "A seamless tile from an image, and how good it is. Only --repair-seams needs network and key."
    )
    verb.add_argument("picture", metavar="IMAGE", help="file, or name of an image in the .blend")
    verb.add_argument("out", metavar="OUT", type=path_of("output"), help="file to write: png, jpg or webp")
    verb.add_argument("--size", metavar="WxH", help="pixels of the tile; default: as large as the cut leaves")
    group = verb.add_argument_group("repair by a model")
    group.add_argument(
        "--repair-seams", action="store_true", help="let a model repaint the seams: one paid request"
    )
    group.add_argument("--description", metavar="TEXT", help="what the image shows, for the model")
    for name in REPAIR_PARAMETERS:
        add_flag(group, PARAMETERS[name])
    add_money(verb)
    add_outputs(verb)


def add_upscale(verb: argparse.ArgumentParser) -> None:
    """The verb ``upscale``."""
    verb.description = (
        "An image at 2, 4 or 8 times its size: its parts are painted sharp by a model, and a resample gives "
        "everything but the fine detail. Run again, it takes the answers that are stored and pays only for "
        "the rest."
    )
    verb.add_argument("picture", metavar="IMAGE", help="file, or name of an image in the .blend")
    verb.add_argument("out", metavar="OUT", type=path_of("output"), help="file to write: png, jpg or webp")
    verb.add_argument("--scale", type=int, choices=SCALES, default=2, help="times its size (default: 2)")
    verb.add_argument(
        "--local", action="store_true", help="only resample: no network, no key, no cost, no new detail"
    )
    group = verb.add_argument_group("requests to a model")
    group.add_argument("--prompt", metavar="TEXT", help="what the image shows, for the model")
    for name in REPAIR_PARAMETERS:
        add_flag(group, PARAMETERS[name])
    add_money(verb)
    add_outputs(verb)


def add_export(verb: argparse.ArgumentParser) -> None:
    """The verb ``export``."""
    verb.description = (
        "A material, or a whole object, as the files that a game engine or a pipeline opens by itself. Needs "
        "no network and no key. Exported again, the files are replaced, but for what was changed since. Of "
        "objects, what nodes make is baked into copies first; the scene stays as it is."
    )
    verb.add_argument("material", nargs="*", metavar="MATERIAL", help="names of materials in the .blend")
    verb.add_argument("--job", metavar="JOB", help="the material that a job made, instead")
    verb.add_argument(
        "--object",
        dest="objects",
        action="append",
        metavar="NAME",
        help="an object with what hangs on it, instead; repeatable",
    )
    written = [f"{name}: {what}" for name, _, what in ENGINES]
    as_object = [f"{name}: {what}" for name, _, what in OBJECT_FORMATS]
    verb.add_argument(
        "--engine",
        required=True,
        choices=tuple(dict.fromkeys((*ENGINE_NAMES, *OBJECT_FORMAT_NAMES))),
        help=f"{'; '.join(written)}. Of objects: {'; '.join(as_object)}",
    )
    verb.add_argument(
        "--size", type=int, metavar="PIXELS", help="with --object, side of what is baked (default: 2048)"
    )
    verb.add_argument(
        "--output-dir", type=path_of("output_dir"), required=True, metavar="DIR", help="made if missing"
    )
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


def export_materials(options: argparse.Namespace) -> Output:
    """The verb ``export``."""
    if sum(map(bool, (options.material, options.job, options.objects))) != 1:
        raise UsageError("export needs names of materials, or --job JOB, or --object NAME")
    if options.objects:
        return _export_objects(options)
    if options.size:
        raise UsageError("--size needs --object NAME")
    made = api.export_material(
        options.material or None,
        engine=options.engine,
        output_dir=options.output_dir,
        job=options.job,
        overwrite=options.overwrite,
    )
    _tell(list(made.warnings))
    for name, files in made.materials.items():
        say(f"{name}: {len(files)} files")
    say(made.manifest)
    return succeeded(**dataclasses.asdict(made))


def _export_objects(options: argparse.Namespace) -> Output:
    _tell([f"{label}: {written}" for name, label, written in OBJECT_FORMATS if name == options.engine])
    made = api.export_objects(
        options.objects,
        engine=options.engine,
        output_dir=options.output_dir,
        size=options.size,
        overwrite=options.overwrite,
    )
    _tell(list(made.warnings))
    for files in made.objects.values():
        say("\n".join(files))
    say(made.manifest)
    return succeeded(**dataclasses.asdict(made))


def make_tile(options: argparse.Namespace) -> Output:
    """The verb ``tile``."""
    repair = {name: getattr(options, name) for name in REPAIR if getattr(options, name)}
    if not options.repair_seams:
        if repair or options.dry_run:
            raise UsageError("the flags of a repair need --repair-seams")
        result = api.make_tile(options.picture, options.out, size=options.size, overwrite=options.overwrite)
    elif options.dry_run:
        return _report_price(api.estimate_tile(options.picture, size=options.size, **repair))
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


def upscale(options: argparse.Namespace) -> Output:
    """The verb ``upscale``."""
    requests = {name: getattr(options, name) for name in UPSCALE_REQUEST if getattr(options, name)}
    if options.local and (requests or options.dry_run):
        raise UsageError("--local sends nothing; leave out the flags of requests")
    values = {"scale": options.scale, "local": options.local, **requests}
    if options.dry_run:
        return _report_upscale_price(options.picture, values)
    task = api.submit_upscale(options.picture, options.out, overwrite=options.overwrite, **values)
    try:
        follow(task)
    except JobCancelled as error:
        error.billed = find_billed()
        error.next_step = task.error.next_step if task.error is not None else error.next_step
        raise
    made = dataclasses.asdict(api.upscale_result(task))
    _tell(made["warnings"])
    say(f"{made['file']}: {made['width']} x {made['height']} pixels")
    del made["image"], made["materials"]  # of an image in the .blend; here a file is written
    return succeeded(**made)


def _report_upscale_price(picture: str, values: dict[str, Any]) -> Output:
    found = api.estimate_upscale(picture, **values)
    _tell(list(found.warnings))
    count, price = sum(found.requests), found.price
    say(
        f"{found.width} x {found.height} pixels take {count} requests, which would cost at most "
        f"${price.high_usd:.4f}."
    )
    output = succeeded(
        width=found.width,
        height=found.height,
        scale=values["scale"],
        requests=count,
        requests_by_pass=list(found.requests),
        estimated_usd=price.high_usd,
        low_usd=price.low_usd,
        likely_usd=price.likely_usd,
        high_usd=price.high_usd,
        exact=price.exact,
        warnings=list(found.warnings),
    )
    return {**output, "state": "dry_run"}


def _report_price(price: Estimate) -> Output:
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
