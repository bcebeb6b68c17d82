"""The chain of versions that a result belongs to, and the image that a request edits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...core.errors import InvalidRequestError
from ...core.request.request import Application, GenerationRequest
from ...core.text.message import message
from ..history import look_at_journal

if TYPE_CHECKING:
    from ...core.versions.chain import Version


def versions(job: str) -> list[Version]:
    """The chain of a result, oldest first: what it was made from, itself, and what was made from it.

    Each has `.job`, `.parent`, `.edit_of`, `.prompt`, `.created`, `.cost_usd`, `.images` and `.branches`, the
    results that were made from the same one. Where several were, the chain goes on with the newest.

    :raises InvalidRequestError: there is no such job.
    :raises StorageError: the journal can't be read.
    """
    from ...core.versions.chain import find_versions

    with look_at_journal() as journal:
        found = find_versions(journal, job)
    if not found:
        raise InvalidRequestError(message("There is no job {job}.", job=job), code="no_such_job", param="job")
    return found


def with_edited_image(request: GenerationRequest, application: Application) -> GenerationRequest:
    """See `edited_image.with_edited_image`."""
    if application.edit_of is None:
        return request
    from ...core.versions.edited_image import with_edited_image

    with look_at_journal() as journal:
        return with_edited_image(request, application, journal)
