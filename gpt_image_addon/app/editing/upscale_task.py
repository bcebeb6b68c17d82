"""An image on its way to a larger size: pass by pass, each tile a job of its own in the journal.

A tile whose request was answered before is taken from the journal, so that whatever ends a run costs nothing.
"""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import bpy

from ...core.common.files import read_file, replace_file
from ...core.errors import Billed, GptImageError, JobCancelled
from ...core.jobs.job import Job, JobEvent, Task
from ...core.journal.states import JobState
from ...core.request.pricing import check_limit
from ...core.request.request import Application, GenerationRequest
from ...core.results.store import ImageFile, PreparedResult
from ...core.text.message import Message, join, message
from ...core.text.names import safe_name
from .. import scheduler, session, settings
from ..apply_queue import push_undo
from .upscale_plan import UpscalePlan, UpscaleWork
from .upscaled_materials import FollowingMaps, make_maps, put_into_materials

if TYPE_CHECKING:
    from ...core.imaging.decoding import Pixels
    from ...core.upscaling.canvas import Canvas
    from ...core.upscaling.plan import Tile

STORED = Message(
    "{count} of {all} parts are answered and stored; start it again and these are not paid for again."
)
KEPT_SOFT = Message("Part {number} of {all} is only resampled: the answer {reason}.")


@dataclass(frozen=True)
class UpscaleResult:
    """An upscaled image."""

    file: str | None
    """Absolute path; None where it is in Blender alone."""
    image: str | None
    """Name of its data-block; None where it is a file alone."""
    width: int
    height: int
    scale: int
    requests: int
    """Parts that were answered, in all passes; 0 for a resample."""
    resampled: int
    """Parts of them that are only resampled, because their answers were no better or did not match."""
    jobs: tuple[str, ...]
    estimated_usd: float
    cost_usd: float
    """What was paid this time; stored answers are free."""
    warnings: tuple[str, ...]
    materials: tuple[str, ...] = ()
    """Names of the materials that show it now, with their maps made anew."""


@dataclass(frozen=True)
class _Pass:
    """A pass whose tiles are ready to be sent."""

    canvas: Canvas
    tiles: tuple[Tile, ...]
    requests: tuple[GenerationRequest, ...]
    folder: tempfile.TemporaryDirectory[str]


