"""The body of an answer on the disk, byte for byte, before anything in it is understood."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from ..common.files import PART_SUFFIX, PIECE, make_private_folder, move_file, sync_folder
from ..common.paths import find_below
from ..text.log import get_logger
from .folders import ANSWER_FILE, BODY_FILE, result_folders

log = get_logger(__name__)

HELD_HANDLES = 6  # for a file, a folder, and a connection to the journal with its files


class BodyFile:
    """Takes a body as it comes, in the ``.part`` folder of its job's result.

    A disk that does not take it spoils nothing: the answer goes on without.
    """

    def __init__(self, results: Path, job: str, secret: str = "") -> None:
        """
        :param results: the ``results`` folder.
        :param secret: what no file may hold, such as the key; a server that repeats it gets stars there.
        """
        self._results = results
        self._secret = secret.encode()
        self._job = job
        self._handle: int | None = None
        self._held: list[int] = []
        self._failed = False
        self.restart()

    def hold_handles(self) -> None:
        """Hold some file handles until the answer comes: what is paid for must find some to be stored with.

        :raises OSError: the system has none left.
        """
        while len(self._held) < HELD_HANDLES:
            self._held.append(os.open(os.devnull, os.O_RDONLY))

    def _release_handles(self) -> None:
        while self._held:
            os.close(self._held.pop())

    def restart(self) -> None:
        """Another answer begins, in place of the one before."""
        self.discard()
        self._failed = False
        self.when = datetime.now()
        """When the answer began to come; its month names the folder in between."""

    def reopen(self) -> bool:
        """Take up what a process left that died while it read; `discard`, `keep` or a result ends it.

        :returns: whether there is a body that no result was made of.
        :raises OSError: it can't be opened.
        """
        for folder in result_folders(self._results, self._job):
            body = find_below(folder, BODY_FILE)
            if body is None or find_below(folder, ANSWER_FILE) is not None:
                continue
            came = datetime.fromtimestamp(body.stat().st_mtime)
            month = datetime.strptime(folder.parent.name, "%Y-%m")
            self.when = came if (came.year, came.month) == (month.year, month.month) else month
            move_file(folder, self._part)
            self._handle = os.open(self._part / BODY_FILE, os.O_RDWR | getattr(os, "O_BINARY", 0))
            return True
        return False

    def pieces(self) -> Iterator[bytes]:
        """The body from its start.

        :raises OSError: as `os.read`.
        """
        assert self._handle is not None
        os.lseek(self._handle, 0, os.SEEK_SET)
        while piece := os.read(self._handle, PIECE):
            yield piece

    @property
    def _folder(self) -> Path:
        return self._results / self.when.strftime("%Y-%m") / self._job

    @property
    def _part(self) -> Path:
        return self._folder.with_name(self._folder.name + PART_SUFFIX)

    def write(self, piece: bytes) -> None:
        """Take the next bytes; with the system when this returns, also if this process dies."""
        if self._failed:
            return
        try:
            if self._handle is None:
                self._release_handles()
                make_private_folder(self._part)
                flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0)
                self._handle = os.open(self._part / BODY_FILE, flags, 0o600)
            rest = memoryview(piece)
            while rest:
                rest = rest[os.write(self._handle, rest) :]
        except OSError as error:
            log.warning("The body of an answer can't be kept: %s", error)
            self.discard()
            self._failed = True

    def finish(self) -> bool:
        """Wait for the disk; the file stays in the ``.part`` folder, for the result that goes there.

        :returns: whether there is one.
        """
        self._release_handles()
        if self._handle is None:
            return False
        with contextlib.suppress(OSError):
            if self._secret:
                self._hide_secret(self._handle)
            os.fsync(self._handle)
        self._close()
        return True

    def _hide_secret(self, handle: int) -> None:
        """Write over the secret, in pieces that overlap by its length."""
        os.lseek(handle, 0, os.SEEK_SET)
        start, piece = 0, b""
        while more := os.read(handle, PIECE):
            piece += more
            at = piece.find(self._secret)
            while at >= 0:
                stars = b"*" * len(self._secret)
                os.lseek(handle, start + at, os.SEEK_SET)
                os.write(handle, stars)
                piece = piece.replace(self._secret, stars, 1)
                at = piece.find(self._secret)
            kept = piece[1 - len(self._secret) :] if len(self._secret) > 1 else b""
            start += len(piece) - len(kept)
            piece = kept
            os.lseek(handle, start + len(kept), os.SEEK_SET)

    def keep(self) -> Path | None:
        """Give the folder its final name, with nothing but the body in it.

        :returns: the file; None where nothing came or no disk takes it.
        """
        if not self.finish():
            return None
        try:
            sync_folder(self._part)
            move_file(self._part, self._folder)
            sync_folder(self._folder.parent)
        except OSError as error:
            log.warning("The body of an answer can't be kept: %s", error)
            self._remove()
            return None
        return self._folder / BODY_FILE

    def discard(self) -> None:
        """The body is not needed: all in it is understood, or nothing was worth it."""
        self._release_handles()
        if self._handle is not None:
            self._close()
            self._remove()

    def _close(self) -> None:
        handle, self._handle = self._handle, None
        if handle is not None:
            with contextlib.suppress(OSError):  # some network disks say only now that they are full
                os.close(handle)

    def _remove(self) -> None:
        with contextlib.suppress(OSError):
            (self._part / BODY_FILE).unlink(missing_ok=True)
            self._part.rmdir()
