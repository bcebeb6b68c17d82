"""The folder where results are kept, and what is handed from a worker to Blender.

A result folder appears under its final name only when everything in it has reached the disk.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from .errors import StorageError

ANSWER_FILE = "answer.json"
PART_SUFFIX = ".part"
ORIGINAL_STEM = "original"
MASK_FILE = "mask.png"
PICTURE_STEM = "image-"
HEIGHT_STEM = "height-"
PROCESSED_FOLDER = "processed"
MAPS_FOLDER = "maps"

Facts = Mapping[str, str | int | float]


@dataclass(frozen=True)
class Picture:
    """One finished picture, in memory and on disk."""

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
    """What is known of this picture alone, kept as custom properties."""

    @property
    def received_file(self) -> str:
        """Absolute path of the bytes as received, as `images[].file` names it."""
        return self.source or self.file

    @property
    def sha256(self) -> str:
        """Hash of the bytes as received, as `images[].sha256` names it."""
        data = Path(self.source).read_bytes() if self.source else self.data
        return hashlib.sha256(data).hexdigest()


@dataclass(frozen=True)
class Prepared:
    """All that a worker made of one answer, ready to be handed to Blender without further work."""

    job: str
    pictures: tuple[Picture, ...]
    """One for each picture of the answer; processed where the application asks for it."""
    maps: Mapping[str, Picture] = field(default_factory=dict)
    """Material maps of the first picture, by kind."""
    facts: Facts = field(default_factory=dict)
    """Prompt, model, size, request id, cost and date, kept as custom properties."""
    warnings: tuple[str, ...] = ()
    packed: Mapping[str, Picture] = field(default_factory=dict)
    """Several maps in one picture, by the name of the layout that was asked for."""
    further_jobs: tuple[str, ...] = ()
    """Journal rows of the further requests that went into this."""


class ResultFolder:
    """The folder of one job: filled as ``<job>.part``, then renamed as a whole."""

    def __init__(self, root: Path, job: str, when: datetime) -> None:
        """
        :param root: the ``results`` folder.
        :param when: local time; its month names the folder in between.
        """
        self.path = root / when.strftime("%Y-%m") / job
        self.part = self.path.with_name(job + PART_SUFFIX)

    def __enter__(self) -> ResultFolder:
        with storage_errors(f"The folder {self.part.parent} can't be written"):
            self.part.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            shutil.rmtree(self.part, ignore_errors=True)

    def write(self, name: str, data: bytes) -> Path:
        """Write one file to the disk and return the path it will have after `commit`.

        :raises StorageError: the disk is full or the folder can't be written.
        """
        with storage_errors(f"{name} could not be written to {self.part.parent}"):
            write_synced(self.part / name, data)
        return self.path / name

    def commit(self, answer: Mapping[str, Any]) -> None:
        """Write ``answer.json`` and give the folder its final name.

        :raises StorageError: as `write`.
        """
        self.write(ANSWER_FILE, json.dumps(answer, ensure_ascii=False, indent=1).encode())
        with storage_errors(f"{self.part.name} could not be renamed"):
            _sync_folder(self.part)
            self.part.replace(self.path)
            _sync_folder(self.path.parent)


class storage_errors:
    """Turn an OSError inside the block into a StorageError with one sentence."""

    def __init__(self, message: str) -> None:
        self.message = message

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if isinstance(error, OSError):
            raise StorageError(f"{self.message}: {error.strerror or error}.") from error


def write_synced(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Write a file and wait until it has reached the disk.

    :param mode: permissions, from the first moment on.
    :raises OSError: as `open` and `write`.
    """
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0), mode)
    with os.fdopen(handle, "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


def replace_file(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Write a file so that it is either the old or the new one, never half of it.

    :param mode: permissions, from the first moment on.
    :raises StorageError: the disk is full or the folder can't be written.
    """
    part = path.with_name(path.name + PART_SUFFIX)
    with storage_errors(f"{path} could not be written"):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            write_synced(part, data, mode)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)


def _sync_folder(path: Path) -> None:
    if os.name == "nt":
        return  # Windows opens no folders; a rename is durable with the volume's own journal.
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
