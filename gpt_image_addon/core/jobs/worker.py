"""The worker's straight line: images up, answer down, onto the disk, into the journal, ready for Blender.

Runs on a worker thread and never touches bpy.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..common.files import remove_file
from ..common.internal_error import unexpected_error
from ..common.threads import STORING
from ..errors import (
    APIStatusError,
    GptImageError,
    InvalidResponseError,
    JobCancelled,
    StorageError,
)
from ..http.bounded_response import ANSWER_SECONDS
from ..journal.journal import Entry, Journal
from ..journal.states import JobState
from ..providers import make_finder, make_provider, price_answer, price_request
from ..request.models import Registry
from ..request.normalize import CheckedRequest
from ..request.pricing import is_believable
from ..request.providers import find_provider
from ..request.request import Application, GenerationRequest
from ..results.body_file import BodyFile
from ..results.folders import BODY_FILE, EDIT_KEY
from ..results.store import (
    HEIGHT_STEM,
    IMAGE_STEM,
    MASK_FILE,
    ORIGINAL_STEM,
    PreparedResult,
    keep,
)
from ..text.log import get_logger
from ..text.message import join, message
from .estimates import price_unchecked, validate_and_price
from .follow_ups import (
    follow_up_digest,
    follow_up_id,
)
from .job import Emit, Job, JobEvent, Work
from .uploads import add_points, digest_request, first_crop, load_unchanged, load_uploads

if TYPE_CHECKING:
    from ..editing.crops import Crop
    from ..http.endpoint import Connection
    from ..http.pool import Sessions
    from ..http.request_state import RequestState
    from ..journal.rate_limiter import RateLimiter
    from ..providers.base import Answer, Reporter, Uploads

log = get_logger(__name__)

NO_USAGE = "The server did not say what was used; the cost shown is the estimate."
ODD_USAGE = "What the server says was used can't be right; the cost shown is the estimate."


@dataclass(frozen=True)
class Worker:
    """Everything a worker needs besides the job."""

    journal: Journal
    registry: Registry
    connection: Connection
    monthly_budget_usd: float | None = None
    """For the follow-up requests; that of the job itself was checked with them before."""
    pace: RateLimiter | None = None
    """Keeps requests apart; None lets each go at once."""
    sessions: Sessions | None = None
    """Whose connections requests share; None gives each one of its own."""
    answer_seconds: float = ANSWER_SECONDS
    """How long a request may take, with its whole answer."""
    for_scene: bool = True
    """Results get what only a scene shows of them; see `postprocess.prepare`."""

    def run(self, job: Job, emit: Emit) -> PreparedResult:
        """Make the result of one job.

        :raises GptImageError: why there is none; the journal's row says the same.
        """
        folder, notices = self._answer(job, emit)
        notices += self._follow_up(job, folder, emit)
        emit(JobEvent(job, state=JobState.RECEIVED, message="Preparing the images", progress=0.9))
        prepared = self._copy(job, self._prepare(job, folder))
        return dataclasses.replace(prepared, warnings=(*prepared.warnings, *notices))

    def _answer(self, job: Job, emit: Emit) -> tuple[Path, tuple[str, ...]]:
        """`_receive`, with its failures in the journal, and on the disk what came all the same."""
        from ..http.request_state import RequestState

        request_state = RequestState(self.answer_seconds)
        request_state.sessions = self.sessions
        request_state.job = job.id
        body = request_state.received = BodyFile(self.journal.results, job.id, self.connection.api_key)
        try:
            return self._receive(job, emit, request_state)
        except GptImageError as error:
            _keep_body(body, error)
            self._note_failure(job, error)
            raise
        except Exception as error:
            fault = unexpected_error(error, request_state.billed if job.estimated_usd > 0 else "no")
            _keep_body(body, fault)
            self._note_failure(job, fault)
            raise fault from error

    def _prepare(self, job: Job, folder: Path) -> PreparedResult:
        """`prepare`; what goes wrong here is paid for, and unless the image is bad it can be recovered."""
        from .postprocess import prepare

        try:
            return prepare(job.id, job.request, job.application, folder, for_scene=self.for_scene)
        except GptImageError as error:
            error.billed = "yes" if job.estimated_usd > 0 else "no"
            if isinstance(error, InvalidResponseError):
                self._note_failure(job, error)
            raise
        except Exception as error:
            raise unexpected_error(error, "yes" if job.estimated_usd > 0 else "no") from error

    def _note_failure(self, job: Job, error: GptImageError) -> None:
        """The job's own error is what the user must see, even where the journal fails as well."""
        try:
            self.journal.failed(job.id, error, cancelled=isinstance(error, JobCancelled))
        except Exception:
            log.exception("The end of job %s could not be noted", job.id)

    def resume(self, folder: Path, of: str = "") -> Work:
        """The work of a job whose answer already lies in ``folder``.

        :param of: id of the job whose answer it is; its own without.
        """

        def work(job: Job, emit: Emit) -> PreparedResult:
            from .postprocess import prepare

            emit(JobEvent(job, message="Preparing the images", progress=0.1))
            prepared = prepare(of or job.id, job.request, job.application, folder, for_scene=self.for_scene)
            return self._copy(job, prepared)

        return work

    def recover_body(self, entry: Entry) -> bool:
        """Make a result of the body that a process which died had kept, as if it had lived.

        :returns: whether there is one now; the row says so too. A body that can't be read stays where it is.
        """
        request = entry.request
        body = BodyFile(self.journal.results, entry.id, self.connection.api_key)
        try:
            if not body.reopen():
                return False
            answer = make_provider(request.provider, self.connection).read(request, body.pieces())
            uploads = load_unchanged(request, self.journal.digest_of(entry.id), partial(self.crop_of, entry))
            job = Job(request, entry.application, id=entry.id, estimated_usd=entry.estimated_usd)
            self.store(job, answer, uploads, [], body=body)
        except Exception as error:  # a fault must not keep the journal shut
            why = error if isinstance(error, GptImageError | OSError) else unexpected_error(error)
            log.info("The answer to job %s can't be read: %s", entry.id, why)
            body.keep()
            return False
        return True

    def find_answer(self, entry: Entry) -> bool:
        """Ask the server for the answer to a job that is UNKNOWN, where it can be asked.

        :returns: whether there is a result now; the row says so too, and where it failed it says that.
        """
        request = entry.request
        try:
            finder = make_finder(request.provider, self.connection)
            answer = finder.find(request, entry.id) if finder is not None else None
            if answer is None:
                return False
            uploads = load_unchanged(request, self.journal.digest_of(entry.id), partial(self.crop_of, entry))
            job = Job(request, entry.application, id=entry.id, estimated_usd=entry.estimated_usd)
            self.store(job, answer, uploads, [])
        except APIStatusError as error:  # its own word on what became of it
            if error.billed == "no":
                self.journal.failed(entry.id, error)
            return False
        except Exception as error:  # a fault must not keep others from being recovered
            why = error if isinstance(error, GptImageError | OSError) else unexpected_error(error)
            log.info("The answer to job %s can't be fetched: %s", entry.id, why)
            return False
        return True

    def crop_of(self, entry: Entry) -> Crop | None:
        """What was sent of the edited image; found anew, by files that are as they were."""
        checked = validate_and_price(entry.request, entry.application, self.registry)
        return first_crop(checked)

    def _copy(self, job: Job, prepared: PreparedResult) -> PreparedResult:
        """With copies, and files for an engine, where the application asks for them."""
        application = job.application
        if not application.textures_dir and not application.export_to:
            return prepared
        from ..exports.results import export_result
        from ..results.output_files import Outputs
        from .copies import copy_textures

        outputs = Outputs(self.journal, application.overwrite)
        warnings = copy_textures(prepared, application, outputs)
        exported, notes = export_result(prepared, application, outputs)
        return dataclasses.replace(
            prepared, exported=exported, warnings=(*prepared.warnings, *warnings, *notes)
        )

    def _follow_up(self, job: Job, folder: Path, emit: Emit) -> tuple[str, ...]:
        """Send the follow-up requests of a job; what they fail at is told and does not spoil its result."""
        from .follow_up_requests import FOLLOW_UPS

        notices = []
        for follow_up in FOLLOW_UPS:
            try:
                for kind, checked in follow_up.make_requests(job, folder, self.registry):
                    self.send_follow_up(job, kind, checked, follow_up.doing, emit)
            except GptImageError as error:
                notices.append(message(follow_up.failed, reason=error.message))
            except Exception as error:
                notices.append(message(follow_up.failed, reason=unexpected_error(error).message))
        return tuple(notices)

    def send_follow_up(self, job: Job, kind: str, checked: CheckedRequest, doing: str, emit: Emit) -> None:
        """Send one follow-up request under a row of its own."""
        if job.stopping:
            raise JobCancelled("The job was stopped.")
        request = checked.wanted
        follow_up = Job.of(checked, Application(target="image"), id=follow_up_id(job.id, kind))
        job.interrupt_with(follow_up.cancel)
        job.check_cancelled()
        self.journal.reserve(
            follow_up.id,
            request,
            follow_up.application,
            follow_up_digest(digest_request(request), kind),
            follow_up.estimated_usd,
            self.monthly_budget_usd,
        )
        emit(JobEvent(job, message=doing, progress=0.6))
        self._answer(follow_up, lambda event: emit(dataclasses.replace(event, job=job)))
        self.journal.applied(follow_up.id)  # with its job; alone it is nothing to recover

    def _receive(self, job: Job, emit: Emit, request_state: RequestState) -> tuple[Path, tuple[str, ...]]:
        """Everything up to the moment when the answer is safe; returns its folder and what to tell."""
        job.interrupt_with(request_state.cancel, lambda: request_state.billed)
        job.check_cancelled()
        checked = job.checked
        assert checked is not None
        uploads = add_points(load_uploads(job.request, first_crop(checked)), checked)
        provider = make_provider(job.request.provider, self.connection)
        if self.pace is not None and find_provider(job.request.provider).is_paid:
            request_state.turn = self.pace.turn(job.request.n, len(uploads.all))
            request_state.turn.take(request_state)
        self.journal.sending(job.id, checked.sent.size)
        emit(JobEvent(job, message="Waiting for the image", progress=0.1))
        answer = provider.generate(
            checked.sent, checked.prompt, uploads, request_state, _make_reporter(job, emit)
        )
        request_state.answered = True
        notes = [note for upload in uploads.all for note in upload.notes]
        return self.store(job, answer, uploads, notes, body=request_state.received)

    def store(
        self,
        job: Job,
        answer: Answer,
        uploads: Uploads,
        notes: list[str],
        share: float = 1.0,
        body: BodyFile | None = None,
    ) -> tuple[Path, tuple[str, ...]]:
        """Make an answer safe: on the disk, then in the journal.

        :param notes: what the user should know; gets more.
        :param share: of the list price that is billed.
        :param body: the answer as it came, kept where not all of it was understood.
        :returns: its folder and what went wrong beside.
        :raises StorageError: no disk takes it.
        """
        usage, cost = self._find_cost(job, answer, uploads, share)
        if cost is None:
            cost = job.estimated_usd - job.further_usd
            notes.append(ODD_USAGE if answer.usage_told or answer.usage else NO_USAGE)
        now = body.when if body is not None else datetime.now()
        facts: dict[str, Any] = {
            "request": job.request.to_dict(),
            "application": job.application.to_dict(),
            "request_id": answer.request_id,
            "usage": usage,
            "cost_usd": cost,
            "created": now.astimezone().isoformat(timespec="seconds"),
            "warnings": [*answer.warnings, *notes],
        }
        if uploads.edit is not None:
            facts[EDIT_KEY] = uploads.edit.facts
        files = dict((*_name_images(answer), *_list_inputs(job.request, uploads)))
        with STORING.hold():
            if body is not None:
                body.finish()
            kept = keep(self.journal.results, job.id, now, files, facts)
            if answer.is_whole:
                with contextlib.suppress(OSError):  # another program may hold it; it does no harm
                    remove_file(kept.folder / BODY_FILE)
        notices = [kept.notice] if kept.notice else []
        try:
            self.journal.received(
                job.id, kept.folder, cost_usd=cost, usage=usage, request_id=answer.request_id
            )
        except Exception as error:
            log.exception("The answer to job %s could not be noted", job.id)
            why = error if isinstance(error, StorageError) else unexpected_error(error, "yes")
            notices.append(
                message(
                    "{problem} The answer is paid for (${usd}) and lies in {folder}; the journal takes it "
                    "over when it can be written again.",
                    problem=why.message,
                    usd=f"{cost:.4f}",
                    folder=kept.folder,
                )
            )
        return kept.folder, tuple(notices)

    def _find_cost(
        self, job: Job, answer: Answer, uploads: Uploads, share: float
    ) -> tuple[dict[str, object] | None, float | None]:
        """The usage and what it cost, as far as the answer says so and can be believed."""
        if answer.usage is None:
            return None, None
        cost = price_answer(job.request, answer.usage, self.registry)
        if cost is None:
            return answer.usage.to_dict(), None
        sizes = [(upload.width, upload.height) for upload in uploads.all]
        checked = job.checked or price_unchecked(job.request, self.registry)
        price = price_request(checked.sent, checked.prompt, self.registry, sizes)
        if not is_believable(cost, price.high_usd):
            return None, None
        return answer.usage.to_dict(), cost * share


