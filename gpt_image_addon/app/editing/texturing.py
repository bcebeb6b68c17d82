"""Answers that were projected onto models, applied again with other settings.

What scripts call is offered by `api`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from ...core.errors import InvalidRequestError
from ...core.jobs.job import Job
from ...core.painting.projection import Projection, check_projection
from ...core.text.message import message
from .. import settings
from ..history import look_at_journal
from ..submission import Submitter

SETTINGS = ("feather", "texture_size", "used_views", "replace_all")
"""What may change when a stored answer is applied again."""


def apply_again(
    job: str, changed: Mapping[str, Any], object_name: str | None = None, *, accept: bool = False
) -> Job:
    """Project a stored answer once more, with other settings; nothing is sent.

    :param changed: of `SETTINGS`.
    :param object_name: the object to paint; those of the request without it.
    :param accept: use views whose outlines do not match, too.
    :raises InvalidRequestError: there is no such job, it was not projected, or a setting can't be.
    """
    with look_at_journal() as journal:
        stored = journal.entry(job)
    if stored is None:
        raise InvalidRequestError(message("There is no job {job}.", job=job), code="no_such_job", param="job")
    if stored.application.projection is None:
        raise InvalidRequestError(
            message("The result of job {job} was not projected onto a model.", job=job),
            code="not_projected",
            param="job",
        )
    projection = dataclasses.replace(Projection.from_text(stored.application.projection), **changed)
    check_projection(projection)
    application = dataclasses.replace(
        stored.application,
        projection=projection.to_text(),
        object_name=object_name,
        accept=accept or stored.application.accept,
        scene_uid=None,
        object_uid=None,
        object_uids=(),
        textures_dir=None,
    )
    notice = message("The answer of job {job} was projected again.", job=job)
    return Submitter(settings.load()).resume(stored, application, notice)
