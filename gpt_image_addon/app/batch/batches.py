"""A batch: a manifest, the settings and the journal brought together. Main thread only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...core.batch.manifest import Manifest, Row
from ...core.errors import GptImageError, InvalidRequestError
from ...core.request.pricing import BATCH_SHARE
from ...core.request.request import GenerationRequest
from ...core.request.targets import find_target
from .. import models, session, settings
from ..editing.versions import with_edited_image

if TYPE_CHECKING:
    from ...core.batch.admission import Pricer, RowAdmission
    from ...core.batch.estimate import ManifestEstimate
    from ...core.batch.runner import Folder, Output, Run
    from ...core.jobs.worker import Worker
    from ...core.results.output_files import Outputs
    from ..settings import Settings
    from .painted_rows import RowPlanner

OUTPUTS_SUFFIX = "-pictures"
SHEET_SUFFIXES = (".png", ".html")
PATH_OPTIONS = ("output_dir", "asset_library", "contact_sheet", "report", "merge_from")


@dataclass(frozen=True)
class BatchOptions:
    """How a manifest is run."""

    output_dir: Path | None = None
    """Folder for images and maps; beside the manifest, with its name, where nothing else is asked for."""
    blend_per_row: bool = False
    """Save a .blend for each row in ``output_dir``."""
    asset_library: Path | None = None
    """A .blend that gets every row as an asset."""
    contact_sheet: Path | None = None
    """A .png or .html that shows all images."""
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
    overwrite: bool = False
    """Replace what is in the way of a file; without, files get other names or the run is refused."""
    part: tuple[int, int] = (1, 1)
    """The third of ten parts is (3, 10): every tenth row from the third on."""


@dataclass
class Batch:
    """One manifest and what is done with it."""

    manifest: Path
    defaults: Mapping[str, Any] = field(default_factory=dict)
    options: BatchOptions = BatchOptions()
    _export_folders: set[Path] = field(default_factory=set)
    """Those that can be written."""

    def __post_init__(self) -> None:
        self.manifest = self.manifest.absolute()
        if self.options.collect and not self.options.via_batch_api:
            raise InvalidRequestError("Only what was handed in can be collected: add via_batch_api.")
        if self.options.blend_per_row and self.options.asset_library is not None:
            raise InvalidRequestError("Choose one: a .blend for each row, or an asset library.")
        self._check_values()

    def _check_values(self) -> None:
        """:raises InvalidRequestError: an option is out of range, or names a kind of file not made."""
        found = self.options
        part, parts = found.part
        wrong = {
            "concurrency must be at least 1": found.concurrency is not None and found.concurrency < 1,
            "images_per_minute must be above 0": _is_no_rate(found.images_per_minute),
            "input_images_per_minute must be above 0": _is_no_rate(found.input_images_per_minute),
            "max_cost_usd must be an amount in USD": found.max_cost_usd is not None
            and found.max_cost_usd < 0,
            "part must be such as (3, 10)": not 1 <= part <= parts,
            "asset_library must end with .blend": _ends_otherwise(found.asset_library, (".blend",)),
            "contact_sheet must end with .png or .html": _ends_otherwise(found.contact_sheet, SHEET_SUFFIXES),
        }
        for sentence in (sentence for sentence, is_so in wrong.items() if is_so):
            param = sentence.split()[0]
            raise InvalidRequestError(f"{sentence}.", code="invalid_value", param=param)

    @property
    def rows(self) -> Iterator[Row]:
        """The rows of this part, read from the file."""
        part, parts = self.options.part
        rows = islice(Manifest(self.manifest, self.defaults, with_edited_image), part - 1, None, parts)
        return map(self.planner.plan, rows)

    @cached_property
    def planner(self) -> RowPlanner:
        """What draws the guides of rows that paint objects."""
        from .painted_rows import RowPlanner

        return RowPlanner()

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

    def survey(self, on_invalid: Callable[[Row, GptImageError], None] | None = None) -> ManifestEstimate:
        """Read and price everything; nothing is sent.

        :raises InvalidRequestError: the manifest can't be understood.
        """
        from ...core.batch.estimate import survey

        return survey(self.rows, self.pricer(settings.load()), on_invalid)

    def pricer(self, found: Settings) -> Pricer:
        """What completes and prices rows."""
        from ...core.batch.admission import Pricer

        journal = session.journal(found)
        # What was seen changes little during a run, and asking takes longer than the rest of a price.
        registry = models.find_registry(found)

        def complete(request: GenerationRequest) -> GenerationRequest:
            return models.resolve_model(request, registry, found)[0]

        return Pricer(registry, complete, cache(journal.seen), self.share, self._check_row)

    def _check_row(self, row: Row) -> None:
        """:raises InvalidRequestError: its result can't go where it is to go."""
        self.planner.check(row)
        if row.application.export_dir:
            self._check_export_folder(Path(row.application.export_dir))
        if self.options.asset_library is not None:
            from .outputs import check_asset

            check_asset(row)

    def _check_export_folder(self, folder: Path) -> None:
        """:raises StorageError: it can't be written; each folder is looked at once."""
        from ...core.results.output_folders import check_folder

        if folder not in self._export_folders:
            check_folder(folder)
            self._export_folders.add(folder)

    def write_farm(
        self, folder: Path, chunks: int, command: Sequence[str], merge_flags: Sequence[str]
    ) -> int:
        """Write the manifest as a job bundle for a render farm; returns the number of its rows.

        :raises InvalidRequestError: the folder is in use, or an image of a row can't be read.
        """
        from ...core.batch.openjd import write_bundle

        for row in self.rows:
            self._check_row(row)
            if find_target(row.application.target).is_projected:
                raise InvalidRequestError(
                    "A farm has no scene whose objects a row could paint.",
                    code="invalid_value",
                    param="target",
                    next_step="Run it as a batch, with the scene open.",
                )
            if row.application.export_to:
                raise InvalidRequestError(
                    "A farm's tasks write no files for engines.",
                    code="invalid_value",
                    param="export_to",
                    next_step="Leave export_to out; afterwards run the manifest with it and --merge-from.",
                )
        found, name = self.options, self.manifest.stem
        given: dict[str, float | None] = {
            "--concurrency": found.concurrency,
            "--images-per-minute": found.images_per_minute,
            "--input-images-per-minute": found.input_images_per_minute,
        }
        flags = [text for flag, value in given.items() if value is not None for text in (flag, f"{value:g}")]
        if self.options.asset_library is not None or self.options.blend_per_row:
            self._check_farm()
        return write_bundle(
            self.rows,
            folder.absolute(),
            name=name,
            chunks=chunks,
            command=command,
            flags=flags,
            merge_flags=merge_flags,
            overwrite=found.overwrite,
        )

    def _check_farm(self) -> None:
        """:raises InvalidRequestError: a row names an object, and all files of a bundle are new."""
        for row in filter(names_object, self.rows):
            where = f"{self.manifest.name}, line {row.line}"
            raise no_object(row, f"{where}: the bundle makes new files, and they have no object")

    def check_receiver(self, row: Row) -> None:
        """Find out before anything is paid whether a row's object, or the library, can take its result.

        Main thread only, while the file of the output is open.

        :raises InvalidRequestError: it can't.
        """
        if find_target(row.application.target).is_projected:
            self.planner.check(row)
            if self.options.blend_per_row and not self.planner.scene_file:
                raise InvalidRequestError(
                    "A .blend for each row needs a scene that is saved.",
                    param="blend_per_row",
                    next_step="Save it first.",
                )
            return
        if self.options.blend_per_row and names_object(row):
            raise no_object(row, "The .blend of a row is a new file, and it has no object")
        needs_scene = names_object(row) or find_target(row.application.target).activates_objects
        if self.options.asset_library is not None and needs_scene:
            from ...scene.targets.receiver import check_receiver

            check_receiver(row.application)

    def check_outputs(self) -> None:
        """Find out before anything is paid whether all files of the run can be written.

        :raises InvalidRequestError: something that is not ours has the name of one.
        :raises StorageError: a folder can't be written.
        """
        from ...core.results.output_files import is_row_report, is_special, name_taken
        from ...core.results.output_folders import check_folder

        outputs, found = session.outputs(overwrite=self.options.overwrite), self.options
        if found.asset_library is None or found.output_dir is not None:
            check_folder(self.folder)
        if found.asset_library is not None:
            library = found.asset_library.absolute()
            if library.is_dir():
                raise InvalidRequestError(
                    f"{library} is a folder.", code="is_a_folder", param="asset_library"
                )
            if is_special(library):  # Blender would wait for ever for what a pipe brings
                raise name_taken(library, "asset_library")
            check_folder(library.parent, library.name)
        if found.contact_sheet is not None:
            outputs.check(found.contact_sheet.absolute(), self.owner, param="contact_sheet")
        for path in (self.report, self.file("results")):
            outputs.check(path, self.owner, param="report", is_ours=is_row_report)
        own = [self.manifest, self.report, self.file("results")]
        named = [path.absolute() for path in (found.contact_sheet, found.asset_library) if path is not None]
        if self.manifest in (self.report, *named):
            raise InvalidRequestError(f"{self.manifest} is the manifest itself; name another file.")
        twice = next((path for path, times in Counter((*own, *named)).items() if times > 1), None)
        if twice is not None:
            raise InvalidRequestError(f"{twice} would be written twice; name different files.")

    @property
    def owner(self) -> str:
        """What names this manifest where files are written for it."""
        return str(self.manifest)

    @property
    def report(self) -> Path:
        """File for the rows that failed or are UNKNOWN."""
        return (self.options.report or self.file("report")).absolute()

    def open(self, survey: ManifestEstimate) -> Run:
        """A run that is ready to begin.

        :raises ConfigurationError: a provider of the manifest can't be used.
        :raises StorageError: the folder can't be made.
        """
        from ...core.batch.runner import Folder, Run

        found = settings.load()
        outputs = session.outputs(overwrite=self.options.overwrite)
        self.check_outputs()
        if self.sends or self.options.collect:
            for provider in sorted(survey.providers):
                found.check_provider(provider)
        folder: Folder | None = None
        if self.options.asset_library is None or self.options.output_dir is not None:
            folder = Folder(self.folder, outputs, self.manifest)
        output = self._output(outputs, folder)
        return Run(
            self._worker(found, for_scene=output is not None),
            self._admission(found),
            folder,
            output=output,
            concurrency=self.options.concurrency or found.concurrency,
            sends=self.sends,
        )

    def _worker(self, found: Settings, *, for_scene: bool) -> Worker:
        from ...core.http.pool import Sessions
        from ...core.jobs.worker import Worker
        from ...core.journal.rate_limiter import RateLimiter

        journal, limits = session.journal(found), self.options
        pace = RateLimiter(journal, found.base_url, limits.images_per_minute, limits.input_images_per_minute)
        return Worker(
            journal,
            models.find_registry(found),
            found.connection(),
            found.monthly_budget_usd,
            pace,
            Sessions(),
            for_scene=for_scene,
        )

    def _admission(self, found: Settings) -> RowAdmission:
        from ...core.batch.admission import RowAdmission

        return RowAdmission(
            session.journal(found),
            self.pricer(found),
            found.limits(),
            max_cost_usd=self.options.max_cost_usd,
            retry_unknown=self.options.retry_unknown and self.sends,
        )

    def _output(self, outputs: Outputs, folder: Folder | None) -> Output | None:
        """What goes into Blender; loaded only where it does."""
        if self.options.blend_per_row:
            from .outputs import BlendPerRow

            return BlendPerRow(self.folder, outputs, self.manifest, self.planner)
        if self.options.asset_library is not None:
            from .outputs import AssetLibrary

            return AssetLibrary(self.options.asset_library)
        if self.planner.has_planned and folder is not None:
            from .painted_rows import PaintedFiles

            return PaintedFiles(folder)
        return None


def _is_no_rate(rate: float | None) -> bool:
    return rate is not None and rate <= 0


def _ends_otherwise(path: Path | None, suffixes: Sequence[str]) -> bool:
    return path is not None and path.suffix.lower() not in suffixes


def names_object(row: Row) -> bool:
    """Whether the result of a row is to go onto an object of its file."""
    return bool(row.application.object_name) and find_target(row.application.target).onto_object


def no_object(row: Row, problem: str) -> InvalidRequestError:
    """The error for a row that names an object where there are none."""
    return InvalidRequestError(
        f"{problem} '{row.application.object_name}'.", code="no_such_object", param="object_name"
    )
