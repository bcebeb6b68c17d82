"""Where the state folder is, and what a path that comes from outside may name.

Journals and answers of other machines, manifests and .blend files name paths; each one passes here before it
is used.
"""

from __future__ import annotations

import os
import re
import stat
import sys
from pathlib import Path

from ..errors import ConfigurationError
from ..text.message import message
from ..text.plain_text import DEVICE

DATA_DIR_VARIABLE = "GPT_IMAGE_DATA_DIR"

_JOB_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")
_IMAGE_NUMBER = re.compile(r"[1-9][0-9]?")
_MONTH = re.compile(r"[0-9]{4}-(?:0[1-9]|1[0-2])")
_NOT_IN_NAMES = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f]')


def state_folder() -> Path:
    """The folder of the journal and the results, one per user and machine.

    It lies outside Blender's own folders: removing or updating an extension empties those.

    :raises ConfigurationError: nobody knows this user's home, and no other folder is set.
    """
    try:
        return _state_folder()
    except RuntimeError as error:
        raise ConfigurationError(
            "This user has no home folder.",
            code="no_home",
            next_step=message("Set {variable} to a folder that can be written.", variable=DATA_DIR_VARIABLE),
        ) from error


def _state_folder() -> Path:
    chosen = os.environ.get(DATA_DIR_VARIABLE)
    if chosen:
        return Path(chosen).expanduser().absolute()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "GPT Image"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "GPT Image"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "gpt-image"


def is_job_id(text: object) -> bool:
    """Whether a text can be the id of a job, and so the name of its result folder."""
    return isinstance(text, str) and _JOB_ID.fullmatch(text) is not None and DEVICE.match(text) is None


def split_version(text: object) -> tuple[str, int] | None:
    """The job and the number of one of its images, as ``JOB/2`` names them; None for what names none.

    :returns: the number from 1; 0 where only a job is named.
    """
    if not isinstance(text, str):
        return None
    job, slash, number = text.partition("/")
    if not is_job_id(job) or (slash and _IMAGE_NUMBER.fullmatch(number) is None):
        return None
    return job, int(number or 0)


def is_month(text: object) -> bool:
    """Whether a text is a month as folders name it, ``yyyy-mm``."""
    return isinstance(text, str) and _MONTH.fullmatch(text) is not None


def is_file_name(text: object) -> bool:
    """Whether a text names a file in a folder and leads nowhere else, on every system."""
    return (
        isinstance(text, str)
        and 0 < len(text.encode("utf-8", "replace")) <= 255
        and text.strip(" .") != ""
        and _NOT_IN_NAMES.search(text) is None
        and DEVICE.match(text) is None
    )


def find_below(root: Path, relative: object) -> Path | None:
    """What a relative path names below a folder, without a link on the way; None for everything else.

    :param relative: as somebody else wrote it, with either kind of slash.
    """
    if not isinstance(relative, str):
        return None
    parts = relative.replace("\\", "/").split("/")
    if not all(map(is_file_name, parts)):
        return None
    path = root
    for part in parts:
        path = path / part
        try:
            kind = path.lstat().st_mode
        except OSError:
            return None
        if not (stat.S_ISDIR(kind) or stat.S_ISREG(kind)):
            return None
    return path
