"""A result edited further: one change to its newest image, everything else kept."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ...core.references.kinds import PREVIOUS
from ...core.request.request import Application, GenerationRequest
from ...core.request.sizes import LIKE
from ...core.request.targets import find_target
from .. import results, settings
from ..history import look_at_journal
from ..inpainting import find_image_of, in_place
from ..submission import Submitter

if TYPE_CHECKING:
    from ...core.jobs.job import Apply
    from ...core.request.normalize import CheckedRequest
    from ..submission import PreparedRequest

SNAP = ("size",)
"""An image may have a size that its model does not make."""
OF_THE_RESULT = ("provider", "model", "quality", "moderation", "safety_identifier", "background", "seamless")
"""Parameters of the request of a result that its edits keep."""


def prepare_edit(job: str, instruction: str, **application: Any) -> PreparedRequest:
    """The request that changes one thing in the image that a job shows, ready to be sent.

    :param instruction: what to change.
    :param application: parameters of `Application`, as for `results.again`.
    :raises GptImageError: it can't be sent.
    """
    request, wanted = _edit_of(job, instruction, application)
    return Submitter(settings.load()).prepare(request, wanted, snap=SNAP)


def plan_edit(job: str, instruction: str) -> Callable[[], CheckedRequest]:
    """Works out the same request and its price in any thread.

    :raises GptImageError: there is no such job, or it has no image that can be edited.
    """
    request, wanted = _edit_of(job, instruction, {})
    submitter = Submitter(settings.load(with_key=False))
    return lambda: submitter.check(request, wanted, snap=SNAP)


def way_back(job: str) -> Apply | None:
    """What puts an edit of a job in the place of its image; None where it is put there by its target.

    :raises GptImageError: there is no such job, or nothing can take its image's place.
    """
    image = None
    if not find_target(results.entry(job).application.target).maps:
        image = find_image_of(job, results.received_number(job) + 1)
    return in_place(image) if image is not None else None


def _edit_of(
    job: str, instruction: str, application: dict[str, Any]
) -> tuple[GenerationRequest, Application]:
    from ...core.versions.edited_image import find_edited_image

    stored = results.entry(job)
    edit_of = results.version_name(job)
    with look_at_journal() as journal:
        image = find_edited_image(journal, edit_of)
    same = {name: getattr(stored.request, name) for name in OF_THE_RESULT}
    request = GenerationRequest(
        prompt=instruction,
        size=stored.request.size if stored.request.mask is None else LIKE,
        references=(str(image),),
        reference_kinds=(PREVIOUS,),
        keep_rest=True,
        **same,
    )
    fresh = results.fresh_place(application)
    wanted = dataclasses.replace(stored.application, **{**fresh, "edit_of": edit_of, "picture": 0})
    return request, wanted
