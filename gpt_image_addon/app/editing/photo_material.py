"""A material from a photo of a surface that is there already: no API, no key, nothing to pay.

What scripts call is offered by `api`.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...core.common.arguments import check_types
from ...core.errors import InvalidRequestError
from ...core.jobs.job import Deliver, Task
from ...core.request.request import Application
from ...core.request.sizes import parse_size
from ...core.request.targets import TARGETS
from ...core.request.validation import check_application
from ...core.results.store import PreparedResult
from ...core.text.message import Message, message
from ...core.text.names import safe_name
from .. import blend_paths, session, settings
from ..apply_queue import push_undo
from ..material_maps import ImageSource, Source, map_options_of, read_source

if TYPE_CHECKING:
    from ...core.editing.homography import Point, Surface
    from ...core.results.output_files import Outputs
    from ...core.results.store import ImageFile
    from ...core.textures.photo_surface import PhotoSurface
    from ...core.textures.writer import MadeMaps, MapOptions

POINTS = Sequence[Sequence[float]]


@dataclass(frozen=True)
class PhotoMaterial:
    """A material that was made from a photo."""

    material: str
    """Name of the data-block."""
    object: str | None
    """Name of the object that got it; of several the first."""
    objects: tuple[str, ...]
    maps: Mapping[str, str]
    """Path by kind, and of packed maps by the name of their layout; empty without a folder for them."""
    corners: tuple[tuple[float, float], ...]
    """In pixels of the photo, clockwise from what became the upper left."""
    aspect: float
    """Width over height of the marked area in the world."""
    width: int
    """Pixels of each map."""
    height: int
    metres: float | None
    """What the width of the maps spans; None where no length is known."""
    material_guess: Mapping[str, Any]
    """What the description was taken for; see `Maps`."""
    scores: Mapping[str, float] | None
    """Of the tile, where one was made; see `TileResult`."""
    warnings: tuple[str, ...]

    @property
    def messages(self) -> tuple[str, ...]:
        """The same, by the name that what became of a result has for them."""
        return self.warnings


def make_material_from_photo(photo: ImageSource, **parameters: Any) -> PhotoMaterial:
    """A material from a photo of a flat surface; needs no network and no key.

    The marked area is seen straight on, its light flattened, cut to a tile, and gets maps.

    :param photo: a path, an image data-block, or the name of one. It must not be cropped, unless `aspect` is
        named.
    :param parameters: ``corners`` are four points x, y of a rectangle on the surface, clockwise from what
        becomes the upper left: in pixels from the photo's upper left, or as shares of its width and height
        where all numbers are from 0 to 1; the whole photo without them. ``aspect`` is the width of that
        rectangle over its height, found from the corners without it. ``length`` is its width in metres, or
        what lies between the two points ``between``. ``size`` is ``WIDTHxHEIGHT`` of the maps in pixels.
        ``seamless`` False shows the whole area instead of a tile. ``output_dir`` gets the maps as files, too;
        ``name`` replaces the photo's own; ``object_name``, ``mapping`` and ``displacement`` are as for
        `submit`, and the others as for `make_maps`.
    :raises InvalidRequestError: the photo, the corners or a parameter can't be used.
    :raises StorageError: a file can't be written.
    """
    _, work = _photo_work(photo, **parameters)
    made = work()()
    assert isinstance(made, PhotoMaterial)
    return made


def submit_material_from_photo(photo: ImageSource, **parameters: Any) -> Task:
    """`make_material_from_photo` in the background; the job's ``applied`` is then a `PhotoMaterial`."""
    title, work = _photo_work(photo, **parameters)
    return session.open_session(settings.load()).scheduler.start_local(title, work)


def photo_material_of(task: Task) -> PhotoMaterial:
    """What a finished job of `submit_material_from_photo` made.

    :raises GptImageError: why there is no material.
    """
    if not isinstance(task.applied, PhotoMaterial):
        raise task.error or InvalidRequestError(
            message("The job is not finished: {state}.", state=Message.of(task.message))
        )
    return task.applied


