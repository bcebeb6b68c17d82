"""What a finished job made, as scripts get it. What scripts call is offered by `api`."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...core.errors import SceneError
from ...core.jobs.job import Job
from ...core.results.store import ENVIRONMENT
from .. import session

if TYPE_CHECKING:
    from ...core.results.store import ImageFile


@dataclass(frozen=True)
class ResultImage:
    """One image of a result."""

    name: str
    """Name of its data-block; empty for an svg, which Blender can't show."""
    file: str
    """Absolute path of the bytes as they were received."""
    width: int
    height: int
    format: str
    sha256: str
    processed: str | None = None
    """Absolute path of what was made from those bytes and is in Blender; None where they are it."""


@dataclass(frozen=True)
class Result:
    """What a finished job made."""

    job: str
    provider: str
    model: str
    request_id: str | None
    images: tuple[ResultImage, ...]
    maps: Mapping[str, str]
    """Path of each material map by kind, and of packed maps by the name of their layout."""
    material: str | None
    """Name of the data-block."""
    object: str | None
    """Name of the data-block; of several the first."""
    usage: Mapping[str, Any] | None
    estimated_usd: float
    cost_usd: float | None
    warnings: tuple[str, ...]
    objects: tuple[str, ...] = ()
    """Names of all objects that got it."""
    exported: tuple[str, ...] = ()
    """Path of each file that was written for ``export_to``."""
    world: Mapping[str, Any] | None = None
    """Of a world: its ``sun`` with ``azimuth`` and ``elevation`` in degrees, ``confidence`` (``sure``,
    ``unsure``, ``none`` or ``given``), ``energy`` and ``color`` of its lamp; ``sky`` and the ``factor`` of a
    clear day's sun that it has; ``irradiance`` of a horizontal surface by sky and sun, and the ``sun_share``
    of it; the ``wrap_step``, ``tilt``, ``pole_spread`` and ``repaired_poles`` of the
    image."""

    @property
    def files(self) -> tuple[str, ...]:
        """Every file of the result."""
        return (*(image.file for image in self.images), *self.maps.values())


def result_of(job: Job) -> Result:
    """The result of a job that is done.

    :raises GptImageError: why it has none.
    """
    from ...scene.targets.base import Applied

    applied, prepared = job.applied, job.result()
    if not isinstance(applied, Applied):
        raise SceneError("This job put nothing into the scene.")
    entry = session.entry(job.id)
    rows = [entry, *map(session.entry, prepared.follow_up_jobs)]
    names = applied.images or [""] * len(prepared.images)  # a drawing becomes no data-block
    images = tuple(map(_result_image, names, prepared.images))
    return Result(
        job=job.id,
        provider=job.request.provider,
        model=job.request.model,
        request_id=entry.request_id if entry else None,
        images=images,
        maps={kind: image.file for kind, image in {**prepared.maps, **prepared.packed}.items()},
        material=applied.material,
        object=applied.object,
        usage=entry.usage if entry else None,
        estimated_usd=job.estimated_usd,
        cost_usd=sum(row.cost_usd or 0.0 for row in rows if row) if entry else None,
        warnings=job.all_warnings,
        objects=applied.objects or ((applied.object,) if applied.object else ()),
        exported=prepared.exported,
        world=prepared.report if ENVIRONMENT in prepared.maps else None,
    )


def _result_image(name: str, image: ImageFile) -> ResultImage:
    size = (image.width, image.height)
    processed = image.file if image.source else None
    return ResultImage(name, image.received_file, *size, image.received_format, image.sha256, processed)


def as_dict(result: Result) -> dict[str, Any]:
    """A result as plain JSON values."""
    return dataclasses.asdict(result)
