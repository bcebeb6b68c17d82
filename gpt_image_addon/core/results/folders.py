"""What lies in a result folder, and the only ways to copy or delete it.

Journals and answers may come from elsewhere, so a folder is trusted no further than its place and the names
in it: no link is followed, and only files that we make are copied or deleted.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote_to_bytes

from ..common.files import (
    PART_SUFFIX,
    PIECE,
    PRIVATE_FILE,
    make_private_folder,
    move_file,
    remove_file,
    sync_folder,
)
from ..common.paths import find_below, is_file_name, is_job_id, is_month

ANSWER_FILE = "answer.json"
BODY_FILE = "body.bin"
RESCUE_PREFIX = "gpt-image-"
ADDRESS = "file://"
ORIGINAL_STEM = "original"
MASK_FILE = "mask.png"
REGION_FILE = f"{ORIGINAL_STEM}.mask.png"
"""Where a part of an image may change, at the image's own size: white."""
COPY_STEM = f"{ORIGINAL_STEM}.copy"
"""The whole image that a part was sent of."""
EDIT_KEY = "edit"
"""Of ``answer.json``: which part that is."""
IMAGE_STEM = "image-"
HEIGHT_STEM = "height-"
THUMBNAIL_STEM = "thumbnail-"
PROCESSED_FOLDER = "processed"
MAPS_FOLDER = "maps"
REPAIRS_FOLDER = "repairs"
PATCHES_FOLDER = "patches"

FOLDERS = (PROCESSED_FOLDER, MAPS_FOLDER, REPAIRS_FOLDER, PATCHES_FOLDER)
_OURS = re.compile(
    rf"(?:{re.escape(MASK_FILE)}|{re.escape(BODY_FILE)}"
    rf"|(?:{IMAGE_STEM}|{HEIGHT_STEM}|{THUMBNAIL_STEM}|(?:answer|raw)[.-]).*|{ORIGINAL_STEM}(?:[.].*)?)"
    rf"(?:\.[0-9a-f]{{8}}{re.escape(PART_SUFFIX)})?",
    re.DOTALL,
)


def month_folders(root: Path) -> Iterator[Path]:
    """The folders of the months in ``results``, without links."""
    with contextlib.suppress(OSError):
        for entry in sorted(os.scandir(root), key=lambda entry: entry.name):
            if is_month(entry.name) and entry.is_dir(follow_symlinks=False):
                yield root / entry.name


def present(root: Path) -> set[str]:
    """All folders in those of the months, without links, as rows note them."""
    found: set[str] = set()
    for month in month_folders(root):
        with contextlib.suppress(OSError):
            start = f"{root.name}/{month.name}/"
            found.update(
                start + entry.name for entry in os.scandir(month) if entry.is_dir(follow_symlinks=False)
            )
    return found


def result_folders(root: Path, job: str, suffix: str = "") -> Iterator[Path]:
    """The folders of a job in ``results``, without links.

    :param suffix: ``.part`` for those that are not whole.
    """
    if is_job_id(job):
        for month in month_folders(root):
            folder = find_below(month, job + suffix)
            if folder is not None and folder.is_dir():
                yield folder


def is_ours(path: Path) -> bool:
    """Whether a file or folder is this user's and no link: temporary folders are shared with others."""
    try:
        status = path.lstat()
    except OSError:
        return False
    return not stat.S_ISLNK(status.st_mode) and (not hasattr(os, "getuid") or status.st_uid == os.getuid())


