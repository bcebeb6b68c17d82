"""The verbs ``material`` and ``texture``."""

from __future__ import annotations

import argparse
import dataclasses
from typing import Any

from .. import api
from ..core.errors import JobCancelled
from ..core.jobs.job import Job
from ..core.request.map_kinds import BY_NAME
from ..core.request.parameters import PARAMETERS
from .common import (
    OUTPUT_FLAGS,
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
from .flags import add_flag, add_money, read_given, words
from .textures import MAP_FLAGS
from .wait import find_billed, follow

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


PAINTED = ("objects", "views", "in_sequence", "faces", "guides", "new_image", "feather")
"""Parameters of what is painted, and from where."""
SENT = (
    "provider",
    "model",
    "n",
    "size",
    "quality",
    "references",
    "reference_kinds",
    "reference_labels",
    "style",
    "name",
)
"""Parameters of its request whose flags are those of `generate`."""


AGAIN_SETTINGS = {
    "replace_all": "let nothing shine through that was there",
    "match_colors": "make the colors of views agree",
    "fill_gaps": "paint what no view shows like what lies near it",
}
AGAIN_NUMBERS = {
    "erosion": "pixels beside edges that are not used (2)",
    "exponent": "of the cosine by which views count (4)",
    "steepest": "degrees between surface and view from which on it is not used (75)",
}
AGAIN = ("variation", *AGAIN_NUMBERS, *AGAIN_SETTINGS)
"""What may change, beside flags of the request, when a stored answer is projected again."""
KNOWN = frozenset((*PAINTED, *SENT, "image_size", "surface_maps", "textures_dir"))


def add_texture(verb: argparse.ArgumentParser) -> None:
    """The flags of ``texture``."""
    verb.description = (
        "Paint objects as a camera shows them, into the images of their base colors. What is seen is sent as "
        "a clay render; the answer is aligned with it and painted where the camera sees it, over what was "
        "there. With --views auto all sides are sent as one sheet, and their answer replaces what was there; "
        "with --in-sequence each is a request of its own that sees what is painted so far. "
        "--again projects a stored answer with other settings and sends nothing; those that are not given "
        "stay as they were last."
    )
    verb.add_argument(
        "prompt", nargs="?", default="", help="what the objects should look like, in your words"
    )
    what = verb.add_argument_group("what is painted")
    for name in PAINTED:
        add_flag(what, PARAMETERS[name])
    what.add_argument(
        "--texture-size",
        dest="image_size",
        type=int,
        metavar="PIXELS",
        help="side of new images (default: 2048)",
    )
    what.add_argument(
        "--surface-maps",
        action=argparse.BooleanOptionalAction,
        help="maps of normals, roughness and occlusion: all around, and with --again of any view",
    )
    what.add_argument("--accept", action="store_true", help="use an answer whose outlines do not match, too")
    request = verb.add_argument_group("the request")
    for name in SENT:
        add_flag(request, PARAMETERS[name])
    again = verb.add_argument_group("a stored answer")
    again.add_argument(
        "--again",
        metavar="JOB",
        help="project the answer of a job once more, with other settings; send nothing",
    )
    again.add_argument(
        "--variation", type=int, metavar="NUMBER", help="with --again: which of the images that came (1)"
    )
    again.add_argument("--use-views", type=words, metavar="NAME,…", help="with --again: only these views")
    for name, text in AGAIN_NUMBERS.items():
        again.add_argument(f"--{name}", type=float, metavar="NUMBER", help=f"with --again: {text}")
    for name, text in AGAIN_SETTINGS.items():
        again.add_argument(
            f"--{name.replace('_', '-')}", action=argparse.BooleanOptionalAction, help=f"with --again: {text}"
        )
    add_flag(add_scene_outputs(verb), PARAMETERS["textures_dir"])
    add_money(verb, can_reuse=True)
    add_outputs(verb)


def paint_texture(options: argparse.Namespace) -> Output:
    """The verb ``texture``."""
    check_scene_output(options)
    if options.again:
        return _paint_again(options)
    if not options.prompt:
        raise UsageError("texture needs a prompt, or --again JOB")
    if any(getattr(options, name) is not None for name in AGAIN):
        raise UsageError(f"--{', --'.join(AGAIN).replace('_', '-')} need --again JOB")
    values = {name: value for name, value in read_given(options).items() if name in KNOWN}
    objects = values.pop("objects", ())
    if options.dry_run:
        return _tell_plan(api.plan_model_texture(objects, options.prompt, **values))
    job = api.submit_model_texture(
        objects,
        options.prompt,
        **values,
        accept=options.accept,
        overwrite=options.overwrite,
        reuse=options.reuse or None,
        retry_unknown=options.retry_unknown,
        max_cost=options.max_cost,
    )
    return _finish_painting(options, job)


def _paint_again(options: argparse.Namespace) -> Output:
    """``--again``: nothing is sent.

    :raises UsageError: a flag that has no meaning then.
    """
    if options.prompt:
        raise UsageError("--again takes no prompt: nothing is sent")
    if options.objects and len(options.objects) > 1:
        raise UsageError("--again paints the objects of the job, or one of --objects")
    wanted = {
        "texture_size": options.image_size,
        "feather": options.feather,
        "used_views": options.use_views,
        "surface_maps": options.surface_maps,
        **{name: getattr(options, name) for name in AGAIN},
    }
    changed = {name: value for name, value in wanted.items() if value is not None}
    name = options.objects[0] if options.objects else None
    return _finish_painting(
        options, api.texture_again(options.again, object_name=name, accept=options.accept or None, **changed)
    )


def _finish_painting(options: argparse.Namespace, job: Any) -> Output:
    _follow_views(job)
    made = api.texture_of(job)
    files = [*(image.file for image in made.images), *made.maps.values()]
    blend = save_scene(options, made.cost_usd, files)
    for warning in made.warnings:
        say(f"note: {warning}")
    images = ", ".join(image.name for image in made.images)
    say(f"{', '.join(made.objects)}: {made.coverage:.0%} painted, into {images}")
    return succeeded(**api.as_dict(made), blend=blend)


def _follow_views(task: Any) -> None:
    """`follow`; where views that are painted in sequence are stopped, the rest is told."""
    try:
        follow(task)
    except JobCancelled as error:
        if isinstance(task, Job):
            raise
        error.billed = find_billed()
        error.next_step = task.error.next_step if task.error is not None else error.next_step
        raise


def _tell_plan(plan: Any) -> Output:
    price = plan.estimate
    about = "" if price.exact else "about "
    count = len(plan.views)
    say(
        f"{', '.join(plan.objects)}: {count} {'view' if count == 1 else 'views'} in {plan.request.size}, "
        f"{plan.coverage:.0%} of the surface."
    )
    say(f"This would cost {about}${price.likely_usd:.4f}, and at most ${price.high_usd:.4f}.")
    for warning in plan.warnings:
        say(f"note: {warning}")
    values = succeeded(
        objects=plan.objects,
        views=plan.views,
        coverage=plan.coverage,
        request=plan.request.to_dict(),
        prompt=plan.prompt,
        estimated_usd=price.high_usd,
        low_usd=price.low_usd,
        likely_usd=price.likely_usd,
        high_usd=price.high_usd,
        exact=price.exact,
        warnings=list(plan.warnings),
    )
    return {**values, "state": "dry_run"}


def add_bake(verb: argparse.ArgumentParser) -> None:
    """The flags of ``bake``."""
    verb.description = (
        "What objects show as files: their base color, and the maps that were made here, as "
        "<object>_<kind>.png or .exr, of UDIM images a file for each tile (<object>_<kind>.1001.png). Sends "
        "nothing."
    )
    add_flag(verb, PARAMETERS["objects"], required=True, help="objects to write")
    verb.add_argument(
        "--output-dir", type=path_of("output_dir"), default=".", metavar="DIR", help="default: here"
    )
    verb.add_argument("--size", type=int, metavar="PIXELS", help="of the longer side (default: as it is)")
    verb.add_argument("--bits", type=int, choices=(8, 16), help="of a channel (default: 8; 16 of exr)")
    verb.add_argument("--format", choices=("png", "exr"), default="png", help="exr is linear (default: png)")
    add_outputs(verb)


def bake_out(options: argparse.Namespace) -> Output:
    """The verb ``bake``."""
    made = api.bake_out(
        options.objects,
        options.output_dir,
        size=options.size,
        bits=options.bits,
        format=options.format,
        overwrite=options.overwrite,
    )
    for warning in made.warnings:
        say(f"note: {warning}")
    for name, files in made.files.items():
        for kind, file in files.items():
            say(f"{name}: {kind:12} {file}")
    return succeeded(**dataclasses.asdict(made))
