"""Rows of a manifest that paint objects of the scene that is open. Main thread only."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import bpy

from ...core.batch.manifest import Row
from ...core.batch.runner import Folder
from ...core.errors import GptImageError, InvalidRequestError, StorageError
from ...core.request.request import Application, GenerationRequest
from ...core.request.targets import find_target
from ...core.results.output_files import Delivery
from ...core.results.store import PreparedResult
from ...core.text.message import message
from ...scene.targets.registry import gather
from .. import settings
from ..submission import Submitter

if TYPE_CHECKING:
    from ...core.journal.journal import Entry
    from ..projection.plan import PlannedProjection

KEPT_PLANS = 32  # of rows that differ in nothing but their words


def paints(row: Row) -> bool:
    """Whether a row paints objects."""
    return find_target(row.application.target).is_projected


@dataclass
class RowPlanner:
    """Draws the guides of rows that paint objects."""

    scene_file: str = field(default_factory=lambda: bpy.data.filepath)
    """The scene whose objects are painted; empty where it is not saved."""
    _plans: dict[tuple[GenerationRequest, Application], PlannedProjection] = field(default_factory=dict)
    _problems: dict[str, GptImageError] = field(default_factory=dict)

    def plan(self, row: Row) -> Row:
        """A row with the guides that are sent; one that paints nothing, or can't be planned, as it is."""
        if not paints(row) or row.application.projection is not None:
            return row
        try:
            planned = self._plan(row)
        except GptImageError as error:
            self._problems[row.id] = error
            return row
        request = dataclasses.replace(planned.request, prompt=row.request.prompt)
        application = dataclasses.replace(
            planned.application,
            name=row.application.name,
            scene_uid=None,  # the file may be opened again before the result goes into it
            object_uid=None,
            object_uids=(),
        )
        return dataclasses.replace(row, request=request, application=application)

    @property
    def has_planned(self) -> bool:
        """Whether any row paints objects."""
        return bool(self._plans)

    def check(self, row: Row) -> None:
        """:raises GptImageError: why a row could not be planned."""
        if paints(row) and row.application.projection is None:
            raise self._problems.get(row.id) or InvalidRequestError(
                "A row that paints objects needs the scene that holds them.",
                code="invalid_value",
                param="target",
                next_step="Open it: `blender scene.blend -c gpt_image batch …`.",
            )

    def _plan(self, row: Row) -> PlannedProjection:
        key = (
            dataclasses.replace(row.request, prompt=""),
            dataclasses.replace(row.application, name=None),
        )
        found = self._plans.get(key)
        if found is None:
            self.open_scene()
            submitter = Submitter(settings.load(with_key=False))
            found = submitter.plan_projection(row.request, row.application)
            while len(self._plans) >= KEPT_PLANS:
                del self._plans[next(iter(self._plans))]
            self._plans[key] = found
        return found

    def open_scene(self, *, anew: bool = False) -> None:
        """Open the scene, where another file is open.

        :param anew: also where it is open, and was changed.
        :raises StorageError: it can't be opened.
        """
        if not self.scene_file or (bpy.data.filepath == self.scene_file and not anew):
            return
        try:
            bpy.ops.wm.open_mainfile(filepath=self.scene_file)
        except RuntimeError as error:
            raise StorageError(
                message("{path} could not be opened: {reason}", path=self.scene_file, reason=error)
            ) from error


@dataclass(frozen=True)
class PaintedFiles:
    """The images that rows paint, as files; the scene stays as it is."""

    folder: Folder

    def deliver(self, row: Row, prepared: PreparedResult) -> Delivery:
        """See `Output.deliver`; of other rows the files are there already.

        :raises GptImageError: it can't be painted, or a file can't be written.
        """
        work = gather(prepared, row.application) if paints(row) else None
        return self.folder.write(row, work()) if work is not None else Delivery()

    def present(self, row: Row, stored: Entry) -> tuple[str, ...]:
        """See `Output.present`."""
        return self.folder.present(row, stored)

    def close(self) -> None:
        """Every file is saved already."""
