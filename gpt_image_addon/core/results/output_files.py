"""Files outside the state folder: written whole, synced, and never in place of what is not ours.

A name is free when the file system says so, and it is taken in the same moment: two processes never get the
same one. What stands there already stays, unless it is what we wrote for the same owner and nobody has
changed it since.
"""

from __future__ import annotations

import errno
import hashlib
import itertools
import os
import re
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from ..common.files import move_file, read_file, remove_file, storage_errors, while_held, write_synced
from ..common.paths import is_file_name
from ..errors import InvalidRequestError, StorageError
from ..text.log import get_logger
from ..text.message import message
from .output_folders import check_folder, make_folder, new_part, sync_where_possible

log = get_logger(__name__)

NAME_TAKEN = "file_exists"
"""Code of the error for a file that stays because it is not ours."""
HEAD = 4096  # bytes that say whether a report is one of ours
NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EACCES)
"""What a file system says that has no hard links."""

_JSON_REPORT = re.compile(rb'\s*\{\s*"schema": ?\d+, ?"state": ?"')
_ROW_REPORT = re.compile(rb'\{"row": ".*", "line": \d+, "state": "')

IsOurs = Callable[[Path], bool]


@dataclass(frozen=True)
class Delivery:
    """Files that were written."""

    files: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


class OutputRecords(Protocol):
    """Who wrote which file outside the state folder, remembered for the next run."""

    def find_output(self, path: str) -> tuple[str, str] | None:
        """Owner and SHA-256 of a file as they were noted.

        :raises StorageError: that can't be read.
        """
        ...

    def note_output(self, path: str, owner: str, sha256: str) -> None:
        """Remember a file.

        :raises StorageError: that can't be written.
        """
        ...


