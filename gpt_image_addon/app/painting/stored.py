"""What is stored of a result that was painted onto objects: its views, and what became of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...core.errors import InvalidRequestError
from ...core.journal.history import received_files
from ...core.painting.projection import Projection
from ...core.painting.reports import LastPainting, ViewReport, read_last, read_views, settle
from ...core.text.message import message
from .. import results

if TYPE_CHECKING:
    from ...core.journal.journal import Entry


@dataclass(frozen=True)
class StoredViews:
    """The views of a result."""

    projection: Projection
    """As it was applied last."""
    reports: Mapping[str, ViewReport]
    """What became of its views, by name; of those of which that was kept."""
    last: LastPainting
    """How it was applied last."""
    variations: int
    """How many images came."""


def read_stored(job: str) -> StoredViews:
    """The views of a result of any session.

    :raises InvalidRequestError: there is no such job, or it was not painted onto a model.
    """
    return read_entry(results.entry(job))


def read_entry(stored: Entry) -> StoredViews:
    """The views of a result, with the settings with which it was painted last: all that applies it again goes
    on from them.

    :raises InvalidRequestError: it was not painted onto a model.
    """
    if stored.application.projection is None:
        raise InvalidRequestError(
            message("The result of job {job} was not projected onto a model.", job=stored.id),
            code="not_projected",
            param="job",
        )
    projection = Projection.from_text(stored.application.projection)
    if stored.folder is None:
        return StoredViews(projection, {}, LastPainting(), 1)
    folder = stored.folder
    return StoredViews(
        settle(projection, folder), read_views(folder), read_last(folder), len(received_files(folder))
    )
