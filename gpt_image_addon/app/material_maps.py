"""Material maps from images that are there already: no API, no key, nothing to pay.

What scripts call is offered by `api`.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import bpy

from ..core.common.arguments import check_types, unknown_name
from ..core.common.files import read_file
from ..core.errors import GptImageError, InvalidRequestError, SceneError
from ..core.imaging.image_reader import read_image_file
from ..core.jobs.job import Deliver, Task
from ..core.request.map_kinds import is_data_name
from ..core.request.parameters import STRENGTHS
from ..core.request.request import NO_FILES, Application
from ..core.request.validation import check_application, check_choices
from ..core.text.message import Message, message
from ..core.text.names import safe_name
from . import blend_paths, scheduler, session, settings
from .apply_queue import push_undo

if TYPE_CHECKING:
    from ..core.imaging.decoding import Header, Pixels
    from ..core.textures.writer import MapOptions

ImageSource: TypeAlias = str | Path | bpy.types.Image
"""A path, an image data-block, or the name of one."""
EXPORT_FOLDER = "gpt-image-exports"
REMAKING = "remake maps"
"""Among the durations."""
REMADE_PARAMETERS = ("relief", "texture_size")
"""Of `submit_remake` besides the strengths."""
MAP_PARAMETERS = (
    *("seamless", "maps", "description", "convention", "bits", "pack", "name"),
    *REMADE_PARAMETERS,
)
"""Parameters of maps besides the strengths."""


@dataclass(frozen=True)
class Maps:
    """Material maps that were written."""

    maps: Mapping[str, str]
    """Path by kind, and of packed maps by the name of their layout."""
    material_guess: Mapping[str, Any]
    """What the description was taken for: ``name``, ``label``, ``roughness``, ``metallic``, ``known`` ..."""
    warnings: tuple[str, ...]
    scores: Mapping[str, float] | None = None
    """Of the tile, where one was made; see `tiles.TileResult`."""
    unchanged: bool | None = None
    """Whether the image tiled already, where a tile was asked for."""


def make_maps(picture: ImageSource, output_dir: str | Path, **parameters: Any) -> Maps:
    """Material maps from an image, written as ``<name>_<kind>.png``; needs no network and no key.

    :param picture: a path, an image data-block, or the name of one.
    :param output_dir: folder for the files; made where it is missing.
    :param parameters: ``seamless`` makes a tile first. ``maps`` is a list of kinds (all without it);
        ``description`` names the material; ``relief`` is its depth in millimetres at ``texture_size``, the
        metres that the image spans, both as usual of the material without; ``normal_strength``,
        ``height_strength``, ``ao_strength`` and ``roughness_contrast`` are factors; ``convention`` is
        ``OPENGL`` or ``DIRECTX``; ``bits`` is 8 or 16 for height and normal; ``pack`` is a packing layout;
        ``name`` replaces the image's own; ``overwrite`` replaces files that are in the way, which otherwise
        stay while ours get other names.
    :raises InvalidRequestError: the image or a parameter can't be used.
    :raises StorageError: a file can't be written.
    """
    return _maps_work(picture, output_dir, **parameters)()


def submit_maps(picture: ImageSource, output_dir: str | Path, **parameters: Any) -> Task:
    """`make_maps` in the background; the job's ``applied`` is then a `Maps`."""
    return submit_work("Maps", _maps_work(picture, output_dir, **parameters))


def submit_work(title: str, work: Callable[[], object]) -> Task:
    """Work that sends nothing and needs no Blender, in a thread; what it returns is the task's ``applied``.

    :param title: what to call it in the list of jobs.
    """

    def run() -> Deliver:
        made = work()
        return lambda: made

    return session.open_session(settings.load()).scheduler.start_local(title, run)


@check_types
def _maps_work(
    picture: ImageSource,
    output_dir: str | Path,
    *,
    seamless: bool = False,
    name: str | None = None,
    overwrite: bool = False,
    **parameters: Any,
) -> Callable[[], Maps]:
    """Everything that is read from Blender is read now; the rest happens when the work is called."""
    from ..core.results.output_files import renamed_warning
    from ..core.textures import writer

    source = read_source(picture)
    options = map_options_of(**parameters)
    stem = safe_name(name or Path(source.label).stem)
    folder = blend_paths.resolve(output_dir, "output_dir")
    outputs = session.outputs(overwrite=overwrite)
    renamed: list[str] = []

    def write(path: Path, encoded: bytes) -> Path:
        found = outputs.copy(path, encoded, source.owner)
        renamed.extend(renamed_warning(found, path))
        return found

    def work() -> Maps:
        pixels, notes = source.decode()
        made, tile = writer.maps_of_pixels(pixels, folder, stem, options, seamless=seamless, write=write)
        files = {kind: picture.file for kind, picture in {**made.maps, **made.packed}.items()}
        return Maps(
            files,
            dataclasses.asdict(made.guess),
            (*notes, *(tile.notes if tile else ()), *made.notes, *renamed),
            writer.scores_dict(tile.scores) if tile else None,
            tile.unchanged if tile else None,
        )

    return work


