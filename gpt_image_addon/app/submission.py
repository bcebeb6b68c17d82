"""From a request to a job: it is checked once, what was made before is looked up, its price reserved.

Main thread only, but for `Submitter.check`.
"""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.errors import InvalidRequestError
from ..core.jobs.job import Apply, Job, Work
from ..core.request.request import NO_FILES, Application, GenerationRequest
from ..core.request.targets import find_target
from ..core.request.validation import check_application
from ..core.text.message import message
from . import models, references
from .scheduler import drain
from .session import jobs as list_jobs
from .session import load_usage_history, make_worker, open_session
from .settings import Settings

if TYPE_CHECKING:  # loaded on first use: enabling the add-on must not take long
    from ..core.jobs.estimates import Masked, Measure
    from ..core.journal.journal import Entry
    from ..core.painting.projection import Projection
    from ..core.request.models import Registry
    from ..core.request.normalize import CheckedRequest
    from .projection.plan import PlannedProjection


@dataclass(frozen=True)
class Submitter:
    """Makes jobs, by the settings as they were when it was made."""

    settings: Settings

    @cached_property
    def registry(self) -> Registry:
        """The model table as it was when the first request was checked."""
        return models.find_registry(self.settings)

    def check(
        self,
        request: GenerationRequest,
        application: Application,
        *,
        snap: Collection[str] = (),
        measure: Measure | None = None,
        masked: Masked | None = None,
    ) -> CheckedRequest:
        """All that is worked out of a request; nothing is sent, and no row is written. Runs in any thread.

        :param snap: parameters that may become what the model takes, see `normalize.snap_to_model`.
        :param measure: see `estimates.validate_and_price`, as `masked`.
        :raises InvalidRequestError: it can't be sent.
        """
        from ..core.jobs.estimates import validate_and_price
        from ..core.request.normalize import snap_to_model

        request, notices = models.resolve_model(request, self.registry, self.settings)
        if snap:
            request = snap_to_model(request, self.registry, snap)
        seen = load_usage_history(self.settings)
        checked = validate_and_price(request, application, self.registry, seen, measure, masked)
        return dataclasses.replace(checked, warnings=(*checked.warnings, *notices))

    def prepare(
        self,
        request: GenerationRequest,
        application: Application,
        *,
        snap: Collection[str] = (),
        measure: Measure | None = None,
        at_once: bool = False,
    ) -> PreparedRequest:
        """Check a request, and whether the open file can take its result.

        :param snap: see `check`.
        :param measure: tells the sizes of its images where neither files nor captures do.
        :param at_once: the caller does nothing but wait, so that nobody can change the file meanwhile.
        :raises InvalidRequestError: it can't be sent, or the scene or the object can't take its result.
        """
        from ..scene.targets.receiver import check_receiver

        notes: tuple[str, ...] = ()
        if find_target(application.target).is_projected and application.projection is None:
            planned = self.plan_projection(request, application)
            request, application, notes = planned.request, planned.application, planned.notes
        check_receiver(application, at_once=at_once)
        measure = measure or references.measure_captures(request)
        framed = references.add_frame(request, application)
        checked = self.check(request, framed, snap=snap, measure=measure)
        application, told = references.keep_frame(framed, checked.wanted, asked=request.size)
        checked = dataclasses.replace(checked, warnings=(*notes, *checked.warnings, *told))
        return PreparedRequest(self, checked, application)

    def plan_projection(self, request: GenerationRequest, application: Application) -> PlannedProjection:
        """The request with the guides of the views that its result is projected from; nothing is sent.

        :raises InvalidRequestError: it can't be projected.
        """
        from .projection.plan import plan_projection

        request, _ = models.resolve_model(request, self.registry, self.settings)
        rule = self.registry.likely_size_rule(request.model)
        return plan_projection(request, application, rule, references.write)

    def plan_views(self, request: GenerationRequest, application: Application) -> Projection:
        """From where the result would be projected; no guide is drawn.

        :raises InvalidRequestError: it can't be projected.
        """
        from .projection.plan import plan_views

        request, _ = models.resolve_model(request, self.registry, self.settings)
        return plan_views(request, application, self.registry.likely_size_rule(request.model))

    def find_earlier(self, request: GenerationRequest) -> Entry | None:
        """The newest equal request: on its way, perhaps billed without an answer, or answered.

        Of captures there is none.

        :raises GptImageError: an image of it, or the journal, can't be read.
        """
        if references.holds_captures(request):
            return None
        return self.find_equal(self._complete(request))

    def _complete(self, request: GenerationRequest) -> GenerationRequest:
        """The request with provider, model, and a size in pixels."""
        from ..core.jobs.estimates import complete_size

        request, _ = models.resolve_model(request, self.registry, self.settings)
        return complete_size(request, self.registry)

    def find_running(self, request: GenerationRequest) -> Entry | None:
        """The newest equal request that is on its way, in this process or in another one.

        :raises GptImageError: an image of it, or the journal, can't be read.
        """
        from ..core.jobs.equal_requests import find_running
        from ..core.jobs.uploads import digest_request

        digest = digest_request(self._complete(request))
        return find_running(open_session(self.settings).journal, digest)

    def recover(
        self,
        job: str,
        application: Application | None = None,
        *,
        seamless: bool = False,
        object_name: str | None = None,
        only_named: bool = False,
        accept: bool = False,
        target: str | None = None,
    ) -> Job:
        """Put a result that lies in the journal into the open scene.

        :param application: what becomes of it; what was meant for it at first when left out.
        :param object_name: the object to put it on then; the one of the request when left out.
        :param only_named: touch no object that neither names.
        :param seamless: make its images tile.
        :param accept: use an answer that does not match its image.
        :param target: what to make of it then; that of the request when left out.
        :raises InvalidRequestError: there is no such job, it has no result, or the object can't take it.
        """
        stored = open_session(self.settings).journal.entry(job)
        if stored is None:
            raise InvalidRequestError(
                message("There is no job {job}.", job=job), code="no_such_job", param="job"
            )
        if application is None:
            from ..scene.targets.receiver import check_receiver

            # The scene, the object and the view that it was made for belong to another session.
            application = dataclasses.replace(
                stored.application,
                scene_uid=None,
                object_uid=None,
                object_uids=(),
                **NO_FILES,
                object_name=object_name or stored.application.object_name,
                accept=accept or stored.application.accept,
                target=target or stored.application.target,
            )
            check_application(application)
            application = application.without_active_object() if only_named else application
            if object_name:  # else a slip of the pen would count the result as delivered
                check_receiver(application)
        if seamless:
            stored = dataclasses.replace(stored, request=dataclasses.replace(stored.request, seamless=True))
        return self.resume(stored, application, message("The result of job {job} was recovered.", job=job))

    def find_equal(self, request: GenerationRequest) -> Entry | None:
        """As `find_earlier`, for a request that names provider and model."""
        from ..core.jobs.equal_requests import find_running
        from ..core.jobs.uploads import digest_request

        if references.holds_captures(request):
            return None
        journal, digest = open_session(self.settings).journal, digest_request(request)
        return find_running(journal, digest) or journal.find_lost(digest) or journal.find_stored(digest)

    def resume(self, stored: Entry, application: Application, notice: str, apply: Apply | None = None) -> Job:
        """Take the result of a row of the journal.

        :raises InvalidRequestError: its files are gone.
        """
        folder = stored.folder
        if folder is None or not folder.is_dir():
            raise InvalidRequestError(
                message("Job {job} has no files.", job=stored.id)
                if folder is None
                else message("The files of job {job} are gone.", job=stored.id),
                code="no_result",
                next_step=message("Its state is {state}; `history` lists what there is.", state=stored.state),
            )
        job = Job(
            stored.request,
            application,
            id=stored.id,
            result_of=stored.id,
            warnings=(notice,),
            pump=drain,
            apply=apply,
        )
        session = open_session(self.settings)
        kind = f"apply {application.target} {stored.request.n}"
        resumed = make_worker(session.journal, self.registry, self.settings).resume(folder)
        return self.start(
            job, session.durations.measure(kind, resumed), session.durations.estimate_local(kind)
        )

    def start(self, job: Job, work: Work, expected_seconds: float | None = None) -> Job:
        """Hand a job to a worker.

        :param expected_seconds: as such a request takes without it.
        """
        session = open_session(self.settings)
        if expected_seconds is None:
            expected_seconds = session.durations.estimate(job.request)
        session.scheduler.start(job, work, expected_seconds)
        return job


