"""The verbs ``models``, ``styles``, ``doctor`` and ``mcp``."""

from __future__ import annotations

import argparse

from .. import api
from ..app.diagnostics import bug_report
from ..app.diagnostics import checks as health
from ..core.request.parameters import PARAMETERS
from ..core.request.styles import all_styles
from ..core.results.output_files import Outputs
from ..core.workflows.description import Description
from ..core.workflows.inputs import join_names
from ..mcp import ALLOW_FLAG
from . import signals
from .common import NOBODY, SCHEMA, Output, UsageError, add_outputs, path_of, say, succeeded
from .flags import add_flag


def add_models(verb: argparse.ArgumentParser) -> None:
    """The flags of ``models``."""
    verb.description = (
        "List the models: what they take, what they cost, and until when they answer. Nothing is sent. "
        "A file models.json in the state folder adds rows or replaces some."
    )
    add_outputs(verb)


def models(options: argparse.Namespace) -> Output:
    """The verb ``models``."""
    rows = api.models()
    for row in rows:
        say(f"{row['id']:26} {row['state']:10} {', '.join(row['qualities'])}")
    return succeeded(models=rows)


def add_styles(verb: argparse.ArgumentParser) -> None:
    """The flags of ``styles``."""
    verb.description = (
        "List the styles for --style by their groups: what each is for, and the words that join the prompt. "
        "A file styles.json in the state folder adds some or replaces some."
    )
    add_outputs(verb)


def styles(options: argparse.Namespace) -> Output:
    """The verb ``styles``."""
    found = all_styles().values()
    for style in found:
        say(f"{style.group or 'Own Styles':18} {style.name:16} {style.tip or style.words}")
    return succeeded(styles=[style._asdict() for style in found])


def add_workflows(verb: argparse.ArgumentParser) -> None:
    """The flags of ``workflows``."""
    verb.description = (
        "List the workflows that are kept for --workflow, or say what one takes: what of a request goes "
        "where, and what else can be set. The server is asked what its nodes take; nothing runs or "
        "costs anything."
    )
    verb.add_argument("workflow", nargs="?", metavar="NAME|FILE", help="the one to tell of")
    verb.add_argument("--keep", metavar="NAME", help="keep it by this name")
    verb.add_argument("--remove", action="store_true", help="forget it")
    add_flag(verb, PARAMETERS["workflow_places"], default=[])
    add_outputs(verb)


def workflows(options: argparse.Namespace) -> Output:
    """The verb ``workflows``."""
    name, places = options.workflow, tuple(options.workflow_places)
    if name is None and (options.keep is not None or options.remove or places):
        raise UsageError("--keep, --remove and --place need the name or the file of a workflow")
    if options.remove and options.keep is not None:
        raise UsageError("--remove goes without --keep")
    found = None
    if options.remove:
        api.drop_workflow(name)
    elif name is not None:
        found = api.describe_workflow(name, places)
        _say_workflow(found)
        if options.keep is not None:
            api.keep_workflow(name, options.keep, places)
    kept = {name: str(file) for name, file in api.workflows().items()}
    if name is None:
        for title, file in kept.items():
            say(f"{title:26} {file}")
    return succeeded(workflows=kept, workflow=found.to_dict() if found is not None else None)


def _say_workflow(found: Description) -> None:
    for role, key in found.places:
        say(f"{role:16} {key}")
    for row in found.own:
        limits = "" if row.least is row.most is None else f"  {row.least} - {row.most}"
        say(f"{'--set':16} {row.key}={row.value}{limits}  {join_names(row.choices)}".rstrip())
    if found.problem:
        say(f"note: {found.problem}")


def add_doctor(verb: argparse.ArgumentParser) -> None:
    """The flags of ``doctor``."""
    verb.description = (
        "Look for what keeps this installation from working: modules, journal, key, online access. "
        "Nothing is sent. Exit code 3 when something is wrong."
    )
    group = verb.add_argument_group("for a bug report")
    group.add_argument(
        "--report",
        metavar="FILE.zip",
        type=path_of("report"),
        help="write versions, settings and the newest jobs there, without key, prompts and your folders",
    )
    group.add_argument(
        "--with-prompts", action="store_true", help="with --report: let the prompts be in it, too"
    )
    add_outputs(verb)


def doctor(options: argparse.Namespace) -> Output:
    """The verb ``doctor``."""
    if options.with_prompts and options.report is None:
        raise UsageError("--with-prompts goes with --report")
    outputs = Outputs(overwrite=options.overwrite)
    if options.report is not None:
        if options.report.suffix != ".zip":
            raise UsageError(f"--report must name a .zip file, not {options.report.name}")
        outputs.check(options.report, NOBODY, param="report")
    checks = health.checks()
    for check in checks:
        say(f"{'ok  ' if check.ok else 'FAIL'} {check.name}: {check.text}")
    written = None
    if options.report is not None:
        written = str(
            bug_report.write_report(options.report, checks, outputs, with_prompts=options.with_prompts)
        )
        say(f"{written}: have a look at it before you pass it on.")
    state = "succeeded" if all(check.ok for check in checks) else "problems"
    rows = [check.to_dict() for check in checks]
    return {"schema": SCHEMA, "state": state, "checks": rows, "report": written}


def add_mcp(verb: argparse.ArgumentParser) -> None:
    """The flags of ``mcp``."""
    verb.description = (
        "Offer estimate, generate, texture, wait, cancel, apply, history, capture, maps, tile and models to "
        "an agent through the Model Context Protocol on standard input and output. Opens no port. It ends "
        "with its input, after everything that it read is answered. With --to-window the calls go to a "
        "Blender that is open: click Let Agents In there."
    )
    verb.add_argument(
        ALLOW_FLAG,
        dest="allow_dir",
        action="append",
        default=[],
        metavar="DIR",
        type=path_of("allow_dir"),
        help="folder whose images agents may show a model, and below which they may write; repeatable",
    )
    verb.add_argument(
        "--to-window",
        nargs="?",
        const="",
        metavar="FILE",
        help="pass the calls on to the window that lets agents in; where there are several, to the one "
        "with this .blend or process number",
    )
    add_outputs(verb)


def serve_agent(options: argparse.Namespace) -> Output:
    """The verb ``mcp``."""
    if options.to_window is not None:
        return _serve_window(options)
    from ..mcp import process

    for folder in options.allow_dir:
        if not folder.is_dir():
            raise UsageError(f"the folder {folder} does not exist")
    ending = process.Ending()
    with signals.catch_signals(ending.hear):
        return succeeded(calls=process.serve_agent(tuple(options.allow_dir), ending, say))


def _serve_window(options: argparse.Namespace) -> Output:
    if options.allow_dir:
        raise UsageError(
            f"{ALLOW_FLAG} goes without --to-window: the folders of the window's preferences hold"
        )
    from ..mcp import process
    from ..mcp.window import bridge

    ending = process.Ending()
    with signals.catch_signals(ending.hear):
        return succeeded(calls=bridge.serve_window(options.to_window, lambda: ending.asked, say))
