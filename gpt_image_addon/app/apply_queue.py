"""Puts results into the scene, one after another and in small steps, so that the window never waits.

Main thread only. Between two steps a file may be loaded, a step undone, the target deleted or a render begun:
so each step looks up afresh what it needs, and a result enters what the user has in one step alone.
"""

from __future__ import annotations

import contextlib
import enum
from collections import deque
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import bpy

from ..core.common.files import WORTH_BYTES, taken_for
from ..core.errors import GptImageError, JobCancelled, SceneError
from ..core.jobs.job import Job, Task
from ..core.text.log import get_logger
from ..core.text.message import Message, message
from ..core.text.redaction import describe_error

if TYPE_CHECKING:
    from ..core.journal.journal import Journal
    from ..core.request.request import Application
    from ..core.results.store import ImageFile, PreparedResult
    from ..scene.targets.base import Applied

T = TypeVar("T")
log = get_logger(__name__)

Fail = Callable[["Task", GptImageError], None]
Errand = Callable[[Callable[[], Any], Callable[[Any, GptImageError | None], None]], None]


class StepResult(enum.Enum):
    """What a step was."""

    IDLE = enum.auto()
    """There was nothing to do."""
    WAITING = enum.auto()
    """A thread is at work for it."""
    BUSY = enum.auto()
    """The next one may follow at once."""


class Applier:
    """Results on their way into the scene."""

    def __init__(self, journal: Journal, errand: Errand, fail: Fail, done: Callable[[Task], None]) -> None:
        """
        :param errand: lets a thread do something, see `scheduler.errand`.
        :param fail: ends a job with an error.
        :param done: told of each job that ended well.
        """
        self.save = False
        """Keep images beside the .blend rather than in it."""
        self.turn_views = False
        """Turn Solid 3D views to Material Preview."""
        self.show_first = False
        """Turn them for the first image that a material of the file shows."""
        self._journal, self._errand, self._fail, self._done = journal, errand, fail, done
        self._arrived: deque[Task] = deque()
        self._deferred: list[Job] = []
        self._previews: deque[Job] = deque()
        self._has_previewed = False
        self._steps: Iterator[StepResult] | None = None

    def add(self, job: Task) -> None:
        """A result has come, or local work is done."""
        self._arrived.append(job)

    def preview(self, job: Job) -> None:
        """Show the newest preview of a job in the scene, when there is time."""
        if job not in self._previews:
            self._previews.append(job)

    def step(self) -> StepResult:
        """Do the next small thing."""
        self._wake_deferred()
        if self._steps is None and self._arrived:
            self._steps = self._way_of(self._arrived.popleft())
        if self._steps is None:
            return self._show_preview()
        pace = next(self._steps, None)
        if pace is None:
            self._steps = None
        return pace or StepResult.BUSY

    def _show_preview(self) -> StepResult:
        from ..scene.targets import previews

        if not self._previews:
            return StepResult.IDLE
        job = self._previews.popleft()
        if job.prepared is None and not job.done and job.preview is not None:
            self._has_previewed = True
            try:
                previews.show(
                    job.id, job.preview, job.application, job.application.name or job.request.prompt
                )
            except Exception as error:  # no loss
                log.warning("A preview of job %s could not be shown: %s", job.id, describe_error(error))
        return StepResult.BUSY

    def _way_of(self, job: Task) -> Iterator[StepResult]:
        from ..scene.targets.base import Deferred

        try:
            applied = yield from self._import(job) if isinstance(job, Job) else _deliver(job)
        except Deferred as deferred:
            assert isinstance(job, Job), "local work waits for nothing in the file"
            self._defer(job, deferred.reason)
            return
        except GptImageError as error:
            self._fail(job, error)
            return
        except Exception as error:
            log.exception("Job %s could not be applied", job.id)
            self._fail(
                job,
                SceneError(
                    message(
                        "The result could not be put into the scene: {problem}.",
                        problem=describe_error(error),
                    ),
                    billed="yes",
                ),
            )
            return
        job.complete(applied)
        self._done(job)

    def _import(self, job: Job) -> Generator[StepResult, None, object]:
        """From the images to what the user has, and into the journal."""
        from ..scene.targets.base import Applied

        assert job.prepared is not None
        if job.apply is None:
            applied: object = yield from self._put_into_scene(job, job.prepared)
        else:
            applied = job.apply(job)
            if self.save and isinstance(applied, Applied):
                yield from self._save_beside(job, applied)
        yield StepResult.BUSY
        if job.prepared.images and not _file_is_gone(job.application):
            push_undo(job.prepared.images[0].name)
        yield StepResult.BUSY
        yield from self._note(job)
        return applied

    def _put_into_scene(self, job: Job, prepared: PreparedResult) -> Generator[StepResult, None, Applied]:
        """One step alone touches what was there before."""
        from ..scene import prepared_images
        from ..scene.targets.registry import apply, gather, prepare_images

        check_file(job.application)
        work = gather(prepared, job.application)
        if work is not None:
            prepared = yield from self._elsewhere(work)
            job.rework(prepared)
            check_file(job.application)
        try:
            for image_file in prepare_images(prepared, job.application):
                if image_file is not None:
                    yield from self._have_memory_for(image_file)
                else:
                    yield StepResult.BUSY
                check_file(job.application)
            clear_preview(job)
            applied = apply(prepared, job.application, turn_views=self.turn_views, show_first=self.show_first)
            if self.save:
                yield StepResult.BUSY
                yield from self._save_beside(job, applied)
        finally:
            prepared_images.drop(prepared.files)
        return applied

    def _have_memory_for(self, image_file: ImageFile) -> Iterator[StepResult]:
        """With a window, free as much memory as Blender needs next for an image, see `files.taken_for`."""
        size = len(image_file.data)
        if size <= WORTH_BYTES or bpy.app.background:
            return
        with contextlib.suppress(GptImageError):  # where there is none, Blender itself will say so
            memory = yield from self._elsewhere(lambda: taken_for(Path(image_file.file), size))
            memory.close()

    def _save_beside(self, job: Job, applied: Applied) -> Iterator[StepResult]:
        from ..core.results.output_files import Outputs, renamed_warning
        from ..scene import external_files

        outputs = Outputs(self._journal)
        owner = f"{job.id} {bpy.data.filepath}"  # another .blend in the folder keeps what it shows
        try:
            packed = external_files.packed_images(applied.images + applied.map_images)
            written = yield from self._elsewhere(lambda: external_files.write(packed, outputs, owner))
            external_files.unpack(written)
        except GptImageError as error:
            job.warn(message("{problem} The image is kept in the .blend.", problem=error.text))
            return
        for image_file in written:
            job.warn(*renamed_warning(image_file.path or image_file.named, image_file.named))

    def _note(self, job: Job) -> Iterator[StepResult]:
        """What is in the scene stays there, even if the journal can't say so."""
        try:
            yield from self._elsewhere(lambda: self._journal.applied(job.id))
        except GptImageError as error:
            log.warning("Job %s: %s", job.id, error.text)
            job.warn(message("{problem} The result is offered for recovery again.", problem=error.text))

    def _elsewhere(self, work: Callable[[], T]) -> Generator[StepResult, None, T]:
        """Let a thread do something that may wait for the disk, and return what it returned."""
        answers: list[tuple[T, GptImageError | None]] = []
        self._errand(work, lambda answer, error: answers.append((answer, error)))
        while not answers:
            yield StepResult.WAITING
        answer, error = answers[0]
        if error is not None:
            raise error
        return answer

    def _defer(self, job: Job, reason: str) -> None:
        """Keep a result until Blender can take it; in background nobody would change that, so it ends.

        Its images come at once where only a mode is in the way.
        """
        job.defer(reason)
        if bpy.app.background:
            self._fail(
                job,
                SceneError(
                    message("{reason} The result is kept.", reason=Message.of(reason)),
                    code="deferred",
                    billed="yes",
                ),
            )
            return
        self._deferred.append(job)
        mode = _mode_in_the_way(job)
        if mode:
            job.defer(message("Waits until {mode} is left", mode=Message.of(mode)))
            self._import_ahead(job)

    def _import_ahead(self, job: Job) -> None:
        from ..scene.targets.registry import import_ahead

        assert job.prepared is not None
        try:
            import_ahead(job.prepared, job.application)
        except Exception as error:  # they come later
            log.warning("The images of job %s could not be imported: %s", job.id, describe_error(error))

    def _wake_deferred(self) -> None:
        for job in tuple(self._deferred):
            if job.cancelled:
                message = "The result was not put into the scene; it is kept."
                self._deferred.remove(job)
                job.defer("")
                _forget_images(job)
                self._fail(job, JobCancelled(message, billed="yes"))
            elif _file_is_gone(job.application) or _why_deferred(job) is None:
                self._deferred.remove(job)
                job.defer("")
                self._arrived.append(job)

    def clear_previews(self) -> None:
        """Take all previews out of the scene; nothing more is shown."""
        if self._has_previewed:
            from ..scene.targets import previews

            previews.close()


