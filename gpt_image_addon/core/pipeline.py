"""The worker's straight line: pictures up, answer down, onto the disk, into the journal, ready for Blender.

Runs on a worker thread and never touches bpy.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import GptImageError, InvalidRequestError, InvalidResponseError, JobCancelled, StorageError
from .jobs import Emit, Job, JobEvent, Work
from .journal import Journal
from .models import Registry
from .names import safe_name
from .pricing import cost_usd
from .prompts import compose
from .providers import NEEDS_KEY, make_provider
from .request import Application, GenerationRequest
from .results import (
    ANSWER_FILE,
    MASK_FILE,
    ORIGINAL_STEM,
    PICTURE_STEM,
    Facts,
    Picture,
    Prepared,
    keep,
    replace_file,
)
from .sizes import format_size
from .states import JobState

if TYPE_CHECKING:
    from .connection import Connection
    from .pace import Pace
    from .providers.base import Answer, Reporter, Uploads

log = logging.getLogger(__name__)

MATERIAL_MAPS = ("base_color", "normal", "roughness", "height", "metallic")
HEIGHT_STEM = "height-"
MAPS_FOLDER = "maps"
PROVIDER_LABELS = {"openai": "OpenAI", "offline": "offline draft"}


@dataclass(frozen=True)
class Line:
    """Everything a worker needs besides the job."""

    journal: Journal
    registry: Registry
    connection: Connection
    pace: Pace | None = None
    """Keeps requests apart; None lets each go at once."""

    def run(self, job: Job, emit: Emit) -> Prepared:
        """Make the result of one job.

        :raises GptImageError: why there is none; the journal's row says the same.
        """
        try:
            folder, notices = self._receive(job, emit)
        except GptImageError as error:
            self._note_failure(job, error)
            raise
        emit(JobEvent(job, state=JobState.RECEIVED, message="Preparing the pictures", progress=0.9))
        try:
            prepared = prepare(job.id, job.request, job.application, folder)
        except InvalidResponseError as error:
            self._note_failure(job, error)
            raise
        return dataclasses.replace(prepared, warnings=(*prepared.warnings, *notices))

    def _note_failure(self, job: Job, error: GptImageError) -> None:
        """The job's own error is what the user must see, even where the journal fails as well."""
        try:
            self.journal.failed(job.id, error, cancelled=isinstance(error, JobCancelled))
        except StorageError:
            log.exception("The end of job %s could not be noted", job.id)

    def resume(self, folder: Path) -> Work:
        """The work of a job whose answer already lies in ``folder``."""
        return lambda job, emit: prepare(job.id, job.request, job.application, folder)

    def _receive(self, job: Job, emit: Emit) -> tuple[Path, tuple[str, ...]]:
        """Everything up to the moment when the answer is safe; returns its folder and what to tell."""
        from .http import Exchange

        exchange = Exchange()
        job.on_cancel = exchange.cancel
        job.check_cancelled()
        prompt = compose(job.request)
        uploads = load_uploads(job.request)
        provider = make_provider(job.request.provider, self.connection)
        if self.pace is not None and NEEDS_KEY[job.request.provider]:
            exchange.turn = self.pace.turn(job.request.n, len(uploads.all))
            exchange.turn.take(exchange)
        self.journal.sending(job.id)
        emit(JobEvent(job, message="Waiting for the picture", progress=0.1))
        answer = provider.generate(job.request, prompt, uploads, exchange, _reporter(job, emit))
        notes = [note for upload in uploads.all for note in upload.notes]
        return self._store(job, answer, uploads, notes)

    def _store(
        self, job: Job, answer: Answer, uploads: Uploads, notes: list[str]
    ) -> tuple[Path, tuple[str, ...]]:
        usage = answer.usage.to_dict() if answer.usage else None
        cost = cost_usd(answer.usage, self.registry, job.request.model) if answer.usage else None
        if cost is None:
            cost = job.estimated_usd
            notes.append("The server did not say what was used; the cost shown is the estimate.")
        now = datetime.now()
        facts = {
            "request": job.request.to_dict(),
            "application": job.application.to_dict(),
            "request_id": answer.request_id,
            "usage": usage,
            "cost_usd": cost,
            "created": now.astimezone().isoformat(timespec="seconds"),
            "warnings": [*answer.warnings, *notes],
        }
        files = dict((*_named(answer), *_inputs(job.request, uploads)))
        kept = keep(self.journal.results, job.id, now, files, facts)
        notices = [kept.notice] if kept.notice else []
        try:
            self.journal.received(
                job.id, kept.folder, cost_usd=cost, usage=usage, request_id=answer.request_id
            )
        except StorageError as error:
            log.exception("The answer to job %s could not be noted", job.id)
            notices.append(
                f"{error.message} The answer is paid for (${cost:.4f}) and lies in {kept.folder}; "
                "the journal takes it over when it can be written again."
            )
        return kept.folder, tuple(notices)


def _named(answer: Answer) -> Iterator[tuple[str, bytes]]:
    from .pictures import sniff

    for number, data in enumerate(answer.pictures, 1):
        yield f"{PICTURE_STEM}{number}.{sniff(data) or 'bin'}", data
    for number, data in enumerate(answer.heights, 1):
        yield f"{HEIGHT_STEM}{number}.png", data


def _inputs(request: GenerationRequest, uploads: Uploads) -> Iterator[tuple[str, bytes]]:
    """What a masked edit needs later, when the user's own files may have changed."""
    if uploads.mask is not None:
        original = uploads.references[0]
        yield ORIGINAL_STEM + Path(original.name).suffix, original.data
        yield MASK_FILE, uploads.mask.data


