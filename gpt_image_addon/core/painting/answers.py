"""An answer painted into the images of objects, as files of its result. Runs in any thread or process."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..common.files import read_file, replace_file
from ..common.threads import FairLock
from ..errors import EditMismatchError
from ..imaging.pixels import eight_bit_color, read_pixels
from ..imaging.png_writer import encode_png
from ..imaging.thumbnails import mean_color
from ..processes.subprocess_worker import SUBPROCESS
from ..projection.surface import Triangles
from ..projection.views import PaintedImages, paint_answers
from ..results.folders import PROCESSED_FOLDER
from ..results.store import ImageFile, PreparedResult
from ..text.message import message
from .canvas_files import CanvasFile, open_canvas
from .projection import Projection
from .reports import write_report
from .surface_maps import make_surface_maps
from .view_answers import make_options, read_views

PAINTED_STEM = "model-"
FLAT_SUFFIX = "-before.png"
"""How the file ends of what a new image began with, beside the painted one."""
DIGITS = 4


def paint_answer(
    prepared: PreparedResult,
    projection: Projection,
    triangles: Triangles,
    canvases: Sequence[CanvasFile],
    *,
    accept: bool = False,
) -> PreparedResult:
    """The result with the painted images in place of its own, and a report; see `api.ModelTexture`.

    :param accept: use views whose outlines do not match, too.
    :raises EditMismatchError: no view of the answer matches what was sent.
    :raises InvalidRequestError: an image that is painted can't be read.
    :raises StorageError: a painted image can't be written.
    """
    if not FairLock.enabled:
        return _paint(prepared, projection, triangles, canvases, accept)
    light = dataclasses.replace(prepared, images=tuple(map(_drop_bytes, prepared.images)))
    made = SUBPROCESS.call(_paint_files, light, projection, triangles, canvases, accept)
    return made.mapped(_read_bytes)


def _paint_files(*work: Any) -> PreparedResult:
    prepared, *others = work
    read = dataclasses.replace(prepared, images=tuple(map(_read_bytes, prepared.images)))
    return _paint(read, *others).mapped(_drop_bytes)


def _drop_bytes(image: ImageFile) -> ImageFile:
    return dataclasses.replace(image, data=b"")


def _read_bytes(image: ImageFile) -> ImageFile:
    return dataclasses.replace(image, data=read_file(Path(image.file)))


def _paint(
    prepared: PreparedResult,
    projection: Projection,
    triangles: Triangles,
    canvases: Sequence[CanvasFile],
    accept: bool,
) -> PreparedResult:
    answer = prepared.images[0]
    pixels = eight_bit_color(read_pixels(answer.data, answer.name))
    folder = Path(answer.received_file).parent
    views, gone = read_views(projection, folder.parent.parent, (folder, pixels))
    opened = [open_canvas(canvas) for canvas in canvases]
    options = make_options(projection, accept=accept)
    painted = paint_answers(triangles, [one.colors for one in opened], views, options)
    _check_matches(painted)
    images, found = [], []
    for number, (one, colors) in enumerate(zip(opened, painted.images, strict=True), 1):
        data = one.encode(colors)
        file = folder / PROCESSED_FOLDER / f"{PAINTED_STEM}{number}.png"
        replace_file(file, data)
        facts = dict(one.file.facts)
        if one.file.flat is not None:
            flat = file.with_name(f"{file.stem}{FLAT_SUFFIX}")
            replace_file(flat, encode_png(one.file.flat))
            facts["before"] = str(flat)
        found.append(facts)
        images.append(_make_image_file(answer, one.file, data, file))
    maps = (
        _write_maps(prepared, projection, triangles, painted.images, images)
        if projection.surface_maps
        else {}
    )
    left_out = [_tell_left_out(view.name) for view in painted.views if not view.used]
    answers = tuple(image.received_file for image in sorted(prepared.images, key=lambda image: image.number))
    report = {
        **_make_report(prepared.job, projection, painted, found),
        "variation": answers.index(answer.received_file) + 1,
        "variations": len(answers),
    }
    write_report(folder, report, projection, accept=accept)
    return dataclasses.replace(
        prepared,
        images=tuple(images),
        answers=answers,
        maps=maps,
        packed={},
        warnings=(*prepared.warnings, *gone, *left_out),
        report=report,
    )


def name_map(kind: str, number: int) -> str:
    """What a map of an image of a result is called among all of them.

    :param number: of the image, 0 for the first.
    """
    return f"{kind}-{number + 1}" if number else kind


def _write_maps(
    prepared: PreparedResult,
    projection: Projection,
    triangles: Triangles,
    painted: Sequence[NDArray[np.uint8]],
    images: Sequence[ImageFile],
) -> dict[str, ImageFile]:
    """The maps of all images as files beside them, see `name_map`."""
    made = make_surface_maps(triangles, painted, str(prepared.facts.get("prompt", "")))
    files = {}
    for number, (image, one) in enumerate(zip(images, made, strict=True)):
        for kind, pixels in one.maps.items():
            file = Path(image.file)
            file = file.with_name(f"{file.stem}_{kind}.png")
            data = encode_png(pixels)
            replace_file(file, data)
            files[name_map(kind, number)] = ImageFile(
                f"{image.name}_{kind}",
                data,
                str(file),
                "png",
                pixels.shape[1],
                pixels.shape[0],
                facts={"mean": one.roughness} if kind == "roughness" else {},
            )
    return files


def _check_matches(painted: PaintedImages) -> None:
    if any(view.used for view in painted.views):
        return
    best = max(view.placement.score for view in painted.views)
    raise EditMismatchError(
        message(
            "The answer does not show the objects as they were sent: their outlines agree by {score}.",
            score=f"{best:.0%}",
        ),
        billed="yes",
        next_step="The image is kept. Try again, or project it all the same (--again JOB --accept).",
    )


def _tell_left_out(name: str) -> str:
    return message("The view '{view}' does not match its guide and was left out.", view=name)


def _make_image_file(answer: ImageFile, canvas: CanvasFile, data: bytes, file: Path) -> ImageFile:
    facts = {**answer.facts, "is_painted": 1}
    if not canvas.facts["image"] and canvas.flat is None:
        facts["fill"] = " ".join(f"{value:.6g}" for value in canvas.fill)
    width, height = canvas.size
    return ImageFile(
        canvas.label,
        data,
        str(file),
        "png",
        width,
        height,
        source=answer.received_file,
        facts=facts,
        mean_color=mean_color(data),
    )


def _make_report(
    job: str, projection: Projection, painted: PaintedImages, images: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Plain JSON values."""
    found = {view.name: view for view in painted.views}
    views = []
    for view in projection.views:
        one = found.get(view.name)
        views.append(
            {
                **view.describe(),
                "job": view.job or job,
                "coverage": round(one.coverage, DIGITS) if one else 0.0,
                "shift_px": [round(value, 2) for value in one.placement.shift_px] if one else [0.0, 0.0],
                "scale": round(one.placement.scale, DIGITS) if one else 1.0,
                "score": round(one.placement.score, DIGITS) if one else 0.0,
                "used": bool(one and one.used),
            }
        )
    return {
        "views": views,
        "coverage": round(painted.coverage, DIGITS),
        "gap_share": round(painted.gap_share, DIGITS),
        "overlap_share": round(painted.overlap_share, DIGITS),
        "images": list(images),
    }
