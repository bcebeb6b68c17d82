"""SVG files as curves, without a request. What scripts call is offered by `api`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy

from ...core.common.arguments import check_types
from ...core.errors import InvalidRequestError
from ...core.imaging.image_reader import read_image_file
from ...core.jobs.job import Task
from ...core.request.parameters import DRAWING
from ...core.request.request import Application
from ...core.request.targets import TARGETS
from ...core.request.validation import check_application
from ...core.results.store import ImageFile, PreparedResult
from ...core.text.message import message
from ...core.text.names import safe_name
from .. import blend_paths, session, settings
from .placing import deliver

if TYPE_CHECKING:
    from ...core.vector.drawing import Drawing
    from ...scene.targets.base import Applied

DRAWN = next(name for name, info in TARGETS.items() if info.is_drawing)


@dataclass(frozen=True)
class Curves:
    """Curves that were made of a drawing."""

    file: str
    """Absolute path of the drawing."""
    object: str
    """Name of the empty that they hang on."""
    objects: tuple[str, ...]
    """Names of the empty and of all curves."""
    materials: tuple[str, ...]
    """Names of their materials, one a color."""
    warnings: tuple[str, ...]


def make_curves(
    file: str | Path,
    *,
    name: str | None = None,
    drawing_size: float = 1.0,
    extrude: float = 0.0,
    bevel: float = 0.0,
) -> Curves:
    """Put an SVG file into the scene as filled curves; needs no network and no key.

    :param name: of the objects; the file's without it.
    :param drawing_size: metres of the longer side of all curves.
    :param extrude: metres of their thickness.
    :param bevel: metres by which their edges are rounded, at most half of that.
    :raises InvalidRequestError: the file is no drawing that is let in, or a value is out of range.
    :raises SceneError: the curves can't be put into the scene.
    """
    return _plan(file, name=name, drawing_size=drawing_size, extrude=extrude, bevel=bevel)()()


def submit_curves(file: str | Path, **parameters: Any) -> Task:
    """`make_curves` in the background; the task's ``applied`` is then a `Curves`.

    :param parameters: those of `make_curves`; ``view_matrix`` and ``scene_uid``, see `Application`.
    """
    work = _plan(file, **parameters)
    return session.open_session(settings.load()).scheduler.start_local("Curves", work)


@check_types
def _plan(
    file: str | Path,
    *,
    name: str | None = None,
    drawing_size: float = 1.0,
    extrude: float = 0.0,
    bevel: float = 0.0,
    view_matrix: tuple[float, ...] | None = None,
    scene_uid: int | None = None,
) -> Callable[[], Callable[[], Curves]]:
    """What is to be read from Blender is read now; the work reads files and returns what fills the scene."""
    from ...scene.targets.receiver import check_receiver

    path = blend_paths.resolve(file, "file")
    application = Application(
        target=DRAWN,
        name=name or safe_name(path.stem),
        drawing_size=drawing_size,
        extrude=extrude,
        bevel=bevel,
        view_matrix=view_matrix,
        scene_uid=scene_uid,
        keeps_clear=view_matrix is not None,
    )
    check_application(application)
    check_receiver(application)

    def work() -> Callable[[], Curves]:
        drawing = _read_drawing(path)
        width, height = map(round, drawing.size)
        flat = ImageFile(path.stem, drawing.to_svg(), str(path), DRAWING, width, height)
        return deliver(PreparedResult("", (flat,)), application, _made_of(path, drawing))

    return work


def _made_of(path: Path, drawing: Drawing) -> Callable[[Applied], Curves]:
    """What becomes of what was put into the scene."""

    def collect(applied: Applied) -> Curves:
        names = applied.objects
        objects = [bpy.data.objects[name] for name in names]
        materials = dict.fromkeys(obj.active_material.name for obj in objects if obj.active_material)
        return Curves(str(path), names[0], names, tuple(materials), (*drawing.notes, *applied.messages))

    return collect


def _read_drawing(path: Path) -> Drawing:
    """
    :raises InvalidRequestError: it can't be read, or is no drawing that is let in.
    """
    from ...core.vector.elements import UnusableDrawingError
    from ...core.vector.flatten import read_drawing

    data = read_image_file(path, "file")
    try:
        return read_drawing(data)
    except UnusableDrawingError as error:
        raise InvalidRequestError(
            message("The drawing {path} {problem}.", path=path, problem=error.problem),
            code="bad_drawing",
            param="file",
            next_step="Save it as plain SVG in a drawing program, with text as paths.",
        ) from error
