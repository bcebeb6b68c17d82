"""From a result folder to everything that Blender needs; the same for a new and a recovered result.

Runs on a worker thread and never touches bpy.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..animation.writer import SHEET_KIND, write_sheet
from ..common.files import keep_private, read_file, storage_errors
from ..common.threads import FairLock
from ..errors import EditMismatchError, InvalidRequestError, InvalidResponseError
from ..imaging.decoding import UnusableImageError
from ..imaging.formats import decode_height, verify
from ..imaging.pixels import eight_bit_color, read_pixels
from ..imaging.thumbnails import mean_color, write_thumbnail
from ..journal.stored_values import clean_text, clean_usd
from ..panorama.lighting import write_lighting
from ..processes.subprocess_worker import SUBPROCESS
from ..providers import load_provider
from ..request.models import load_registry
from ..request.normalize import sheet_size
from ..request.parameters import STRENGTHS
from ..request.providers import PROVIDERS, find_provider
from ..request.request import Application, GenerationRequest
from ..request.sizes import format_size
from ..request.targets import find_target
from ..results.store import (
    ENVIRONMENT,
    HEIGHT_STEM,
    IMAGE_STEM,
    MAPS_FOLDER,
    PIXEL_FORMATS,
    PROCESSED_FOLDER,
    Facts,
    ImageFile,
    PreparedResult,
    measure_decal,
    read_answer,
)
from ..text.message import message
from ..text.names import safe_name
from ..textures.height_fusion import Registration, fuse, register_height
from ..textures.height_sheet import judge_height
from ..textures.material_guess import guess_material
from ..textures.writer import map_options, write_maps
from .follow_ups import HEIGHT_JOB, SEAMS_JOB, answer_of, asks_for_poles, follow_up_jobs, pole_answers
from .image_steps import cut_tile, number_of, process, read_sheet

if TYPE_CHECKING:
    from ..raster.arrays import Plane
    from ..textures.writer import MadeMaps


def prepare(
    job: str, request: GenerationRequest, application: Application, folder: Path, *, for_scene: bool = True
) -> PreparedResult:
    """From a result folder to everything that Blender needs.

    :param for_scene: with the mean colors, for which each image has to be decoded as a whole.
    :raises InvalidResponseError: no image in the folder can be used.
    :raises StorageError: maps can't be written.
    """
    try:
        if FairLock.enabled:
            light = SUBPROCESS.call(_prepare_files, job, request, application, folder)
            with storage_errors(message("{path} could not be read", path=folder)):
                return light.mapped(_read_bytes)
        prepared = _prepare(job, request, application, folder)
        shows_color = for_scene and find_target(application.target).changes_scene
        return _add_mean_colors(prepared) if shows_color else prepared
    finally:
        keep_private(folder)


def _add_mean_colors(prepared: PreparedResult) -> PreparedResult:
    """Materials have them as their color in Solid views."""
    maps = {kind: _add_mean_color(map_) for kind, map_ in prepared.maps.items() if kind == "base_color"}
    images = tuple(map(_add_mean_color, prepared.images))
    return dataclasses.replace(prepared, images=images, maps={**prepared.maps, **maps})


def _add_mean_color(image: ImageFile) -> ImageFile:
    if image.format not in PIXEL_FORMATS:
        return image
    return dataclasses.replace(image, mean_color=mean_color(image.data))


def _read_bytes(image: ImageFile) -> ImageFile:
    return dataclasses.replace(image, data=read_file(Path(image.file)))


def _prepare_files(
    job: str, request: GenerationRequest, application: Application, folder: Path
) -> PreparedResult:
    """The same for a window, with thumbnails, and without the bytes: they lie in the files."""
    prepared = _prepare(job, request, application, folder)
    if find_target(application.target).changes_scene:
        prepared = _add_mean_colors(prepared)
    for file in {file for image in prepared.images for file in (image.file, image.received_file)}:
        write_thumbnail(Path(file))
    return prepared.mapped(lambda image: dataclasses.replace(image, data=b""))


def _prepare(job: str, request: GenerationRequest, application: Application, folder: Path) -> PreparedResult:
    answer = read_answer(folder) or {}  # it may have come from elsewhere; the images count
    name = safe_name(application.name or request.prompt)
    noted = answer.get("warnings")
    warnings = [text for text in map(clean_text, noted if isinstance(noted, list) else ()) if text]
    received = usable_images(folder, name, warnings, clean_text(answer.get("request_id")))
    first = application.picture % len(received)
    received = received[first:] + received[:first]
    images, height = _finish(received, request, application, folder, warnings)
    worked = images[: _count_sets(application)]
    heights = [height, *(_read_exact_height(image, request, folder, warnings) for image in worked[1:])]
    sets = [
        _make_maps(request, application, folder, image, own)
        for image, own in zip(worked, heights, strict=False)
    ]
    maps, packed = (dict(sets[0].maps), sets[0].packed) if sets and sets[0] else ({}, {})
    warnings += [note for made in sets if made for note in made.notes]
    if find_target(application.target).is_animated:
        packed = {SHEET_KIND: write_sheet(images, name, application, folder / PROCESSED_FOLDER, warnings)}
    report: Mapping[str, Any] = {}
    if find_target(application.target).is_panorama and images[0].format in PIXEL_FORMATS:
        answers = pole_answers(folder, number_of(images[0])) if asks_for_poles(request, application) else {}
        lighting = write_lighting(images[0], request.prompt, application, folder / MAPS_FOLDER, answers)
        maps, report = {**maps, ENVIRONMENT: lighting.file}, lighting.report
        warnings += lighting.notes
    return PreparedResult(
        job,
        images,
        maps,
        _collect_facts(job, request, images[0], answer),
        tuple(dict.fromkeys(warnings)),
        packed,
        _guess_metres(request, application),
        follow_up_jobs(folder),
        report=report,
        further_maps=tuple(made.maps if made else {} for made in sets[1:]),
    )


def _count_sets(application: Application) -> int:
    """Of how many images maps are made: a relief lies in as many places as have images."""
    if not application.map_kinds:
        return 0
    return max(1, len(application.at)) if application.has_relief else 1


def _guess_metres(request: GenerationRequest, application: Application) -> float | None:
    """See `PreparedResult.metres`."""
    tiles = request.seamless or find_provider(request.provider).tiles_by_nature
    return guess_material(request.prompt).metres if tiles and find_target(application.target).maps else None


def _finish(
    received: tuple[ImageFile, ...],
    request: GenerationRequest,
    application: Application,
    folder: Path,
    warnings: list[str],
) -> tuple[tuple[ImageFile, ...], _Height | None]:
    """The images as they are to be imported, and the height of the first where one is known."""
    height = None
    if application.map_kinds:
        height = _find_height(received[0], request, application, folder, warnings)
    images = []
    mismatch: EditMismatchError | None = None
    for number, image in enumerate(received):
        try:
            image, notes = process(image, request, application, folder)
        except EditMismatchError as error:
            mismatch = mismatch or error
            warnings.append(error.message)
            continue
        warnings += notes
        if request.seamless and image.format in PIXEL_FORMATS:
            plane = height.plane if height and number == 0 and not height.exact else None
            image, plane, notes = _tile(image, request, folder, plane)
            warnings += notes
            if number == 0 and height and not height.exact:
                height = _Height(plane, exact=False) if plane is not None else None
        images.append(image)
    if not images and mismatch is not None:
        raise mismatch
    return tuple(images), height


def _tile(
    image: ImageFile, request: GenerationRequest, folder: Path, plane: Plane | None
) -> tuple[ImageFile, Plane | None, list[str]]:
    repaint = answer_of(folder, SEAMS_JOB.format(number=number_of(image)))
    return cut_tile(image, request, folder, plane, repaint)


def usable_images(
    folder: Path, name: str, warnings: list[str], request_id: str | None
) -> tuple[ImageFile, ...]:
    """The received images, without those that can't be read.

    :param warnings: gets a sentence for each of those.
    :raises InvalidResponseError: none is left.
    """
    paths = sorted(folder.glob(f"{IMAGE_STEM}*"), key=lambda path: (len(path.name), path.name))
    usable: list[ImageFile] = []
    for number, path in enumerate(paths, 1):
        data = read_file(path)
        try:
            info = verify(data)
        except InvalidResponseError as error:
            warnings.append(
                message(
                    "Image {number} of {count} was left out: {problem}",
                    number=number,
                    count=len(paths),
                    problem=error.message,
                )
            )
            continue
        title = name if len(paths) == 1 else f"{name} {number}"
        usable.append(ImageFile(title, data, str(path), info.format, info.width, info.height, info.has_alpha))
    if not usable:
        raise InvalidResponseError(
            "The server's answer holds no image that can be used.",
            code="bad_picture",
            request_id=request_id,
            billed="yes",
            next_step=message("What was received lies in {path}.", path=folder),
        )
    return tuple(usable)


@dataclasses.dataclass(frozen=True)
class _Height:
    """What is known of the height of an image."""

    plane: Plane
    exact: bool
    """The provider's own, rather than the model's image of it."""
    relief: float | None = None
    """Share of the shorter edge that 1 stands above 0, where that is known."""

    @property
    def depth(self) -> float | None:
        """The same in pixels."""
        return self.relief * min(self.plane.shape) if self.relief is not None else None


def _find_height(
    image: ImageFile, request: GenerationRequest, application: Application, folder: Path, warnings: list[str]
) -> _Height | None:
    """The height of the first received image, at its size."""
    if image.format not in PIXEL_FORMATS:
        return None

    exact = _read_exact_height(image, request, folder, warnings)
    if exact is not None or not application.height_by_model:
        return exact
    sheet = read_sheet(image, request)
    if sheet is not None:
        judged = judge_height(sheet)
        if isinstance(judged, Registration):
            return _Height(judged.height, exact=False)
        warnings.append(judged)
        return None
    answer = answer_of(folder, HEIGHT_JOB)
    if answer is None:
        if sheet_size(request, load_registry()) is not None:
            warnings.append("The answer is no sheet of image and height, so relief is estimated.")
        return None

    try:
        pixels = eight_bit_color(read_pixels(answer, "of the height"))
    except InvalidRequestError as error:
        warnings.append(message("The model's height is not used: {problem}", problem=error.message))
        return None
    color = eight_bit_color(read_pixels(image.data, image.name))
    found = register_height(color, pixels)
    if not found.accepted:
        warnings.append(
            message(
                "The model's height does not fit the image (edges agree by {score}) and is not used.",
                score=f"{found.score:.2f}",
            )
        )
        return None
    return _Height(found.height, exact=False)


def _read_exact_height(
    image: ImageFile, request: GenerationRequest, folder: Path, warnings: list[str]
) -> _Height | None:
    """The height that the provider knows of an image."""
    exact = folder / f"{HEIGHT_STEM}{number_of(image)}.png"
    if not exact.exists():
        return None
    try:
        is_known = request.provider in PROVIDERS
        relief = load_provider(request.provider).relief if is_known else None
        return _Height(decode_height(read_file(exact)), exact=True, relief=relief)
    except UnusableImageError:
        warnings.append(message("The height {file} can't be read and is not used.", file=exact))
        return None


def _make_maps(
    request: GenerationRequest,
    application: Application,
    folder: Path,
    image: ImageFile,
    height: _Height | None,
) -> MadeMaps | None:
    if image.format not in PIXEL_FORMATS:
        return None

    options = map_options(
        application.map_kinds,
        request.prompt,
        {name: getattr(application, name) for name in STRENGTHS},
        bits=16 if application.displacement == "true" else application.bits,
        pack=application.pack,
        relief=application.relief,
        metres=_measure_width(image, application),
    )
    color = eight_bit_color(read_pixels(image.data, image.name))
    wraps = True if request.seamless or find_provider(request.provider).tiles_by_nature else None
    plane = None
    if height is not None and height.plane.shape == color.shape[:2]:
        plane = height.plane if height.exact else fuse(height.plane, color, bool(wraps))
    return write_maps(
        color,
        folder / MAPS_FOLDER,
        image.name,
        options,
        height=plane,
        exact=height is None or height.exact,
        depth=height.depth if height is not None and plane is not None else None,
        wraps=wraps,
        is_cut_out=application.has_relief,
    )


def _measure_width(image: ImageFile, application: Application) -> float | None:
    """Metres that an image spans, where that is known."""
    if application.texture_size or not application.has_relief:
        return application.texture_size
    return measure_decal(image, application.decal_size)[0]


def _collect_facts(
    job: str, request: GenerationRequest, image: ImageFile, answer: Mapping[str, Any]
) -> Facts:
    facts = {
        "job": job,
        "prompt": request.prompt,
        "provider": find_provider(request.provider).credit,
        "model": request.model,
        "size": format_size(image.width, image.height),
        "quality": request.quality,
        "request_id": clean_text(answer.get("request_id")),
        "cost_usd": clean_usd(answer.get("cost_usd")),
        "created": clean_text(answer.get("created")),
    }
    return {name: value for name, value in facts.items() if value is not None}