def _reporter(job: Job, emit: Emit) -> Reporter:
    from .providers.base import Reporter

    def on_wait(seconds: float, reason: str) -> None:
        emit(JobEvent(job, message=f"Trying again in {seconds:.0f} s: {reason}"))

    def on_partial(index: int, data: bytes) -> None:
        share = (index + 1) / (job.request.partial_images + 1)
        emit(JobEvent(job, message=f"Preview {index + 1}", partial=data, progress=0.1 + 0.8 * share))

    return Reporter(on_wait, on_partial)


def load_uploads(request: GenerationRequest) -> Uploads:
    """Read, check and where necessary shrink the files of an edit.

    :raises InvalidRequestError: a file is missing, broken or too large.
    """
    from .masks import load_mask
    from .pictures import load_upload
    from .providers.base import Uploads

    references = tuple(load_upload(Path(path)) for path in request.references)
    mask = markup = None
    if request.mask:
        mask = load_mask(Path(request.mask), (references[0].width, references[0].height))
    if request.markup:
        markup = load_upload(Path(request.markup))
    return Uploads(references, mask, markup)


def file_digests(request: GenerationRequest) -> list[str]:
    """Hashes of the files of an edit, for `GenerationRequest.digest`.

    :raises InvalidRequestError: a file can't be read.
    """
    paths = [*request.references, *filter(None, (request.mask, request.markup))]
    try:
        return [hashlib.sha256(Path(path).read_bytes()).hexdigest() for path in paths]
    except OSError as error:
        raise InvalidRequestError(
            f"The picture {error.filename} can't be read: {error.strerror}.",
            code="missing_file",
            param="references",
        ) from error


def prepare(job: str, request: GenerationRequest, application: Application, folder: Path) -> Prepared:
    """From a result folder to everything that Blender needs; the same for a new and a recovered result.

    :raises InvalidResponseError: no picture in the folder can be used.
    :raises StorageError: maps or copies can't be written.
    """
    from .processing import process

    answer = json.loads((folder / ANSWER_FILE).read_text("utf-8"))
    name = application.name or safe_name(request.prompt)
    warnings = list(answer.get("warnings", ()))
    pictures = _usable_pictures(folder, name, warnings, answer.get("request_id"))
    finished = [process(picture, request, application, folder) for picture in pictures]
    pictures = tuple(picture for picture, _ in finished)
    warnings += [note for _, notes in finished for note in notes]
    maps = _make_maps(request, application, folder, pictures[0], warnings)
    if application.textures_dir:
        _copy_to(Path(application.textures_dir), (*pictures, *maps.values()))
    return Prepared(job, pictures, maps, _facts(job, request, pictures[0], answer), tuple(warnings))


def _usable_pictures(
    folder: Path, name: str, warnings: list[str], request_id: str | None
) -> tuple[Picture, ...]:
    from .pictures import verify

    paths = sorted(folder.glob(f"{PICTURE_STEM}*"), key=lambda path: (len(path.name), path.name))
    usable: list[Picture] = []
    for number, path in enumerate(paths, 1):
        data = path.read_bytes()
        try:
            info = verify(data)
        except InvalidResponseError as error:
            warnings.append(f"Picture {number} of {len(paths)} was left out: {error.message}")
            continue
        title = name if len(paths) == 1 else f"{name} {number}"
        usable.append(Picture(title, data, str(path), info.format, info.width, info.height, info.has_alpha))
    if not usable:
        raise InvalidResponseError(
            "The server's answer holds no picture that can be used.",
            code="bad_picture",
            request_id=request_id,
            billed="yes",
            next_step=f"What was received lies in {folder}.",
        )
    return tuple(usable)


def _make_maps(
    request: GenerationRequest, application: Application, folder: Path, picture: Picture, warnings: list[str]
) -> dict[str, Picture]:
    kinds = application.maps or (MATERIAL_MAPS if application.target == "material" else ())
    if not kinds:
        return {}
    from .maps import make_maps
    from .pictures import decode, decode_height
    from .png16 import encode_png

    height_file = folder / f"{HEIGHT_STEM}1.png"
    height = decode_height(height_file.read_bytes()) if height_file.exists() else None
    made = make_maps(decode(picture.data), kinds=kinds, description=request.prompt, height=height)
    warnings.extend(made.notes)
    found = {}
    for kind, pixels in made.maps.items():
        name = f"{picture.name}_{kind}"
        data = encode_png(pixels)
        path = folder / MAPS_FOLDER / f"{name}.png"
        replace_file(path, data)
        found[kind] = Picture(name, data, str(path), "png", pixels.shape[1], pixels.shape[0])
    return found


def _copy_to(folder: Path, pictures: Iterable[Picture]) -> None:
    for picture in pictures:
        extension = "jpg" if picture.format == "jpeg" else picture.format
        replace_file(folder / f"{picture.name}.{extension}", picture.data)


def _facts(job: str, request: GenerationRequest, picture: Picture, answer: Mapping[str, Any]) -> Facts:
    facts = {
        "job": job,
        "prompt": request.prompt,
        "provider": PROVIDER_LABELS[request.provider],
        "model": request.model,
        "size": format_size(picture.width, picture.height),
        "quality": request.quality,
        "request_id": answer.get("request_id"),
        "cost_usd": answer.get("cost_usd"),
        "created": answer.get("created"),
    }
    return {name: value for name, value in facts.items() if value is not None}
