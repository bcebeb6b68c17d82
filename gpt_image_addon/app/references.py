"""Images from the scene as files to send: references, masks and markups. Main thread only."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy

from ..core.common.files import PRIVATE_FILE, make_private_folder, replace_file, storage_errors
from ..core.references.kinds import deciding_reference
from ..core.request.sizes import (
    format_size,
    is_frame,
    is_like,
    is_open,
    parse_size,
    same_aspect,
)
from ..core.text.message import message
from . import settings

if TYPE_CHECKING:
    from ..core.jobs.estimates import Measure
    from ..core.request.normalize import CheckedRequest
    from ..core.request.request import Application, GenerationRequest

FOLDER = "references"
CAPTURE_EDGE = 1536  # pixels of the longer edge of a captured reference
MIN_EDGE = 4  # pixels: Blender renders no less

Size = tuple[int, int]


def camera(size: Size | None = None) -> str:
    """A quick render of the scene from its camera.

    :raises SceneError: there is no camera, or it can't be rendered.
    """
    from ..scene.capture import camera as capture

    width, height = size or render_size()
    return _private(capture.render_camera(_new_file(), width=width, height=height))


def viewport(size: Size | None = None) -> str:
    """The 3D view as it is shown, without overlays.

    :raises SceneError: there is no window or no 3D view.
    """
    from ..scene.capture import camera as capture

    width, height = size or render_size()
    return _private(capture.capture_viewport(bpy.context, _new_file(), width=width, height=height))


def depth(size: Size | None = None) -> str:
    """How far things are from the camera: near is bright.

    :raises SceneError: there is no camera, or it can't be rendered.
    """
    return _guide("depth", size)


def normal(size: Size | None = None) -> str:
    """Which way surfaces face, seen from the camera.

    :raises SceneError: there is no camera, or it can't be rendered.
    """
    return _guide("normal", size)


def lines(size: Size | None = None) -> str:
    """The edges that the camera sees, black on white.

    :raises SceneError: there is no camera, or it can't be rendered.
    """
    return _guide("lines", size)


def clay(size: Size | None = None) -> str:
    """The scene from its camera with everything in grey.

    :raises SceneError: there is no camera, or it can't be rendered.
    """
    from ..scene.capture import camera as capture

    width, height = size or render_size()
    return _private(capture.render_camera(_new_file(), width=width, height=height, shading="clay"))


CAPTURES: dict[str, Callable[[], str]] = {
    "viewport": viewport,
    "camera": camera,
    "depth": depth,
    "normal": normal,
    "lines": lines,
    "clay": clay,
}
"""What can be captured, by name."""
FRAMED = frozenset({"camera", "depth", "normal"})
"""Captures that show the camera's frame."""


def holds_captures(request: GenerationRequest) -> bool:
    """Whether references of a request are still to be captured."""
    return any(path in CAPTURES for path in request.references)


def measure_captures(request: GenerationRequest) -> Measure | None:
    """The sizes of a request's images, those that are still to be captured among them.

    :returns: None where there are files of all.
    """
    if not holds_captures(request):
        return None
    from ..core.jobs.estimates import image_sizes

    known = dict.fromkeys(CAPTURES, render_size())
    return lambda request: image_sizes(request, known)


