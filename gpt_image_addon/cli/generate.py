"""The verbs ``generate`` and ``estimate``."""

from __future__ import annotations

import argparse
from typing import Any

from .. import api
from ..core.request.parameters import (
    BACKGROUNDS,
    MODERATIONS,
    OUTPUT_FORMATS,
    SVG_EFFORTS,
)
from ..core.request.providers import DEFAULT_PROVIDER, PROVIDERS
from ..core.request.targets import TARGETS
from .common import (
    OUTPUT_FLAGS,
    Output,
    add_outputs,
    add_scene_outputs,
    check_scene_output,
    saved,
    say,
    succeeded,
)
from .textures import add_generate_flags as add_surface_flags
from .wait import follow

OWN_FLAGS = OUTPUT_FLAGS | {"output", "reuse", "retry_unknown", "max_cost", "dry_run"}
"""Flags that are no parameter of the request."""

PARAMETERS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("--model", {"metavar": "ID", "help": "model; `models` lists them"}),
    ("--n", {"type": int, "help": "how many pictures, 1 to 10"}),
    ("--size", {"metavar": "WxH", "help": "pixels, such as 1536x1024, or auto (default: 1024x1024)"}),
    ("--quality", {"help": "low, medium, high, xhigh, max or auto, as the model takes it (default: auto)"}),
    ("--complexity", {"help": "low, medium or high, for models that take it"}),
    ("--background", {"choices": BACKGROUNDS, "help": "transparent needs png or webp"}),
    ("--output-format", {"choices": OUTPUT_FORMATS, "help": "default: png"}),
    ("--output-compression", {"type": int, "metavar": "0-100", "help": "for jpeg and webp"}),
    ("--moderation", {"choices": MODERATIONS, "help": "how strict the safety system is"}),
    ("--input-fidelity", {"help": "high or low, for models that take it"}),
    (
        "--partial-images",
        {"type": int, "metavar": "0-3", "help": "previews while it is made; each costs a little"},
    ),
    ("--stream", {"action": "store_true", "help": "let each of several pictures come when it is finished"}),
    ("--safety-identifier", {"metavar": "HASH", "help": "a hash that stands for the end user"}),
    ("--svg-model", {"metavar": "ID", "help": "author of an svg, where the account may choose one"}),
    (
        "--svg-reasoning-effort",
        {
            "choices": SVG_EFFORTS,
            "help": "reasoning effort of the model that draws, with --svg-model",
        },
    ),
    ("--frame-count", {"type": int, "metavar": "2-16", "help": "for the output format gif"}),
    ("--frame-duration-ms", {"type": int, "metavar": "MS", "help": "for the output format gif"}),
)


def add_generate(verb: argparse.ArgumentParser) -> None:
    """The flags of ``generate``."""
    verb.description = (
        "Make an image, a texture, an image plane or a material from a prompt. "
        "The key comes from OPENAI_API_KEY or the add-on's preferences; `--provider offline` needs none."
    )
    _add_prompt(verb)
    add_request(verb)
    add_scene_outputs(verb).add_argument(
        "--textures-dir", metavar="DIR", help="folder that gets copies of the pictures and maps"
    )
    money = verb.add_argument_group("money")
    money.add_argument(
        "--max-cost",
        type=float,
        metavar="USD",
        help="send nothing that could cost more; default: $GPT_IMAGE_MAX_COST_USD, "
        "or 1.00 for each request in background",
    )
    money.add_argument("--dry-run", action="store_true", help="check and price the request, send nothing")
    money.add_argument(
        "--reuse",
        action="store_true",
        help="use the stored result of an equal request, or wait for it, unpaid",
    )
    money.add_argument(
        "--retry-unknown",
        action="store_true",
        help="send a request again that got no answer and may have been billed",
    )
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


def add_request(verb: argparse.ArgumentParser) -> None:
    """The flags of a request and what becomes of its result."""
    _add_what(verb.add_argument_group("what becomes of it"))
    add_surface_flags(verb.add_argument_group("maps and materials"))
    _add_pictures(verb.add_argument_group("pictures to show the model"))
    group = verb.add_argument_group("the API's own parameters")
    group.add_argument(
        "--provider", choices=PROVIDERS, help=f"default: $GPT_IMAGE_PROVIDER or {DEFAULT_PROVIDER}"
    )
    for flag, options in PARAMETERS:
        group.add_argument(flag, **options)


def _add_what(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--target", choices=TARGETS, default="texture", help="default: texture")
    group.add_argument(
        "--object", metavar="NAME", dest="object_name", help="object to put it on; default: the active one"
    )
    group.add_argument("--name", help="name of the data-blocks; default: made from the prompt")
    group.add_argument("--style", metavar="NAME", help="words of a named style join the prompt")
    group.add_argument("--seamless", action="store_true", help="ask for a picture that tiles")
    group.add_argument(
        "--repair-seams",
        action="store_true",
        help="let the model repaint seams that show after the cut: one more request for each such picture",
    )


def _add_pictures(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--reference",
        metavar="PATH",
        action="append",
        dest="references",
        help="picture to show the model, or `camera` for a render of the scene; repeatable",
    )
    group.add_argument(
        "--mask", metavar="PATH", help="where the first reference may change: what is transparent, or white"
    )
    group.add_argument(
        "--no-composite",
        action="store_false",
        dest="composite",
        help="keep the model's changes outside the mask",
    )
    group.add_argument("--markup", metavar="PATH", help="transparent picture drawn over the first reference")


def generate(options: argparse.Namespace) -> Output:
    """The verb ``generate``."""
    check_scene_output(options)
    values = _parameters(options)
    if options.dry_run:
        return {**_priced(values), "state": "dry_run"}
    job = api.submit(
        **values,
        overwrite=options.overwrite,
        reuse=options.reuse or None,
        retry_unknown=options.retry_unknown,
        max_cost=options.max_cost,
    )
    follow(job)
    result = api.result_of(job)
    blend = saved(options, result.cost_usd, [image.file for image in result.images])
    for warning in result.warnings:
        say(f"note: {warning}")
    made = result.material or result.images[0].name or "drawing"
    say(f"{made}: {', '.join(image.file for image in result.images)}")
    return succeeded(**api.as_dict(result), blend=blend)


def estimate(options: argparse.Namespace) -> Output:
    """The verb ``estimate``."""
    return _priced(_parameters(options))


def _parameters(options: argparse.Namespace) -> dict[str, Any]:
    return {
        name: value for name, value in vars(options).items() if name not in OWN_FLAGS and value is not None
    }


def _priced(values: dict[str, Any]) -> Output:
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
