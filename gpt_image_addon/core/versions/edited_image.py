"""The image of an earlier result that a request edits: found and checked before anything is sent."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from ..common.paths import split_version
from ..errors import InvalidRequestError
from ..journal.history import images_of
from ..journal.reader import JournalReader
from ..pasting.image_source import measure_source
from ..references.kinds import PREVIOUS
from ..request.request import Application, GenerationRequest
from ..request.validation import check_application
from ..results.folders import PROCESSED_FOLDER, files_in
from ..text.message import message

DRAWING = ".svg"


def with_edited_image(
    request: GenerationRequest, application: Application, journal: JournalReader
) -> GenerationRequest:
    """The request with the image that its application names in ``edit_of`` as the first reference.

    :returns: the same request where none is named.
    :raises InvalidRequestError: there is no such job, or it has no image that a model can be shown.
    """
    if application.edit_of is None:
        return request
    check_application(application)
    image = str(find_edited_image(journal, application.edit_of))
    labels = ("", *request.reference_labels) if request.reference_labels else ()
    return dataclasses.replace(
        request,
        references=(image, *request.references),
        reference_kinds=(PREVIOUS, *request.reference_kinds),
        reference_labels=labels,
    )


def find_edited_image(journal: JournalReader, edit_of: str) -> Path:
    """The newest file of an image: as it was received, or what was made of it since.

    :param edit_of: as `Application.edit_of`; without a number the image that the job shows, else its first.
    :raises InvalidRequestError: there is no such job, or it has no image that a model can be shown.
    """
    found = split_version(edit_of)
    entry = journal.entry(found[0]) if found is not None else None
    if found is None or entry is None:
        raise InvalidRequestError(
            message("There is no job {job}.", job=f"{edit_of:.100}"),
            code="no_such_job",
            param="edit_of",
            next_step="`history` lists the jobs.",
        )
    images = images_of(journal, entry)
    if not images:
        raise InvalidRequestError(
            message("Job {job} has no images.", job=entry.id), code="no_result", param="edit_of"
        )
    number = found[1] or entry.application.picture % len(images) + 1
    if number > len(images):
        raise InvalidRequestError(
            message(
                "Job {job} has {count} images, so none is number {number}.",
                job=entry.id,
                count=len(images),
                number=number,
            ),
            code="invalid_value",
            param="edit_of",
        )
    image = newest_file(images[number - 1])
    if image.suffix == DRAWING:
        raise InvalidRequestError(
            message("The image of job {job} is a drawing, which can't be edited.", job=entry.id),
            code="invalid_value",
            param="edit_of",
            next_step="Name a job that made an image of pixels.",
        )
    measure_source(image, str(image))
    return image


def newest_file(received: Path) -> Path:
    """The newest file of an image: as received, or processed since."""
    found = [received]
    for file in files_in(received.parent):
        path = Path(file.path)
        is_processed = path.parent.name == PROCESSED_FOLDER
        if is_processed and (path.stem == received.stem or path.stem.startswith(f"{received.stem}-")):
            found.append(path)
    return max(found, key=lambda path: path.stat().st_mtime_ns)
