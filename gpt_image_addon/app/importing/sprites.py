"""Images and GIFs as sprites, without a request. What scripts call is offered by `api`."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...core.common.arguments import check_types
from ...core.errors import InvalidRequestError
from ...core.imaging.image_reader import read_image_file
from ...core.jobs.job import Task
from ...core.request.parameters import SEQUENCE, SHEET
from ...core.request.request import Application
from ...core.request.targets import TARGETS
from ...core.request.validation import check_application
from ...core.results.output_files import renamed_warning
from ...core.results.store import ImageFile, PreparedResult
from ...core.text.names import safe_name
from .. import blend_paths, session, settings
from .placing import deliver

if TYPE_CHECKING:
    from ...core.results.output_files import Outputs
    from ...scene.targets.base import Applied

ANIMATED = next(name for name, info in TARGETS.items() if info.is_animated)


@dataclass(frozen=True)
class Sprite:
    """A plane that shows frames one after another."""

    object: str
    material: str
    image: str
    """Name of the image with all frames."""
    frames: int
    """Images on the sheet."""
    durations_ms: tuple[int, ...]
    files: Mapping[str, str]
    """Paths of the ``sheet`` and of its table of frames (``json``), where a folder was named."""
    warnings: tuple[str, ...]


def make_sprite(
    files: Sequence[str | Path],
    *,
    name: str | None = None,
    sprite_fps: float = 8.0,
    sprite_as: str = SHEET,
    align_frames: bool = True,
    output_dir: str | Path | None = None,
    overwrite: bool = False,
) -> Sprite:
    """Put images, or an animated one, onto a plane as frames; needs no network and no key.

    :param files: several images, or one GIF.
    :param name: of the plane; the first file's without it.
    :param sprite_fps: images a second where they have no times of their own.
    :param sprite_as: ``sheet``, or ``sequence`` for a file each in ``output_dir``.
    :param align_frames: lay several images over the first one; a GIF stays as it is.
    :param output_dir: folder that gets the sheet and the table of its frames, for engines.
    :param overwrite: replace files there that are in the way.
    :raises InvalidRequestError: a file can't be read, or there are fewer than two frames.
    :raises SceneError: it can't be put into the scene.
    """
    return _plan(
        files,
        name=name,
        sprite_fps=sprite_fps,
        sprite_as=sprite_as,
        align_frames=align_frames,
        output_dir=output_dir,
        overwrite=overwrite,
    )()()


def submit_sprite(files: Sequence[str | Path], **parameters: Any) -> Task:
    """`make_sprite` in the background; the task's ``applied`` is then a `Sprite`.

    :param parameters: those of `make_sprite`; ``view_matrix`` and ``scene_uid``, see `Application`.
    """
    work = _plan(files, **parameters)
    return session.open_session(settings.load()).scheduler.start_local("Sprite", work)


@check_types
def _plan(
    files: Sequence[str | Path],
    *,
    name: str | None = None,
    sprite_fps: float = 8.0,
    sprite_as: str = SHEET,
    align_frames: bool = True,
    output_dir: str | Path | None = None,
    overwrite: bool = False,
    view_matrix: tuple[float, ...] | None = None,
    scene_uid: int | None = None,
) -> Callable[[], Callable[[], Sprite]]:
    """What is to be read from Blender is read now; the work reads files and returns what fills the scene."""
    from ...scene.targets.receiver import check_receiver

    paths = [blend_paths.resolve(file, "files") for file in files]
    if not paths:
        raise InvalidRequestError("Name the images of the sprite, or one GIF.", param="files")
    application = Application(
        target=ANIMATED,
        name=name or safe_name(paths[0].stem),
        sprite_fps=sprite_fps,
        sprite_as=sprite_as,
        align_frames=align_frames,
        view_matrix=view_matrix,
        scene_uid=scene_uid,
        keeps_clear=view_matrix is not None,
    )
    check_application(application)
    check_receiver(application)
    folder = None if output_dir is None else blend_paths.resolve(output_dir, "output_dir")
    if sprite_as == SEQUENCE and folder is None:
        raise InvalidRequestError(
            "An image sequence needs a folder for its files.",
            param="output_dir",
            next_step="Name output_dir.",
        )
    outputs = session.outputs(overwrite=overwrite)

    def write_frame(path: Path, data: bytes) -> None:
        outputs.write(path, data, _owner(application.name or ""))

    def work() -> Callable[[], Sprite]:
        from ...core.animation.writer import FRAMES_FOLDER, SHEET_KIND, write_sheet

        title, notes = application.name or "", list[str]()
        images = tuple(_read(path) for path in paths)
        with tempfile.TemporaryDirectory(prefix="gpt-image-sprite-") as temporary:
            own = None if folder is None else folder / f"{title} {FRAMES_FOLDER}"
            sheet = write_sheet(images, title, application, Path(temporary), notes, own, write_frame)
            table = Path(sheet.file).with_suffix(".json").read_bytes()
        written = {} if folder is None else _write(folder, sheet, table, outputs, notes)
        prepared = PreparedResult("", images, packed={SHEET_KIND: sheet})
        durations = tuple(int(text) for text in str(sheet.facts["sheet_durations_ms"]).split())

        def collect(applied: Applied) -> Sprite:
            (image,) = applied.map_images
            told = (*notes, *applied.messages)
            made = applied.object or "", applied.material or "", image
            return Sprite(*made, len(durations), durations, written, told)

        return deliver(prepared, application, collect)

    return work


def _owner(name: str) -> str:
    """Who owns the files of a sprite: making it again replaces them."""
    return f"sprite {name}"


def _read(path: Path) -> ImageFile:
    return ImageFile(path.name, read_image_file(path, "files"), str(path), path.suffix.lstrip("."), 0, 0)


def _write(
    folder: Path, sheet: ImageFile, table: bytes, outputs: Outputs, notes: list[str]
) -> dict[str, str]:
    """The sheet and its table under the names that the table has."""
    written = {}
    for kind, ending, data in (("sheet", ".png", sheet.data), ("json", ".json", table)):
        wanted = folder / f"{sheet.name}{ending}"
        found = outputs.copy(wanted, data, _owner(sheet.name))
        notes += renamed_warning(found, wanted)
        written[kind] = str(found)
    return written
