"""The command line: ``blender -c gpt_image VERB …`` and ``python -m gpt_image_addon VERB …``."""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import json
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from . import api, cli_surfaces, health
from .core.errors import ExitCode, GptImageError, InvalidRequestError, JobCancelled
from .core.jobs import Job
from .core.request import BACKGROUNDS, MODERATIONS, OUTPUT_FORMATS, PROVIDERS, TARGETS

SCHEMA = 1
PROGRAM = "gpt_image"
CANCEL_SECONDS = 2.0  # how long Ctrl-C waits for the job to say whether it was billed

Output = dict[str, Any]

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
    ("--safety-identifier", {"metavar": "HASH", "help": "a hash that stands for the end user"}),
    ("--svg-model", {"metavar": "ID", "help": "for the output format svg"}),
    ("--svg-reasoning-effort", {"metavar": "LEVEL", "help": "for the output format svg"}),
    ("--frame-count", {"type": int, "metavar": "2-16", "help": "for the output format gif"}),
    ("--frame-duration-ms", {"type": int, "metavar": "MS", "help": "for the output format gif"}),
)


class UsageError(Exception):
    """The command line can't be understood."""


class _Parser(argparse.ArgumentParser):
    """Raises instead of leaving the process, which would take Blender with it."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message} (see `{self.prog} --help`)")

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        raise SystemExit(status)


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    root = _Parser(prog=PROGRAM, description="Textures, image planes and materials from a prompt.")
    verbs = root.add_subparsers(dest="verb", required=True, metavar="VERB", parser_class=_Parser)
    _add_generate(verbs.add_parser("generate", help="make something from a prompt"))
    for name, (add, text, _) in cli_surfaces.VERBS.items():
        verb = verbs.add_parser(name, help=text)
        add(verb)
        _add_outputs(verb)
    _add_outputs(verbs.add_parser("models", help="the models, what they take and until when"))
    _add_outputs(verbs.add_parser("doctor", help="what is wrong with this installation"))
    return root


def _add_generate(verb: argparse.ArgumentParser) -> None:
    verb.description = (
        "Make an image, a texture, an image plane or a material from a prompt. "
        "The key comes from OPENAI_API_KEY or the add-on's preferences; `--provider offline` needs none."
    )
    verb.add_argument("prompt", help="what to make")
    verb.add_argument("--provider", choices=PROVIDERS, help="default: $GPT_IMAGE_PROVIDER or openai")
    verb.add_argument("--target", choices=TARGETS, default="texture", help="default: texture")
    verb.add_argument(
        "--object", metavar="NAME", dest="object_name", help="object to put it on; default: the active one"
    )
    verb.add_argument("--name", help="name of the data-blocks; default: made from the prompt")
    verb.add_argument(
        "--reference",
        metavar="PATH",
        action="append",
        dest="references",
        help="picture to show the model, or `camera` for a render of the scene; repeatable",
    )
    verb.add_argument(
        "--mask", metavar="PATH", help="where the first reference may change: what is transparent, or white"
    )
    verb.add_argument(
        "--no-composite",
        action="store_false",
        dest="composite",
        help="keep the model's changes outside the mask",
    )
    verb.add_argument("--markup", metavar="PATH", help="transparent picture drawn over the first reference")
    verb.add_argument("--style", metavar="NAME", help="words of a named style join the prompt")
    verb.add_argument("--seamless", action="store_true", help="ask for a picture that tiles")
    cli_surfaces.add_generate_flags(verb)
    for flag, options in PARAMETERS:
        verb.add_argument(flag, **options)
    verb.add_argument(
        "--textures-dir", metavar="DIR", help="folder that gets copies of the pictures and maps"
    )
    verb.add_argument("--output", metavar="FILE.blend", type=Path, help="save the scene here")
    verb.add_argument("--overwrite", action="store_true", help="replace an existing --output")
    verb.add_argument(
        "--reuse", action="store_true", help="use the stored result of an equal request, unpaid"
    )
    verb.add_argument("--dry-run", action="store_true", help="check and price the request, send nothing")
    _add_outputs(verb)


def _add_outputs(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--json", action="store_true", help="print one JSON object as the last line of stdout")
    verb.add_argument("--json-file", metavar="FILE", type=Path, help="write that object to a file")


def main(argv: Sequence[str]) -> int:
    """Run one command.

    :returns: the exit code.
    """
    _hear_interrupts()
    try:
        options = parser().parse_args(argv)
    except SystemExit as asked:  # --help
        return int(asked.code or 0)
    except UsageError as error:
        print(f"{PROGRAM}: {error}", file=sys.stderr)
        return _report(_early_options(argv), _usage_failure(str(error)), ExitCode.USAGE)
    try:
        output, code = VERBS[options.verb](options), ExitCode.DONE
    except UsageError as error:
        output, code = _usage_failure(str(error)), ExitCode.USAGE
    except GptImageError as error:
        output, code = failure(error), error.exit_code
    except KeyboardInterrupt:
        output, code = failure(JobCancelled("Interrupted.")), ExitCode.INTERRUPTED
    except Exception as error:
        import traceback

        traceback.print_exc()
        output, code = (
            failure(GptImageError(f"Something unexpected went wrong: {error!r}.", code="internal")),
            ExitCode.INTERNAL,
        )
    finally:
        api.close()
    if output["state"] == "failed":
        print(f"{PROGRAM}: {output['error']['message']}", file=sys.stderr)
    return _report(options, output, code)


def _hear_interrupts() -> None:
    """Blender ignores Ctrl-C in commands; without this no KeyboardInterrupt is raised."""
    with contextlib.suppress(ValueError):  # not on the main thread
        signal.signal(signal.SIGINT, signal.default_int_handler)


def failure(error: GptImageError) -> Output:
    """The JSON object of a failure."""
    return {"schema": SCHEMA, "state": "failed", "error": error.to_dict()}


def _usage_failure(message: str) -> Output:
    output = failure(InvalidRequestError(message, code="usage"))
    output["error"]["type"] = "UsageError"
    return output


def _early_options(argv: Sequence[str]) -> argparse.Namespace:
    """Where the JSON of a usage error goes: the flags that can be understood on their own."""
    found = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    _add_outputs(found)
    with contextlib.suppress(SystemExit), contextlib.redirect_stderr(None):
        return found.parse_known_args(argv)[0]
    return argparse.Namespace(json=True, json_file=None)


def _report(options: argparse.Namespace, output: Output, code: ExitCode) -> int:
    text = json.dumps(output, ensure_ascii=False)
    if options.json_file is not None:
        try:
            options.json_file.write_text(text + "\n", "utf-8")
        except OSError as error:
            print(f"{PROGRAM}: {options.json_file} can't be written: {error.strerror}", file=sys.stderr)
            code = code or ExitCode.INTERNAL
    if options.json:
        _flush_c()
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
    return int(code)


def _flush_c() -> None:
    """Blender prints through C, whose buffer would otherwise come after our last line."""
    with contextlib.suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).fflush(None)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def generate(options: argparse.Namespace) -> Output:
    """The verb ``generate``."""
    _check_output(options)
    values = _parameters(options)
    if options.dry_run:
        return _dry_run(values)
    job = api.submit(**values, reuse=options.reuse)
    _follow(job)
    result = api.result_of(job)
    blend = api.save_blend(options.output) if options.output else None
    for warning in result.warnings:
        _say(f"note: {warning}")
    _say(f"{result.material or result.images[0].name}: {', '.join(image.file for image in result.images)}")
    return {"schema": SCHEMA, "state": "succeeded", **api.as_dict(result), "blend": blend}


def _parameters(options: argparse.Namespace) -> dict[str, Any]:
    own = {"verb", "json", "json_file", "output", "overwrite", "reuse", "dry_run"}
    return {name: value for name, value in vars(options).items() if name not in own and value is not None}


def _check_output(options: argparse.Namespace) -> None:
    """Before anything is paid for: can the result be saved where it should go?"""
    output: Path | None = options.output
    if output is None:
        return
    if output.exists() and not options.overwrite:
        raise UsageError(f"{output} exists; add --overwrite to replace it")
    if output.suffix != ".blend":
        raise UsageError(f"--output must end with .blend, not {output.name}")
    if not output.absolute().parent.is_dir():
        raise UsageError(f"the folder {output.absolute().parent} does not exist")


def _dry_run(values: dict[str, Any]) -> Output:
    plan = api.plan(**values)
    about = "" if plan.estimate.exact else "about "
    _say(f"This would cost {about}${plan.estimate.low_usd:.4f} to ${plan.estimate.high_usd:.4f}.")
    return {
        "schema": SCHEMA,
        "state": "dry_run",
        "request": plan.request.to_dict(),
        "prompt": plan.prompt,
        "estimated_usd": plan.estimate.high_usd,
        "low_usd": plan.estimate.low_usd,
        "high_usd": plan.estimate.high_usd,
        "exact": plan.estimate.exact,
        "warnings": list(plan.warnings),
    }


def _follow(job: Job) -> None:
    """Wait for a job and tell on stderr what happens."""
    said = ""
    try:
        while not job.wait(api.POLL_SECONDS):
            if job.message != said:
                said = job.message
                _say(f"[{job.progress:4.0%}] {said}")
    except KeyboardInterrupt:
        job.cancel()
        job.wait(CANCEL_SECONDS)
        if job.error is None:
            raise


def models(options: argparse.Namespace) -> Output:
    """The verb ``models``."""
    rows = api.models()
    for row in rows:
        _say(f"{row['id']:26} {row['state']:10} {', '.join(row['qualities'])}")
    return {"schema": SCHEMA, "state": "succeeded", "models": rows}


def doctor(options: argparse.Namespace) -> Output:
    """The verb ``doctor``."""
    checks = health.checks()
    for check in checks:
        _say(f"{'ok  ' if check.ok else 'FAIL'} {check.name}: {check.text}")
    state = "succeeded" if all(check.ok for check in checks) else "problems"
    return {"schema": SCHEMA, "state": state, "checks": [check.to_dict() for check in checks]}


def _surface_verb(run: Callable[[argparse.Namespace], Output]) -> Callable[[argparse.Namespace], Output]:
    return lambda options: {"schema": SCHEMA, "state": "succeeded", **run(options)}


VERBS: dict[str, Callable[[argparse.Namespace], Output]] = {
    "generate": generate,
    **{name: _surface_verb(run) for name, (_, _, run) in cli_surfaces.VERBS.items()},
    "models": models,
    "doctor": doctor,
}
