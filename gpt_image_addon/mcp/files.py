"""Which files agents may name: what they show a model leaves this machine.

Read is what lies below the folder of the .blend, the state folder and the folders that the user named;
written only below the latter.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from ..app import blend_paths, settings
from ..core.common.paths import state_folder
from ..core.errors import InvalidRequestError
from ..core.text.message import message
from . import ALLOW_FLAG


@dataclass(frozen=True)
class Folders:
    """The folders that the user named, here and in the preferences."""

    named: tuple[Path, ...] = ()

    def _all_named(self) -> tuple[Path, ...]:
        return (*self.named, *settings.agent_folders())

    def check_image(self, given: str, param: str) -> str:
        """The path of an image that may be read, without any link in it.

        :raises InvalidRequestError: it lies elsewhere, or is no image by its content.
        """
        from ..core.imaging.formats import inspect_file

        path = _resolve(given, param, (*self._all_named(), state_folder(), *_blend_folder()))
        try:
            inspect_file(path)
        except InvalidRequestError as error:
            error.param = param
            raise
        return str(path)

    def check_output(self, given: str, param: str, *, is_folder: bool = False) -> str:
        """The path of something that may be written.

        :param is_folder: a folder gets files, none of which is replaced.
        :raises InvalidRequestError: it lies elsewhere, or something has this name.
        """
        path = _resolve(given, param, self._all_named())
        if not is_folder and os.path.lexists(path):
            raise InvalidRequestError(
                message("{path} exists, and no tool replaces a file.", path=path),
                code="output_exists",
                param=param,
                next_step="Take another name.",
            )
        return str(path)


def _blend_folder() -> tuple[Path, ...]:
    try:
        return (blend_paths.resolve(blend_paths.RELATIVE, "blend"),)
    except InvalidRequestError:  # never saved
        return ()


def _resolve(given: str, param: str, roots: tuple[Path, ...]) -> Path:
    """What a path leads to, where that lies below one of the folders.

    :raises InvalidRequestError: it lies elsewhere; whether it exists is not told.
    """
    if os.name == "nt" and given.startswith(("\\\\", "//?", "//.")):
        raise _outside(given, param, roots)  # even a look at it would send this user's name to that machine
    path = Path(os.path.normpath(blend_paths.resolve(given, param)))
    real = Path(os.path.realpath(path))
    if not any(_is_below(path, root) and _is_below(real, root) for root in roots):
        raise _outside(given, param, roots)
    return real


def _is_below(path: Path, root: Path) -> bool:
    """Whether a path lies in a folder, by the name that the user gave it or by what that leads to."""
    return path.is_relative_to(root) or path.is_relative_to(os.path.realpath(root))


def _outside(given: str, param: str, roots: tuple[Path, ...]) -> InvalidRequestError:
    folders = ", ".join(map(str, roots))
    return InvalidRequestError(
        message("{param} '{path}' is outside the folders that agents may use.", param=param, path=given),
        code="outside_folders",
        param=param,
        next_step=message(
            "The folders are: {folders}. The user can name more in the add-on's preferences, or by starting "
            "the server with {flag} FOLDER.",
            folders=folders or "none",
            flag=ALLOW_FLAG,
        ),
    )
