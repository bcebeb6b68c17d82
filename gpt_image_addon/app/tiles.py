"""Seamless tiles from images that are there already. Only the repair of seams needs the API.

What scripts call is offered by `api`.
"""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.common.arguments import typed
from ..core.errors import InvalidRequestError
from ..core.jobs.job import Job, Task
from ..core.request.pricing import Estimate
from ..core.request.providers import find_provider
from ..core.request.request import Application, GenerationRequest
from ..core.request.sizes import parse_size
from ..core.results.store import PreparedResult
from ..core.text.message import Message, message
from . import blend_paths, models, session, settings
from .material_maps import ImageSource, Source, read_source, submit_work
from .submission import Submitter

if TYPE_CHECKING:
    from ..core.request.pricing import Estimate
    from ..core.results.output_files import Outputs
    from ..core.textures.tiling import Tile

CUT_ONLY = Message(
    "The {provider} provider can't repaint seams; it can only cut the tile, and this is the cut."
)
KEPT = Message("The seams could not be repainted, so the cut is kept: {reason}")
REPAIR: Mapping[str, Any] = {
    **dict.fromkeys(("description", "provider", "model", "quality"), str | None),
    "max_cost": float | None,
    "retry_unknown": bool | None,
}
"""Parameters that only a repair has, and their types."""
REQUEST = ("provider", "model", "quality")


@dataclass(frozen=True)
class TileResult:
    """A tile that was written."""

    file: str
    width: int
    height: int
    scores: Mapping[str, float]
    """``seam_ratio``, ``seam_percentile``, ``band_sharpness``, ``coherence`` and ``good``."""
    unchanged: bool
    """The image tiled already; its bytes were copied where the format stayed the same."""
    warnings: tuple[str, ...]
    repaired: bool = False
    """The model repainted its seams."""
    job: str | None = None
    """Of the repair, where one was asked for."""
    estimated_usd: float = 0.0
    cost_usd: float = 0.0


def make_tile(
    picture: ImageSource,
    output: str | Path,
    *,
    size: str | None = None,
    repair_seams: bool = False,
    overwrite: bool = False,
    **repair: Any,
) -> TileResult:
    """A seamless tile from an image; without a repair it needs no network and no key.

    :param picture: a path, an image data-block, or the name of one.
    :param output: file to write: png, or jpg or webp for 8-bit images.
    :param size: ``WIDTHxHEIGHT`` of the tile; as large as the cut leaves it without.
    :param repair_seams: let a model repaint the seams: one paid request, unless the image tiles already.
        The cut tile is written before it is sent, and stays where the repair fails or looks no better.
    :param overwrite: replace a file that has this name and was not made here from the same image.
    :param repair: ``description`` says what the image shows; ``provider``, ``model``, ``quality``,
        ``max_cost`` and ``retry_unknown`` are as for `submit`.
    :raises InvalidRequestError: the image, the size or the kind of file can't be used.
    :raises GptImageError: a repair can't be sent; nothing was, and nothing is written.
    :raises StorageError: the file can't be written.
    """
    if not repair_seams:
        _check_types(repair, repair_seams)
        return _Work.of(picture, output, size, overwrite)()
    job = submit_tile(picture, output, size=size, repair_seams=True, overwrite=overwrite, **repair)
    job.finish_waiting()
    return tile_result(job)


def submit_tile(
    picture: ImageSource,
    output: str | Path,
    *,
    size: str | None = None,
    repair_seams: bool = False,
    overwrite: bool = False,
    **repair: Any,
) -> Task:
    """`make_tile` in the background; `tile_result` of the finished job says what was made.

    For a repair the tile is cut and written before this returns.
    """
    repair = _check_types(repair, repair_seams)
    work = _Work.of(picture, output, size, overwrite)
    if not repair_seams:
        return submit_work("Tile", work)
    found = settings.load()
    request = _request(repair, found)
    if not find_provider(request.provider).takes_masks:
        return submit_work("Tile", lambda: work.cut_only(request.provider))
    found.check_provider(request.provider)
    work.check()
    tile = work.cut()
    if tile.seams is None:
        return submit_work("Tile", lambda: work.written(tile))
    return _submit_repair(work, tile, request, found, repair)


def tile_result(job: Task) -> TileResult:
    """What a finished job of `submit_tile` made: the cut tile where only its repair failed.

    :raises GptImageError: why there is no tile.
    """
    result = job.applied
    if not isinstance(result, TileResult):
        raise job.error or InvalidRequestError(
            message("The job is not finished: {state}.", state=Message.of(job.message))
        )
    if job.error is not None:
        kept = message(KEPT, reason=job.error.message)
        result = dataclasses.replace(result, warnings=(*result.warnings, kept))
    entry = session.entry(job.id) if result.job else None
    warnings = (*job.warnings, *result.warnings)
    cost = entry.cost_usd if entry is not None else None
    return dataclasses.replace(result, warnings=warnings, cost_usd=cost or 0.0)


