"""Images extended beyond their borders by a model; what was there stays bit for bit.

What scripts call is offered by `api`.
"""

from __future__ import annotations

import dataclasses
import re
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...core.common.arguments import check_types
from ...core.common.files import replace_file
from ...core.errors import InvalidRequestError
from ...core.jobs.job import Job
from ...core.request.pricing import Estimate, check_limit
from ...core.request.request import Application, GenerationRequest
from ...core.request.sizes import format_size, parse_size
from ...core.text.message import Message, message
from .. import models, settings
from ..material_maps import ImageSource
from ..submission import PreparedRequest, Submitter
from .edited_image import EditedImage, open_image
from .sequences import make_request, request_options, run_through, submit_edit

if TYPE_CHECKING:
    from ...core.editing.extending import Margins, Step
    from ...core.imaging.decoding import Pixels
    from ...core.request.normalize import CheckedRequest


PIXEL_BYTES = 24  # of memory that a pixel of the larger image takes
EXTEND_LESS = Message("extend it by less.")


@dataclass(frozen=True)
class ExtensionPlan:
    """How an image would be extended, and what that costs."""

    width: int
    """Pixels of the larger image."""
    height: int
    left: int
    """Where the image lies in it."""
    top: int
    sizes: tuple[str, ...]
    """Of the requests, one after another."""
    model: str
    prompt: str
    """The words that would be sent with each."""
    estimate: Estimate
    """Of all of them."""
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class ExtendResult:
    """An extended image that was written."""

    file: str
    width: int
    height: int
    left: int
    """Where the image lies in it, in pixels."""
    top: int
    jobs: tuple[str, ...]
    """Of the requests."""
    estimated_usd: float
    cost_usd: float
    warnings: tuple[str, ...]


def extend(picture: ImageSource, output: str | Path, **parameters: Any) -> ExtendResult:
    """Extend an image beyond its borders, and wait; what was there stays bit for bit.

    A request paints at most half of the image's width and height; of large images only what lies along the
    border is sent. All is planned and priced before the first one is.

    :param picture: a path, an image data-block, or the name of one.
    :param output: the file to write: png, tif, tga, webp or bmp, which keep every pixel, or jpg.
    :param parameters: ``left``, ``right``, ``top`` and ``bottom`` are pixels to add; or ``size`` is
        ``WIDTHxHEIGHT`` or ``aspect`` ``W:H`` of the whole, the image in its middle. ``prompt`` says what
        the new part shows; ``overwrite`` replaces a file that is not ours. ``provider``, ``model``,
        ``quality``, ``retry_unknown`` and ``reuse`` are as for `submit`; ``max_cost`` is for all requests
        together; ``accept`` uses answers that do not match the image.
    :raises InvalidRequestError: the image or a parameter can't be used.
    :raises EditMismatchError: an answer does not match; it is kept.
    :raises GptImageError: why it failed; nothing is written.
    """
    extension = begin_extension(picture, output, **parameters)
    run_through(extension)
    return extension.result()


def plan_extension(picture: ImageSource | tuple[int, int], **parameters: Any) -> ExtensionPlan:
    """What `extend` would do with the same parameters, and cost; nothing is sent.

    :param picture: as for `extend`, or its width and height, with which no image is read.
    :raises GptImageError: it could not be sent.
    """
    return _begin(picture, None, settings.load(with_key=False), **parameters).plan()


def begin_extension(picture: ImageSource, output: str | Path, **parameters: Any) -> Extension:
    """`extend` step by step: checked and priced, nothing sent; `run_through` does the rest.

    :raises GptImageError: it can't be sent.
    """
    found = settings.load()
    extension = _begin(picture, output, found, **parameters)
    found.check_provider(extension.request.provider)
    extension.check()
    return extension


@check_types
def _begin(
    picture: ImageSource | tuple[int, int],
    output: str | Path | None,
    found: settings.Settings,
    *,
    prompt: str = "",
    left: int = 0,
    right: int = 0,
    top: int = 0,
    bottom: int = 0,
    size: str | None = None,
    aspect: str | None = None,
    overwrite: bool = False,
    **options: Any,
) -> Extension:
    from ...core.editing.extending import Margins, plan_steps
    from ...core.jobs.follow_ups import extension_prompt

    values = request_options(options)
    image = open_image(picture, output, overwrite=overwrite)
    margins = _margins(image.size, Margins(left, right, top, bottom), size, aspect)
    table = models.find_registry(found)
    request = make_request(values, found, prompt=extension_prompt(prompt.strip()))
    request, notices = models.resolve_model(request, table, found)
    steps = plan_steps(image.size, margins, table.likely_size_rule(request.model))
    return Extension(image, margins, steps, request, values, found, notices)


def _margins(image: tuple[int, int], sides: Margins, size: str | None, aspect: str | None) -> Margins:
    from ...core.editing.extending import margins_for_aspect, margins_for_size

    if sum((any(vars(sides).values()), size is not None, aspect is not None)) > 1:
        raise InvalidRequestError(
            "Name sides, a size or an aspect, one of them.", code="invalid_value", param="side"
        )
    if size is not None:
        return margins_for_size(image, parse_size(size))
    if aspect is None:
        return sides
    found = re.fullmatch(r"(\d{1,5}(?:\.\d{1,5})?):(\d{1,5}(?:\.\d{1,5})?)", aspect.strip())
    if found is None or not float(found[1]) or not float(found[2]):
        raise InvalidRequestError(
            message("aspect '{aspect}' is not of the form 16:9.", aspect=aspect),
            code="invalid_value",
            param="aspect",
        )
    return margins_for_aspect(image, (float(found[1]), float(found[2])))