def describe_corners(corners: POINTS, photo_size: tuple[int, int]) -> tuple[str, bool]:
    """A sentence about four corners, and whether they can be used.

    :param photo_size: width and height in pixels.
    """
    from ...core.editing.homography import SOFT, find_surface

    try:
        surface = find_surface(corners, photo_size)
    except InvalidRequestError as error:
        is_open = error.code == "unknown_aspect"
        return (Message("The aspect will be asked for.") if is_open else error.text), is_open
    aspect = f"{surface.aspect:.2f}"
    if surface.enlargement(surface.natural_size) >= SOFT:
        return message("The aspect is {aspect}; the far side will look soft.", aspect=aspect), True
    return message("The aspect is {aspect}.", aspect=aspect), True


@check_types
def _photo_work(
    photo: ImageSource,
    *,
    corners: POINTS | None = None,
    aspect: float | None = None,
    length: float | None = None,
    between: POINTS | None = None,
    size: str | None = None,
    seamless: bool = True,
    output_dir: str | Path | None = None,
    name: str | None = None,
    object_name: str | None = None,
    object_uid: int | None = None,
    mapping: str = "uv",
    displacement: str = "none",
    maps: Sequence[str] | None = None,
    overwrite: bool = False,
    **parameters: Any,
) -> tuple[str, Callable[[], Deliver]]:
    """What to call it, and the work; everything that is read from Blender is read now."""
    from ...scene.targets.receiver import check_receiver

    _check_points(corners, between, length)
    source = read_source(photo)
    options = map_options_of(maps=_kinds(maps, source), **parameters)
    application = Application(
        target="material",
        object_name=object_name,
        object_uid=object_uid,
        mapping=mapping,
        displacement=displacement,
    )
    check_application(application)
    check_receiver(application, at_once=True)
    title = safe_name(name or Path(source.label).stem)
    work = _PhotoWork(
        source=source,
        title=title,
        corners=corners,
        aspect=aspect,
        length=length,
        between=between,
        size=parse_size(size) if size else None,
        seamless=seamless,
        folder=None if output_dir is None else blend_paths.resolve(output_dir, "output_dir"),
        outputs=session.outputs(overwrite=overwrite),
        options=options,
        application=application,
    )
    work.find_surface()
    return title, work


def _kinds(wanted: Sequence[str] | None, source: Source) -> tuple[str, ...]:
    """The maps to make: those that were named, else what the material needs of such a photo."""
    usual = TARGETS["material"].maps
    if not source.header().has_alpha:
        usual = tuple(kind for kind in usual if kind != "opacity")
    return tuple(dict.fromkeys(("base_color", *(wanted or usual))))


def _check_points(corners: POINTS | None, between: POINTS | None, length: float | None) -> None:
    for name, points, number in (("corners", corners, 4), ("between", between, 2)):
        if points is not None and (len(points) != number or any(len(point) != 2 for point in points)):
            raise InvalidRequestError(
                message("{name} are {number} points of two numbers each.", name=name, number=number),
                code="invalid_value",
                param=name,
            )
    if length is not None and not 0 < length < math.inf:
        raise InvalidRequestError(
            message("length is in metres and above 0, not {length}.", length=length),
            code="invalid_value",
            param="length",
        )
    if between is not None and length is None:
        raise InvalidRequestError(
            "Two points need the length between them.",
            code="invalid_value",
            param="length",
            next_step="Name it in metres.",
        )


