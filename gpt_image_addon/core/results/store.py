"""The folder where results are kept, and what is handed from a worker to Blender.

A result folder appears under its final name only when everything in it has reached the disk.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from ..common.files import (
    PART_SUFFIX,
    PRIVATE_FILE,
    make_private_folder,
    move_file,
    read_file,
    sync_folder,
    write_synced,
)
from ..common.paths import find_below, is_job_id
from ..errors import StorageError
from ..text.json_reader import load_json
from ..text.log import get_logger
from ..text.message import join, message
from . import folders
from .folders import ANSWER_FILE as ANSWER_FILE
from .folders import HEIGHT_STEM as HEIGHT_STEM
from .folders import IMAGE_STEM as IMAGE_STEM
from .folders import MAPS_FOLDER as MAPS_FOLDER
from .folders import MASK_FILE as MASK_FILE
from .folders import ORIGINAL_STEM as ORIGINAL_STEM
from .folders import PROCESSED_FOLDER as PROCESSED_FOLDER
from .folders import REPAIRS_FOLDER as REPAIRS_FOLDER
from .folders import RESCUE_PREFIX, THUMBNAIL_STEM

log = get_logger(__name__)

FILES_KEY = "files"
ANSWER_LIMIT = 64 * 1024 * 1024  # bytes; one holds a prompt and some numbers

PIXEL_FORMATS = ("png", "jpeg", "webp", "tiff", "bmp", "tga")
"""Formats whose pixels can be worked with and that Blender can show."""

Facts = Mapping[str, str | int | float]
ENVIRONMENT = "environment"
"""The kind, among the maps of a result, of the light that its panorama stands for: a 32-bit OpenEXR file."""


@dataclass(frozen=True)
class ImageFile:
    """One finished image, in memory and on disk."""

    name: str
    """Readable name for data-blocks, without an extension."""
    data: bytes
    """The encoded file."""
    file: str
    """Absolute path of the same bytes."""
    format: str
    """``png``, ``jpeg``, ``webp``, ``gif`` or ``svg``, as found in the bytes."""
    width: int
    height: int
    has_alpha: bool = False
    """Whether some pixel is not opaque."""
    source: str = ""
    """Absolute path of the bytes as received, where ``data`` was made from them; empty where it is them."""
    facts: Facts = field(default_factory=dict)
    """What is known of this image alone, kept as custom properties."""

    mean_color: tuple[float, float, float] | None = None
    """Linear sRGB; None where nobody needs it."""

    @property
    def has_pixels(self) -> bool:
        """Whether Blender can show it; an svg is handed on as a file."""
        return self.format != "svg"

    @property
    def received_file(self) -> str:
        """Absolute path of the bytes as received, as `images[].file` names it."""
        return self.source or self.file

    @property
    def number(self) -> int:
        """Which image of its answer it is, from 1; 0 for what is none, such as a map."""
        number = Path(self.received_file).stem.removeprefix(IMAGE_STEM)
        return int(number) if number.isascii() and number.isdecimal() else 0

    @property
    def received_format(self) -> str:
        """What the bytes as received are; `format` is that of ``data``."""
        return Path(self.received_file).suffix.lstrip(".")

    @property
    def sha256(self) -> str:
        """Hash of the bytes as received, as `images[].sha256` names it."""
        data = Path(self.source).read_bytes() if self.source else self.data
        return hashlib.sha256(data).hexdigest()


@dataclass(frozen=True)
class PreparedResult:
    """All that a worker made of one answer, ready to be handed to Blender without further work."""

    job: str
    images: tuple[ImageFile, ...]
    """One for each image of the answer; processed where the application asks for it."""
    maps: Mapping[str, ImageFile] = field(default_factory=dict)
    """Material maps of the first image, by kind."""
    facts: Facts = field(default_factory=dict)
    """Prompt, model, size, request id, cost and date, kept as custom properties."""
    warnings: tuple[str, ...] = ()
    packed: Mapping[str, ImageFile] = field(default_factory=dict)
    """Several maps in one image, by the name of the layout that was asked for."""
    metres: float | None = None
    """What its first image usually spans, where that is known and it tiles."""
    follow_up_jobs: tuple[str, ...] = ()
    """Journal rows of the follow-up requests that went into this."""
    exported: tuple[str, ...] = ()
    """Paths of what was written for an engine."""
    report: Mapping[str, Any] = field(default_factory=dict)
    """What was measured of a panorama, or while a model was painted, as plain JSON values."""
    answers: tuple[str, ...] = ()
    """Paths of all images of the answer as received, in their order, where one of them made all `images`."""
    further_maps: tuple[Mapping[str, ImageFile], ...] = ()
    """Material maps of the images after the first, by kind; of as many as have some."""

    @property
    def shown_answer(self) -> int:
        """Which of `answers` the images are made of; 0 for the first."""
        return self.answers.index(self.images[0].received_file)

    @property
    def files(self) -> tuple[ImageFile, ...]:
        """All that may become data-blocks."""
        return (
            *self.images,
            *self.maps.values(),
            *(image for maps in self.further_maps for image in maps.values()),
        )

    def mapped(self, change: Callable[[ImageFile], ImageFile]) -> PreparedResult:
        """The same with every image changed."""
        return replace(
            self,
            images=tuple(map(change, self.images)),
            maps={kind: change(image) for kind, image in self.maps.items()},
            packed={name: change(image) for name, image in self.packed.items()},
            further_maps=tuple(
                {kind: change(image) for kind, image in maps.items()} for maps in self.further_maps
            ),
        )


def measure_decal(image: ImageFile, longer: float) -> tuple[float, float]:
    """Width and height in metres of an image whose longer side is so long."""
    scale = longer / max(image.width, image.height)
    return image.width * scale, image.height * scale


def thumbnail_of(image: Path) -> Path:
    """Where the small copy of an image lies, if there is one."""
    return image.with_name(f"{THUMBNAIL_STEM}{image.stem}.png")


@dataclass(frozen=True)
class Kept:
    """Where an answer lies."""

    folder: Path
    notice: str = ""
    """One sentence where it is not the usual place."""


def keep(root: Path, job: str, when: datetime, files: Mapping[str, bytes], facts: Mapping[str, Any]) -> Kept:
    """Put an answer that was paid for onto the disk, wherever that is possible.

    ``answer.json`` is written first and names the hash of each file, so that what a death leaves of a
    ``.part`` folder can be told apart: see `salvage`. Where the results folder can't be written, the answer
    goes into a new folder in the user's home, or in the system's temporary one. Where no disk takes it, its
    body as it came stays, if it is there.

    :param root: the ``results`` folder.
    :param when: local time; its month names the folder in between.
    :param facts: what ``answer.json`` says besides.
    :raises StorageError: no disk takes it.
    """
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    text = json.dumps({**facts, FILES_KEY: digests}, ensure_ascii=False, indent=1)
    # Half characters become escapes again, as JSON has them.
    everything = {ANSWER_FILE: text.encode("utf-8", "backslashreplace"), **files}
    path = root / when.strftime("%Y-%m") / job
    try:
        _write_whole(path, everything)
        return Kept(path)
    except OSError as error:
        if read_answer(path) is not None:  # another process has brought it
            return Kept(path)
        problem = message(
            "{path} could not be written: {reason}.", path=path.parent, reason=error.strerror or error
        )
    part = path.with_name(path.name + PART_SUFFIX)
    body = _take_body(part)
    for folder in itertools.chain((path,) if body else (), _rescue_folders(job)):
        try:
            _write_whole(folder, everything)
        except OSError:
            continue
        with contextlib.suppress(OSError):
            if body:
                write_synced(folder / folders.BODY_FILE, body, PRIVATE_FILE)
        told = message(
            "{problem} The answer lies in {folder} instead; move it to a safe place.",
            problem=problem,
            folder=folder,
        )
        return Kept(folder, "" if folder == path else told)
    full = StorageError(
        problem, code="disk_full", billed="yes", next_step="Free the disk before sending more."
    )
    full.next_step = join(full.next_step, _put_body_back(part, body))
    raise full


def _rescue_folders(job: str) -> Iterator[Path]:
    """New places for a result, each made when the one before has failed."""
    for base in rescue_roots():
        with contextlib.suppress(OSError):
            yield Path(tempfile.mkdtemp(prefix=f"{RESCUE_PREFIX}{job}-", dir=base)) / job


def _take_body(part: Path) -> bytes | None:
    """The body of the answer, off the disk: where that is full, the images need its room."""
    body = part / folders.BODY_FILE
    try:
        data = read_file(body)
        body.unlink()
    except OSError:
        return None
    return data


def _put_body_back(part: Path, data: bytes | None) -> str:
    """Keep at least the body of an answer; returns the sentence that says where it is."""
    body = part / folders.BODY_FILE
    with contextlib.suppress(OSError):
        if data:
            make_private_folder(part)
            write_synced(body, data, PRIVATE_FILE)
    if not body.is_file():
        return ""
    with contextlib.suppress(OSError):
        body = _finish(part) / body.name
    return message("What was received lies in {path}.", path=body)


def _write_whole(path: Path, files: Mapping[str, bytes]) -> None:
    """Fill ``<name>.part`` and rename it; when that fails, nothing is left but what was in it before."""
    part = path.with_name(path.name + PART_SUFFIX)
    try:
        make_private_folder(part)
        for name, data in files.items():
            write_synced(part / name, data, mode=PRIVATE_FILE)
        _finish(part)
    except OSError:
        for name in files:
            with contextlib.suppress(OSError):
                (part / name).unlink(missing_ok=True)
        for folder in (part, *((part.parent,) if part.parent.name.startswith(RESCUE_PREFIX) else ())):
            with contextlib.suppress(OSError):
                folder.rmdir()
        raise


def _finish(part: Path) -> Path:
    path = part.with_suffix("")
    sync_folder(part)
    move_file(part, path)
    sync_folder(path.parent)
    return path


def rescue_roots() -> Iterator[Path]:
    """Where an answer goes that the results folder can't take: what a restart empties comes last."""
    with contextlib.suppress(RuntimeError):  # nobody knows this user's home
        yield Path.home()
    with contextlib.suppress(OSError):  # there is no temporary folder that can be written
        yield Path(tempfile.gettempdir())