@dataclass
class Outputs:
    """Writes files for owners: the id of a job, or what names a row of a manifest.

    What is written for no owner, an empty text, is replaced by nobody.
    """

    records: OutputRecords | None = None
    """Remembers who wrote what; where it can't, only this object does."""
    overwrite: bool = False
    """The user said that whatever stands there may go."""
    _noted: dict[str, tuple[str, str]] = field(default_factory=dict)

    def copy(self, path: Path, data: bytes, owner: str) -> Path:
        """Write a file, under a new name such as ``oak 2.png`` where this one is taken.

        :returns: where it is.
        :raises StorageError: it can't be written.
        """
        with self._written(path, data) as part:
            return self.place(part, path, owner, renames=True)

    def write(self, path: Path, data: bytes, owner: str, is_ours: IsOurs | None = None) -> None:
        """Write a file under exactly this name.

        :param is_ours: whether a file that is not remembered is one of ours all the same.
        :raises InvalidRequestError: something else has this name.
        :raises StorageError: it can't be written.
        """
        with self._written(path, data) as part:
            self.place(part, path, owner, is_ours=is_ours)

    def choose_together(self, path: Path, endings: Sequence[str], owner: str) -> Path:
        """A beginning of names, such as ``oak 2``, with which `write` can write several files.

        :param path: the one that is wanted.
        :param endings: what follows it in each name, with the dot.
        :raises StorageError: the folder can't be read.
        """

        def is_free(file: Path) -> bool:
            return not os.path.lexists(file) or self._may_replace(file, owner, None)

        with storage_errors(message("{path} could not be read", path=path)):
            return next(at for at in _numbered(path) if all(is_free(Path(f"{at}{end}")) for end in endings))

    def place(
        self,
        part: Path,
        path: Path,
        owner: str,
        *,
        renames: bool = False,
        is_ours: IsOurs | None = None,
    ) -> Path:
        """Give a file that is written and synced its name; it is moved.

        :param part: a file in the same folder.
        :param renames: take a new name where this one is taken.
        :returns: where it is.
        :raises InvalidRequestError: something else has this name.
        :raises StorageError: it can't be renamed.
        """
        with storage_errors(message("{path} could not be written", path=path)):
            digest = _digest(part)
            for candidate in _names(path) if renames else (path,):
                if _take_name(part, candidate):
                    self._note(candidate, owner, digest)
                    return candidate
                if _is_same(part, candidate):
                    part.unlink(missing_ok=True)
                    return candidate
                was_cut = renames and _is_beginning(candidate, part)
                if was_cut or self._may_replace(candidate, owner, is_ours):
                    move_file(part, candidate)
                    sync_where_possible(candidate.parent)
                    self._note(candidate, owner, digest)
                    return candidate
        raise name_taken(path)

    def check(self, path: Path, owner: str, *, param: str, is_ours: IsOurs | None = None) -> None:
        """Find out before anything is paid whether `write` can work.

        :raises InvalidRequestError: something else has this name, or nothing can have it.
        :raises StorageError: the folder can't be written.
        """
        if os.name == "nt" and not is_file_name(path.name):
            raise InvalidRequestError(
                message("'{name}' can't be the name of a file.", name=path.name), param=param
            )
        if path.is_dir():
            raise InvalidRequestError(
                message("{path} is a folder.", path=path), code="is_a_folder", param=param
            )
        check_folder(path.parent, path.name)
        with storage_errors(message("{path} could not be read", path=path)):
            if os.path.lexists(path) and not self._may_replace(path, owner, is_ours):
                raise name_taken(path, param)

    def remove(self, path: Path, owner: str, is_ours: IsOurs) -> None:
        """Delete a file, if `write` could replace it.

        :raises StorageError: it can't be deleted.
        """
        with storage_errors(message("{path} could not be written", path=path)):
            if os.path.lexists(path) and self._may_replace(path, owner, is_ours):
                remove_file(path)

    def find(self, path: Path, owner: str, originals: Sequence[Path] = ()) -> Path | None:
        """What `copy` wrote for an owner, under whichever name; None where it is not there, or not whole.

        :param originals: files of which it may be a copy; without, its hash is compared.
        :raises StorageError: a file can't be read.
        """
        with storage_errors(message("{path} could not be read", path=path)):
            for candidate in _names(path):
                if not os.path.lexists(candidate):
                    return None
                known = self._find_known(candidate)
                if known is None:
                    found = any(_is_same(original, candidate) for original in originals)
                elif originals:
                    found = known[0] == _storable(owner) and any(
                        _looks_same(one, candidate) for one in originals
                    )
                else:
                    found = (
                        known[0] == _storable(owner)
                        and _is_file(candidate)
                        and known[1] == _digest(candidate)
                    )
                if found:
                    return candidate
        return None

    @contextmanager
    def _written(self, path: Path, data: bytes) -> Iterator[Path]:
        """The data in a file of another name, which is gone afterwards."""
        part = new_part(path)
        with storage_errors(message("{path} could not be written", path=path)):
            make_folder(path.parent)
        try:
            with storage_errors(message("{path} could not be written", path=path)):
                write_synced(part, data)
            yield part
        finally:
            part.unlink(missing_ok=True)

    def _may_replace(self, path: Path, owner: str, is_ours: IsOurs | None) -> bool:
        if is_special(path):
            return False
        if self.overwrite:
            return True
        if not _is_file(path):
            return False
        known = self._find_known(path)
        if owner and known is not None and known[0] == _storable(owner) and known[1] == _digest(path):
            return True
        return is_ours is not None and is_ours(path)

    def _find_known(self, path: Path) -> tuple[str, str] | None:
        """Owner and hash of a file as they were noted."""
        key = _key(path)
        if key in self._noted or self.records is None:
            return self._noted.get(key)
        with suppress(StorageError):  # what can't be looked up is not ours
            return self.records.find_output(key)
        return None

    def _note(self, path: Path, owner: str, digest: str) -> None:
        key, owner = _key(path), _storable(owner)
        self._noted[key] = (owner, digest)
        if self.records is None:
            return
        try:
            self.records.note_output(key, owner, digest)
        except StorageError as error:
            log.warning("%s will not be known as one of ours: %s", path, error)


