"""The subject of an image on transparent ground: a model says where it is, its pixels are the image's own.

What scripts call is offered by `api`.
"""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...core.common.arguments import check_types
from ...core.common.files import replace_file
from ...core.errors import EditMismatchError, InvalidResponseError
from ...core.jobs.job import Job
from ...core.request.request import Application, GenerationRequest
from ...core.request.sizes import LIKE, format_size
from ...core.text.message import message
from .. import models, settings
from ..material_maps import ImageSource
from ..submission import PreparedRequest, Submitter
from .edited_image import SUFFIX, EditedImage, open_image
from .sequences import make_request, request_options, run_through, submit_edit

if TYPE_CHECKING:
    from ...core.editing.matting import CutOut
    from ...core.request.pricing import Estimate

LEAST_SHARE = 0.0005  # of the image that a subject covers
PIXEL_BYTES = 64  # of memory that a pixel takes while its subject is cut out
PLAIN = "The subject has too little texture to align the answer by; it was taken as it lies."


@dataclass(frozen=True)
class CutOutPlan:
    """What a cut-out would send, and cost."""

    size: str
    """Of the request."""
    model: str
    prompt: str
    """The words that would be sent."""
    estimate: Estimate
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class CutOutResult:
    """A cut-out that was written."""

    file: str
    width: int
    height: int
    share: float
    """Of the image that the subject covers, 0 to 1."""
    job: str
    estimated_usd: float
    cost_usd: float
    warnings: tuple[str, ...]


def cut_out(picture: ImageSource, output: str | Path, **parameters: Any) -> CutOutResult:
    """The subject of an image on transparent ground, at the image's own size; waits for the answer.

    One request. What is surely the subject keeps its pixels bit for bit; its rim is freed of the backdrop.

    :param picture: a path, an image data-block, or the name of one.
    :param output: the file to write: png, tif, tga or webp; all keep every pixel.
    :param parameters: ``subject`` says what is to be cut out; ``overwrite`` replaces a file that is not ours.
        ``provider``, ``model``, ``quality``, ``max_cost``, ``retry_unknown`` and ``reuse`` are as for
        `submit`; ``accept`` uses an answer that does not match the image.
    :raises InvalidRequestError: the image or a parameter can't be used, or the model has no transparency.
    :raises EditMismatchError: the answer shows something else; it is kept.
    :raises GptImageError: why it failed; nothing is written.
    """
    cutting = begin_cut_out(picture, output, **parameters)
    run_through(cutting)
    return cutting.result()


def plan_cut_out(picture: ImageSource | tuple[int, int], **parameters: Any) -> CutOutPlan:
    """What `cut_out` would send with the same parameters, and cost; nothing is sent.

    :param picture: as for `cut_out`, or its width and height, with which no image is read.
    :raises GptImageError: it could not be sent.
    """
    return _begin(picture, None, settings.load(with_key=False), **parameters).plan()


def begin_cut_out(picture: ImageSource, output: str | Path, **parameters: Any) -> Cutting:
    """`cut_out` step by step: checked and priced, nothing sent; `run_through` does the rest.

    :raises GptImageError: it can't be sent.
    """
    found = settings.load()
    cutting = _begin(picture, output, found, **parameters)
    found.check_provider(cutting.request.provider)
    cutting.check()
    return cutting


@check_types
def _begin(
    picture: ImageSource | tuple[int, int],
    output: str | Path | None,
    found: settings.Settings,
    *,
    subject: str = "",
    overwrite: bool = False,
    **options: Any,
) -> Cutting:
    from ...core.jobs.follow_ups import cut_out_prompt

    values = request_options(options)
    image = open_image(picture, output, overwrite=overwrite)
    detail = format_size(*_sent_detail(image.size))
    request = make_request(
        values,
        found,
        prompt=cut_out_prompt(subject.strip()),
        size=f"{LIKE}:{detail}",
        background="transparent",
        references=("-",),
    )
    request, notices = models.resolve_model(request, models.find_registry(found), found)
    return Cutting(image, request, values, found, notices)


def _sent_detail(size: tuple[int, int]) -> tuple[int, int]:
    """Width and height of an image as far as it is sent."""
    from ...core.editing.crops import MOST_PIXELS

    width, height = size
    shrink = min(1.0, (MOST_PIXELS / (width * height)) ** 0.5)
    return max(1, int(width * shrink)), max(1, int(height * shrink))