def find_result(root: Path, job: str) -> Path | None:
    """The folder of a job's answer, wherever it was put; what a death left half done is finished first.

    :param root: the ``results`` folder.
    """
    for part in folders.result_folders(root, job, PART_SUFFIX):
        salvage(part)
    for folder in folders.result_folders(root, job):
        if find_below(folder, ANSWER_FILE) is not None:
            return folder
    return _find_rescued(job) if is_job_id(job) else None


def _find_rescued(job: str) -> Path | None:
    for base in rescue_roots():
        for outer in base.glob(f"{RESCUE_PREFIX}{job}-*"):
            folder = folders.locate(base / "results", job, (outer / job).as_posix())
            if folder is not None and find_below(folder, ANSWER_FILE) is not None:
                return folder
    return None


def salvage(part: Path) -> Path | None:
    """Give a ``.part`` folder its final name if a whole image is in it, without the broken ones.

    Only for the folders of processes that are gone. One without any image is removed.
    """
    digests = (read_answer(part) or {}).get(FILES_KEY, {})
    images = False
    try:
        for entry in folders.files_in(part):
            path = Path(entry.path)
            if path.parent != part:
                continue
            digest = digests.get(entry.name) if isinstance(digests, dict) else None
            if digest is not None and hashlib.sha256(read_file(path)).hexdigest() != digest:
                path.unlink()
            else:
                images = images or entry.name.startswith(IMAGE_STEM)
        if not images:
            if (part / folders.BODY_FILE).is_file():
                (part / ANSWER_FILE).unlink(missing_ok=True)  # it names images that are not there
                _finish(part)  # nobody has understood it yet; a person may
            else:
                folders.remove(part)
        elif digests:
            return _finish(part)
    except FileNotFoundError:  # another process salvages it at the same moment
        pass
    except OSError as error:  # it stays for a later look, and keeps nobody else waiting
        log.warning("%s can't be finished: %s", part, error)
    return None


def read_answer(folder: Path) -> dict[str, Any] | None:
    """What ``answer.json`` says; None where there is none that can be read."""
    path = find_below(folder, ANSWER_FILE)
    try:
        found = load_json(read_file(path, ANSWER_LIMIT).decode()) if path is not None else None
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None