@dataclass(frozen=True)
class _PhotoWork:
    """A material that is to be made; everything that is read from Blender is read."""

    source: Source
    title: str
    corners: POINTS | None
    aspect: float | None
    length: float | None
    between: POINTS | None
    size: tuple[int, int] | None
    seamless: bool
    folder: Path | None
    outputs: Outputs
    options: MapOptions
    application: Application

    def find_surface(self) -> Surface:
        """The marked surface.

        :raises InvalidRequestError: photo or corners can't be used.
        """
        from ...core.editing import homography

        header = self.source.header()
        size = (header.width, header.height)
        surface = homography.find_surface(
            self.corners or homography.whole_photo(size),
            size,
            self.aspect or (None if self.corners else size[0] / size[1]),
        )
        self._between(surface)
        return surface

    def _between(self, surface: Surface) -> tuple[Point, Point] | None:
        from ...core.editing.homography import check_inside, in_pixels

        if self.between is None:
            return None
        first, second = in_pixels(self.between, surface.photo_size)
        check_inside((first, second), surface.photo_size, "between")
        return first, second

    def __call__(self) -> Deliver:
        from ...core.imaging.pixels import eight_bit_color
        from ...core.imaging.thumbnails import mean_color
        from ...core.textures import photo_surface, writer

        surface = self.find_surface()
        metres = (
            photo_surface.metres_wide(surface, self.length, self._between(surface)) if self.length else None
        )
        pixels, notes = self.source.decode()
        cut = photo_surface.cut_surface(pixels, surface, self.size, seamless=self.seamless)
        spans = metres * cut.share if metres else None
        renamed: list[str] = []
        made = writer.write_maps(
            eight_bit_color(cut.pixels),
            self.folder or Path(),
            self.title,
            dataclasses.replace(self.options, metres=spans or self.options.metres),
            wraps=True if cut.tile else None,
            write=self._writer(renamed),
        )
        base = made.maps["base_color"]
        base = dataclasses.replace(base, name=self.title, mean_color=mean_color(base.data))
        told = (*notes, *cut.notes, *made.notes, *renamed)
        result = self._result(surface, cut, made, spans, told)
        return lambda: self._apply(result, base, made)

    def _writer(self, renamed: list[str]) -> Callable[[Path, bytes], Path]:
        """Writes a map into the folder, where there is one.

        :param renamed: gets a sentence for each file that has another name.
        """
        from ...core.results.output_files import renamed_warning

        def write(path: Path, data: bytes) -> Path:
            if self.folder is None:
                return path
            found = self.outputs.copy(path, data, self.source.owner)
            renamed.extend(renamed_warning(found, path))
            return found

        return write

    def _result(
        self,
        surface: Surface,
        cut: PhotoSurface,
        made: MadeMaps,
        metres: float | None,
        told: tuple[str, ...],
    ) -> PhotoMaterial:
        from ...core.textures.writer import scores_dict

        files = {kind: file.file for kind, file in {**made.maps, **made.packed}.items()}
        return PhotoMaterial(
            material="",
            object=None,
            objects=(),
            maps=files if self.folder else {},
            corners=surface.corners,
            aspect=round(surface.aspect, 4),
            width=cut.pixels.shape[1],
            height=cut.pixels.shape[0],
            metres=round(metres, 4) if metres else None,
            material_guess=dataclasses.asdict(made.guess),
            scores=scores_dict(cut.tile.scores) if cut.tile else None,
            warnings=told,
        )

    def _apply(self, result: PhotoMaterial, base: ImageFile, made: MadeMaps) -> PhotoMaterial:
        """Make the material; main thread only."""
        from ...scene.targets.receiver import check_receiver
        from ...scene.targets.registry import apply

        application = dataclasses.replace(
            self.application,
            texture_size=result.metres or self.options.metres,
            relief=self.options.relief,
        )
        check_receiver(application, at_once=True)
        maps = {kind: file for kind, file in made.maps.items() if kind != "base_color"}
        applied = apply(PreparedResult("", (base,), maps), application)
        push_undo(self.title)
        return dataclasses.replace(
            result,
            material=applied.material or "",
            object=applied.object,
            objects=applied.objects,
            warnings=(*result.warnings, *applied.messages),
        )
