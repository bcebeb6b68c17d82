"""Paths as Blender's users write them: ``//`` at the start stands for the folder of the .blend."""

from __future__ import annotations

import errno
from pathlib import Path

import bpy

from ..core.errors import InvalidRequestError
from ..core.text.message import message

RELATIVE = "//"


def resolve(path: str | Path, param: str) -> Path:
    """The absolute path that is meant.

    :param param: the name under which it was given.
    :raises InvalidRequestError: it is relative to a .blend that was never saved, or can't be a path.
    """
    text = str(path)
    if not text or "\0" in text:
        raise InvalidRequestError(
            message("{param} must be a path.", param=param), code="invalid_value", param=param
        )
    if not text.startswith(RELATIVE):
        return _possible(Path(text).absolute(), param)
    if not bpy.data.filepath:
        raise InvalidRequestError(
            message("'{text}' is relative to the .blend, and this one was never saved.", text=text),
            code="unsaved_blend",
            param=param,
            next_step="Save it first, or give an absolute path.",
        )
    return _possible(Path(bpy.path.abspath(text)).absolute(), param)


def _possible(path: Path, param: str) -> Path:
    """Refuse what the system could not even look for; later on nobody expects that."""
    try:
        path.lstat()
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise InvalidRequestError(
                message("{param} is too long for a path.", param=param), code="invalid_value", param=param
            ) from None
    except ValueError:  # half of a character
        raise InvalidRequestError(
            message("{param} must be a path.", param=param), code="invalid_value", param=param
        ) from None
    return path
