"""The verbs ``generate`` and ``estimate``."""

from __future__ import annotations

import argparse
from typing import Any

from .. import api
from ..core.request.parameters import PARAMETERS
from .common import Output, add_outputs, add_scene_outputs, check_scene_output, save_scene, say, succeeded
from .flags import add_flag, add_money, add_request, read_given
from .wait import follow


def add_generate(verb: argparse.ArgumentParser) -> None:
    """The flags of ``generate``."""
    verb.description = (
        "Make an image, a texture, an image plane or a material from a prompt. "
        "The key comes from OPENAI_API_KEY or the add-on's preferences; `--provider offline` needs none."
    )
    _add_prompt(verb)
    add_request(verb)
    add_flag(add_scene_outputs(verb), PARAMETERS["textures_dir"])
    add_money(verb, can_reuse=True)
    add_outputs(verb)


def add_estimate(verb: argparse.ArgumentParser) -> None:
    """The flags of ``estimate``: those that the price, or the request, depends on."""
    verb.description = (
        "Say what `generate` would cost with the same flags. Nothing is sent, no key is needed."
    )
    _add_prompt(verb)
    add_request(verb)
    add_outputs(verb)


def _add_prompt(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("prompt", help="what to make, in your words")


def generate(options: argparse.Namespace) -> Output:
    """The verb ``generate``."""
    check_scene_output(options)
    values = read_given(options)
    if options.dry_run:
        return {**_report_price({**values, "reuse": options.reuse or None}), "state": "dry_run"}
    job = api.submit(
        **values,
        overwrite=options.overwrite,
        reuse=options.reuse or None,
        retry_unknown=options.retry_unknown,
        max_cost=options.max_cost,
    )
    follow(job)
    result = api.result_of(job)
    blend = save_scene(options, result.cost_usd, [image.file for image in result.images])
    for warning in result.warnings:
        say(f"note: {warning}")
    made = result.material or result.images[0].name or "drawing"
    say(f"{made}: {', '.join(image.file for image in result.images)}")
    return succeeded(**api.as_dict(result), blend=blend)


def estimate(options: argparse.Namespace) -> Output:
    """The verb ``estimate``."""
    return _report_price(read_given(options))


def _report_price(values: dict[str, Any]) -> Output:
    plan = api.plan(**values)
    price = plan.estimate
    about = "" if price.exact else "about "
    say(f"This would cost {about}${price.likely_usd:.4f}, and at most ${price.high_usd:.4f}.")
    for warning in plan.warnings:
        say(f"note: {warning}")
    return succeeded(
        request=plan.request.to_dict(),
        prompt=plan.prompt,
        estimated_usd=price.high_usd,
        low_usd=price.low_usd,
        likely_usd=price.likely_usd,
        high_usd=price.high_usd,
        exact=price.exact,
        warnings=list(plan.warnings),
    )