def estimate_tile(
    picture: ImageSource, *, size: str | None = None, description: str = "", **repair: Any
) -> Estimate:
    """What the repair of a tile's seams would cost: nothing where the image tiles already. Nothing is sent.

    :param repair: as for `make_tile`.
    :raises InvalidRequestError: the image or a parameter can't be used.
    """
    from ..core.jobs.follow_ups import painted_size, repair_request

    repair = _check_types({"description": description, **repair}, repair_seams=True)
    work = _Work(read_source(picture), Path(), parse_size(size) if size else None, session.outputs())
    found = settings.load(with_key=False)
    table = models.find_registry(found)
    request, _ = models.resolve_model(_request(repair, found), table, found)
    tile = work.cut()
    if tile.seams is None or not find_provider(request.provider).takes_masks:
        return Estimate(0.0, 0.0, exact=True)
    height, width = tile.pixels.shape[:2]
    painted = painted_size((width, height), request.model, table)
    asked = repair_request(request, "-", "-", painted)
    application = Application(target="image")
    return Submitter(found).check(asked, application, measure=lambda _: (painted, painted)).price


def _check_types(repair: Mapping[str, Any], repair_seams: bool) -> dict[str, Any]:
    """:raises InvalidRequestError: parameters that there are not, of another type, or for a repair only."""
    values = typed(REPAIR, repair)
    for name in values if not repair_seams else ():
        raise InvalidRequestError(message("{name} belongs to repair_seams.", name=name), param=name)
    return values


def _request(repair: Mapping[str, Any], found: settings.Settings) -> GenerationRequest:
    values = {name: repair[name] for name in REQUEST if repair.get(name)}
    return GenerationRequest(prompt=repair.get("description") or "", **{"provider": found.provider, **values})


def _submit_repair(
    work: _Work, tile: Tile, request: GenerationRequest, found: settings.Settings, repair: Mapping[str, Any]
) -> Job:
    """Hand the repair to a worker, then write the tile as it is: whatever happens now, it is there."""
    from ..core.jobs.follow_up_requests import sent_for_repair

    table = models.find_registry(found)
    request, _ = models.resolve_model(request, table, found)
    data = work.encoded(tile)  # before anything is sent: not every format takes every size
    folder = tempfile.TemporaryDirectory(prefix="gpt-image-repair-", ignore_cleanup_errors=True)
    asked = sent_for_repair(tile, request, Path(folder.name), "tile", table)

    def paid(job: Job, made: TileResult) -> TileResult:
        return dataclasses.replace(made, job=job.id, estimated_usd=job.estimated_usd)

    def apply(job: Job) -> TileResult:
        assert job.prepared is not None
        folder.cleanup()
        return paid(job, work.repaint_seams(tile, job.prepared))

    prepared = Submitter(found).prepare(asked, Application(target="image", composite=False))
    job = prepared.submit(
        max_cost=repair.get("max_cost"), retry_unknown=bool(repair.get("retry_unknown")), apply=apply
    )
    try:
        job.keep(paid(job, work.written(tile, data)))
    except BaseException:
        session.cancel(job.id)
        raise
    return job


@dataclass(frozen=True)
class _Work:
    """A tile that is to be made; everything that is read from Blender is read."""

    source: Source
    target: Path
    size: tuple[int, int] | None
    outputs: Outputs

    @classmethod
    def of(cls, picture: ImageSource, output: str | Path, size: str | None, overwrite: bool) -> _Work:
        """
        :raises InvalidRequestError: the image, the size or the kind of file can't be used.
        """
        from ..core.textures import writer

        source = read_source(picture)
        wanted = parse_size(size) if size else None
        target = blend_paths.resolve(output, "output")
        writer.check_tile_file(target)
        if Path(source.label).is_file() and target.exists() and target.samefile(source.label):
            raise InvalidRequestError(
                message("{path} is the image itself; name another file.", path=target), param="output"
            )
        outputs = session.outputs(overwrite=overwrite)
        return cls(source, target, wanted, outputs)

    def check(self) -> None:
        """
        :raises InvalidRequestError: something else has the name of the tile.
        :raises StorageError: its folder can't be written.
        """
        self.outputs.check(self.target, self.source.owner, param="output")

    def __call__(self) -> TileResult:
        return self.written(self.cut())

    def cut(self) -> Tile:
        from ..core.textures.writer import tile_of

        pixels, notes = self.source.decode()
        tile = tile_of(pixels, self.size)
        return dataclasses.replace(tile, notes=(*notes, *tile.notes))

    def cut_only(self, provider: str) -> TileResult:
        made = self()
        return dataclasses.replace(made, warnings=(*made.warnings, message(CUT_ONLY, provider=provider)))

    def repaint_seams(self, tile: Tile, prepared: PreparedResult) -> TileResult:
        from ..core.jobs.image_steps import apply_repaint

        better, note = apply_repaint(tile, prepared.images[0].data)
        made = self.written(better)
        return dataclasses.replace(
            made, repaired=better is not tile, warnings=(*made.warnings, *prepared.warnings, note)
        )

    def encoded(self, tile: Tile) -> bytes:
        from ..core.textures import writer

        return writer.encode_tile(tile, self.source.data, self.target)

    def written(self, tile: Tile, data: bytes | None = None) -> TileResult:
        from ..core.textures import writer

        self.outputs.write(self.target, data or self.encoded(tile), self.source.owner)
        height, width = tile.pixels.shape[:2]
        scores = writer.scores_dict(tile.scores)
        return TileResult(str(self.target), width, height, scores, tile.unchanged, tile.notes)