def renamed_warning(path: Path, wanted: Path) -> tuple[str, ...]:
    """What to tell where `Outputs.copy` took another name; nothing where it did not."""
    if path == wanted:
        return ()
    return (
        message(
            "{path} was there already and stays as it is; the new file is {name}.",
            path=wanted,
            name=path.name,
        ),
    )


def is_json_report(path: Path) -> bool:
    """Whether a file is empty, or the JSON object of one of our commands."""
    head = _head(path)
    return head == b"" or _JSON_REPORT.match(head) is not None


def is_row_report(path: Path) -> bool:
    """Whether a file is empty, or has lines about the rows of a batch."""
    head = _head(path)
    return head == b"" or _ROW_REPORT.match(head) is not None


def _head(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(HEAD)


def _names(path: Path) -> Iterator[Path]:
    for candidate in _numbered(path.with_name(path.stem)):
        yield candidate.with_name(candidate.name + path.suffix)


def _numbered(path: Path) -> Iterator[Path]:
    yield path
    for number in itertools.count(2):
        yield path.with_name(f"{path.name} {number}")


def _take_name(part: Path, path: Path) -> bool:
    """Rename a file to a name that nothing has; False where something has it."""
    try:
        if os.name == "nt":
            while_held(lambda: part.rename(path))
        else:
            os.link(part, path, follow_symlinks=False)
            part.unlink()
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        if not _take_by_holding(part, path):
            return False
    sync_where_possible(path.parent)
    return True


def _take_by_holding(part: Path, path: Path) -> bool:
    """The same where there are no hard links: a file of a few bytes holds the name for a moment.

    It is not empty, for an empty one would count as cut, see `_is_beginning`.
    """
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    except FileExistsError:
        return False
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(os.fsencode(part.name))
        move_file(part, path)
    except OSError:
        path.unlink(missing_ok=True)
        raise
    return True


def _is_file(path: Path) -> bool:
    """Whether it is a regular file, and no link to one."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False


def is_special(path: Path) -> bool:
    """Whether it is, or leads to, a folder, a pipe or a device: ``/dev/null`` must outlive every report."""
    return path.exists() and not path.is_file()


def _looks_same(path: Path, other: Path) -> bool:
    """As `_is_same`, for copies that are many: by size and both ends, which tell one that was cut."""
    try:
        size = path.stat().st_size
        if not _is_file(other) or other.stat().st_size != size:
            return False
        with path.open("rb") as one, other.open("rb") as two:
            for start in (0, max(size - HEAD, 0)):
                one.seek(start)
                two.seek(start)
                if one.read(HEAD) != two.read(HEAD):
                    return False
    except OSError:
        return False
    return True


def _is_same(path: Path, other: Path) -> bool:
    """Whether two files hold the same bytes."""
    try:
        same_size = _is_file(other) and path.stat().st_size == other.stat().st_size
        return same_size and _digest(path) == _digest(other)
    except OSError:  # one that can't be read, or is gone by now, is another one
        return False


def _is_beginning(path: Path, whole: Path) -> bool:
    """Whether a file is one that was cut: all that is in it is in the whole one, too."""
    try:
        size = path.stat().st_size
        return _is_file(path) and size < whole.stat().st_size and read_file(whole)[:size] == read_file(path)
    except OSError:
        return False


def _digest(path: Path) -> str:
    return hashlib.sha256(read_file(path)).hexdigest()


def _key(path: Path) -> str:
    """A file as it is remembered: the same by whichever way to its folder."""
    return _storable(str(path.parent.resolve() / path.name))


def _storable(text: str) -> str:
    """A text as sqlite takes it: the names of folders may have bytes that are not UTF-8."""
    return text.encode("utf-8", "backslashreplace").decode()


def name_taken(path: Path, param: str | None = None) -> InvalidRequestError:
    """The error for a file that stays because something else has its name."""
    if is_special(path):
        return InvalidRequestError(
            message("{path} is not a regular file, so it stays as it is; name another one.", path=path),
            code=NAME_TAKEN,
            param=param,
        )
    return InvalidRequestError(
        message("{path} exists; add --overwrite to replace it.", path=path), code=NAME_TAKEN, param=param
    )