@dataclass
class Extension:
    """An extension on its way: `advance` and `send` in turn until all is painted."""

    image: EditedImage
    margins: Margins
    steps: tuple[Step, ...]
    request: GenerationRequest
    options: Mapping[str, Any]
    settings: settings.Settings
    notices: tuple[str, ...] = ()
    jobs: list[Job] = dataclasses.field(default_factory=list)
    _canvas: Pixels | None = None
    _folder: tempfile.TemporaryDirectory[str] | None = None

    def plan(self) -> ExtensionPlan:
        """See `plan_extension`.

        :raises InvalidRequestError: it can't be sent.
        """
        checked = [self._checked(step) for step in self.steps]
        (width, height), at = self.margins.placed(self.image.size)
        warnings = (*self.notices, *(warning for one in checked for warning in one.warnings))
        return ExtensionPlan(
            width,
            height,
            at.left,
            at.top,
            tuple(format_size(*step.sent) for step in self.steps),
            self.request.model,
            checked[0].prompt,
            reduce(Estimate.plus, (one.price for one in checked)),
            tuple(dict.fromkeys(warnings)),
        )

    def _checked(self, step: Step) -> CheckedRequest:
        """One request, whose files need not be there."""
        request = self._request_for(step, "-", "-")
        return Submitter(self.settings).check(
            request, Application(target="image"), measure=lambda _: (step.sent, step.sent)
        )

    def _request_for(self, step: Step, image: str, mask: str) -> GenerationRequest:
        return dataclasses.replace(
            self.request, references=(image,), mask=mask, whole_image=True, size=format_size(*step.sent)
        )

    def check(self) -> None:
        """All that can be known before anything is sent.

        :raises InvalidRequestError: the image, the file or the size can't be.
        :raises BudgetExceededError: all requests together could cost more than is allowed.
        """
        size, _ = self.margins.placed(self.image.size)
        self.image.check_memory(size, PIXEL_BYTES, EXTEND_LESS)
        self.notices = (*self.notices, *self.image.check_target(size))
        check_limit(self.plan().estimate, self.settings.limits(self.options.get("max_cost")))

    def advance(self) -> bool:
        """See `Sequence`."""
        from ...core.editing.extending import put_in

        if self._canvas is None:
            self._canvas = self._empty_canvas()
        if self.jobs:
            put_in(self._canvas, self.steps[len(self.jobs) - 1], self._answered(self.jobs[-1]))
        if len(self.jobs) == len(self.steps):
            self._write()
            return False
        self._write_step(self.steps[len(self.jobs)])
        return True

    def _empty_canvas(self) -> Pixels:
        from ...core.editing.extending import empty_canvas

        return empty_canvas(self.image.read_pixels(), self.margins)

    def _answered(self, job: Job) -> Pixels:
        """The answer to a step, fitted to what was sent and at its size."""
        from ...core.pasting.boxes import Box
        from ...core.pasting.edited_files import cut
        from ...core.pasting.image_source import inspect_source

        assert job.prepared is not None
        box, made = self.steps[len(self.jobs) - 1].box, job.prepared.images[0]
        found = inspect_source(made.data, made.name)
        if found.size != (box.width, box.height):  # it could not be put into what was sent
            raise InvalidRequestError(
                message(
                    "The answer of job {job} could not be used: {problem}",
                    job=job.id,
                    problem=" ".join(job.prepared.warnings),
                ),
                billed="yes",
            )
        (pixels,) = cut(found, [Box(0, 0, *found.size)])
        return pixels

    def _write_step(self, step: Step) -> None:
        from ...core.editing.extending import encode_step

        assert self._canvas is not None
        for file, data in zip(self._files(), encode_step(self._canvas, step), strict=True):
            replace_file(file, data)

    def _files(self) -> tuple[Path, Path]:
        """What the next step sends."""
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="gpt-image-extend-", ignore_cleanup_errors=True)
        number = len(self.jobs) + 1
        return Path(self._folder.name) / f"part-{number}.png", Path(self._folder.name) / f"mask-{number}.png"

    @property
    def last_job(self) -> Job | None:
        """See `Sequence`."""
        return self.jobs[-1] if self.jobs else None

    def prepare(self) -> PreparedRequest:
        """See `Sequence`."""
        image, mask = self._files()
        request = self._request_for(self.steps[len(self.jobs)], str(image), str(mask))
        application = Application(
            target="image", accept=bool(self.options.get("accept")), name=self.image.title
        )
        return Submitter(self.settings).prepare(request, application)

    def send(self, then: Callable[[], None] | None = None) -> Job:
        """See `Sequence`."""
        job = submit_edit(self.prepare(), self.options, then)
        self.jobs.append(job)
        return job

    def drop(self, job: Job | None) -> None:
        """See `Sequence`."""
        self.jobs = [one for one in self.jobs if one is not job]

    def _write(self) -> None:
        assert self._canvas is not None
        self.image.write(self._canvas)
        if self._folder is not None:
            self._folder.cleanup()

    def result(self) -> ExtendResult:
        """What was made."""
        (width, height), at = self.margins.placed(self.image.size)
        warnings = (*self.notices, *(warning for job in self.jobs for warning in job.all_warnings))
        return ExtendResult(
            str(self.image.target),
            width,
            height,
            at.left,
            at.top,
            tuple(job.id for job in self.jobs),
            sum(job.estimated_usd for job in self.jobs),
            sum(job.cost_usd or 0.0 for job in self.jobs),
            tuple(dict.fromkeys(warnings)),
        )
