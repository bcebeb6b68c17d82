"""The verbs ``history`` and ``recover``."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .. import api
from ..core.errors import GptImageError
from ..core.journal.states import JobState
from ..core.request.providers import find_provider
from ..core.request.targets import TARGETS
from ..core.text.plain_text import repair
from .common import (
    SCHEMA,
    Output,
    Rows,
    UsageError,
    add_outputs,
    add_scene_outputs,
    check_scene_output,
    path_of,
    save_scene,
    say,
    succeeded,
)
from .wait import follow

SHOWN_PROMPT = 60  # characters
INDENT = "  "
DEEPEST_SHOWN = 20  # steps of indentation
SOME = 5  # ids that a sentence names


def add_history(verb: argparse.ArgumentParser) -> None:
    """The flags of ``history``."""
    verb.description = "Show what was made and spent, newest first; keep the folder of results small."
    verb.add_argument("--month", metavar="YYYY-MM", type=_month, help="only this month")
    verb.add_argument(
        "--state", type=str.upper, choices=[state.value for state in JobState], help="only jobs in this state"
    )
    verb.add_argument(
        "--search", metavar="TEXT", type=repair, default="", help="in prompts, models and job ids"
    )
    verb.add_argument("--limit", metavar="N", type=_read_count, help="how many jobs at most")
    verb.add_argument(
        "--tree", action="store_true", help="oldest first, each under the one that it was made from"
    )
    verb.add_argument("--favourite", metavar="JOB", action="append", default=[], help="never clean it away")
    verb.add_argument("--no-favourite", metavar="JOB", action="append", default=[], help="the opposite")
    verb.add_argument(
        "--clean-older-than",
        metavar="DAYS",
        type=_days,
        help="delete the files of older results, but no favourites and none that wait to be applied",
    )
    verb.add_argument("--dry-run", action="store_true", help="only say what --clean-older-than would delete")
    verb.add_argument(
        "--merge",
        metavar="FOLDER",
        type=path_of("merge"),
        help="add the journal and results of another machine",
    )
    add_outputs(verb)


def add_recover(verb: argparse.ArgumentParser) -> None:
    """The flags of ``recover``."""
    verb.description = (
        "Without a job: list the results that are in no scene yet, and the requests that may have been "
        "billed without an answer. With jobs, or --all: put those results into the scene, or copy their "
        "files."
    )
    verb.add_argument("jobs", metavar="JOB", nargs="*", help="which ones")
    verb.add_argument("--all", action="store_true", help="all that wait")
    verb.add_argument(
        "--export", metavar="DIR", type=path_of("export"), help="copy the files here, leave the scene alone"
    )
    verb.add_argument(
        "--object",
        metavar="NAME",
        dest="object_name",
        help="object to put them on; without, only objects that the requests named are touched",
    )
    verb.add_argument(
        "--target", choices=TARGETS, help="what to make of them; default: what was asked for at first"
    )
    verb.add_argument(
        "--accept", action="store_true", help="use answers to edits that do not match their images, too"
    )
    add_scene_outputs(verb)
    add_outputs(verb)


def _month(text: str) -> str:
    if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", text):
        raise argparse.ArgumentTypeError(f"'{text}' is not a valid month such as 2026-11")
    return text


def _read_count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"'{text}' is not a number of jobs")
    return int(text)


def _days(text: str) -> float:
    try:
        days = float(text)
    except ValueError:
        days = -1.0
    if not 0 <= days < 1e6:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number of days")
    return days


def history(options: argparse.Namespace) -> Output:
    """The verb ``history``."""
    if options.dry_run and options.clean_older_than is None:
        raise UsageError("--dry-run goes with --clean-older-than")
    done: Output = {}
    for names, value in ((options.favourite, True), (options.no_favourite, False)):
        for job in names:
            api.set_favourite(job, value)
    if options.merge is not None:
        done["merged"] = _merge(options.merge)
    if options.clean_older_than is not None:
        done["cleaned"] = _clean(options.clean_older_than, options.dry_run)
    which = {"month": options.month or "", "state": options.state, "search": options.search}
    rows = Rows()
    for row in api.history_rows(**which, limit=options.limit, tree=options.tree):
        _say_row(row, indent=INDENT * min(row.get("depth", 0), DEEPEST_SHOWN))
        rows.add(row)
    found = api.history(**which, limit=0)
    _say_unreadable(found.unreadable)
    say(
        f"${found.spent_usd:.4f} spent in {found.month}, ${found.reserved_usd:.4f} reserved; "
        f"results take {_megabytes(found.results_bytes)}."
    )
    return succeeded(
        month=found.month,
        spent_usd=found.spent_usd,
        reserved_usd=found.reserved_usd,
        results_bytes=found.results_bytes,
        jobs=rows,
        unreadable=list(found.unreadable),
        **done,
    )


def _merge(source: Path) -> Output:
    merged = api.merge_journal(source)
    size = _megabytes(merged.copied_bytes)
    say(f"{merged.added} jobs were added, {merged.updated} updated, {size} copied.")
    if merged.refused:
        say(f"{len(merged.refused)} rows can't be of this add-on and were left out: {_some(merged.refused)}.")
    return {
        "added": merged.added,
        "updated": merged.updated,
        "copied_bytes": merged.copied_bytes,
        "refused": list(merged.refused),
    }


def _say_unreadable(jobs: Sequence[str]) -> None:
    if jobs:
        say(f"{len(jobs)} rows of the journal can't be read and were left out: {_some(jobs)}.")


def _some(jobs: Sequence[str]) -> str:
    return ", ".join(jobs[:SOME]) + (", …" if len(jobs) > SOME else "")


def _clean(days: float, dry_run: bool) -> Output:
    cleaned = api.clean_results(days, dry_run=dry_run)
    would = "would be" if dry_run else "were"
    say(f"{_megabytes(cleaned.freed_bytes)} of {len(cleaned.jobs)} results {would} deleted.")
    return {"dry_run": dry_run, "freed_bytes": cleaned.freed_bytes, "jobs": list(cleaned.jobs)}


def recover(options: argparse.Namespace) -> Output:
    """The verb ``recover``."""
    check_scene_output(options)
    if options.jobs and options.all:
        raise UsageError("name jobs or take --all, not both")
    if options.export is not None and options.output is not None:
        raise UsageError("--export leaves the scene alone; leave --output out")
    waiting = api.unapplied()
    if not options.jobs and not options.all:
        return _list(waiting)
    recovered: list[Output] = []
    failed: list[Output] = []
    for job in options.jobs or [entry.id for entry in waiting]:
        try:
            recovered.append(_export(job, options) if options.export else _apply(job, options))
        except GptImageError as error:
            if len(options.jobs) == 1:
                raise
            say(f"{job}: {error.text}")
            failed.append({"job": job, "error": error.to_dict()})
    cost = sum(result.get("cost_usd") or 0.0 for result in recovered)
    files = [image["file"] for result in recovered for image in result.get("images", ())]
    blend = save_scene(options, cost, files)
    state = "incomplete" if failed else "succeeded"
    return {"schema": SCHEMA, "state": state, "recovered": recovered, "failed": failed, "blend": blend}


def _list(waiting: list[Any]) -> Output:
    unknown = api.unknown()
    rows = [api.as_row(entry) for entry in waiting]
    for row in rows:
        _say_row(row)
    lost = [api.as_row(entry) for entry in unknown]
    for row in lost:
        _say_row(row, "free" if row["billed"] == "no" else "may have been billed")
    say(f"{len(rows)} results wait to be applied; {len(lost)} requests got no answer.")
    unreadable = api.unreadable()
    _say_unreadable(unreadable)
    return succeeded(jobs=rows, unknown=lost, unreadable=unreadable)


def _apply(job: str, options: argparse.Namespace) -> Output:
    running = api.recover(
        job,
        object_name=options.object_name,
        only_named=True,
        accept=options.accept,
        target=options.target,
    )
    follow(running)
    result = api.result_of(running)
    for warning in result.warnings:
        say(f"note: {warning}")
    return api.as_dict(result)


def _export(job: str, options: argparse.Namespace) -> Output:
    files = api.export_result(job, options.export, overwrite=options.overwrite)
    for file in files:
        say(file)
    return {"job": job, "files": files}


def _say_row(row: Output, remark: str = "", indent: str = "") -> None:
    cost = "" if row["cost_usd"] is None else f"${row['cost_usd']:.4f}"
    if find_provider(row["provider"]).is_draft:
        cost = "draft"
    prompt = " ".join(row["prompt"].split())
    short = prompt if len(prompt) <= SHOWN_PROMPT else prompt[: SHOWN_PROMPT - 1] + "…"
    star = "*" if row["favourite"] else " "
    line = f"{row['created'][:16]} {row['job']} {star} {row['state']:9} {cost:>8}  {short}  {remark}"
    say(indent + line.rstrip())


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
