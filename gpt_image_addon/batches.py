"""Batches: a manifest, the settings and the journal brought together. Main thread only."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import runner, settings
from .core.errors import GptImageError, InvalidRequestError
from .core.manifest import Manifest, Row
from .core.pricing import BATCH_SHARE
from .core.request import GenerationRequest

if TYPE_CHECKING:
    from .batch_outputs import AssetLibrary, BlendPerRow
    from .core.batch import Folder, Run
    from .core.gate import Gate, Pricer
    from .core.outcomes import Outcome, Tally
    from .core.pipeline import Line
    from .core.remote_collection import Problem
    from .core.survey import Survey
    from .settings import Settings

OUTPUTS_SUFFIX = "-pictures"


@dataclass(frozen=True)
class BatchOptions:
    """How a manifest is run."""

    output_dir: Path | None = None
    """Folder for pictures and maps; beside the manifest, with its name, where nothing else is asked for."""
    blend_per_row: bool = False
    """Save a .blend for each row in ``output_dir``."""
    asset_library: Path | None = None
    """A .blend that gets every row as an asset."""
    contact_sheet: Path | None = None
    """A .png or .html that shows all pictures."""
    report: Path | None = None
    """File for the rows that failed or are UNKNOWN; beside the manifest by default."""
    concurrency: int | None = None
    """Requests at once; None for that of the settings."""
    images_per_minute: float | None = None
    input_images_per_minute: float | None = None
    max_cost_usd: float | None = None
    """Of the whole run."""
    retry_unknown: bool = False
    sends: bool = True
    """Without, only what was made already is put together."""
    via_batch_api: bool = False
    """Hand the rows in at half price; `collect` fetches them later."""
    collect: bool = False
    merge_from: Path | None = None
    """Folder of state folders whose journals and results are taken over before."""
    part: tuple[int, int] = (1, 1)
    """The third of ten parts is (3, 10): every tenth row from the third on."""


@dataclass
class Batch:
    """One manifest and what is done with it."""

    manifest: Path
    defaults: Mapping[str, Any] = field(default_factory=dict)
    options: BatchOptions = BatchOptions()

    def __post_init__(self) -> None:
        self.manifest = self.manifest.absolute()
        if self.options.collect and not self.options.via_batch_api:
            raise InvalidRequestError("Only what was handed in can be collected: add via_batch_api.")
        if self.options.blend_per_row and self.options.asset_library is not None:
            raise InvalidRequestError("Choose one: a .blend for each row, or an asset library.")

    @property
    def rows(self) -> Iterator[Row]:
        """The rows of this part, read from the file."""
        part, parts = self.options.part
        return islice(Manifest(self.manifest, self.defaults), part - 1, None, parts)

    @property
    def folder(self) -> Path:
        """Where files go."""
        if self.options.output_dir is not None:
            return self.options.output_dir.absolute()
        return self.manifest.with_name(self.manifest.stem + OUTPUTS_SUFFIX)

    def file(self, kind: str) -> Path:
        """The name of one of the run's own files: beside the report, where that has a place."""
        beside = (self.options.report or self.manifest).absolute()
        part, parts = self.options.part
        middle = f".{part}of{parts}" if parts > 1 else ""
        return beside.with_name(f"{self.manifest.stem}{middle}.{kind}.jsonl")

    @property
    def share(self) -> float:
        """Of the list price."""
        return BATCH_SHARE if self.options.via_batch_api else 1.0

    @property
    def sends(self) -> bool:
        """Whether anything may be paid for."""
        return self.options.sends and not self.options.collect

    def survey(self, on_invalid: Callable[[Row, GptImageError], None] | None = None) -> Survey:
        """Read and price everything; nothing is sent.

        :raises InvalidRequestError: the manifest can't be understood.
        """
        from .core.survey import survey

        return survey(self.rows, self.pricer(settings.load()), on_invalid)

    def pricer(self, found: Settings) -> Pricer:
        """What completes and prices rows."""
        from .core.gate import Pricer

        journal = runner.journal(found)
        # What was seen changes little during a run, and asking takes longer than the rest of a price.
        registry = runner.registry(found)

        def complete(request: GenerationRequest) -> GenerationRequest:
            return runner.completed(request, registry, found)

        return Pricer(registry, complete, cache(journal.seen), self.share)

    def write_farm(
        self, folder: Path, chunks: int, command: Sequence[str], merge_flags: Sequence[str]
    ) -> int:
        """Write the manifest as a job bundle for a render farm; returns the number of its rows.

        :raises InvalidRequestError: the folder is in use, or a picture of a row can't be read.
        """
        from .core.openjd import write_bundle

        found, name = self.options, self.manifest.stem
        given: dict[str, float | None] = {
            "--concurrency": found.concurrency,
            "--images-per-minute": found.images_per_minute,
            "--input-images-per-minute": found.input_images_per_minute,
        }
        flags = [text for flag, value in given.items() if value is not None for text in (flag, f"{value:g}")]
        return write_bundle(
            self.rows,
            folder.absolute(),
            name=name,
            chunks=chunks,
            command=command,
            flags=flags,
            merge_flags=merge_flags,
        )

    def open(self, survey: Survey) -> Run:
        """A run that is ready to begin.

        :raises ConfigurationError: a provider of the manifest can't be used.
        :raises StorageError: the folder can't be made.
        """
        from .core.batch import Folder, Run
        from .core.files import storage_errors

        found = settings.load()
        if self.sends or self.options.collect:
            for provider in sorted(survey.providers):
                found.check_provider(provider)
        folder: Folder | None = None
        if self.options.asset_library is None or self.options.output_dir is not None:
            with storage_errors(f"{self.folder} could not be made"):
                self.folder.mkdir(parents=True, exist_ok=True)
            folder = Folder(self.folder)
        return Run(
            self._line(found),
            self._gate(found),
            folder,
            output=self._output(),
            concurrency=self.options.concurrency or found.concurrency,
            sends=self.sends,
        )

    def _line(self, found: Settings) -> Line:
        from .core.pace import Pace
        from .core.pipeline import Line
        from .core.sessions import Sessions

        journal, limits = runner.journal(found), self.options
        pace = Pace(journal, found.base_url, limits.images_per_minute, limits.input_images_per_minute)
        return Line(
            journal, runner.registry(found), found.connection(), found.monthly_budget_usd, pace, Sessions()
        )

    def _gate(self, found: Settings) -> Gate:
        from .core.gate import Gate

        return Gate(
            runner.journal(found),
            self.pricer(found),
            found.limits(),
            max_cost_usd=self.options.max_cost_usd,
            retry_unknown=self.options.retry_unknown and self.sends,
        )

    def _output(self) -> BlendPerRow | AssetLibrary | None:
        """What goes into Blender; loaded only where it does."""
        if self.options.blend_per_row:
            from .batch_outputs import BlendPerRow

            return BlendPerRow(self.folder)
        if self.options.asset_library is not None:
            from .batch_outputs import AssetLibrary

            return AssetLibrary(self.options.asset_library)
        return None


