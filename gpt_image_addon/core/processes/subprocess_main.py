"""The process of `subprocess_worker`: as a script it does one call after another until its pipe closes."""

from __future__ import annotations

import contextlib
import os
import pickle
import sys
import traceback
import types
from collections.abc import Callable
from typing import Any

NICENESS = 10  # the window goes first


def main() -> None:
    """Take calls from standard input, and give what comes of them to standard output."""
    asked = sys.stdin.buffer
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what a library prints would spoil the answers
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    package, folder, sys.path[:] = pickle.load(asked)
    stand_in(package, folder)
    with contextlib.suppress(EOFError, BrokenPipeError):
        while True:
            pickle.dump(outcome(*pickle.load(asked)), answers)
            answers.flush()


def stand_in(package: str, folder: str) -> None:
    """Let modules below a package be imported without it, as it needs Blender.

    :param package: dotted name.
    :param folder: where it lies.
    """
    names = package.split(".")
    for length in range(1, len(names) + 1):
        module = types.ModuleType(".".join(names[:length]))
        module.__path__ = [folder] if length == len(names) else []
        sys.modules[module.__name__] = module


def outcome(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[bool, Any]:
    """Whether a call raised something, and what it raised or returned."""
    try:
        return False, function(*args, **kwargs)
    except Exception as error:
        error.add_note(traceback.format_exc())
        return True, error


if __name__ == "__main__":
    main()