def _deliver(task: Task) -> Generator[StepResult, None, object]:
    assert task.deliver is not None
    made = task.deliver()
    yield StepResult.BUSY
    return made


def clear_preview(job: Task) -> None:
    """Take the preview of a job out of the scene, where it has one."""
    if isinstance(job, Job) and job.application.previews_in_target:
        from ..scene.targets import previews

        previews.clear(job.id)


def _why_deferred(job: Job) -> str | None:
    from ..scene.targets.receiver import why_deferred

    return why_deferred(job.application)


def _mode_in_the_way(job: Job) -> str | None:
    from ..scene.targets.receiver import mode_in_the_way

    return mode_in_the_way(job.application)


def _forget_images(job: Job) -> None:
    """Images that are in the file ahead of their result stay there."""
    from ..scene import prepared_images

    if job.prepared is not None:
        prepared_images.drop(job.prepared.files)


def check_file(application: Application) -> None:
    """:raises SceneError: the file that a result was made for is closed."""
    if _file_is_gone(application):
        message = "The file that this was made for is closed; the result is kept."
        raise SceneError(message, code="file_closed", billed="yes")


def _file_is_gone(application: Application) -> bool:
    uid = application.scene_uid
    return uid is not None and all(scene.session_uid != uid for scene in bpy.data.scenes)


def push_undo(name: str) -> None:
    """Give what was made a step of its own in the undo history; in background there is none.

    :param name: of the image.
    """
    if bpy.app.background:
        return
    try:
        with bpy.context.temp_override(area=None):  # an editor that paints makes steps of its image alone
            bpy.ops.ed.undo_push(message=f"GPT Image: {name}")
    except RuntimeError as error:  # Blender takes no step just now; the next one will hold the result
        log.warning("No undo step for %s: %s", name, error)