def merge_all(folder: Path) -> None:
    """Take over the journals and results of every state folder in a folder.

    :raises StorageError: one of them can't be read.
    """
    from .core.merging import merge
    from .core.schema import JOURNAL_FILE

    journal = runner.journal(settings.load())
    for found in sorted(folder.glob(f"*/{JOURNAL_FILE}")):
        merge(journal, found.parent)


def _outcomes(batch: Batch, running: Run, problems: list[Problem]) -> Iterator[Outcome]:
    if not batch.options.via_batch_api:
        yield from running.outcomes(batch.rows)
        return
    from .core.providers.openai_batches import BatchClient
    from .core.remote_batches import Submission
    from .core.remote_collection import Collection

    client = BatchClient(running.line.connection)
    if batch.options.collect:
        collected = Collection(running.line, client, stopping=lambda: running.stopping).run()
        problems += collected.problems
        running.fresh = frozenset(collected.jobs)
        yield from running.outcomes(batch.rows)
        running.fatal = running.fatal or collected.fatal
    else:
        submission = Submission(running.line, running.gate, client, stopping=lambda: running.stopping)
        yield from submission.outcomes(batch.rows)
        running.fatal = submission.fatal


def write_contact_sheet(batch: Batch, results: Path) -> None:
    """Show all pictures of a run on one sheet.

    :raises StorageError: it can't be written.
    """
    from .core import contact_sheet
    from .core.batch_files import read_results

    path = batch.options.contact_sheet
    assert path is not None
    if path.suffix.lower() == ".html":
        contact_sheet.write_html(read_results(results), path.absolute(), batch.manifest.stem)
    else:
        contact_sheet.write_png(read_results(results), path.absolute())


@dataclass(frozen=True)
class BatchResult:
    """How a run ended."""

    tally: Tally
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
    survey: Survey,
    on_open: Callable[[Run], None] = lambda run: None,
    on_outcome: Callable[[Outcome, Tally], None] = lambda outcome, tally: None,
) -> BatchResult:
    """Work through a manifest.

    :param survey: what `Batch.survey` said.
    :param on_open: told of the run before it begins, so that it can be stopped.
    :param on_outcome: told of each row.
    :raises GptImageError: it can't begin.
    """
    from .core.batch_files import RunFiles
    from .core.outcomes import Tally

    if batch.options.merge_from is not None:
        merge_all(batch.options.merge_from)
    running = batch.open(survey)
    on_open(running)
    tally = Tally()
    problems: list[Problem] = []
    report = (batch.options.report or batch.file("report")).absolute()
    with RunFiles(batch.file("results"), report, running.journal) as files:
        for outcome in _outcomes(batch, running, problems):
            files.add(outcome)
            tally.add(outcome)
            on_outcome(outcome, tally)
        if running.output is not None:
            running.output.close()
    if batch.options.contact_sheet is not None:
        write_contact_sheet(batch, files.results.path)
    return BatchResult(
        tally,
        files.results.path,
        files.report.path if files.report.count else None,
        survey.rows - tally.rows,
        running.fatal,
        running.stopping,
        tuple(problems),
    )
