"""Working through a batch, from its first row to the contact sheet. Main thread only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ...core.batch.manifest import Row
from ...core.errors import GptImageError, InvalidRequestError
from ...core.text.log import get_logger
from .. import session, settings
from .batches import Batch

if TYPE_CHECKING:
    from ...core.batch.estimate import ManifestEstimate
    from ...core.batch.outcomes import Outcome, RunSummary
    from ...core.batch.remote_collection import Problem
    from ...core.batch.runner import Run

log = get_logger(__name__)


@dataclass(frozen=True)
class BatchResult:
    """How a run ended."""

    tally: RunSummary
    results: Path
    """JSON Lines: every row that was worked on."""
    report: Path | None
    """JSON Lines: the rows that failed or are UNKNOWN; None where there are none."""
    unfinished: int
    """Rows that were not begun."""
    fatal: GptImageError | None
    """What ended the run early."""
    stopped: bool
    problems: tuple[Problem, ...] = ()
    """What batches of the API brought that was of no use, and those nothing was heard of."""


def run(
    batch: Batch,
    survey: ManifestEstimate,
    on_open: Callable[[Run], None] = lambda run: None,
    on_outcome: Callable[[Outcome, RunSummary], None] = lambda outcome, tally: None,
) -> BatchResult:
    """Work through a manifest.

    :param survey: what `Batch.survey` said.
    :param on_open: told of the run before it begins, so that it can be stopped.
    :param on_outcome: told of each row.
    :raises GptImageError: it can't begin.
    """
    from ...core.batch.outcomes import RunSummary
    from ...core.batch.run_files import RunFiles

    if batch.options.merge_from is not None:
        merge_all(batch.options.merge_from)
    running = batch.open(survey)
    on_open(running)
    tally = RunSummary()
    problems: list[Problem] = []
    outputs = session.outputs(overwrite=batch.options.overwrite)
    with RunFiles(batch.file("results"), batch.report, running.journal, outputs, batch.owner) as files:
        for outcome in _run_rows(batch, running, problems):
            files.add(outcome)
            tally.add(outcome)
            on_outcome(outcome, tally)
            if files.fault is not None:
                running.give_up(files.fault)
        with running.giving_up():
            if running.output is not None:
                running.output.close()
    if files.fault is not None:
        running.give_up(files.fault)
    if batch.options.contact_sheet is not None:
        with running.giving_up():
            write_contact_sheet(batch, files.results.path)
    return BatchResult(
        tally,
        files.results.path,
        files.report.path if files.report.count and files.report.path.exists() else None,
        survey.rows - tally.rows,
        running.fatal,
        running.stopping,
        tuple(problems),
    )


def _run_rows(batch: Batch, running: Run, problems: list[Problem]) -> Iterator[Outcome]:
    refused: list[Outcome] = []
    for outcome in _send_or_collect(batch, running, problems, _keep_receivable(batch, running, refused)):
        yield outcome
        yield from refused
        refused.clear()
    yield from refused


def _keep_receivable(batch: Batch, running: Run, refuse: list[Outcome]) -> Iterator[Row]:
    """The rows whose results can go where they are to go, and those whose results are there already.

    :param refuse: gets the others.
    """
    from ...core.batch.outcomes import refused

    for row in batch.rows:
        try:
            batch.check_receiver(row)
        except InvalidRequestError as error:
            try:
                is_there = running.admission.look_up(row).known.stored is not None
            except InvalidRequestError:  # its files can't be read either
                is_there = False
            if not is_there:
                refuse.append(refused(row, error))
                continue
        yield row


def _send_or_collect(
    batch: Batch, running: Run, problems: list[Problem], rows: Iterator[Row]
) -> Iterator[Outcome]:
    if not batch.options.via_batch_api:
        yield from running.outcomes(rows)
        return
    from ...core.batch.remote import Submission
    from ...core.batch.remote_collection import Collection
    from ...core.providers.openai.batch_api import BatchClient

    client = BatchClient(running.worker.connection)
    if batch.options.collect:
        collected = Collection(running.worker, client, stopping=lambda: running.stopping).run()
        problems += collected.problems
        running.fresh = frozenset(collected.jobs)
        yield from running.outcomes(rows)
        running.fatal = running.fatal or collected.fatal
    else:
        submission = Submission(running.worker, running.admission, client, stopping=lambda: running.stopping)
        yield from submission.outcomes(rows)
        running.fatal = submission.fatal


def write_contact_sheet(batch: Batch, results: Path) -> None:
    """Show all images of a run on one sheet.

    :raises StorageError: it can't be written.
    """
    from ...core.batch import contact_sheet
    from ...core.batch.run_files import read_results

    assert batch.options.contact_sheet is not None
    path = batch.options.contact_sheet.absolute()
    if path.suffix.lower() == ".html":
        data = contact_sheet.html_sheet(read_results(results), path, batch.manifest.stem)
    else:
        data = contact_sheet.png_sheet(read_results(results))
    outputs = session.outputs(overwrite=batch.options.overwrite)
    outputs.write(path, data, batch.owner)


def merge_all(folder: Path) -> None:
    """Take over the journals and results of every state folder in a folder.

    :raises InvalidRequestError: there is no such folder. What is in it would be paid for again without it.
    :raises StorageError: one of them can't be read.
    """
    from ...core.journal.merge import merge
    from ...core.journal.schema import JOURNAL_FILE

    if not folder.is_dir():
        raise InvalidRequestError(f"There is no folder {folder}.", code="missing_file", param="merge_from")
    journal = session.journal(settings.load())
    for found in sorted(folder.glob(f"*/{JOURNAL_FILE}")):
        refused = merge(journal, found.parent).refused
        if refused:
            log.warning("%s: %d rows can't be of this add-on and were left out", found.parent, len(refused))