@dataclass
class Cutting:
    """A cut-out on its way; see `Sequence`."""

    image: EditedImage
    request: GenerationRequest
    options: Mapping[str, Any]
    settings: settings.Settings
    notices: tuple[str, ...] = ()
    job: Job | None = None
    _made: CutOut | None = None
    _folder: tempfile.TemporaryDirectory[str] | None = None
    _reference: Path = Path()

    def plan(self) -> CutOutPlan:
        """See `plan_cut_out`.

        :raises InvalidRequestError: it can't be sent.
        """
        checked = Submitter(self.settings).check(
            self.request, Application(target="image"), measure=lambda _: (self.image.size,)
        )
        warnings = (*self.notices, *checked.warnings)
        return CutOutPlan(checked.sent.size, self.request.model, checked.prompt, checked.price, warnings)

    def check(self) -> None:
        """All that can be known before anything is sent.

        :raises InvalidRequestError: the image, the file or the model can't be.
        """
        self.image.check_memory(self.image.size, PIXEL_BYTES)
        self.image.check_target(self.image.size, adds_alpha=True)
        self.plan()

    def advance(self) -> bool:
        """See `Sequence`."""
        if self.job is None:
            self._write_reference()
            return True
        self._made = self._cut(self.job)
        self._write(self._made)
        return False

    def _write_reference(self) -> None:
        """What is sent: the image, or a smaller copy where it is larger than what is read of others."""
        from ...core.imaging.pillow_settings import MAX_PIXELS
        from ...core.imaging.pixels import resized
        from ...core.pasting.edited_files import encode_like

        found, (width, height) = self.image.inspected, self.image.size
        assert found is not None
        self._folder = tempfile.TemporaryDirectory(prefix="gpt-image-cutout-", ignore_cleanup_errors=True)
        if isinstance(found.source, bytes) and width * height <= MAX_PIXELS:
            self._reference = Path(self._folder.name) / f"image{Path(found.label).suffix.lower() or SUFFIX}"
            replace_file(self._reference, found.source)
            return
        self._reference = Path(self._folder.name) / f"image{SUFFIX}"
        small = resized(self.image.read_pixels(), _sent_detail(self.image.size), wraps=False)
        replace_file(self._reference, encode_like(found, small))

    @property
    def last_job(self) -> Job | None:
        """See `Sequence`."""
        return self.job

    def prepare(self) -> PreparedRequest:
        """See `Sequence`."""
        request = dataclasses.replace(self.request, references=(str(self._reference),))
        return Submitter(self.settings).prepare(request, Application(target="image", name=self.image.title))

    def send(self, then: Callable[[], None] | None = None) -> Job:
        """See `Sequence`."""
        self.job = submit_edit(self.prepare(), self.options, then)
        return self.job

    def drop(self, job: Job | None) -> None:
        """See `Sequence`."""
        if self.job is job:
            self.job = None

    def _cut(self, job: Job) -> CutOut:
        """
        :raises InvalidResponseError: the answer is not transparent.
        :raises EditMismatchError: it shows something else.
        """
        from ...core.editing.matting import cut_out as cut_subject
        from ...core.imaging.formats import decode
        from ...core.raster.alpha import problem

        assert job.prepared is not None
        answer = decode(job.prepared.images[0].data)
        trouble = problem(answer)
        if trouble is not None:
            raise InvalidResponseError(
                trouble,
                code="no_transparency",
                billed="yes",
                next_step="Name the subject, or choose another model.",
            )
        if answer[..., 3].mean() < LEAST_SHARE * 255:
            raise InvalidResponseError(
                "The answer shows no subject.",
                code="no_subject",
                billed="yes",
                next_step="Name the subject, or choose another model.",
            )
        made = cut_subject(self.image.read_pixels(), answer)
        if not made.registration.accepted and not self.options.get("accept"):
            raise EditMismatchError(
                message(
                    "The subject in the answer of job {job} does not match the image; nothing was written.",
                    job=job.id,
                ),
                billed="yes",
            )
        return made

    def _write(self, made: CutOut) -> None:
        self.image.write(made.pixels)
        if self._folder is not None:
            self._folder.cleanup()

    def result(self) -> CutOutResult:
        """What was made."""
        assert self.job is not None and self._made is not None
        width, height = self.image.size
        plain = (PLAIN,) if self._made.registration.plain else ()
        return CutOutResult(
            str(self.image.target),
            width,
            height,
            round(self._made.share, 4),
            self.job.id,
            self.job.estimated_usd,
            self.job.cost_usd or 0.0,
            tuple(dict.fromkeys((*self.notices, *self.job.all_warnings, *plain))),
        )