def named(root: Path, job: str, noted: object) -> Path | None:
    """The folder that a row notes as that of its result, where it can be that; the disk is not asked.

    :param root: the ``results`` folder.
    :param noted: as `Journal.relative` writes it; it may have come from elsewhere.
    :returns: None for whatever is neither ``results/<yyyy-mm>/<job>`` nor a rescued answer of the job.
    """
    if not isinstance(noted, str) or not is_job_id(job):
        return None
    parts = noted.split("/")
    if len(parts) == 3 and parts[0] == root.name and is_month(parts[1]) and parts[2] == job:
        return root / parts[1] / job
    is_address = noted.startswith(ADDRESS)
    path = Path(os.fsdecode(unquote_to_bytes(noted.removeprefix(ADDRESS))) if is_address else noted)
    rescued = path.name == job and re.fullmatch(f"{RESCUE_PREFIX}{job}-[a-z0-9_]+", path.parent.name)
    return path if rescued and path.is_absolute() and ".." not in parts else None


def locate(root: Path, job: str, noted: object) -> Path | None:
    """As `named`, where it is a folder of ours that is reached without a link."""
    path = named(root, job, noted)
    if path is None or not path.is_dir():
        return None
    if path.parent.parent == root:
        return find_below(root, f"{path.parent.name}/{job}")
    return path if is_ours(path) and is_ours(path.parent) else None


def files_in(folder: Path) -> Iterator[os.DirEntry[str]]:
    """The files in a result folder and its subfolders that we made; never links, pipes or others' files."""
    with contextlib.suppress(OSError):  # removed meanwhile
        for entry in os.scandir(folder):
            if entry.is_file(follow_symlinks=False) and _OURS.fullmatch(entry.name):
                yield entry
            elif entry.name in FOLDERS and entry.is_dir(follow_symlinks=False):
                for inner in os.scandir(entry.path):
                    if inner.is_file(follow_symlinks=False) and is_file_name(inner.name):
                        yield inner


def measure(folder: Path) -> int:
    """Bytes of the files in a result folder."""
    total = 0
    for entry in files_in(folder):
        with contextlib.suppress(OSError):
            total += entry.stat(follow_symlinks=False).st_size
    return total


def remove(folder: Path) -> None:
    """Delete a result: the files that we made, then the folders where nothing else is left in them.

    :param folder: as `locate` found it.
    """
    answer_first = sorted(files_in(folder), key=lambda entry: entry.name != ANSWER_FILE)
    for entry in answer_first:  # without its answer, what a death leaves is no result any more
        with contextlib.suppress(OSError):
            remove_file(Path(entry.path))
    rescued = folder.parent if folder.parent.name.startswith(RESCUE_PREFIX) else None
    for emptied in (*(folder / name for name in FOLDERS), folder, *((rescued,) if rescued else ())):
        with contextlib.suppress(OSError):
            emptied.rmdir()


def copy(old: Path, new: Path, part: Path) -> int:
    """Copy a result whole or not at all; returns its bytes, 0 where ``new`` was there already.

    :param part: a folder beside ``new`` that nobody else uses.
    :raises OSError: it can't be read or written.
    """
    if new.exists():
        return 0
    try:
        make_private_folder(part)
        taken: set[str] = set()
        total = 0
        for entry in files_in(old):
            inside = Path(entry.path).relative_to(old)
            if str(inside).casefold() not in taken:  # two names on this disk may be one on another
                taken.add(str(inside).casefold())
                make_private_folder((part / inside).parent)
                total += _copy_file(Path(entry.path), part / inside)
        sync_folder(part)
        move_file(part, new)
        sync_folder(new.parent)
        return total
    except OSError:
        if new.is_dir():  # another process brought it meanwhile
            return 0
        raise
    finally:
        remove(part)


def _copy_file(old: Path, new: Path) -> int:
    """Copy a regular file; what became something else since it was listed is refused.

    :raises OSError: it can't be read or written.
    """
    careful = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    total = 0
    with os.fdopen(os.open(old, os.O_RDONLY | careful), "rb") as source:
        if not stat.S_ISREG(os.fstat(source.fileno()).st_mode):
            raise OSError(f"{old} is no regular file")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        with os.fdopen(os.open(new, flags, PRIVATE_FILE), "wb") as target:
            while piece := source.read(PIECE):
                total += target.write(piece)
            target.flush()
            os.fsync(target.fileno())
    return total
