"""Follow-up requests that a result may need, to the model that painted it: an image's height, and its seams.

Each is a job of its own in the journal, named after the job it belongs to, with its own price.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from ..common.files import read_file
from ..panorama.views import DOWN, POLES, UP
from ..request.models import Registry
from ..request.normalize import sheet_size
from ..request.parameters import IMAGE_LIMIT, MOST_CROPS, PROMPT_LIMIT
from ..request.providers import find_provider
from ..request.request import Application, GenerationRequest
from ..request.sizes import format_size
from ..request.targets import find_target
from ..results.folders import REGION_FILE, REPAIRS_FOLDER
from ..results.store import ANSWER_FILE, IMAGE_STEM

HEIGHT_JOB = "height"
MASK_END = "-mask"
"""How the file of a mask is called after that of its image."""
REGION_JOB = "region-{number}"
"""One for each further crop of a masked edit, numbered from 2."""
SEAMS_JOB = "seams-{number}"
"""One for each image, which are numbered from 1."""
POLE_JOB = "pole-{pole}-{number}"
"""One for each pole of an image; tried again, it gets another number behind."""
AUTO_SIZE = (1536, 1024)  # the largest that a model paints when the size is left to it
HEIGHT_PROMPT = (
    "A height map of exactly this picture: greyscale only, white where the surface stands highest, black "
    "where it lies deepest, smooth steps of grey in between. Every edge stays on the very pixel where it is "
    "in the picture; nothing is moved, added, cropped or rescaled. Colour, stains, light and shadow are no "
    "height. No text, no frame."
)


REPAIR_PROMPT = (
    "A texture whose opposite edges were joined along the masked cross, where they do not fit. Repaint the "
    "masked part only, so that the surface runs through it unbroken: the same material at the same scale, in "
    "the same colours and even light; every line, joint and grain that enters it meets its other end. "
    "Everything outside stays on the very pixel where it is; nothing is moved, cropped or rescaled. "
    "No text, no frame."
)
POLE_PROMPTS = {
    UP: (
        "A view straight up, cut out of a panorama of all that is around. Its masked middle is smeared. "
        "Repaint the masked part only, so that what lies around it goes on through it unbroken, as a camera "
        "that looks straight up would see it: the same sky or ceiling, in the same light, colors and style; "
        "no sun where none is. "
    ),
    DOWN: (
        "A view straight down, cut out of a panorama of all that is around. Its masked middle is smeared. "
        "Repaint the masked part only, so that what lies around it goes on through it unbroken, as a camera "
        "that looks straight down would see it: the same ground at the same scale, in the same light, colors "
        "and style; no feet, no tripod, no shadow of a camera. "
    ),
}
POLE_END = (
    "Everything outside the mask stays on the very pixel where it is; nothing is moved, cropped or rescaled. "
    "No text, no frame."
)
POLE_SUBJECT = " The panorama shows: {prompt}"
REPAIR_SUBJECT = " The texture shows: {prompt}"
EXTEND_PROMPT = (
    "Extend this image beyond its border. Paint only the masked part, whose content is a placeholder, "
    "so that what the image shows goes on unbroken: the same perspective, scale, light, colors and style; "
    "every line and surface that reaches the border continues across it. Keep everything outside the mask on "
    "the very pixel where it is; nothing is moved, cropped, rescaled or recolored. No text, no frame."
)
EXTEND_SUBJECT = " What the new part shows: {prompt}"
CUT_OUT_PROMPT = (
    "Cut out the subject of this image: return the same image with everything but the subject fully "
    "transparent. Keep every pixel of the subject where it is: the same position, size, shape, colors and "
    "light; nothing is moved, cropped, rescaled, completed or redrawn. Fine hair and soft edges are partly "
    "transparent. No shadow on the ground, no outline."
)
CUT_OUT_SUBJECT = " The subject is: {subject}"
UPSCALE_PROMPT = (
    "Image 1 is a part of an image that was enlarged and is soft. Image 2 is the same part at its original "
    "size. Repaint image 1 with the sharp, fine detail that it would have at this size. Change only the "
    "sharpness: every edge, line and grain stays on the very pixel where it is in image 1; nothing is moved, "
    "added, removed, cropped or rescaled; colors, light and contrast stay. No text, no frame."
)
UPSCALE_SUBJECT = " The whole image shows: {prompt}"


def height_request(
    request: GenerationRequest, image: str, size: tuple[int, int], registry: Registry
) -> GenerationRequest:
    """The edit that asks for the height of an image.

    :param image: path of the image.
    :param size: its width and height in pixels.
    """
    sent = painted_size(size, request.model, registry)
    return _edit(request, prompt=HEIGHT_PROMPT, size=format_size(*sent), references=(image,))


def repair_request(
    request: GenerationRequest, image: str, mask: str, size: tuple[int, int]
) -> GenerationRequest:
    """The edit that asks for the seams of a tile, painted over.

    :param request: names provider, model and quality; its prompt says what the tile shows.
    :param image: path of the rolled tile.
    :param mask: path of an image that is white where it may be repainted.
    :param size: width and height of both, as `painted_size` says.
    """
    return _repaint(request, REPAIR_PROMPT, REPAIR_SUBJECT, image, mask, size)


def pole_request(
    request: GenerationRequest, pole: str, image: str, mask: str, size: tuple[int, int]
) -> GenerationRequest:
    """The edit that asks for a pole of a panorama.

    :param request: names provider, model and quality; its prompt says what the panorama shows.
    :param pole: one of `panorama.views.POLES`.
    :param image: path of the pole's view; the others are as for `repair_request`.
    """
    return _repaint(request, POLE_PROMPTS[pole] + POLE_END, POLE_SUBJECT, image, mask, size)


def _repaint(
    request: GenerationRequest, prompt: str, subject: str, image: str, mask: str, size: tuple[int, int]
) -> GenerationRequest:
    """The edit that asks for the masked part of an image."""
    told = (prompt + (subject.format(prompt=request.prompt) if request.prompt else ""))[:PROMPT_LIMIT]
    return _edit(request, prompt=told, size=format_size(*size), references=(image,), mask=mask)


def upscale_request(
    request: GenerationRequest, sent: str, original: str, size: tuple[int, int]
) -> GenerationRequest:
    """The edit that asks for the fine detail of a part of an image.

    :param request: names provider, model and quality; its prompt says what the image shows.
    :param sent: path of the part, enlarged.
    :param original: path of the same part as it is.
    :param size: width and height of `sent`.
    """
    subject = UPSCALE_SUBJECT.format(prompt=request.prompt) if request.prompt else ""
    prompt = (UPSCALE_PROMPT + subject)[:PROMPT_LIMIT]
    return _edit(request, prompt=prompt, size=format_size(*size), references=(sent, original))


def extension_prompt(prompt: str) -> str:
    """What is asked for each part of an extended image.

    :param prompt: what the user wants to see there; may be empty.
    """
    return (EXTEND_PROMPT + (EXTEND_SUBJECT.format(prompt=prompt) if prompt else ""))[:PROMPT_LIMIT]


def cut_out_prompt(subject: str) -> str:
    """What is asked for a cut-out.

    :param subject: what is to be cut out, in the user's words; may be empty.
    """
    return (CUT_OUT_PROMPT + (CUT_OUT_SUBJECT.format(subject=subject) if subject else ""))[:PROMPT_LIMIT]


def _edit(request: GenerationRequest, **values: Any) -> GenerationRequest:
    """An edit by the same model, in the same manner."""
    same = ("provider", "model", "quality", "moderation", "safety_identifier")
    return GenerationRequest(**{name: getattr(request, name) for name in same}, **values)


def painted_size(size: tuple[int, int], model: str, registry: Registry) -> tuple[int, int]:
    """The size that the model paints nearest to this one: (width, height) in pixels."""
    rule = registry.size_rule(registry.get(model))
    return size if rule.problem(*size) is None else rule.nearest(*size)


def asks_for_height(request: GenerationRequest, application: Application, registry: Registry) -> bool:
    """Whether the model is asked for the height alone: some images come with an exact one, or on a sheet.

    :param request: one that names its model and its size.
    """
    is_wanted = application.height_by_model and find_provider(request.provider).needs_height
    return is_wanted and bool(application.map_kinds) and sheet_size(request, registry) is None


def asks_for_repair(request: GenerationRequest, application: Application) -> bool:
    """Whether poor seams are repainted: what tiles by nature has none."""
    return application.repair_seams and request.seamless and find_provider(request.provider).repairs_seams


def asks_for_poles(request: GenerationRequest, application: Application) -> bool:
    """Whether the poles of a world are repainted."""
    is_world = find_target(application.target).is_panorama
    return application.repair_poles and is_world and find_provider(request.provider).takes_masks


def follow_up_id(job: str, kind: str) -> str:
    """The id of the follow-up job of a kind."""
    return f"{job}-{kind}"


def follow_up_digest(digest: str, kind: str) -> str:
    """What tells a follow-up from the equal request of its job, whose result it is not."""
    return hashlib.sha256(f"{digest}\n{kind}".encode()).hexdigest()


def follow_up_folder(folder: Path, kind: str) -> Path | None:
    """The result folder of a follow-up job, beside its job's or, after midnight, in the next month's."""
    return _find_follow_up(folder, _months_of(folder), kind)


def _months_of(folder: Path) -> list[Path]:
    """The month of a result folder, and the next one that there is."""
    return sorted(month for month in folder.parent.parent.iterdir() if month.name >= folder.parent.name)[:2]


def _find_follow_up(folder: Path, months: list[Path], kind: str) -> Path | None:
    # Not by a pattern: a month's folder may hold ten thousand results.
    places = (month / follow_up_id(folder.name, kind) for month in months)
    return next((place for place in places if (place / ANSWER_FILE).is_file()), None)


def region_kinds(folder: Path) -> tuple[str, ...]:
    """The follow-ups that the further crops of a masked edit may have."""
    if not (folder / REGION_FILE).is_file():
        return ()
    return tuple(REGION_JOB.format(number=number) for number in range(2, MOST_CROPS + 1))


def pole_kinds(folder: Path, pole: str = "*", number: str = "*") -> tuple[str, ...]:
    """The follow-ups that were begun for the poles of a result's images, those of a pole in their order.

    :param number: of the image.
    """
    stem, sent = POLE_JOB.format(pole=pole, number=number), folder / REPAIRS_FOLDER
    found = {path.stem for end in ("", "-*") for path in sent.glob(f"{stem}{end}.png")}
    kinds = (kind for kind in found if not kind.endswith(MASK_END))
    return tuple(sorted(kinds, key=lambda kind: (len(kind), kind)))


def next_pole_kind(folder: Path, pole: str, number: str) -> str:
    """What the next follow-up for a pole of an image is called."""
    tries = len(pole_kinds(folder, pole, number))
    return POLE_JOB.format(pole=pole, number=number) + (f"-{tries + 1}" if tries else "")


def pole_answers(folder: Path, number: str) -> dict[str, bytes]:
    """The views of an image's poles as they were repainted last, encoded."""
    found = {}
    for pole in POLES:
        answers = (answer_of(folder, kind) for kind in reversed(pole_kinds(folder, pole, number)))
        answer = next(filter(None, answers), None)
        if answer is not None:
            found[pole] = answer
    return found


def follow_up_jobs(folder: Path) -> tuple[str, ...]:
    """The follow-up jobs that answered."""
    kinds = (
        HEIGHT_JOB,
        *(SEAMS_JOB.format(number=number) for number in range(1, IMAGE_LIMIT + 1)),
        *region_kinds(folder),
        *pole_kinds(folder),
    )
    months = _months_of(folder)
    found = (_find_follow_up(folder, months, kind) for kind in kinds)
    return tuple(sorted(place.name for place in found if place is not None))


def answer_of(folder: Path, kind: str) -> bytes | None:
    """The encoded image that a follow-up job brought."""
    found = follow_up_folder(folder, kind)
    image = next(found.glob(f"{IMAGE_STEM}1.*"), None) if found else None
    return read_file(image) if image else None
