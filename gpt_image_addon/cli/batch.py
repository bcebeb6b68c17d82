"""The verb ``batch``."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import shlex
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import api
from ..app.blend_paths import resolve
from ..core.batch.openjd import DEFAULT_COMMAND, OUTPUT_MARK
from ..core.errors import JobCancelled
from ..core.request.parameters import PARAMETERS
from . import signals
from .common import (
    SCHEMA,
    Ended,
    Output,
    UsageError,
    add_outputs,
    console,
    failure,
    path_of,
    say,
    succeeded,
)
from .flags import add_request, read_given

if TYPE_CHECKING:
    from ..app.batch.batches import Batch
    from ..app.batch.run import BatchResult
    from ..core.batch.estimate import ManifestEstimate
    from ..core.batch.outcomes import Outcome, RunSummary
    from ..core.batch.runner import Run
    from ..core.errors import Billed

DESCRIPTION = """\
Make what a manifest lists: JSON Lines (one object a line) or CSV. The columns are the flags below with
underscores instead of dashes; flags hold for the rows that leave a column open. A list (in CSV:
oak|pine|ash) makes a row of each value, several lists a row of each combination. {wood} in a text stands for
the value of the row's column `wood`. Further columns: `id` (names the files), `tags` and `catalog` (for
--asset-library). Paths are relative to the manifest. Run it again and only what is missing is made, even
after a crash.
"""
SHOWN_INVALID = 20  # rows that a dry run names, and problems that are told


def add_batch(verb: argparse.ArgumentParser) -> None:
    """The flags of ``batch``."""
    verb.description = DESCRIPTION
    verb.add_argument("manifest", metavar="MANIFEST", type=path_of("manifest"), help="a file .jsonl or .csv")
    outputs = verb.add_argument_group("where it goes")
    outputs.add_argument(
        "--output-dir",
        metavar="DIR",
        type=path_of("output_dir"),
        help="images and maps; default: MANIFEST-pictures",
    )
    outputs.add_argument("--blend-per-row", action="store_true", help="save a .blend for each row there, too")
    outputs.add_argument(
        "--asset-library",
        metavar="FILE.blend",
        type=path_of("asset_library"),
        help="every row as an asset of this library",
    )
    outputs.add_argument(
        "--contact-sheet",
        metavar="FILE",
        type=path_of("contact_sheet"),
        help="all images on one .png or .html",
    )
    outputs.add_argument(
        "--report",
        metavar="FILE",
        type=path_of("report"),
        help="rows that failed or are UNKNOWN, as JSON Lines; default: MANIFEST.report.jsonl",
    )
    _add_run(verb.add_argument_group("how it runs"))
    _add_farm(verb.add_argument_group("many machines"))
    verb.add_argument(
        "--prompt", metavar="TEXT", help="for rows without one; may hold {placeholders} for columns"
    )
    add_request(verb)
    add_outputs(verb)


def _add_run(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--concurrency", metavar="N", type=_positive, help="requests at once (default: 4)")
    for flag, what in (("--images-per-minute", "images"), ("--input-images-per-minute", "references")):
        group.add_argument(
            flag, metavar="N", type=_positive, help=f"send no more {what}, by all processes together"
        )
    group.add_argument(
        "--max-cost", metavar="USD", type=_usd, help="the whole run sends nothing that could cost more"
    )
    group.add_argument("--dry-run", action="store_true", help="check and price everything, send nothing")
    group.add_argument(
        "--retry-unknown",
        action="store_true",
        help="send rows again that were, or may have been, billed and brought no result",
    )
    group.add_argument(
        "--part", metavar="K/N", type=_part, default=(1, 1), help="only every Nth row, from the Kth on"
    )
    group.add_argument("--send-nothing", action="store_true", help="only put together what was made already")
    group.add_argument(
        "--via",
        choices=("requests", "batch-api"),
        default="requests",
        help="batch-api: hand the rows in at half price and leave; they are made within a day",
    )
    group.add_argument(
        "--collect", action="store_true", help="with --via batch-api: fetch what was handed in and is done"
    )


def _add_farm(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--farm",
        nargs=2,
        metavar=("openjd", "DIR"),
        help="make nothing; write an Open Job Description job bundle for a render farm",
    )
    group.add_argument(
        "--chunks", metavar="N", type=_positive, default=10, help="tasks of the bundle (default: 10)"
    )
    group.add_argument(
        "--farm-command",
        metavar="COMMAND",
        type=_command,
        default=shlex.join(DEFAULT_COMMAND),
        help="what workers run before the verb (default: %(default)s)",
    )
    group.add_argument(
        "--state-dir",
        metavar="DIR",
        type=path_of("state_dir"),
        help="state folder of this run, in place of the user's",
    )
    group.add_argument(
        "--merge-from",
        metavar="DIR",
        type=path_of("merge_from"),
        help="take over the state folders in this folder before",
    )


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number of at least 1")
    return int(text)


def _command(text: str) -> list[str]:
    with contextlib.suppress(ValueError):  # a quote that is not closed
        if words := shlex.split(text):
            return words
    raise argparse.ArgumentTypeError(f"'{text}' is no command")


def _usd(text: str) -> float:
    with contextlib.suppress(ValueError):
        if 0 <= float(text) < float("inf"):
            return float(text)
    raise argparse.ArgumentTypeError(f"'{text}' is not a valid amount in USD")


def _part(text: str) -> tuple[int, int]:
    first, slash, second = text.partition("/")
    if slash and first.isdecimal() and second.isdecimal() and 1 <= int(first) <= int(second):
        return int(first), int(second)
    raise argparse.ArgumentTypeError(f"'{text}' is no part such as 3/10")


def batch(options: argparse.Namespace) -> Output:
    """The verb ``batch``."""
    _check(options)
    changes = {} if options.state_dir is None else {"state_folder": options.state_dir.absolute()}
    with api.using(**changes):
        try:
            return _run(options)
        finally:
            api.close()


def _run(options: argparse.Namespace) -> Output:
    made = _batch(options)
    if options.farm:
        return _write_farm(options, made)
    if options.dry_run:
        return _dry_run(made)
    survey = made.survey()
    say(f"{survey.rows} rows, at most {_money(survey.total('high_usd'))}.")
    started = time.monotonic()
    cost_usd = 0.0

    def show(outcome: Outcome, tally: RunSummary) -> None:
        nonlocal cost_usd
        cost_usd = tally.cost_usd
        wrong = tally.failed + tally.unknown
        text = f"{tally.rows}/{survey.rows} rows, {wrong} wrong, {_money(tally.cost_usd)}"
        console.progress(tally.rows / max(survey.rows, 1), text, time.monotonic() - started)

    stopper = _Stopper()
    try:
        with signals.catch_signals(stopper.hear):
            result = api.run_batch(made, survey, on_open=stopper.open, on_outcome=show)
    except KeyboardInterrupt:
        billed: Billed = "maybe" if stopper.given_up else "yes" if cost_usd else "no"
        raise JobCancelled("Interrupted.", billed=billed) from None
    output = _output(survey, result)
    _tell(output, result)
    if options.json or options.json_file:
        output["results"] = list(api.batch_results(result))
    if result.fatal is not None:
        raise Ended(output, result.fatal.exit_code)
    return output


def _check(options: argparse.Namespace) -> None:
    library: Path | None = options.asset_library
    if library is not None and library.suffix != ".blend":
        raise UsageError(f"--asset-library must end with .blend, not {library.name}")
    sheet: Path | None = options.contact_sheet
    if sheet is not None and sheet.suffix.lower() not in (".png", ".html"):
        raise UsageError(f"--contact-sheet must end with .png or .html, not {sheet.name}")
    if options.collect and options.via != "batch-api":
        raise UsageError("--collect goes with --via batch-api")
    if options.farm and options.farm[0] != "openjd":
        raise UsageError(f"--farm knows openjd, not {options.farm[0]}")
    if library is not None and options.blend_per_row:
        raise UsageError("--blend-per-row and --asset-library can't go together")


def _batch(options: argparse.Namespace) -> Batch:
    return api.batch(
        options.manifest,
        {name: _resolve_paths(name, value) for name, value in read_given(options).items()},
        output_dir=options.output_dir,
        blend_per_row=options.blend_per_row,
        asset_library=options.asset_library,
        report=options.report,
        contact_sheet=options.contact_sheet,
        concurrency=options.concurrency,
        images_per_minute=options.images_per_minute,
        input_images_per_minute=options.input_images_per_minute,
        max_cost_usd=options.max_cost,
        retry_unknown=options.retry_unknown,
        sends=not options.send_nothing,
        via_batch_api=options.via == "batch-api",
        collect=options.collect,
        merge_from=options.merge_from,
        overwrite=options.overwrite,
        part=options.part,
    )


def _resolve_paths(name: str, value: Any) -> Any:
    """Paths of flags are not relative to the manifest."""
    if PARAMETERS[name].kind is not Path:
        return value
    return (
        [str(resolve(path, name)) for path in value] if PARAMETERS[name].many else str(resolve(value, name))
    )


class _Stopper:
    """Ctrl-C, or a scheduler that ends the task, lets the running requests finish; a second one does not."""

    def __init__(self) -> None:
        self.run: Run | None = None
        self.given_up = 0
        """Requests that were on their way the second time."""

    def hear(self, number: int, frame: Any) -> None:
        if self.run is None or self.run.stopping:
            self.given_up = self.run.in_flight if self.run is not None else 0
            raise KeyboardInterrupt
        self.run.stop()
        say(f"\nStopping: {self.run.in_flight} requests are on their way and are paid for; waiting for them.")

    def open(self, run: Run) -> None:
        self.run = run


def _write_farm(options: argparse.Namespace, made: Batch) -> Output:
    folder = resolve(options.farm[1], "farm")
    merge_flags: list[str] = []
    for flag, path in (
        ("--asset-library", options.asset_library),
        ("--contact-sheet", options.contact_sheet),
    ):
        merge_flags += [flag, f"{OUTPUT_MARK}/{path.name}"] if path is not None else []
    merge_flags += ["--blend-per-row"] if options.blend_per_row else []
    rows = made.write_farm(folder, options.chunks, options.farm_command, merge_flags)
    say(f"{rows} rows for a farm are in {folder}; `openjd check {folder / 'template.json'}` checks it.")
    return succeeded(rows=rows, bundle=str(folder))


def _dry_run(made: Batch) -> Output:
    made.check_outputs()
    invalid: list[dict[str, Any]] = []

    def on_invalid(row: Any, error: Any) -> None:
        say(f"line {row.line}, {row.id}: {error.text}")
        if len(invalid) < SHOWN_INVALID:
            invalid.append({"row": row.id, "line": row.line, "error": error.to_dict()})

    survey = made.survey(on_invalid=on_invalid)
    say(f"{'rows':>7} {'images':>8}  {'model':24} {'size':10} {'quality':8} {'kind':10} {'at most':>10}")
    for group in survey.table():
        say(
            f"{group['rows']:7} {group['pictures']:8}  {group['model']:24} {group['size']:10}"
            f" {group['quality']:8} {group['kind']:10} {_money(group['high_usd']):>10}"
        )
    say(
        f"{survey.rows} rows would cost about {_money(survey.total('likely_usd'))},"
        f" and at most {_money(survey.total('high_usd'))}; {survey.invalid} can't be sent."
    )
    output = succeeded(
        rows=survey.rows,
        invalid=survey.invalid,
        estimated_usd=survey.total("high_usd"),
        low_usd=survey.total("low_usd"),
        likely_usd=survey.total("likely_usd"),
        high_usd=survey.total("high_usd"),
        groups=survey.table(),
        errors=invalid,
    )
    return {**output, "state": "incomplete" if survey.invalid else "dry_run"}


def _output(survey: ManifestEstimate, result: BatchResult) -> Output:
    tally = result.tally
    if result.fatal is not None:
        output = failure(result.fatal)
    else:
        wrong = tally.failed + tally.unknown > 0 or result.problems
        state = "interrupted" if result.stopped else "incomplete" if wrong else "succeeded"
        if state == "succeeded" and tally.running:
            state = "running"
        output = {"schema": SCHEMA, "state": state}
    return {
        **output,
        "rows": survey.rows,
        "succeeded": tally.succeeded,
        "failed": tally.failed,
        "unknown": tally.unknown,
        "skipped": tally.skipped,
        "running": tally.running,
        "unfinished": result.unfinished,
        "cost_usd": tally.cost_usd,
        "unknown_usd": tally.unknown_usd,
        "report": str(result.report) if result.report else None,
        "results_file": str(result.results),
        "problems": [dataclasses.asdict(problem) for problem in result.problems],
        "results": [],
    }


def _tell(output: Output, result: BatchResult) -> None:
    tally = result.tally
    say(
        f"{tally.succeeded} made, {tally.skipped} there already, {tally.failed} failed, "
        f"{tally.unknown} unknown, {tally.running} running, {result.unfinished} not begun."
    )
    maybe = f", and perhaps {_money(tally.unknown_usd)} for rows without an answer" if tally.unknown else ""
    say(f"Billed in this run: {_money(tally.cost_usd)}{maybe}.")
    for problem in result.problems[:SHOWN_INVALID]:
        where = f", line {problem.line}" if problem.line else ""
        kept = f" It is kept in {problem.file}." if problem.file else ""
        console.print(f"Batch {problem.batch}{where}: {problem.message}{kept}")
    if len(result.problems) > SHOWN_INVALID:
        console.print(f"{len(result.problems) - SHOWN_INVALID} more of that kind are in the JSON.")
    if result.report:
        say(f"What went wrong is in {result.report}.")


def _money(usd: float) -> str:
    return f"${usd:,.4f}" if usd < 1 else f"${usd:,.2f}"
