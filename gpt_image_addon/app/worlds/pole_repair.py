"""Poles of worlds that are there already, repainted by the model that made them.

What scripts call is offered by `api`.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy

from ...core.errors import GptImageError, InvalidRequestError
from ...core.jobs.job import Emit, Job, Work
from ...core.journal.states import JobState
from ...core.request.pricing import Estimate, check_limit
from ...core.request.providers import find_provider
from ...core.request.request import Application
from ...core.text.message import Message, message
from .. import models, results, session, settings
from ..scheduler import drain
from ..submission import PreparedRequest, Submitter
from .relighting import PANORAMA, check_settings

if TYPE_CHECKING:
    from ...core.jobs.follow_up_requests import FollowUp
    from ...core.jobs.worker import Worker
    from ...core.journal.journal import Entry
    from ...core.results.store import PreparedResult

STORED = Message("The stored result of job {job} was used; only its poles are sent.")
WITHOUT_RESULT = (JobState.UNKNOWN, JobState.FAILED)


@dataclass(frozen=True)
class PoleRepair:
    """What a repair takes."""

    stored: Entry
    application: Application
    folder: Path
    """Of the result."""
    poles: tuple[str, ...]
    """Those that were not repainted before."""
    price: Estimate
    """Of all of them together; less where only an even sky is there."""
    lost: Entry | None
    """A request for one of them that was, or may have been, billed and brought no result."""


def repair_poles(
    job: str, *, max_cost: float | None = None, retry_unknown: bool = False, **changed: Any
) -> Job:
    """Let the model repaint what the world of a stored panorama shows straight up and straight down.

    Each pole is a paid request, unless only an even sky is there or it was repainted before. Then the
    scene's world is made once more, and lit by what there is now. The panorama itself stays as it is. Returns
    at once.

    :param max_cost: USD that both may cost at most.
    :param retry_unknown: send what may have been billed without an answer before.
    :param changed: as for `relight`.
    :raises InvalidRequestError: there is no such job, its files are gone, or its provider can't repaint.
    :raises GptImageError: it can't be sent; nothing was.
    """
    return _start(plan_repair(job, **changed), max_cost, retry_unknown)


def repair_stored(
    prepared: PreparedRequest, *, max_cost: float | None = None, retry_unknown: bool = False
) -> Job | None:
    """Repair the stored result of an equal request in place of sending it, where it asks for its poles.

    :param prepared: a request that may be answered by a stored result; the others are as for `repair_poles`.
    :returns: None where nothing is to be sent for that, or there is no such result.
    :raises GptImageError: it can't be sent; nothing was.
    """
    plan = find_missing(prepared)
    if plan is None:
        return None
    return _start(plan, max_cost, retry_unknown, (message(STORED, job=plan.stored.id),))


def find_missing(prepared: PreparedRequest) -> PoleRepair | None:
    """What `repair_stored` would send; None where that is nothing."""
    from ...core.jobs.follow_ups import asks_for_poles

    if not asks_for_poles(prepared.checked.wanted, prepared.application):
        return None
    stored = prepared.find_stored()
    plan = _plan(stored, prepared.application) if stored is not None else None
    return plan if plan is not None and plan.poles else None


def _start(
    plan: PoleRepair, max_cost: float | None, retry_unknown: bool, warnings: tuple[str, ...] = ()
) -> Job:
    from ...core.jobs.admission import check_lost
    from ...core.jobs.follow_up_requests import POLES_FOLLOW_UP

    found = settings.load()
    limits = found.limits(max_cost)
    check_limit(plan.price, limits)
    check_lost(plan.lost, retry_unknown)
    if plan.poles:
        found.check_provider(plan.stored.request.provider)
    journal = session.open_session(found).journal
    journal.check_budget(plan.price.high_usd, limits.monthly_budget_usd)
    submitter = Submitter(found)
    worker = session.make_worker(journal, submitter.registry, found)
    repair = Job(
        plan.stored.request,
        plan.application,
        id=plan.stored.id,
        result_of=plan.stored.id,
        estimated_usd=plan.price.high_usd,
        warnings=warnings,
        pump=drain,
    )
    return submitter.start(repair, _send_and_prepare(worker, plan.folder, POLES_FOLLOW_UP))


def _send_and_prepare(worker: Worker, folder: Path, follow_up: FollowUp) -> Work:
    """The work of a job whose result lies in ``folder``: follow-up requests of a kind are sent for it.

    What fails is told where others were answered; where none was, the work fails.
    """

    def work(job: Job, emit: Emit) -> PreparedResult:
        notices: tuple[str, ...] = ()
        answered = 0
        try:
            for kind, checked in follow_up.make_requests(job, folder, worker.registry):
                worker.send_follow_up(job, kind, checked, follow_up.doing, emit)
                answered += 1
        except GptImageError as error:
            if not answered:
                raise
            notices = (message(follow_up.failed, reason=error.message),)
        prepared = worker.resume(folder)(job, emit)
        return dataclasses.replace(prepared, warnings=(*prepared.warnings, *notices))

    return work


def estimate_pole_repair(job: str, **changed: Any) -> Estimate:
    """What `repair_poles` would cost at most; nothing is sent.

    :param changed: as for `relight`.
    :raises InvalidRequestError: there is no such job, its files are gone, or its provider can't repaint.
    """
    return plan_repair(job, **changed).price


def plan_repair(job: str, **changed: Any) -> PoleRepair:
    """See `estimate_pole_repair`."""
    stored = results.entry(job)
    settled = {**check_settings(changed), "repair_poles": True, "target": PANORAMA}
    application = dataclasses.replace(
        stored.application,
        **results.fresh_place({"object_name": None, "scene_uid": bpy.context.scene.session_uid, **settled}),
    )
    return _plan(stored, application)


def _plan(stored: Entry, application: Application) -> PoleRepair:
    """
    :param application: of the world that is made.
    :raises InvalidRequestError: its files are gone, or its provider can't repaint.
    """
    from ...core.imaging.formats import inspect_file
    from ...core.jobs import estimates, follow_ups
    from ...core.panorama.views import POLES

    files = results.files(stored.id)
    if not find_provider(stored.request.provider).takes_masks:
        raise InvalidRequestError(
            message("The {provider} provider can't repaint poles.", provider=stored.request.provider),
            code="unsupported",
            param="provider",
        )
    picture = application.picture % len(files)
    folder, number = stored.folder, str(picture + 1)
    assert folder is not None, "it has files"
    answered = follow_ups.pole_answers(folder, number)
    missing = tuple(pole for pole in POLES if pole not in answered)
    found = settings.load(with_key=False)
    table = models.find_registry(found)
    request, _ = models.resolve_model(stored.request, table, found)
    height = inspect_file(Path(files[picture])).size[1]
    price = estimates.price_poles(request, missing, height, table, session.load_usage_history(found))
    price = dataclasses.replace(price, low_usd=0.0, exact=False)
    return PoleRepair(
        stored, application, folder, missing, price, _find_lost(stored.id, folder, missing, number)
    )


def _find_lost(job: str, folder: Path, poles: tuple[str, ...], number: str) -> Entry | None:
    from ...core.jobs import follow_ups

    for pole in poles:
        for kind in reversed(follow_ups.pole_kinds(folder, pole, number)):
            entry = session.entry(follow_ups.follow_up_id(job, kind))
            if entry is not None and entry.state in WITHOUT_RESULT and entry.billed != "no":
                return entry
    return None