@check_types
def map_options_of(
    *,
    maps: Sequence[str] | None = None,
    description: str = "",
    convention: str = "OPENGL",
    bits: int = 8,
    pack: str | None = None,
    relief: float | None = None,
    texture_size: float | None = None,
    **strengths: float,
) -> MapOptions:
    """How maps are made, from the parameters of `make_maps`.

    :raises InvalidRequestError: a parameter that there is not, or a value that can't be.
    """
    from ..core.textures.writer import map_options

    _check_names(strengths, MAP_PARAMETERS)
    check_application(Application(maps=tuple(maps or ()), relief=relief, texture_size=texture_size))
    check_choices({"convention": convention, "bits": bits, "pack": pack, **strengths})
    return map_options(
        tuple(maps or ()), description, strengths, convention, bits, pack, relief, texture_size
    )


def _check_names(strengths: Mapping[str, float], others: Sequence[str] = ()) -> None:
    for name in strengths:
        if name not in STRENGTHS:
            raise unknown_name(name, (*STRENGTHS, *others))


@dataclass(frozen=True)
class Source:
    """An image that maps or a tile are made of; everything that is read from Blender is read."""

    label: str
    """What to call it: a path, or the name of a data-block."""
    data: bytes
    """Encoded."""
    as_data: bool = False
    """Numbers rather than colours."""
    notes: tuple[str, ...] = ()
    """What the user should know."""

    @property
    def owner(self) -> str:
        """What names it where files are made from it: its path, or of a data-block what it shows."""
        return self.label if Path(self.label).is_file() else hashlib.sha256(self.data).hexdigest()

    def header(self) -> Header:
        """What the image says about its pixels, which are not decoded.

        :raises InvalidRequestError: it is no image, or not one that can be worked on.
        """
        from ..core.imaging.pixels import read_usable_header

        return read_usable_header(self.data, self.label)

    def decode(self) -> tuple[Pixels, tuple[str, ...]]:
        """The pixels, and what the user should know.

        :raises InvalidRequestError: it is no image, or not one that can be worked on.
        """
        from ..core.imaging.pixels import read_image

        found = read_image(self.data, self.label, as_data=self.as_data)
        return found.pixels, (*self.notes, *found.header.notes(Path(self.label).name))


def read_source(picture: ImageSource) -> Source:
    """The bytes of an image.

    :raises InvalidRequestError: it can't be read.
    """
    if isinstance(picture, bpy.types.Image):
        return _source_of(picture)
    path = blend_paths.resolve(picture, "picture")
    if not path.exists() and str(picture) in bpy.data.images:
        return _source_of(bpy.data.images[str(picture)])
    return Source(str(path), read_image_file(path, "picture"), is_data_name(path.stem))


def names_image(picture: str) -> bool:
    """Whether a text is the name of an image data-block, and of no file."""
    return picture in bpy.data.images and not blend_paths.resolve(picture, "picture").exists()


def _source_of(image: bpy.types.Image) -> Source:
    """A data-block as Blender shows it: by its file where Blender shows just that, else by its pixels."""
    from ..core.imaging.decoding import UnusableImageError, read_header
    from ..scene.images import encode_image, export_image, is_linear, is_viewed, notice_of

    notice = notice_of(image)
    notes = (notice,) if notice else ()
    data = _file_of(image)
    if data is not None and not (is_linear(image) and image.colorspace_settings.name != "sRGB"):
        with contextlib.suppress(UnusableImageError):  # Blender reads more formats
            if read_header(data).is_plain:
                return Source(image.name, data, image.colorspace_settings.is_data, notes)
    path = Path(bpy.app.tempdir) / EXPORT_FOLDER / "image.png"
    try:
        if is_viewed(image):
            return Source(image.name, read_file(export_image(image, path)), notes=notes)
        return Source(image.name, encode_image(image), notes=notes)
    except SceneError as error:
        raise InvalidRequestError(
            error.message, code="bad_picture", param="picture", next_step=error.next_step
        ) from error
    finally:
        path.unlink(missing_ok=True)