def _keep_body(body: BodyFile, error: GptImageError) -> None:
    """Give what came its final name, and name it in the error, unless the server just said no."""
    if isinstance(error, APIStatusError) or (isinstance(error, JobCancelled) and error.billed != "yes"):
        body.discard()
        return
    kept = body.keep()
    if kept is not None:
        error.next_step = join(error.next_step, message("What was received lies in {path}.", path=kept))


def _name_images(answer: Answer) -> Iterator[tuple[str, bytes]]:
    from ..imaging.decoding import sniff

    for number, data in enumerate(answer.images, 1):
        yield f"{IMAGE_STEM}{number}.{sniff(data) or 'bin'}", data
    for number, data in enumerate(answer.heights, 1):
        yield f"{HEIGHT_STEM}{number}.png", data


def _list_inputs(request: GenerationRequest, uploads: Uploads) -> Iterator[tuple[str, bytes]]:
    """What a masked edit needs later, when the user's own files may have changed."""
    if uploads.mask is not None:
        original = uploads.references[0]
        yield ORIGINAL_STEM + Path(original.name).suffix, original.data
        yield MASK_FILE, uploads.mask.data
    if uploads.edit is not None:
        yield from uploads.edit.files.items()


def _make_reporter(job: Job, emit: Emit) -> Reporter:
    from ..imaging.thumbnails import make_preview
    from ..providers.base import Reporter

    def on_wait(seconds: float, reason: str) -> None:
        emit(
            JobEvent(
                job,
                message=message(
                    "Trying again in {seconds} s: {reason}", seconds=f"{seconds:.0f}", reason=reason
                ),
            )
        )

    def on_partial(index: int, data: bytes) -> None:
        share = (index + 1) / (job.request.partial_images + 1)
        preview = make_preview(index + 1, data)
        text, progress = message("Preview {number}", number=index + 1), 0.1 + 0.8 * share
        emit(JobEvent(job, message=text, partial=data, preview=preview, progress=progress))

    def on_step(step: int, steps: int) -> None:
        text = message("Step {step} of {steps}", step=step, steps=steps)
        emit(JobEvent(job, message=text, progress=0.1 + 0.7 * step / steps))

    def on_preview(data: bytes) -> None:
        preview = make_preview(1, data)
        if preview is not None:
            emit(JobEvent(job, partial=data, preview=preview))

    return Reporter(on_wait, on_partial, on_step, on_preview)