def camera_frame() -> Size | None:
    """Width and height in pixels of what the scene renders; None where no image is fitted to so many.

    Beside `render_size` this is neither reduced nor in square pixels.
    """
    render = bpy.context.scene.render
    share = render.resolution_percentage
    frame = max(1, render.resolution_x * share // 100), max(1, render.resolution_y * share // 100)
    return frame if is_frame(frame) else None


def add_frame(request: GenerationRequest, application: Application) -> Application:
    """With the camera's frame, where the capture that decides the shape shows it."""
    number = deciding_reference(
        request.reference_kinds, len(request.references), is_masked=request.mask is not None
    )
    if number is None or request.references[number] not in FRAMED or application.camera_frame is not None:
        return application
    return dataclasses.replace(application, camera_frame=camera_frame())


def keep_frame(
    application: Application, request: GenerationRequest, *, asked: str
) -> tuple[Application, tuple[str, ...]]:
    """Without the camera's frame, where the size to be sent has another shape; and what to tell about it.

    :param asked: the size as the user asked for it.
    """
    frame = application.camera_frame
    if frame is None:
        return application, ()
    render = bpy.context.scene.render
    shown = frame[0] * render.pixel_aspect_x, frame[1] * render.pixel_aspect_y
    if not is_open(request.size) and same_aspect(shown, parse_size(request.size)):
        return application, ()
    note = message(
        "The model makes {size}, which is not the shape of the camera's frame {frame}: the result is not "
        "fitted to it.",
        size=request.size,
        frame=format_size(*frame),
    )
    return dataclasses.replace(application, camera_frame=None), (note,) if is_like(asked) else ()


def capture_references(checked: CheckedRequest) -> CheckedRequest:
    """With the files of what is captured now.

    :raises SceneError: something can't be captured.
    """
    if not holds_captures(checked.wanted):
        return checked
    paths = checked.wanted.references
    return checked.with_references([CAPTURES[path]() if path in CAPTURES else path for path in paths])


def image(found: bpy.types.Image, tile: int = 0) -> str:
    """An image data-block as it is now, with what was painted on it; `notice` says what is left out.

    :param tile: number of a UDIM tile; without it the one that is chosen in the Image Editor.
    :raises SceneError: it has no pixels, or no such tile.
    """
    from ..scene.image_bytes import export_file
    from ..scene.udim import export_tile

    tile = tile or active_tile(found)
    if tile:
        return _private(export_tile(found, tile, _new_file()))
    return _private(export_file(found, _new_file()))


def is_result(found: bpy.types.Image) -> bool:
    """Whether an image data-block was made by a job. Quick enough for drawing."""
    from ..scene.images import PROPERTY_PREFIX

    return f"{PROPERTY_PREFIX}job" in found


def write_thumbnail(path: str) -> None:
    """Make a small square copy beside what was captured: a wide image would be a thin strip as an icon."""
    from ..core.imaging import thumbnails

    thumbnails.write_thumbnail(Path(path), square=True)


def notice(found: bpy.types.Image) -> str | None:
    """A sentence where only a part of an image data-block can be used: one UDIM tile, one frame."""
    from ..scene.images import notice_of

    return notice_of(found, active_tile(found))


def active_tile(found: bpy.types.Image) -> int:
    """The number of the UDIM tile that is chosen in the Image Editor; 0 where an image has no tiles.

    Quick enough for drawing.
    """
    from ..scene.udim import active_tile

    return active_tile(found)


def faces_tile() -> int:
    """The number of the UDIM tile on which the selected faces lie.

    :raises SceneError: no mesh, no UV map, nothing selected, or faces on several tiles.
    """
    from ..scene.capture.selection import selected_faces, tile_of

    return tile_of(bpy.context.active_object, selected_faces(bpy.context.active_object))


def faces_mask(size: Size, tile: int = 0) -> str:
    """A mask that is white where the selected faces lie in the UV map.

    Faces beyond the texture's edge lie where it repeats.

    :param tile: number of the UDIM tile that is masked, see `faces_tile`.
    :raises SceneError: no mesh, no UV map, nothing selected, or faces on another tile of a UDIM image.
    """
    from ..core.raster.drawing import fill_polygons, wrap_polygons
    from ..scene.capture.selection import check_tiles, on_tile, selected_faces

    faces = selected_faces(bpy.context.active_object)
    if tile:
        return write(fill_polygons(on_tile(faces, tile), *size))
    check_tiles(bpy.context.active_object, faces)
    return write(fill_polygons(wrap_polygons(faces), *size))


def rectangle_mask(rectangle: tuple[float, float, float, float], size: Size) -> str:
    """A mask that is white inside a rectangle.

    :param rectangle: left, bottom, right and top, 0 to 1 from the lower left corner.
    """
    from ..core.raster.drawing import corners_of, fill_polygons

    return write(fill_polygons([corners_of(rectangle)], *size))


def in_rectangle(rectangle: tuple[float, float, float, float], size: Size) -> Any:
    """As `rectangle_mask`, as an array; in any thread.

    :returns: (height, width) bool.
    """
    from ..core.raster.drawing import corners_of, cover_polygons

    return cover_polygons([corners_of(rectangle)], *size) > 0


def in_mask_file(path: str, size: Size) -> Any:
    """Where the file of a mask lets an image change; in any thread.

    :param size: width and height of the image.
    :returns: (height, width) bool.
    :raises InvalidRequestError: it can't be read, or nothing or everything may change.
    """
    from ..core.editing.region_edit import read_mask_of

    return read_mask_of(Path(path), size)


def markup(size: Size) -> str:
    """Annotations and Grease Pencil strokes over the 3D view, on a transparent ground.

    :raises SceneError: there is no 3D view, or nothing is drawn.
    """
    from ..core.raster.drawing import draw_strokes
    from ..scene.capture.camera import view_area
    from ..scene.capture.selection import view_strokes

    strokes = view_strokes(bpy.context, view_area(bpy.context), size[0] / size[1])
    return write(draw_strokes(strokes, *size))


def marked_thumbnail(
    source: bpy.types.Image | str, places: Sequence[tuple[float, float]]
) -> Callable[[], Any]:
    """Work for a thread: a small copy of an image with numbered circles, see `core.imaging.thumbnails`.

    :param source: an image data-block, or the path of a file.
    """
    from ..core.imaging.thumbnails import marked_thumbnail
    from ..scene.images import preview_pixels

    small = None if isinstance(source, str) else preview_pixels(source)
    path = Path(source) if isinstance(source, str) else Path()
    return functools.partial(marked_thumbnail, path, places, small)


def size_of(path: str) -> Size:
    """Width and height of an image file of any size.

    :raises InvalidRequestError: it is missing, or no image.
    """
    from ..core.pasting.image_source import measure_source

    return measure_source(Path(path), path)


def shown_size(found: bpy.types.Image) -> Size:
    """Width and height of what `image` gives of a data-block. Quick enough for drawing."""
    from ..scene.udim import tile_size

    tile = active_tile(found)
    width, height = tile_size(found, tile) if tile else found.size
    return width, height


def render_size() -> Size:
    """The aspect of the scene's render, in as many pixels as a model looks at."""
    render = bpy.context.scene.render
    width = render.resolution_x * render.pixel_aspect_x
    height = render.resolution_y * render.pixel_aspect_y
    scale = CAPTURE_EDGE / max(width, height)
    return max(MIN_EDGE, round(width * scale)), max(MIN_EDGE, round(height * scale))


def _guide(kind: Any, size: Size | None) -> str:
    from ..scene.capture.control_images import render_guide

    width, height = size or render_size()
    return _private(render_guide(_new_file(), kind, width=width, height=height))


def write(pixels: Any) -> str:
    """Pixels as a PNG file that this user alone can read.

    :param pixels: (height, width, 1 to 4) uint8.
    :raises StorageError: it can't be written.
    """
    from ..core.imaging.formats import encode_png

    return write_encoded(encode_png(pixels))


def write_encoded(data: bytes) -> str:
    """An encoded image as a file that this user alone can read.

    :raises StorageError: it can't be written.
    """
    path = _new_file()
    replace_file(path, data, PRIVATE_FILE)
    return str(path)


def _new_file() -> Path:
    """A name in a folder that this user alone can read, also where no journal was opened yet.

    :raises StorageError: the folder can't be made.
    """
    folder = settings.load(with_key=False).state_folder / FOLDER
    with storage_errors(message("{path} could not be written", path=folder)):
        make_private_folder(folder)
    return folder / f"{uuid.uuid4().hex}.png"


def _private(path: Path) -> str:
    """The path of a file that Blender wrote, which this user alone can read now."""
    with contextlib.suppress(OSError):  # some file systems know no modes
        path.chmod(PRIVATE_FILE)
    return str(path)
