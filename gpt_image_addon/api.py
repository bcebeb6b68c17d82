"""GPT Image from Python: pictures, textures, planes and materials from a prompt.

::

    from gpt_image_addon import api                              # in a checkout
    from bl_ext.user_default.gpt_image_addon import api          # installed

    result = api.generate("weathered oak planks", target="material", quality="low")
    print(result.material, result.cost_usd)

    job = api.submit("red brick wall", provider="offline")       # returns at once
    job.wait()

All parameters carry the API's own names; `GenerationRequest` and `Application` list them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import runner, settings
from .core.errors import GptImageError, InvalidRequestError, SceneError
from .core.jobs import Job
from .core.journal import JobState
from .core.pricing import Estimate
from .core.request import Application, GenerationRequest

CAMERA = "camera"
"""The reference that stands for a render of the scene from its camera."""

_REQUEST_FIELDS = frozenset(field.name for field in dataclasses.fields(GenerationRequest))
_APPLICATION_FIELDS = frozenset(field.name for field in dataclasses.fields(Application))
_PATH_FIELDS = ("mask", "markup")


@dataclass(frozen=True)
class ResultImage:
    """One picture of a result."""

    name: str
    """Name of its data-block."""
    file: str
    """Absolute path of the bytes as they were received."""
    width: int
    height: int
    format: str
    sha256: str


@dataclass(frozen=True)
class Result:
    """What a finished job made."""

    job: str
    provider: str
    model: str
    request_id: str | None
    images: tuple[ResultImage, ...]
    maps: Mapping[str, str]
    """Path of each material map, by kind."""
    material: str | None
    """Name of the data-block."""
    object: str | None
    """Name of the data-block."""
    usage: Mapping[str, Any] | None
    estimated_usd: float
    cost_usd: float | None
    warnings: tuple[str, ...]

    @property
    def files(self) -> tuple[str, ...]:
        """Every file of the result."""
        return (*(image.file for image in self.images), *self.maps.values())


def generate(prompt: str, *, target: str = "texture", **parameters: Any) -> Result:
    """Make something from a prompt and wait for it.

    :param target: ``image``, ``texture``, ``plane`` or ``material``.
    :param parameters: as for `submit`.
    :raises GptImageError: why there is no result; see `core.errors` for the kinds.
    """
    job = submit(prompt, target=target, **parameters)
    try:
        job.wait()
    except BaseException:
        job.cancel()
        raise
    return result_of(job)


def submit(prompt: str, *, target: str = "texture", reuse: bool = False, **parameters: Any) -> Job:
    """Start making something from a prompt and return at once.

    :param target: ``image``, ``texture``, ``plane`` or ``material``.
    :param reuse: use the stored result of an equal request, where there is one.
    :param parameters: those of `GenerationRequest` and `Application`. ``references`` is a list of paths; the word
        ``camera`` stands for a render from the scene's camera.
    :raises GptImageError: the request can't be sent; nothing was.
    """
    request, application = split(prompt, target=target, **parameters)
    found = settings.load()
    runner.checked(dataclasses.replace(request, references=_without_camera(request.references)), found)
    rendered = dataclasses.replace(request, references=tuple(map(_reference, request.references)))
    return runner.submit(rendered, application, found, reuse=reuse)


def estimate(prompt: str, **parameters: Any) -> Estimate:
    """The price of a request in USD; nothing is sent.

    :param parameters: as for `submit`.
    :raises InvalidRequestError: the request could not be sent.
    """
    request, _ = split(prompt, **parameters)
    return runner.checked(request, settings.load())[1]


def split(prompt: str, **parameters: Any) -> tuple[GenerationRequest, Application]:
    """Sort keyword parameters into the request and what becomes of its result.

    :raises InvalidRequestError: a name that is no parameter.
    """
    for name in parameters:
        if name not in _REQUEST_FIELDS and name not in _APPLICATION_FIELDS:
            raise InvalidRequestError(f"There is no parameter '{name}'.", code="unknown_parameter", param=name)
    values = {name: _plain(name, value) for name, value in parameters.items() if value is not None}
    provider = values.pop("provider", None) or settings.load().provider
    request = {name: value for name, value in values.items() if name in _REQUEST_FIELDS}
    application = {name: value for name, value in values.items() if name in _APPLICATION_FIELDS}
    return GenerationRequest(prompt=prompt, provider=provider, **request), Application(**application)


def _plain(name: str, value: Any) -> Any:
    if name == "references":
        values = [value] if isinstance(value, str | Path) else value
        return tuple(CAMERA if item == CAMERA else str(Path(item).absolute()) for item in values)
    if name in _PATH_FIELDS or name == "textures_dir":
        return str(Path(value).absolute())
    return tuple(value) if isinstance(value, list) else value


def _without_camera(references: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(path for path in references if path != CAMERA)


def _reference(path: str) -> str:
    return render_camera() if path == CAMERA else path


def render_camera() -> str:
    """A picture of the scene from its camera, as a file to use as a reference.

    :raises SceneError: there is no camera, or it can't be rendered.
    """
    from .scene.capture import render_camera as render

    return str(render(_new_reference(), **_capture_size()))


def result_of(job: Job) -> Result:
    """The result of a job that is done.

    :raises GptImageError: why it has none.
    """
    if job.error is not None:
        raise job.error
    if job.state is not JobState.APPLIED or job.prepared is None:
        raise SceneError(f"The job is not finished: {job.message}.")
    entry = runner.entry(job.id)
    applied, prepared = job.applied, job.prepared
    images = tuple(
        ResultImage(name, picture.file, picture.width, picture.height, picture.format, picture.sha256)
        for name, picture in zip(applied.images, prepared.pictures, strict=False)
    )
    return Result(
        job=job.id,
        provider=job.request.provider,
        model=job.request.model,
        request_id=entry.request_id if entry else None,
        images=images,
        maps={kind: picture.file for kind, picture in prepared.maps.items()},
        material=applied.material,
        object=applied.object,
        usage=entry.usage if entry else None,
        estimated_usd=job.estimated_usd,
        cost_usd=entry.cost_usd if entry else None,
        warnings=(*job.warnings, *prepared.warnings, *applied.messages),
    )
