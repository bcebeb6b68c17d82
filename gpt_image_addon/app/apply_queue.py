"""Puts results into the scene, one after another and in small steps, so that the window never waits.

Main thread only. Between two steps a file may be loaded, a step undone, the target deleted or a render begun:
so each step looks up afresh what it needs, and a result enters what the user has in one step alone.
"""

from __future__ import annotations

import contextlib
import enum
import sys
from collections import deque
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import bpy

from ..core.common.package import PACKAGE
from ..core.errors import GptImageError, JobCancelled, SceneError
from ..core.journal.states import JobState
from ..core.text.log import get_logger
from ..core.text.redaction import describe

if TYPE_CHECKING:
    from ..core.jobs.queue import Job
    from ..core.journal.journal import Journal
    from ..core.request.request import Application
    from ..core.results.store import ImageFile

T = TypeVar("T")
log = get_logger(__name__)

Fail = Callable[["Job", GptImageError], None]
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

    def __init__(self, journal: Journal, errand: Errand, fail: Fail, done: Callable[[Job], None]) -> None:
        """
        :param errand: lets a thread do something, see `scheduler.errand`.
        :param fail: ends a job with an error.
        :param done: told of each job that ended well.
        """
        self.save = False
        """Keep pictures beside the .blend rather than in it."""
        self._journal, self._errand, self._fail, self._done = journal, errand, fail, done
        self._arrived: deque[Job] = deque()
        self._deferred: list[Job] = []
        self._previews: deque[Job] = deque()
        self._steps: Iterator[StepResult] | None = None

    def add(self, job: Job) -> None:
        """A result has come."""
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
        if job.prepared is None and not job.done:
            try:
                previews.show(
                    job.id, job.preview, job.application, job.application.name or job.request.prompt
                )
            except Exception as error:  # no loss
                log.warning("A preview of job %s could not be shown: %s", job.id, describe(error))
        return StepResult.BUSY

    def _way_of(self, job: Job) -> Iterator[StepResult]:
        from ..scene import prepared_images
        from ..scene.targets.registry import Deferred

        assert job.prepared is not None
        try:
            yield from self._import(job)
        except Deferred as deferred:
            self._defer(job, deferred.reason)
            return
        except GptImageError as error:
            self._fail(job, error)
            return
        except Exception as error:
            log.exception("Job %s could not be applied", job.id)
            self._fail(
                job,
                SceneError(f"The result could not be put into the scene: {describe(error)}.", billed="yes"),
            )
            return
        finally:
            prepared_images.drop((*job.prepared.pictures, *job.prepared.maps.values()))
        yield StepResult.BUSY
        _push_undo(job)
        yield StepResult.BUSY
        yield from self._note(job)
        job.state = JobState.APPLIED
        job.progress = 1.0
        job.message = "Done"
        job.finish()
        self._done(job)

    def _import(self, job: Job) -> Iterator[StepResult]:
        """From the pictures to what the user has; one step alone touches what was there before."""
        from ..scene.targets.registry import apply, prepare_images

        assert job.prepared is not None
        _check_file(job.application)
        if job.apply is None:
            for picture in prepare_images(job.prepared, job.application):
                if picture is not None:
                    yield from self._have_memory_for(picture)
                else:
                    yield StepResult.BUSY
                _check_file(job.application)
        clear_preview(job)
        job.applied = (job.apply or apply)(job.prepared, job.application)
        if self.save and job.apply is None:
            yield StepResult.BUSY
            yield from self._save_beside(job)

    def _have_memory_for(self, picture: ImageFile) -> Iterator[StepResult]:
        """With a window, free as much memory as Blender needs next for a picture, see `files.taken_for`."""
        from ..core.common.files import WORTH_BYTES, taken_for

        size = len(picture.data)
        if size <= WORTH_BYTES or bpy.app.background:
            return
        with contextlib.suppress(GptImageError):  # where there is none, Blender itself will say so
            memory = yield from self._elsewhere(lambda: taken_for(Path(picture.file), size))
            memory.close()

    def _save_beside(self, job: Job) -> Iterator[StepResult]:
        from ..core.journal.outputs import Outputs, renamed_warning
        from ..scene import external_files

        outputs = Outputs(self._journal)
        owner = f"{job.id} {bpy.data.filepath}"  # another .blend in the folder keeps what it shows
        try:
            packed = external_files.packed_pictures(job.applied.images + job.applied.map_images)
            written = yield from self._elsewhere(lambda: external_files.write(packed, outputs, owner))
            external_files.unpack(written)
        except GptImageError as error:
            job.warnings += (f"{error.text} The picture is kept in the .blend.",)
            return
        for picture in written:
            job.warnings += renamed_warning(picture.path or picture.named, picture.named)

    def _note(self, job: Job) -> Iterator[StepResult]:
        """What is in the scene stays there, even if the journal can't say so."""
        try:
            yield from self._elsewhere(lambda: self._journal.applied(job.id))
        except GptImageError as error:
            log.warning("Job %s: %s", job.id, error.text)
            job.warnings += (f"{error.text} The result is offered for recovery again.",)

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
        """Keep a result until Blender can take it; in background nobody would change that, so it ends."""
        job.message = reason
        if bpy.app.background:
            self._fail(job, SceneError(f"{reason} The result is kept.", code="deferred", billed="yes"))
        else:
            self._deferred.append(job)

    def _wake_deferred(self) -> None:
        for job in tuple(self._deferred):
            if job.cancelled:
                message = "The result was not put into the scene; it is kept."
                self._deferred.remove(job)
                self._fail(job, JobCancelled(message, billed="yes"))
            elif _file_is_gone(job.application) or _why_deferred(job) is None:
                self._deferred.remove(job)
                self._arrived.append(job)


def clear_preview(job: Job) -> None:
    """Take the preview of a job out of the scene, where it has one."""
    if job.application.previews_in_target:
        from ..scene.targets import previews

        previews.clear(job.id)


def clear_previews() -> None:
    """Take all previews out of the scene; nothing more is shown."""
    name = f"{PACKAGE}.scene.targets.previews"
    if name in sys.modules:
        sys.modules[name].close()


def _why_deferred(job: Job) -> str | None:
    from ..scene.targets.receiver import why_deferred

    return why_deferred(job.application)


def _check_file(application: Application) -> None:
    if _file_is_gone(application):
        message = "The file that this was made for is closed; the result is kept."
        raise SceneError(message, code="file_closed", billed="yes")


def _file_is_gone(application: Application) -> bool:
    uid = application.scene_uid
    return uid is not None and all(scene.session_uid != uid for scene in bpy.data.scenes)


def _push_undo(job: Job) -> None:
    if bpy.app.background or not job.prepared or not job.prepared.pictures or _file_is_gone(job.application):
        return
    try:
        bpy.ops.ed.undo_push(message=f"GPT Image: {job.prepared.pictures[0].name}")
    except RuntimeError as error:  # Blender takes no step just now; the next one will hold the result
        log.warning("Job %s: %s", job.id, error)
