"""The verb ``upscale``."""

from __future__ import annotations

import argparse
import dataclasses
from typing import Any

from .. import api
from ..core.errors import JobCancelled
from ..core.request.parameters import PARAMETERS
from .common import Output, UsageError, add_outputs, path_of, say, succeeded
from .flags import add_flag
from .wait import billed_so_far, follow

SCALES = (2, 4, 8)
REQUEST_PARAMETERS = ("provider", "model", "quality")
"""Parameters whose flags are those of `generate`."""
REQUEST = ("prompt", *REQUEST_PARAMETERS, "max_cost", "retry_unknown")
"""All that only requests have."""


def add_upscale(verb: argparse.ArgumentParser) -> None:
    """The verb ``upscale``."""
    verb.description = (
        "An image at 2, 4 or 8 times its size: its parts are painted sharp by a model, and a resample gives "
        "everything but the fine detail. Run again, it takes the answers that are stored and pays for the rest."
    )
    verb.add_argument("picture", metavar="IMAGE", help="file, or name of an image in the .blend")
    verb.add_argument("out", metavar="OUT", type=path_of("output"), help="file to write: png, jpg or webp")
    verb.add_argument("--scale", type=int, choices=SCALES, default=2, help="times its size (default: 2)")
    verb.add_argument(
        "--local", action="store_true", help="only resample: no network, no key, no cost, no new detail"
    )
    group = verb.add_argument_group("requests to a model")
    group.add_argument("--prompt", metavar="TEXT", help="what the image shows, for the model")
    for name in REQUEST_PARAMETERS:
        add_flag(group, PARAMETERS[name])
    group.add_argument(
        "--max-cost", type=float, metavar="USD", help="send nothing if all requests together could cost more"
    )
    group.add_argument(
        "--retry-unknown",
        action="store_true",
        help="send again what was, or may have been, billed and brought no result",
    )
    group.add_argument("--dry-run", action="store_true", help="price all requests; send and write nothing")
    add_outputs(verb)


def upscale(options: argparse.Namespace) -> Output:
    """The verb ``upscale``."""
    requests = {name: getattr(options, name) for name in REQUEST if getattr(options, name)}
    if options.local and (requests or options.dry_run):
        raise UsageError("--local sends nothing; leave out the flags of requests")
    values = {"scale": options.scale, "local": options.local, **requests}
    if options.dry_run:
        return _priced(options.picture, values)
    task = api.submit_upscale(options.picture, options.out, overwrite=options.overwrite, **values)
    try:
        follow(task)
    except JobCancelled as stopped:
        stopped.billed = billed_so_far()
        stopped.next_step = task.error.next_step if task.error is not None else stopped.next_step
        raise
    made = dataclasses.asdict(api.upscale_result(task))
    for warning in made["warnings"]:
        say(f"note: {warning}")
    say(f"{made['file']}: {made['width']} x {made['height']} pixels")
    del made["image"]
    return succeeded(**made)


def _priced(picture: str, values: dict[str, Any]) -> Output:
    found = api.estimate_upscale(picture, **values)
    for warning in found.warnings:
        say(f"note: {warning}")
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