@dataclass(frozen=True)
class PreparedRequest:
    """A request that nothing speaks against, as far as the open file and the tables know."""

    submitter: Submitter
    checked: CheckedRequest
    application: Application

    def find_earlier(self) -> Entry | None:
        """See `Submitter.find_earlier`."""
        return self.submitter.find_equal(self.checked.wanted)

    def find_stored(self) -> Entry | None:
        """An equal request whose result is here."""
        from ..core.jobs.uploads import digest_request

        wanted = self.checked.wanted
        if references.holds_captures(wanted):  # they are another image each time
            return None
        stored = open_session(self.submitter.settings).journal.find_stored(digest_request(wanted))
        return stored if stored is not None and stored.folder is not None and stored.folder.is_dir() else None

    def find_refused(self) -> Entry | None:
        """An equal request whose answer did not match its image, and is kept."""
        from ..core.jobs.uploads import digest_request

        journal = open_session(self.submitter.settings).journal
        lost = journal.find_lost(digest_request(self.checked.wanted))
        return lost if lost is not None and lost.is_refused else None

    def check_folder(self) -> None:
        """:raises StorageError: copies of the images, or files for an engine, can't be written."""
        from ..core.results.output_folders import check_folder

        for folder in (self.application.textures_dir, self.application.export_dir):
            if folder:
                check_folder(Path(folder))

    def submit(
        self,
        *,
        reuse: bool | None = None,
        retry_unknown: bool = False,
        accept: bool = False,
        max_cost: float | None = None,
        apply: Apply | None = None,
        idempotency_key: str | None = None,
    ) -> Job:
        """Reserve the price and hand the request to a worker.

        :param reuse: whether the result of an equal request is taken instead of sending it. True takes each,
            and waits for one that is on its way; None only one that is paid for and that its process did not
            deliver.
        :param retry_unknown: send it even though an equal one may have been billed without an answer.
        :param accept: take the answer to an equal one that did not match its image, where there is one.
        :param max_cost: USD that it may cost at most.
        :param apply: puts the result somewhere else than into the scene; main thread only.
        :param idempotency_key: the caller's name for this one request: with the same key it is sent once.
        :raises GptImageError: it can't be sent; nothing was.
        """
        from ..core.jobs import admission, equal_requests
        from ..core.jobs.durations import name_kind
        from ..core.jobs.uploads import digest_request

        refused = self.find_refused() if accept and not retry_unknown else None
        if refused is not None:
            told = message("The answer of job {job} is used, though it does not match.", job=refused.id)
            accepting = dataclasses.replace(self.application, accept=True)
            return self.submitter.resume(refused, accepting, told, apply)
        settings, application = self.submitter.settings, self.application
        limits = settings.limits(max_cost)
        own: dict[str, Any] = {"id": equal_requests.job_of_key(idempotency_key)} if idempotency_key else {}
        if own and (known := self._find_keyed(own["id"], apply)) is not None:
            return known
        checked = references.capture_references(self.checked)
        session = open_session(settings)
        journal, price, digest = session.journal, checked.price, digest_request(checked.wanted)
        worker = make_worker(journal, self.submitter.registry, settings)
        work: Work = session.durations.measure(name_kind(checked.wanted), worker.run)
        job: Job | None = None
        while job is None:
            since = time.time()
            stored, notice = equal_requests.find_reusable(journal, digest, reuse, is_paid=price.high_usd > 0)
            if stored is not None:
                return self.submitter.resume(stored, application, notice, apply)
            settings.check_provider(checked.wanted.provider)
            self.check_folder()
            if reuse and equal_requests.find_running(journal, digest) is not None:
                job = Job(
                    checked.wanted,
                    application,
                    checked=checked,
                    warnings=checked.warnings,
                    pump=drain,
                    apply=apply,
                    **own,
                )
                work = admission.send_after_running(
                    price, digest, journal, limits, work, worker.resume, retry_unknown=retry_unknown
                )
                continue
            with contextlib.suppress(equal_requests.EqualRequestError):  # one came meanwhile: look again
                job = admission.admit(
                    checked,
                    application,
                    digest=digest,
                    journal=journal,
                    limits=limits,
                    retry_unknown=retry_unknown,
                    alone_since=since if reuse else None,
                    pump=drain,
                    apply=apply,
                    **own,
                )
        return self.submitter.start(job, work)

    def _find_keyed(self, job: str, apply: Apply | None) -> Job | None:
        """The job of an idempotency key that was used before: as it runs here, or with its stored result.

        :raises GptImageError: the key was for another request, or its job brought no result.
        """
        from ..core.jobs.uploads import digest_request

        journal, wanted = open_session(self.submitter.settings).journal, self.checked.wanted
        stored = journal.entry(job)
        if stored is None:
            return next((found for found in _jobs_here() if found.id == job), None)
        is_same = stored.request.prompt == wanted.prompt
        if not references.holds_captures(wanted):  # they are another image each time
            is_same = journal.digest_of(job) == digest_request(wanted)
        if not is_same:
            raise InvalidRequestError(
                message("This idempotency_key belongs to another request, job {job}.", job=job),
                code="idempotency_key_used",
                param="idempotency_key",
                next_step="Take a new key for a new request.",
            )
        here = next((found for found in _jobs_here() if found.id == job), None)
        if here is not None:
            return here
        if stored.folder is not None and stored.folder.is_dir():
            notice = message("The stored result of job {job} was used; nothing was sent.", job=job)
            return self.submitter.resume(stored, self.application, notice, apply)
        raise InvalidRequestError(
            message(
                "Job {job} of this idempotency_key has no result: it is {state}.", job=job, state=stored.state
            ),
            code="idempotency_key_used",
            param="idempotency_key",
            billed=stored.billed,
            next_step="Look it up in the history; a new key sends the request, and pays for it, again.",
        )


def _jobs_here() -> list[Job]:
    """The requests of this session, newest first."""
    return [found for found in reversed(list_jobs()) if isinstance(found, Job)]