def _file_of(image: bpy.types.Image) -> bytes | None:
    """The encoded file behind an image data-block; None where it shows something else."""
    if image.is_dirty or image.source != "FILE":
        return None
    if image.packed_file:
        return bytes(image.packed_file.data)
    path = Path(bpy.path.abspath(image.filepath_from_user(), library=image.library))
    return read_image_file(path, "picture") if path.is_file() else None


def submit_remake(material: str, **strengths: float) -> Task:
    """Make the maps of a material anew with other strengths; nothing is requested or paid.

    :param material: name of a material that a result was made into.
    :param strengths: ``relief`` in millimetres, ``texture_size`` in metres, ``normal_strength``,
        ``height_strength``, ``ao_strength``, ``roughness_contrast``; those that are left out stay as they
        are.
    :raises InvalidRequestError: there is no such material, or a strength is out of range.
    :raises SceneError: its result is no longer on this machine.
    """
    _check_names(
        {name: strengths[name] for name in strengths if name not in REMADE_PARAMETERS}, REMADE_PARAMETERS
    )
    title, work = _remaking(material, strengths)
    found = session.open_session(settings.load())
    work = found.durations.measure(REMAKING, work)
    return found.scheduler.start_local(title, work, found.durations.estimate_local(REMAKING))


def show_variation(
    material: str, number: int, done: Callable[[Deliver | None, GptImageError | None], None]
) -> None:
    """Make the maps of another image of the same result, in a thread.

    :param number: 0 for the first image.
    :param done: gets on the main thread what puts them into the material, or why there are none.
    :raises InvalidRequestError: there is no such material.
    :raises SceneError: its result is no longer on this machine.
    """
    _, work = _remaking(material, {"picture": number})
    scheduler.errand(work, done)


def _remaking(material: str, wanted: Mapping[str, Any]) -> tuple[str, Callable[[], Deliver]]:
    """What the result of a material was asked for, and the work that makes its maps anew.

    :param wanted: parameters of `Application` that change.
    """
    from ..core.jobs.postprocess import prepare
    from ..scene.targets import material as materials
    from ..scene.transaction import Transaction

    found = settings.load()
    block = bpy.data.materials.get(material)
    if block is None:
        raise InvalidRequestError(
            message("There is no material '{material}'.", material=material), param="material"
        )
    if block.library or block.override_library:
        raise InvalidRequestError(
            message("'{material}' is linked and can't be changed.", material=material), param="material"
        )
    entry = session.journal(found).entry(str(block.get(materials.JOB, "")))
    if entry is None or entry.folder is None or not entry.folder.is_dir():
        raise SceneError(
            message("The images that '{material}' was made from are not on this machine.", material=material)
        )
    changed: dict[str, Any] = {**NO_FILES, "scene_uid": None, "at": (), "normal": ()}
    changed |= {**materials.made_with(block), **wanted}
    application = dataclasses.replace(entry.application, **changed)
    check_application(application)
    folder, uid = entry.folder, block.session_uid

    def work() -> Deliver:
        prepared = prepare(entry.id, entry.request, application, folder)

        def put_into_material() -> materials.Remade:
            with Transaction() as changes:
                remade = materials.remake(uid, prepared, application, changes)
            push_undo(prepared.images[0].name)
            return remade

        return put_into_material

    return entry.request.prompt, work


def plan_remake(material: str, wanted: Mapping[str, Any]) -> Callable[[], Deliver]:
    """Work that makes the maps of a material anew; what it returns puts them there, as one undo step.

    :param wanted: parameters of `Application` that change.
    :raises InvalidRequestError: there is no such material, or a value is out of range.
    :raises SceneError: its result is no longer on this machine.
    """
    return _remaking(material, wanted)[1]


def can_remake(material: str) -> bool:
    """Whether a material shows maps of a result, whose images may be gone; quick enough for drawing."""
    from ..scene.targets import material as materials

    block = bpy.data.materials.get(material)
    return block is not None and materials.JOB in block and not (block.library or block.override_library)


def remake_material(material: str, **strengths: float) -> tuple[str, ...]:
    """`submit_remake`, and wait for it.

    :returns: names of the images that are new in the material.
    :raises GptImageError: as `submit_remake`, or the maps can't be made.
    """
    from ..scene.targets.material import Remade

    task = submit_remake(material, **strengths)
    task.wait()
    if not isinstance(task.applied, Remade):
        raise task.error or InvalidRequestError(
            message("The job is not finished: {state}.", state=Message.of(task.message))
        )
    return task.applied.map_images
