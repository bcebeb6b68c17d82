"""Where the windows are that let agents in: a file each in the state folder, for this user alone."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from ...core.common.files import PRIVATE_FILE, read_file, replace_file, storage_errors
from ...core.common.process_lock import ProcessLock, is_alive
from ...core.errors import ConfigurationError
from ...core.text.json_reader import parse_json
from ...core.text.message import message

FOLDER = "agents"
SUFFIX = ".json"
LONGEST_FILE = 10_000  # bytes
UNSAVED = "unsaved"
"""Stands for the name of a file that was never saved."""


@dataclass(frozen=True)
class Address:
    """How one gets into a window."""

    process: int
    port: int
    token: str
    blend: str
    """Name of the open file."""

    @property
    def label(self) -> str:
        """What the user calls it."""
        return f"{self.blend} ({self.process})"

    def is_meant_by(self, name: str) -> bool:
        """Whether a file's name, with or without its ending, or the number of a process names it."""
        return name in (self.blend, Path(self.blend).stem, str(self.process), self.label)


class Notice:
    """The file of this window; it is gone with the process, or by `remove`."""

    def __init__(self, state_folder: Path) -> None:
        """
        :raises StorageError: it can't be written.
        """
        folder = state_folder / FOLDER
        with storage_errors(message("{path} could not be written", path=folder)):
            self._lock = ProcessLock(folder)
        self._path = folder / (self._lock.name + SUFFIX)

    def write(self, address: Address) -> None:
        """
        :raises StorageError: it can't be written.
        """
        replace_file(self._path, json.dumps(asdict(address)).encode(), mode=PRIVATE_FILE)

    def remove(self) -> None:
        """Nobody comes in any more."""
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)
        self._lock.release()


def find_window(state_folder: Path, name: str = "") -> Address:
    """The window that is meant.

    :param name: see `Address.is_meant_by`; empty for the only one.
    :raises ConfigurationError: there is none, or there are several.
    """
    found = list(_find_windows(state_folder))
    meant = [address for address in found if not name or address.is_meant_by(name)]
    if len(meant) == 1:
        return meant[0]
    windows = ", ".join(sorted(address.label for address in found))
    if not found:
        raise ConfigurationError(
            "No window lets agents in.",
            code="no_window",
            next_step="In Blender, open the sidebar of the 3D View (N), GPT Image › Agents, and click "
            "Let Agents In.",
        )
    problem = (
        message("No window that lets agents in is called '{name}'.", name=name)
        if not meant
        else message("{count} windows let agents in.", count=len(meant))
    )
    raise ConfigurationError(
        problem,
        code="which_window",
        next_step=message("Name one of them: {windows}.", windows=windows),
    )


def _find_windows(state_folder: Path) -> Iterator[Address]:
    folder = state_folder / FOLDER
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        if not is_alive(folder, path.stem):
            with contextlib.suppress(OSError):  # who wrote it has died
                path.unlink(missing_ok=True)
        elif (address := _read(path)) is not None:
            yield address


def _read(path: Path) -> Address | None:
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        told = parse_json(read_file(path, LONGEST_FILE).decode("utf-8"))
        process, port = told["process"], told["port"]
        token, blend = told["token"], told["blend"]
        if (
            isinstance(process, int)
            and isinstance(port, int)
            and isinstance(token, str)
            and isinstance(blend, str)
            and token.isascii()
            and token.isprintable()
            and 0 < port < 65536
        ):
            return Address(process, port, token, blend)
    return None