@dataclass(eq=False, kw_only=True)
class Upscale(Task):
    """An image that is upscaled: pass by pass, and in each as many requests at once as jobs may run."""

    work: UpscaleWork = field(repr=False)
    _found: settings.Settings = field(init=False, repr=False)
    plan: UpscalePlan = field(init=False, repr=False)
    _pass: int = 0
    _sending: _Pass | None = None
    _next: int = 0
    _running: dict[str, int] = field(default_factory=dict)
    """Number of the tile by the id of its job."""
    _answers: dict[int, str] = field(default_factory=dict)
    """File by the number of the tile."""
    _jobs: list[Job] = field(default_factory=list)
    _trouble: GptImageError | None = None
    _resampled: int = 0

    def start(self, found: settings.Settings) -> None:
        """Begin; main thread only."""
        self._found = found
        self.interrupt_with(self._stop, self._billed)
        self.update(JobEvent(self, message="Preparing the images"))
        if self.work.local:
            scheduler.errand(self._resample, self._deliver)
        else:
            scheduler.errand(self._begin, self._send)

    def _resample(self) -> Callable[[], UpscaleResult]:
        from ...core.textures.writer import shows_tile
        from ...core.upscaling.canvas import enlarge

        pixels, notes = self.work.source.decode()
        self.warn(*notes)
        height, width = pixels.shape[:2]
        size = (width * self.work.scale, height * self.work.scale)
        return self._encoded(enlarge(pixels, size, wraps=shows_tile(pixels)))

    def _begin(self) -> _Pass:
        pixels, notes = self.work.source.decode()
        self.warn(*notes, *self.work.warnings())
        self.plan = UpscalePlan.of(self.work, pixels, self._found)
        return self._prepared(pixels)

    def _prepared(self, pixels: Pixels) -> _Pass:
        """The files of a pass.

        :param pixels: the image before it.
        """
        from ...core.imaging.formats import encode_png
        from ...core.jobs.follow_ups import upscale_request
        from ...core.upscaling.canvas import Canvas

        canvas, tiles = Canvas(pixels, wraps=self.plan.wraps), self.plan.passes[self._pass]
        folder = tempfile.TemporaryDirectory(prefix="gpt-image-upscale-", ignore_cleanup_errors=True)
        requests = []
        for number, tile in enumerate(tiles):
            files = [Path(folder.name) / f"{number}-{name}.png" for name in ("sent", "original")]
            for file, part in zip(files, (canvas.sent(tile), canvas.original(tile)), strict=True):
                replace_file(file, encode_png(part))
            requests.append(upscale_request(self.plan.request, str(files[0]), str(files[1]), tile.sent))
        return _Pass(canvas, tiles, tuple(requests), folder)

    def _send(self, sending: _Pass | None, error: GptImageError | None) -> None:
        """Begin a pass; nothing of it is sent where all of it can't be paid for."""
        if error is None and sending is not None:
            self._sending, self._next = sending, 0
            self._answers.clear()
            try:
                self._check_price(sending)
            except GptImageError as trouble:
                error = trouble
        self._trouble = self._trouble or error
        self._advance()

    def _check_price(self, sending: _Pass) -> None:
        """
        :raises BudgetExceededError: a limit does not allow what is not stored yet.
        """
        from ...core.jobs.uploads import digest_request

        journal = session.journal(self._found)
        price = self.plan.price(self._pass + 1)
        for tile, request in zip(sending.tiles, sending.requests, strict=True):
            stored = journal.find_stored(digest_request(request))
            if stored is None or stored.folder is None or not stored.folder.is_dir():
                price = price.plus(self.plan.price_tile(tile))
        limits = self._found.limits(self.work.max_cost)
        paid = sum(job.cost_usd or 0.0 for job in self._jobs)
        check_limit(dataclasses.replace(price, high_usd=price.high_usd + paid), limits)
        journal.check_budget(price.high_usd, limits.monthly_budget_usd)
        self.estimated_usd = paid + price.high_usd

    def _advance(self) -> None:
        """Send the next tiles, or what is to be done when there are none."""
        while self._may_send():
            self._submit(self._next)
            self._next += 1
        if self._running or self.done:
            return
        if self.cancelled or self._trouble is not None:
            self._end()
        elif self._sending is not None and len(self._answers) == len(self._sending.tiles):
            self._report()
            scheduler.errand(self._assembled, self._continue)
        else:  # it is to stop: what is sent has come
            self.update(JobEvent(self, state=JobState.QUEUED))

    def _may_send(self) -> bool:
        if self._sending is None or self._trouble is not None or self.cancelled or self.stopping:
            return False
        at_once = max(1, self._found.concurrency)
        return self._next < len(self._sending.tiles) and len(self._running) < at_once

    def _submit(self, number: int) -> None:
        assert self._sending is not None
        try:
            prepared = self.plan.submitter.prepare(
                self._sending.requests[number], Application(target="image", composite=False)
            )
            job = prepared.submit(
                reuse=True,
                retry_unknown=self.work.retry_unknown,
                max_cost=self.work.max_cost,
                apply=lambda job: job.id,
            )
        except GptImageError as error:
            self._trouble = error
            return
        job.rename(
            message(
                "{title}: part {number} of {all}",
                title=Message.of(self.title),
                number=number + 1,
                all=len(self._sending.tiles),
            )
        )
        self._jobs.append(job)
        self._running[job.id] = number
        job.watch(partial(self._hear, number))
        self._report()

    def _hear(self, number: int, job: Job) -> None:
        """A job got on."""
        if not job.done:
            return
        for one in [one for one, tile in self._running.items() if tile == number]:
            del self._running[one]
        if job.error is not None:
            self._trouble = self._trouble or job.error
        elif job.prepared is not None:
            self._answers[number] = job.prepared.images[0].received_file
        self._report()
        self._advance()

    def _report(self) -> None:
        assert self._sending is not None
        count, passes = len(self._sending.tiles), len(self.plan.passes)
        text = message("{count} of {all} parts are answered", count=len(self._answers), all=count)
        progress = (self._pass + len(self._answers) / count) / passes
        self.update(JobEvent(self, message=text, progress=0.95 * progress, state=JobState.SENDING))

    def _assembled(self) -> _Pass | Callable[[], UpscaleResult]:
        """The image of a pass, made ready for the next one or to be delivered."""
        from ...core.imaging.decoding import UnusableImageError
        from ...core.imaging.formats import decode

        sending = self._sending
        assert sending is not None
        for number, tile in enumerate(sending.tiles):
            try:
                reason = sending.canvas.place(tile, decode(read_file(Path(self._answers[number]))))
            except (OSError, UnusableImageError):
                reason = Message("can't be read")
            if reason:
                self._resampled += 1
                self.warn(
                    message(KEPT_SOFT, number=number + 1, all=len(sending.tiles), reason=Message.of(reason))
                )
        sending.folder.cleanup()
        self._pass += 1
        if self._pass < len(self.plan.passes):
            return self._prepared(sending.canvas.pixels)
        return self._encoded(sending.canvas.pixels)

    def _continue(
        self, made: _Pass | Callable[[], UpscaleResult] | None, error: GptImageError | None
    ) -> None:
        if made is None or isinstance(made, _Pass):
            self._send(made, error)
        else:
            self._deliver(made, error)

    def _encoded(self, pixels: Pixels) -> Callable[[], UpscaleResult]:
        """What puts the image where it is wanted."""
        from ...core.textures.writer import encode_pixels

        target = self.work.target
        name = safe_name(f"{self.work.name} {self.work.scale}x")
        data = encode_pixels(pixels, target or Path(f"{name}.png"))
        height, width = pixels.shape[:2]
        following = make_maps(pixels, name, self.work.materials)

        def put() -> UpscaleResult:
            image: str | None = None
            materials: tuple[str, ...] = ()
            if target is not None:
                self.work.outputs.write(target, data, self.work.source.owner)
            else:
                made = ImageFile(name, data, f"{name}.png", "png", width, height)
                image, materials, told = _into_blender(made, self.work.uid, following)
                self.warn(*told)
            return UpscaleResult(
                file=str(target) if target else None,
                image=image,
                width=width,
                height=height,
                scale=self.work.scale,
                requests=len(self._jobs),
                resampled=self._resampled,
                jobs=tuple(job.id for job in self._jobs),
                estimated_usd=self.estimated_usd,
                cost_usd=sum(job.cost_usd or 0.0 for job in self._jobs),
                warnings=self.warnings,
                materials=materials,
            )

        return put

    def _deliver(self, put: Callable[[], UpscaleResult] | None, error: GptImageError | None) -> None:
        try:
            if put is not None and error is None:
                self.complete(put())
                return
        except GptImageError as trouble:
            error = trouble
        self._trouble = error
        self._end()

    def _billed(self) -> Billed:
        """Of the requests that are on their way."""
        found = {job.billed() for job in self._jobs if job.id in self._running}
        return "maybe" if "maybe" in found else "yes" if "yes" in found else "no"

    def _stop(self) -> None:
        """Give up what is on its way; answers that came stay."""
        for job in tuple(self._running):
            session.cancel(job)
        if not self._running and self._sending is not None:
            self._advance()

    def _end(self) -> None:
        if self.done:
            return
        error = self._trouble or JobCancelled("The job was cancelled.")
        if self._sending is not None:
            self._sending.folder.cleanup()
            stored = message(STORED, count=len(self._answers), all=len(self._sending.tiles))
            if self._answers:
                error.next_step = join(error.next_step, stored)
        self.fail(error)


def _into_blender(
    image: ImageFile, before: int | None, following: Sequence[FollowingMaps]
) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """Make the image, and show it in the materials that follow, as one step of undo; main thread only.

    :returns: its name, those of the materials, and what the user should know.
    """
    from ...scene.targets.registry import apply
    from ...scene.transaction import Transaction

    applied = apply(PreparedResult("", (image,)), Application(target="image"))
    materials: tuple[str, ...] = ()
    told: tuple[str, ...] = ()
    if before is not None and following:
        with Transaction() as changes:
            made = bpy.data.images[applied.images[0]]
            materials, told = put_into_materials(made, before, following, changes)
    push_undo(image.name)
    return applied.images[0], materials, told
